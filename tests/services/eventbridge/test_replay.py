# SPDX-License-Identifier: Apache-2.0

"""What is particular to EventBridge replays: their names, windows, results, progress and cancel."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError, JobInputError, JobNotFoundError
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START

from .replays import ARCHIVE, BUS, DAY, RULE, replay


class TestOwnName:
    """A name of the user's own is theirs, and never anybody else's replay."""

    def test_is_used_and_found_again(self, aws: AwsJobs) -> None:
        task = replay(replay_name="my-orders")
        assert task.run()["replay_name"] == "my-orders"
        assert task.run()["replay_name"] == "my-orders"
        task.clear()
        assert task.run()["replay_name"] == "my-orders.2"
        assert len(aws.jobs("events")) == 2

    def test_is_numbered_after_a_failure(self, aws: AwsJobs) -> None:
        task = replay(replay_name="my-orders")
        aws.fail_next("events", "no luck")
        with pytest.raises(Exception, match="no luck"):
            task.run()
        assert task.run()["replay_name"] == "my-orders.2"

    @pytest.mark.parametrize("other", [{"EventEndTime": datetime(2026, 1, 3, tzinfo=UTC)}, {}])
    @pytest.mark.promise("lost-answer")
    def test_that_is_taken_is_an_error(self, aws: AwsJobs, other: dict[str, Any]) -> None:
        boto3.client("events", region_name=REGION).start_replay(
            **{
                "ReplayName": "my-orders",
                "EventSourceArn": ARCHIVE,
                "EventStartTime": DAY["event_start_time"],
                "EventEndTime": DAY["event_end_time"],
                "Destination": {"Arn": BUS},
                **other,
            }
        )
        with pytest.raises(JobInputError, match=r"'my-orders' exists already and is not this task's"):
            replay(replay_name="my-orders").run()
        assert len(aws.jobs("events")) == 1

    @pytest.mark.promise("lost-answer")
    def test_that_another_run_took_is_an_error(self, aws: AwsJobs) -> None:
        replay(replay_name="my-orders").run()
        other = replay(replay_name="my-orders")
        other.run_id = "another"
        with pytest.raises(JobInputError, match="choose another replay_name"):
            other.run()

    def test_does_not_catch_longer_names(self, aws: AwsJobs) -> None:
        replay(replay_name="my-orders-eu").run()
        assert replay(replay_name="my-orders").run()["replay_name"] == "my-orders"


def test_a_replay_that_is_not_described_yet_is_known_by_its_name(aws: AwsJobs) -> None:
    """Its name has the mark, and AWS says that there is one of that name."""
    task = replay(botocore_config={"retries": {"total_max_attempts": 1}})
    aws.set_lag("events", reads=4)
    aws.add_fault(Fault("StartReplay", "drop", when="after"))
    with pytest.raises(JobApiError):
        task.run()
    assert task.run()["state"] == "COMPLETED"
    assert len(aws.jobs("events")) == 1


def test_the_result_tells_the_window_and_the_times(aws: AwsJobs) -> None:
    boto3.client("events", region_name=REGION).put_rule(Name="to-queue", EventPattern='{"source": ["shop"]}')
    result = replay(archive=ARCHIVE, rule_arns=[RULE]).run()
    assert set(result) == {
        "replay_name",
        "replay_arn",
        "archive_arn",
        "event_start_time",
        "event_end_time",
        "event_last_replayed_time",
        "replay_start_time",
        "replay_end_time",
        "state",
    }
    assert result["archive_arn"] == ARCHIVE
    assert result["event_start_time"] == "2026-01-01T00:00:00+00:00"
    assert result["event_end_time"] == "2026-01-02T00:00:00+00:00"
    assert result["event_last_replayed_time"] is None
    assert result["state"] == "COMPLETED"


def test_a_name_tells_the_task_and_fits(aws: AwsJobs) -> None:
    task = OneTask(
        lambda: EventBridgeStartReplayOperator(
            task_id="a_very_long_name_" * 8, archive="orders", **DAY, poll_interval=0.02, **AWS
        )
    )
    name = task.run()["replay_name"]
    assert name.startswith("orders.a_very_long_n")
    assert len(name) <= 64


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_fresh_window_waits_for_the_archive(aws: AwsJobs, deferrable: bool) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    task = replay(
        deferrable=deferrable,
        event_start_time=now - timedelta(hours=1),
        event_end_time=now - timedelta(seconds=1),
        archive_delay=timedelta(seconds=3),
    )
    task.run()
    (job,) = aws.jobs("events")
    started = hook_start(job["id"])
    assert started >= now + timedelta(seconds=2)


def hook_start(name: str) -> datetime:
    start: datetime = boto3.client("events", region_name=REGION).describe_replay(ReplayName=name)[
        "ReplayStartTime"
    ]
    return start


def test_progress_tells_percent_time_and_speed(aws: AwsJobs, logged: Callable[[], str]) -> None:
    events = boto3.client("events", region_name=REGION)
    events.put_events(
        Entries=[
            {
                "Source": "shop",
                "DetailType": "order",
                "Detail": "{}",
                "Time": datetime(2026, 1, 1, hour, tzinfo=UTC),
            }
            for hour in (1, 6, 20)
        ]
    )
    aws.set_pace(reads=4)
    task = replay(deferrable=True)
    task.begin()
    # A minute passes at AWS: the time left is told by its clock.
    aws.set_clock_skew(60)
    result = task.resume(task.fire())
    said = logged()
    assert "RUNNING, 25%" in said
    assert "events up to 2026-01-01T06:00:00+00:00, " in said
    assert "times real time" in said
    assert " left" in said
    assert "COMPLETED, 100%" in said
    assert result["event_last_replayed_time"] == "2026-01-01T20:00:00+00:00"


def test_a_replay_that_stands_still_is_told_of_once(aws: AwsJobs, logged: Callable[[], str]) -> None:
    """Its speed falls and its time left grows with every look, but neither is worth a line."""
    events = boto3.client("events", region_name=REGION)
    moment = datetime(2026, 1, 1, 6, tzinfo=UTC)
    events.put_events(
        Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}", "Time": moment}],
    )
    aws.set_pace()
    task = replay(deferrable=True)
    task.begin()
    (job,) = aws.jobs("events")
    aws.advance(job["id"], to=0.5)

    async def looked_at() -> None:
        waiting = asyncio.ensure_future(anext(task.trigger().run()))
        deadline = time.monotonic() + 30
        while aws.calls("events").get("DescribeReplay", 0) < 10 and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        waiting.cancel()
        await asyncio.wait([waiting])

    asyncio.run(looked_at())
    assert aws.calls("events")["DescribeReplay"] >= 10
    speeds = re.findall(r"RUNNING, 25%.* (\S+) times real time", logged())
    assert len(set(speeds)) == 1


class TestCancel:
    """The cancel operator."""

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_waits_until_cancelled(self, aws: AwsJobs, deferrable: bool) -> None:
        aws.set_pace(reads=6)
        name = replay(wait_for_completion=False).run()["replay_name"]
        cancel = OneTask(
            lambda: EventBridgeCancelReplayOperator(
                task_id="cancel", replay_name=name, poll_interval=0.02, deferrable=deferrable, **AWS
            )
        )
        assert cancel.run()["state"] == "CANCELLED"

    def test_of_an_ended_replay_is_done(self, aws: AwsJobs) -> None:
        name = replay().run()["replay_name"]
        cancel = OneTask(lambda: EventBridgeCancelReplayOperator(task_id="cancel", replay_name=name, **AWS))
        assert cancel.run()["state"] == "COMPLETED"
        assert "CancelReplay" not in aws.calls("events")

    def test_without_waiting(self, aws: AwsJobs) -> None:
        aws.set_pace()
        name = replay(wait_for_completion=False).run()["replay_name"]
        cancel = OneTask(
            lambda: EventBridgeCancelReplayOperator(
                task_id="cancel", replay_name=name, wait_for_completion=False, **AWS
            )
        )
        assert cancel.run()["state"] == "CANCELLING"

    def test_of_an_unknown_replay_is_an_error(self, aws: AwsJobs) -> None:
        cancel = OneTask(
            lambda: EventBridgeCancelReplayOperator(task_id="cancel", replay_name="nobody", **AWS)
        )
        with pytest.raises(JobNotFoundError, match="nobody"):
            cancel.run()


def test_the_window_is_the_runs_data_interval() -> None:
    operator = EventBridgeStartReplayOperator(task_id="replay", archive="orders")
    assert (operator.event_start_time, operator.event_end_time) == (INTERVAL_START, INTERVAL_END)


@pytest.mark.parametrize("native", [False, True])
def test_the_default_templates_render(native: bool) -> None:
    from airflow.providers.common.compat.sdk import DAG

    dag = DAG("orders", schedule=None, render_template_as_native_obj=native)
    operator = EventBridgeStartReplayOperator(task_id="replay", archive="{{ what }}", dag=dag)
    context: Any = {
        "what": "orders",
        "data_interval_start": DAY["event_start_time"],
        "data_interval_end": DAY["event_end_time"],
    }
    operator.render_template_fields(context)
    request = operator.job_request(OneTask(lambda: operator).context(operator))
    assert (request.start, request.end) == (DAY["event_start_time"], DAY["event_end_time"])
    assert request.archive == "orders"
