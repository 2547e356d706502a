# SPDX-License-Identifier: Apache-2.0

"""What is particular to EventBridge replays."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError, JobInputError, JobNotFoundError
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START

ARCHIVE = f"arn:aws:events:{REGION}:123456789012:archive/orders"
BUS = f"arn:aws:events:{REGION}:123456789012:event-bus/default"
RULE = f"arn:aws:events:{REGION}:123456789012:rule/to-queue"
DAY: dict[str, Any] = {
    "event_start_time": datetime(2026, 1, 1, tzinfo=UTC),
    "event_end_time": datetime(2026, 1, 2, tzinfo=UTC),
}


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        boto3.client("events", region_name=REGION).create_archive(ArchiveName="orders", EventSourceArn=BUS)
        yield control


@pytest.fixture
def hook(aws: AwsJobs) -> EventBridgeReplayHook:
    return EventBridgeReplayHook(aws_conn_id=None, region_name=REGION)


def replay(**kwargs: Any) -> OneTask:
    given = {"archive": "orders", **DAY, "poll_interval": 0.02, **AWS, **kwargs}
    return OneTask(lambda: EventBridgeStartReplayOperator(task_id="replay", **given))


@pytest.mark.promise("bad-input")
class TestBadInput:
    """A clear error before any call, and none that Airflow would retry."""

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"event_end_time": DAY["event_start_time"]}, "at least a second after"),
            ({"event_end_time": "2025-12-31T00:00:00+00:00"}, "CronDataIntervalTimetable"),
            ({"event_start_time": "2026-01-01T00:00:00"}, "has no time zone. Write it with an offset"),
            ({"event_start_time": datetime(2026, 1, 1)}, "has no time zone"),
            ({"event_start_time": "yesterday"}, "is not a time. Write it as"),
            ({"event_start_time": 1767225600}, "must be an aware datetime or a string"),
            ({"event_start_time": ""}, "no data interval.*Pass event_start_time"),
            ({"event_end_time": None}, "no data interval.*Pass event_end_time"),
            ({"replay_name": "x" * 65}, "1 to 64 characters"),
            ({"replay_name": "orders 1"}, "letters, digits and .-_"),
            ({"replay_name": "orders\n"}, "letters, digits and .-_"),
            ({"archive": "orders/2026"}, "neither an archive's name .* nor its ARN"),
            ({"archive": "arn:aws:events:us-east-1:123456789012:event-bus/default"}, "nor its ARN"),
            ({"archive": "x" * 49}, "1 to 48"),
            ({"archive": None}, "archive is missing"),
            ({"rule_arns": RULE}, "must be a list of texts, not str. Put a text into one"),
            ({"rule_arns": ["to-queue"]}, "is not a rule's ARN"),
            ({"rule_arns": [RULE, RULE.replace("to-queue", "other/to-queue")]}, "several event buses"),
            ({"botocore_config": {"retries": object()}}, "cannot be sent to the triggerer"),
        ],
    )
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_of_the_replay(self, aws: AwsJobs, given: dict[str, Any], message: str, deferrable: bool) -> None:
        before = aws.calls("events")
        with pytest.raises(JobInputError, match=message) as caught:
            replay(deferrable=deferrable, **given).run()
        assert isinstance(caught.value, AirflowFailException)
        assert aws.calls("events") == before

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"poll_interval": 0}, "poll_interval=0 must be a positive number"),
            ({"poll_interval": -1}, "poll_interval=-1 must be"),
            ({"job_timeout": timedelta(0)}, "job_timeout=.* must be a positive number"),
            ({"archive_delay": timedelta(minutes=-1)}, "archive_delay=.* that is not negative"),
        ],
    )
    def test_that_shows_when_the_dag_is_read(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(JobInputError, match=message):
            replay(**given).make()

    def test_of_a_rule_of_another_bus_than_the_archives(self, aws: AwsJobs) -> None:
        with pytest.raises(JobInputError, match=r"rule/other/to-queue is not on the archive's event bus"):
            replay(rule_arns=[RULE.replace("to-queue", "other/to-queue")]).run()
        assert "StartReplay" not in aws.calls("events")

    def test_of_the_cancel(self, aws: AwsJobs) -> None:
        with pytest.raises(JobInputError, match="must be 1 to 64 characters"):
            OneTask(lambda: EventBridgeCancelReplayOperator(task_id="cancel", replay_name="a b", **AWS)).run()
        assert "DescribeReplay" not in aws.calls("events")


class TestRefusals:
    """AWS's own message, and what to check."""

    def test_of_a_missing_archive(self, aws: AwsJobs) -> None:
        with pytest.raises(
            JobNotFoundError, match=r"Archive no-such does not exist\. Check the archive's name"
        ):
            replay(archive="no-such").run()

    def test_of_a_missing_bus(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        events = boto3.client("events", region_name=REGION)
        bus = events.create_event_bus(Name="gone")["EventBusArn"]
        events.create_archive(ArchiveName="left", EventSourceArn=bus)
        events.delete_event_bus(Name="gone")
        with pytest.raises(
            JobNotFoundError, match=r"Event bus .* does not exist.*A replay needs the event bus"
        ):
            replay(archive="left").run()

    @pytest.mark.promise("other-account")
    def test_of_another_bus(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        other = boto3.client("events", region_name=REGION).create_event_bus(Name="other")["EventBusArn"]
        with pytest.raises(JobInputError, match=r"Cross event bus replay is not permitted.*name no other"):
            hook.start_replay(
                "x", ARCHIVE, DAY["event_start_time"], DAY["event_end_time"], destination_arn=other
            )

    def test_of_access(self, aws: AwsJobs) -> None:
        aws.add_fault(Fault("StartReplay", "access-denied"))
        with pytest.raises(
            Exception, match=r"AccessDenied.*role of connection None allows events:StartReplay"
        ):
            replay().run()


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


class TestHook:
    """The hook by itself."""

    @pytest.fixture
    def hook(self, aws: AwsJobs) -> EventBridgeReplayHook:
        """A hook without retries of botocore's own."""
        once = {"retries": {"total_max_attempts": 1}}
        return EventBridgeReplayHook(aws_conn_id=None, region_name=REGION, config=once)

    def test_lists_all_pages(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_quota("events", 300)
        for number in range(205):
            hook.start_replay(
                f"r{number:03}", ARCHIVE, DAY["event_start_time"], DAY["event_end_time"], destination_arn=BUS
            )
        assert len(hook.list_replays(name_prefix="r")) == 205
        assert aws.calls("events")["ListReplays"] == 3

    def test_looks_at_many_with_few_calls(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_pace()
        aws.set_quota("events", 300)
        names = [f"r{number:03}" for number in range(90)]
        for name in names:
            hook.start_replay(
                name, ARCHIVE, DAY["event_start_time"], DAY["event_end_time"], destination_arn=BUS
            )
        aws.advance("r007")
        before = aws.calls("events")
        found = hook.describe_jobs([*names, "r999"])
        after = aws.calls("events")
        assert after["ListReplays"] - before.get("ListReplays", 0) <= 4
        assert after["DescribeReplay"] - before.get("DescribeReplay", 0) == 2
        assert isinstance(found["r999"], JobNotFoundError)
        assert [name for name, job in found.items() if getattr(job, "service_state", "") == "COMPLETED"] == [
            "r007"
        ]

    def test_looks_at_those_that_run_with_one_call(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_pace()
        names = [f"r{number}" for number in range(8)]
        for name in names:
            hook.start_replay(
                name, ARCHIVE, DAY["event_start_time"], DAY["event_end_time"], destination_arn=BUS
            )
        for name in names[:5]:
            aws.advance(name, to=0.5)
        before = aws.calls("events")
        found = hook.describe_jobs(names)
        calls = {name: count - before.get(name, 0) for name, count in aws.calls("events").items()}
        # Three are left that have not begun to run: no more than a few.
        assert {name: count for name, count in calls.items() if count} == {
            "ListReplays": 1,
            "DescribeReplay": 3,
        }
        states = [getattr(found[name], "service_state", "") for name in names]
        assert states == ["RUNNING"] * 5 + ["STARTING"] * 3

    def test_keeps_what_it_found_before_aws_was_busy(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_pace()
        for name in ("a", "b", "c"):
            hook.start_replay(name, "orders", DAY["event_start_time"], DAY["event_end_time"])
        aws.add_fault(Fault("DescribeReplay", "throttle", skip=1, count=9))
        found = hook.describe_jobs(["a", "b", "c"])
        assert isinstance(found["a"], JobStatus)
        assert isinstance(found["b"], JobApiError)
        assert found["b"].transient
        assert found["c"] is found["b"]
        assert aws.calls("events")["DescribeReplay"] <= 3

    def test_keeps_a_refusal_to_the_job_it_concerns(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_pace()
        for name in ("a", "c"):
            hook.start_replay(name, "orders", DAY["event_start_time"], DAY["event_end_time"])
        aws.add_fault(Fault("DescribeReplay", "access-denied", skip=1))
        found = hook.describe_jobs(["a", "", "c"])
        assert [type(job) for job in found.values()] == [JobStatus, JobInputError, JobApiError]

    def test_reads_the_bus_from_the_archive(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        hook.start_replay("one", "orders", DAY["event_start_time"], DAY["event_end_time"], rule_arns=[RULE])
        assert hook.describe_replay("one")["Destination"] == {"Arn": BUS, "FilterArns": [RULE]}

    def test_stops_only_what_runs(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        assert hook.stop_job("nobody") is False
        aws.set_pace(reads=1)
        hook.start_replay("one", "orders", DAY["event_start_time"], DAY["event_end_time"])
        assert hook.describe_job("one").service_state == "COMPLETED"
        assert hook.stop_job("one") is False


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


@pytest.mark.promise("bad-input")
def test_a_run_without_an_interval_names_the_parameter() -> None:
    from airflow.providers.common.compat.sdk import DAG

    dag = DAG("orders", schedule=None)
    operator = EventBridgeStartReplayOperator(task_id="replay", archive="orders", dag=dag)
    operator.render_template_fields({})
    with pytest.raises(JobInputError, match=r"no data interval.*Pass event_start_time"):
        operator.job_request(OneTask(lambda: operator).context(operator))
