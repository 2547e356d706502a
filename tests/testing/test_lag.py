# SPDX-License-Identifier: Apache-2.0

"""What AWS shows late, in lists and in descriptions apart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

import boto3
import pytest

from airflow_provider_jobs.testing import AwsJobsServer
from airflow_provider_jobs.testing.lag import Lag, Replica

from .aws.datapipeline.pipelines import Pipelines, activity
from .aws.lookoutequipment.plant import Plant
from .conftest import Cloud
from .shown_jobs import KINDS, Jobs, found


@pytest.fixture(params=KINDS, ids=lambda kind: kind.service)
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


def test_a_lag_passes_with_the_time_by_aws_s_clock(cloud: Cloud, jobs: Jobs) -> None:
    cloud.aws.set_lag(jobs.service, seconds=3600)
    jobs.start()
    assert (jobs.listed(), jobs.described()) == (None, None)
    cloud.aws.set_clock_skew(3601)
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


def test_in_a_realistic_server_an_event_is_late_in_its_archive() -> None:
    counts = []
    with AwsJobsServer(pace="realistic") as server:
        events = boto3.client(
            "events",
            region_name="us-east-1",
            endpoint_url=server.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        for delay in (None, 0.0):
            if delay is not None:
                server.set_archive(delay=delay)
            name = f"orders-{delay}"
            events.create_archive(ArchiveName=name, EventSourceArn=events.describe_event_bus()["Arn"])
            events.put_events(Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}])
            counts.append(events.describe_archive(ArchiveName=name)["EventCount"])
    assert counts == [0, 1]


def test_a_realistic_job_takes_minutes() -> None:
    with AwsJobsServer(pace="realistic") as server:
        cloud = Cloud(server, server.url)
        with cloud.closing:
            cloud.archive()
            cloud.start()
            first, *_ = server.jobs("events")
    assert 0 <= first["fraction"] < 0.2
