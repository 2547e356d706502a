# SPDX-License-Identifier: Apache-2.0

"""AWS's clock, which need not be this machine's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

import pytest
from botocore.exceptions import ClientError

from .aws.datapipeline.pipelines import Pipelines, activity
from .conftest import Cloud
from .shown_jobs import KINDS, Jobs


def date_of(answer: Any) -> datetime:
    return parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"])


@pytest.mark.parametrize("skew", [0, 7200, -7200])
@pytest.mark.parametrize("kind", KINDS)
def test_aws_has_a_clock_of_its_own(cloud: Cloud, kind: Callable[[Cloud], Jobs], skew: float) -> None:
    jobs = kind(cloud)
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


def test_what_has_happened_stays_when_the_clock_is_set(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start("ended")
    cloud.aws.advance("ended")
    cloud.start("cancelled")
    cloud.events.cancel_replay(ReplayName="cancelled")
    keys = ("started_at", "stop_asked_at", "ended_at")

    def times() -> list[list[float | None]]:
        return [[job[key] for key in keys] for job in cloud.aws.jobs("events")]

    before, described = times(), cloud.describe("ended")
    assert [[time is not None for time in each] for each in before] == [
        [True, False, True],
        [True, True, False],
    ]
    cloud.aws.set_clock_skew(7200)
    assert times() == before
    assert cloud.describe("ended") | {"ResponseMetadata": 0} == described | {"ResponseMetadata": 0}
    cloud.aws.advance("cancelled")
    later = times()[1][2]
    assert later is not None
    assert before[1][1] is not None
    assert later - before[1][1] > 7000, "what happens from then on has the new time"


def test_an_error_has_a_date(cloud: Cloud) -> None:
    with pytest.raises(ClientError) as caught:
        cloud.describe("nope")
    assert abs(date_of(caught.value.response) - datetime.now(UTC)) < timedelta(minutes=1)
