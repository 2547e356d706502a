# SPDX-License-Identifier: Apache-2.0

"""What AWS shows late, in lists and in descriptions apart; and a clock that is not this machine's."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Literal, Protocol

import pytest
from botocore.exceptions import ClientError

from airflow_provider_jobs.testing import AwsJobsServer
from airflow_provider_jobs.testing.lag import Lag, Replica

from .conftest import Cloud
from .pipelines import Pipelines, activity
from .plant import Plant
from .sensors import Sensors


class Jobs(Protocol):
    """One job of a service, as lists and descriptions show it."""

    service: str

    def start(self) -> str: ...

    def stop(self) -> None: ...

    def listed(self) -> str | None:
        """The job's state; None if it is not shown."""

    def described(self) -> str | None:
        """The job's state; None if it is not shown."""


class Replays:
    service = "events"

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        cloud.archive()

    def start(self) -> str:
        self.cloud.start()
        return "replay"

    def stop(self) -> None:
        self.cloud.events.cancel_replay(ReplayName="replay")

    def listed(self) -> str | None:
        rows = self.cloud.events.list_replays()["Replays"]
        return rows[0]["State"] if rows else None

    def described(self) -> str | None:
        return found(self.cloud.state)


class Ingestions:
    service = "lookoutequipment"

    def __init__(self, cloud: Cloud) -> None:
        self.plant = Plant(cloud)
        self.plant.put("a/1.csv", "2026-01-01T00:00:00,1,2")

    def start(self) -> str:
        self.id = str(self.plant.start()["JobId"])
        return self.id

    def stop(self) -> None:
        self.plant.aws.advance(self.id)

    def listed(self) -> str | None:
        rows = self.plant.api.list_data_ingestion_jobs()["DataIngestionJobSummaries"]
        return rows[0]["Status"] if rows else None

    def described(self) -> str | None:
        return found(lambda: str(self.plant.describe(self.id)["Status"]))


class Reprocessings:
    service = "iotanalytics"

    def __init__(self, cloud: Cloud) -> None:
        self.sensors = Sensors(cloud)

    def start(self) -> str:
        self.id = self.sensors.start()
        return self.id

    def stop(self) -> None:
        self.sensors.api.cancel_pipeline_reprocessing(pipelineName="cleaning", reprocessingId=self.id)
        self.sensors.aws.advance(self.id)

    def listed(self) -> str | None:
        (pipeline,) = self.sensors.api.list_pipelines()["pipelineSummaries"]
        rows = pipeline["reprocessingSummaries"]
        return rows[0]["status"] if rows else None

    def described(self) -> str | None:
        states = self.sensors.states()
        return states[0] if states else None


def found(state: Callable[[], str]) -> str | None:
    try:
        return state()
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise
        return None


@pytest.fixture(params=[Replays, Ingestions, Reprocessings], ids=lambda kind: kind.service)
def jobs(cloud: Cloud, request: pytest.FixtureRequest) -> Iterator[Jobs]:
    cloud.aws.set_pace()
    yield request.param(cloud)
    cloud.aws.set_lag()


WHERE: list[Literal["lists", "descriptions"]] = ["lists", "descriptions"]


def late_and_true(jobs: Jobs, where: str) -> tuple[Callable[[], str | None], Callable[[], str | None]]:
    return (jobs.listed, jobs.described) if where == "lists" else (jobs.described, jobs.listed)


@pytest.mark.parametrize("where", WHERE)
def test_a_start_shows_some_reads_late(cloud: Cloud, jobs: Jobs, where: Any) -> None:
    cloud.aws.set_lag(jobs.service, where, reads=2)
    jobs.start()
    late, true = late_and_true(jobs, where)
    assert true() is not None
    assert [late() is None for _ in range(4)] == [True, True, False, False]


@pytest.mark.parametrize("where", WHERE)
def test_a_change_shows_some_reads_late(cloud: Cloud, jobs: Jobs, where: Any) -> None:
    jobs.start()
    before = jobs.listed()
    cloud.aws.set_lag(jobs.service, where, reads=2)
    jobs.stop()
    late, true = late_and_true(jobs, where)
    after = true()
    assert after not in (None, before)
    assert [late() for _ in range(4)] == [before, before, after, after]


@pytest.mark.parametrize("where", WHERE)
def test_a_start_shows_some_seconds_late(cloud: Cloud, jobs: Jobs, where: Any) -> None:
    cloud.aws.set_lag(where=where, seconds=1)
    began = time.monotonic()
    jobs.start()
    started = time.monotonic()
    late, true = late_and_true(jobs, where)
    assert true() is not None
    while late() is None:
        assert time.monotonic() < began + 20
    shown = time.monotonic()
    assert shown - began >= 1
    assert shown - started < 10


@pytest.mark.parametrize("where", WHERE)
def test_an_end_shows_some_seconds_late(cloud: Cloud, jobs: Jobs, where: Any) -> None:
    job_id = jobs.start()
    before = jobs.listed()
    cloud.aws.set_lag(where=where, seconds=1)
    began = time.monotonic()
    cloud.aws.advance(job_id)
    late, true = late_and_true(jobs, where)
    after = true()
    assert after not in (None, before)
    seen = late()
    assert seen == before or time.monotonic() > began + 1
    while late() != after:
        assert time.monotonic() < began + 20
    assert time.monotonic() - began >= 1


def test_both_are_late_unless_one_is_named(cloud: Cloud, jobs: Jobs) -> None:
    cloud.aws.set_lag(reads=1)
    jobs.start()
    assert (jobs.listed(), jobs.described()) == (None, None)
    assert None not in (jobs.listed(), jobs.described())


def test_no_lag_shows_what_was_late(cloud: Cloud, jobs: Jobs) -> None:
    cloud.aws.set_lag(jobs.service, seconds=3600)
    jobs.start()
    assert (jobs.listed(), jobs.described()) == (None, None)
    cloud.aws.set_lag()
    assert None not in (jobs.listed(), jobs.described())


def test_a_job_that_does_not_show_is_not_read(cloud: Cloud, jobs: Jobs) -> None:
    cloud.aws.set_pace(reads=2)
    cloud.aws.set_lag(jobs.service, reads=3)
    jobs.start()
    assert [jobs.listed() for _ in range(3)] == [jobs.described() for _ in range(3)] == [None] * 3
    assert [job["fraction"] for job in cloud.aws.jobs(jobs.service)] == [0.0]


def test_calls_that_start_know_the_truth(cloud: Cloud) -> None:
    cloud.archive()
    cloud.aws.set_lag(seconds=3600)
    cloud.start()
    with pytest.raises(cloud.events.exceptions.ResourceAlreadyExistsException):
        cloud.start()
    plant = Plant(cloud)
    plant.put("a/1.csv", "2026-01-01T00:00:00,1,2")
    assert plant.start("token")["JobId"] == plant.start("token")["JobId"]


def test_a_list_filters_by_what_it_shows(cloud: Cloud) -> None:
    cloud.aws.set_pace()
    cloud.archive()
    cloud.start()
    cloud.aws.set_lag("events", "lists", seconds=3600)
    cloud.events.cancel_replay(ReplayName="replay")
    assert cloud.state() == "CANCELLING"
    listed = {
        state: [row["State"] for row in cloud.events.list_replays(State=state)["Replays"]]
        for state in ("STARTING", "CANCELLING")
    }
    assert listed == {"STARTING": ["STARTING"], "CANCELLING": []}


def test_data_pipeline_describes_the_activation_late(cloud: Cloud) -> None:
    cloud.aws.set_pace()
    pipelines = Pipelines(cloud)
    cloud.aws.set_lag("datapipeline", "descriptions", reads=1)
    pipeline_id = pipelines.run(Load=activity())
    states = [pipelines.fields(pipeline_id) for _ in range(2)]
    assert [fields["@pipelineState"] for fields in states] == ["PENDING", "SCHEDULED"]
    assert ["@lastActivationTime" in fields for fields in states] == [False, True]
    assert pipelines.ids(pipeline_id, "INSTANCE"), "instances have no lag"
    cloud.aws.advance(pipeline_id)
    assert [pipelines.state(pipeline_id) for _ in range(2)] == ["SCHEDULED", "FINISHED"]
    cloud.aws.set_lag("datapipeline", seconds=3600)
    cloud.aws.set_lag("datapipeline", "lists", reads=5)
    pipelines.activate(pipeline_id)
    assert pipelines.state(pipeline_id) == "FINISHED"
    assert pipelines.statuses(pipeline_id) == {"Load": "WAITING_FOR_RUNNER"}


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"seconds": 1, "reads": 1}, "A lag goes by seconds or by reads, not by both"),
        ({"seconds": -1}, "seconds must not be negative, got -1"),
        ({"reads": -1}, "reads must not be negative, got -1"),
        ({"where": "dreams"}, "where is one of lists, descriptions, got 'dreams'"),
    ],
)
def test_lags_that_mean_nothing(cloud: Cloud, arguments: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        cloud.aws.set_lag(**arguments)


def test_reset_ends_lag_and_skew(cloud: Cloud) -> None:
    cloud.aws.set_lag(reads=5)
    cloud.aws.set_clock_skew(3600)
    cloud.aws.reset()
    cloud.archive()
    cloud.start()
    assert cloud.state()
    assert abs(cloud.aws.now() - datetime.now(UTC)) < timedelta(minutes=5)


def test_seconds_by_the_clock() -> None:
    clock, state, active = [100.0], ["a"], [True]
    replica = Replica(
        lambda: {"state": state[0]}, lambda: None, lambda: active[0], lambda: clock[0], Lag(seconds=5)
    )
    assert replica.look() is None
    clock[0], state[0] = 103.0, "b"
    replica.note()
    clock[0], state[0], active[0] = 104.0, "c", False
    replica.note()
    seen = []
    for clock[0] in (104.9, 105.0, 107.9, 108.0, 108.9, 109.0, 200.0):
        replica.note()
        row = replica.look()
        seen.append(row and row["state"])
    assert seen == [None, "a", "a", "b", "b", "c", "c"]


def date_of(answer: Any) -> datetime:
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


@pytest.mark.parametrize("skew", [0, 7200, -7200])
def test_aws_has_a_clock_of_its_own(cloud: Cloud, jobs: Jobs, skew: float) -> None:
    cloud.aws.set_clock_skew(skew)
    job_id = jobs.start()
    cloud.aws.advance(job_id)
    expected = datetime.now(UTC) + timedelta(seconds=skew)
    (job,) = cloud.aws.jobs(jobs.service)
    answers = [cloud.events.list_replays(), cloud.client("sts").get_caller_identity()]
    times = [cloud.aws.now(), *map(date_of, answers)]
    times += [datetime.fromtimestamp(job[key], UTC) for key in ("started_at", "ended_at")]
    assert all(abs(each - expected) < timedelta(minutes=1) for each in times)


def test_a_replays_times_are_aws_times_and_its_window_is_not(cloud: Cloud) -> None:
    cloud.archive()
    cloud.aws.set_clock_skew(7200)
    window = cloud.start()["ReplayStartTime"]
    described = cloud.describe()
    assert described["ReplayStartTime"] == window
    assert abs(window - date_of(described)) < timedelta(minutes=1)
    assert described["EventStartTime"] == datetime(2026, 11, 1, tzinfo=UTC)


def test_an_activations_time_is_aws_time(cloud: Cloud) -> None:
    cloud.aws.set_clock_skew(7200)
    pipelines = Pipelines(cloud)
    fields = pipelines.fields(pipelines.run(Load=activity()))
    activated = datetime.fromisoformat(fields["@lastActivationTime"]).replace(tzinfo=UTC)
    assert abs(activated - datetime.now(UTC) - timedelta(hours=2)) < timedelta(minutes=1)


def test_a_job_keeps_its_pace_when_the_clock_is_set(cloud: Cloud) -> None:
    cloud.aws.set_pace(seconds=3600)
    cloud.archive()
    cloud.start()
    cloud.aws.set_clock_skew(7200)
    assert cloud.state() == "RUNNING"
    assert cloud.aws.jobs("events")[0]["fraction"] < 0.5


def test_an_error_has_a_date(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.describe("nope")
    assert abs(date_of(caught.value.response) - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_realistic_server_lags() -> None:
    with AwsJobsServer(pace="realistic", seconds=0) as server:
        cloud = Cloud(server, server.url)
        with cloud.closing:
            cloud.archive()
            began = time.monotonic()
            cloud.start()
            assert cloud.events.list_replays()["Replays"] == []
            while found(cloud.state) is None:
                assert time.monotonic() < began + 30
            assert time.monotonic() - began >= 2
            while not cloud.events.list_replays()["Replays"]:
                assert time.monotonic() < began + 30
            assert time.monotonic() - began >= 5
            server.reset()
            cloud.archive()
            cloud.start()
            assert found(cloud.state) is None, "reset goes back to the first lag"
    with pytest.raises(ValueError, match="pace is one of fast, realistic, got 'slow'"):
        AwsJobsServer(pace="slow")  # type: ignore[arg-type]


def test_a_realistic_job_takes_minutes() -> None:
    with AwsJobsServer(pace="realistic") as server:
        cloud = Cloud(server, server.url)
        with cloud.closing:
            cloud.archive()
            cloud.start()
            first, *_ = server.jobs("events")
    assert 0 <= first["fraction"] < 0.2
