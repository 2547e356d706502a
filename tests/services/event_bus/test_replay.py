# SPDX-License-Identifier: Apache-2.0

"""Replays on a Custom Event Bus: their end by figures, what is checked before, and what is tidied after."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException
from airflow_features import needs
from api_calls import recorded
from job_cases import AWS, EventBus, client
from one_task import OneTask

from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.fingerprint import Fingerprint
from airflow_provider_jobs._once.identity import Identity, Life
from airflow_provider_jobs.exceptions import JobEndedError, JobError, JobInputError, JobTimeoutError
from airflow_provider_jobs.hooks.event_bus import EventBusReplayHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.operators.event_bus import (
    EventBridgeCancelReplaySubscriberOperator,
    EventBridgePauseReplaySubscriberOperator,
    EventBridgeResumeReplaySubscriberOperator,
)
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
#: The figures alone tell the end, with the usual patience.
BY_FIGURES: dict[str, Any] = {"expected_events": None, "quiet_period": 300}


def states(aws: AwsJobs) -> list[str]:
    return [job["state"] for job in aws.jobs("eventbridgev2")]


def subscribers() -> list[str]:
    return [each["Name"] for each in client("eventbridgev2").list_subscribers()["Subscribers"]]


@pytest.mark.parametrize(
    ("settings", "fails_for", "most"),
    [
        ({}, 0, 9),
        # Its three events are delivered before an age of the backlog is sent.
        ({"startup_delay": 180}, 0, 22),
        ({"metrics_late": 360}, 0, 15),
        ({"retry_delay": 20}, 240, 9),
        ({"retry_delay": 20, "metrics_late": 360, "startup_delay": 180}, 240, 30),
        ({"dimensions": "name"}, 0, 9),
    ],
)
def test_the_end_is_told_after_the_last_delivery_and_soon(
    aws: AwsJobs, make: MakeTask, settings: dict[str, Any], fails_for: int, most: int
) -> None:
    """AWS's clock is set forward by half a minute for each poll."""
    aws.set_subscribers(**settings)
    if fails_for:
        aws.set_target(QUEUE, "SERVICE_UNAVAILABLE", fails_for + settings.get("startup_delay", 0))
    retries = {"MaxRetryAttempts": 20, "MaxEventAgeInSeconds": 3600}
    name = make(**BY_FIGURES, delivery_retries=retries, wait_for_completion=False).run()["subscriber_name"]
    hook = EventBusReplayHook(aws_conn_id=None, region_name="us-east-1")
    delivered = None
    for poll in range(1, 90):
        aws.set_clock_skew(30 * poll)
        (job,) = aws.jobs("eventbridgev2")
        if delivered is None and not job["undelivered"]:
            delivered = poll / 2
        status = hook.describe_job(name)
        if status.state.ended:
            assert delivered is not None, "told before it was delivered"
            assert poll / 2 - delivered <= most
            assert (status.state, status.details["events_delivered"]) == ("succeeded", 3)
            return
    pytest.fail(f"never told: {status}")


def test_what_fails_is_counted_and_fails_the_task(aws: AwsJobs, make: MakeTask) -> None:
    aws.set_target(QUEUE, "ACCESS_DENIED")
    task = make(**BY_FIGURES, delivery_retries={"MaxRetryAttempts": 0})
    task.make = make(**BY_FIGURES, delivery_retries={"MaxRetryAttempts": 0}, wait_for_completion=False).make
    name = task.run()["subscriber_name"]
    aws.set_clock_skew(3600)
    task.make = make(**BY_FIGURES, delivery_retries={"MaxRetryAttempts": 0}).make
    with pytest.raises(
        JobEndedError, match=r"did not deliver 3 of 3 events: \d records are in the dead-letter"
    ):
        task.run()
    assert subscribers() == [name]
    task.make = make(**BY_FIGURES, delivery_retries={"MaxRetryAttempts": 0}, max_failed=3).make
    result = task.run()
    assert (result["events_matched"], result["events_delivered"]) == (3, 0)


@pytest.mark.parametrize("if_empty", ["succeed", "skip", "fail"])
def test_a_window_without_events(aws: AwsJobs, make: MakeTask, if_empty: str) -> None:
    nothing = {"DATA": {"source": ["nobody"]}}
    task = make(filters=nothing, expected_events=None, startup_time=0, if_empty=if_empty)
    if if_empty == "succeed":
        assert task.run()["events_matched"] == 0
        return
    with pytest.raises(
        AirflowSkipException if if_empty == "skip" else JobEndedError, match="has delivered no"
    ):
        task.run()


@needs("task_state_store")
def test_a_success_deletes_the_subscriber_and_a_retry_takes_its_result(aws: AwsJobs, make: MakeTask) -> None:
    task = make(delete_subscriber=True)
    first = task.run()
    assert subscribers() == []
    assert task.run() == first
    assert states(aws) == ["DELETED"]
    task.clear()
    assert task.run() != first
    assert states(aws) == ["DELETED"] * 2


def test_without_an_attempt_log_the_subscriber_stays(
    aws: AwsJobs, make: MakeTask, logged: Callable[[], str]
) -> None:
    task = make({"store": None}, delete_subscriber=True)
    assert task.run() == task.run()
    assert states(aws) == ["DELIVERED"]
    assert "stays: it is what tells a retry of the success" in logged()


@needs("task_state_store")
def test_what_was_stopped_stays_until_the_task_succeeds(aws: AwsJobs, make: MakeTask) -> None:
    aws.set_pace()
    task = make(delete_subscriber=True, wait_for_completion=False)
    name = task.run()["subscriber_name"]
    assert task.operator is not None
    task.operator.on_kill()
    assert states(aws) == ["STOPPED"]
    described = EventBusReplayHook(aws_conn_id=None, region_name="us-east-1").describe_job(name)
    assert described.state == "cancelled"
    aws.set_pace(seconds=0)
    task.make = make(delete_subscriber=True).make
    task.run()
    assert states(aws) == ["DELETED"] * 2
    assert subscribers() == []


def test_somebodys_pause_is_waited_for_and_said(aws: AwsJobs, make: MakeTask) -> None:
    aws.set_pace()
    name = make(wait_for_completion=False).run()["subscriber_name"]
    given = {"subscriber_name": name, **AWS}
    OneTask(lambda: EventBridgePauseReplaySubscriberOperator(task_id="pause", **given)).run()
    hook = EventBusReplayHook(aws_conn_id=None, region_name="us-east-1")
    paused = hook.describe_job(name)
    assert (paused.state, paused.service_state) == ("running", "STOPPED")
    assert "paused by somebody" in str(paused.note)
    # A stop is one all the same, and a resume takes it back.
    assert hook.stop_job(name)
    assert hook.describe_job(name).state == "cancelled"
    OneTask(lambda: EventBridgeResumeReplaySubscriberOperator(task_id="resume", **given)).run()
    aws.advance(name)
    assert hook.describe_job(name).state == "succeeded"


def test_a_cancel_tells_the_figures_and_deletes(aws: AwsJobs, make: MakeTask) -> None:
    aws.set_pace()
    name = make(wait_for_completion=False).run()["subscriber_name"]
    aws.advance(name, to=0.6)
    cancel = EventBridgeCancelReplaySubscriberOperator(task_id="cancel", subscriber_name=name, **AWS)
    result = OneTask(lambda: cancel).run()
    assert (result["state"], result["events_delivered"]) == ("STOPPED", 2)
    assert states(aws) == ["DELETED"]


def test_a_deadline_tells_the_figures(aws: AwsJobs, make: MakeTask) -> None:
    aws.set_pace()
    with pytest.raises(
        JobTimeoutError, match=r"job_timeout is 0:00:00.3.*0 of 3 expected events have matched"
    ):
        make(job_timeout=0.3).run()


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"days": 2}, r"has only events from .*, so the replay would not be whole"),
        ({"days": -1, "wait_for_window": False}, r"can be replayed from .*wait_for_window=True"),
        ({"dead_letter_arn": None}, r"AWS would drop each event.*allow_drops=True"),
        (
            {"event_bus_arn": "arn:aws:events:us-east-1:123456789012:event-bus/orders"},
            "Classic kind has archives",
        ),
        ({"filters": {"BODY": {"a": ["b"]}}}, "must be a dictionary of event patterns by scope"),
        ({"transformer": "XML"}, r"must be RAW or WITH_METADATA, or an expression of JSONata"),
        ({"delivery_retries": {"MaxRetryAttempts": 999}}, "must be a number from 0 to 185"),
    ],
)
def test_what_cannot_work_fails_before_the_start(
    aws: AwsJobs, case: EventBus, make: MakeTask, given: dict[str, Any], error: str
) -> None:
    if days := given.pop("days", 0):
        start = case.start - timedelta(days=days)
        given |= {"event_start_time": start, "event_end_time": start + timedelta(hours=1)}
    with pytest.raises(JobInputError, match=error):
        make(**given).run()
    assert subscribers() == []


def test_a_bus_that_is_not_active_fails_the_try(aws: AwsJobs, make: MakeTask) -> None:
    aws.add_fault(Fault("DescribeEventBus", "alter", member="State", value="CREATING"))
    with pytest.raises(JobError, match=r"is CREATING: .*A retry looks again"):
        make().run()
    make().run()


def test_a_busy_bus_is_waited_for(aws: AwsJobs, make: MakeTask) -> None:
    busy = Fault("CreateSubscriber", "error", code="ConcurrentModificationException", status=409, count=2)
    aws.add_fault(busy)
    make().run()
    assert aws.calls("eventbridgev2")["CreateSubscriber"] == 3


def test_a_bus_that_stays_busy_sends_the_task_to_the_queue(
    aws: AwsJobs, make: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_jobs._event_bus.client._PAUSES", (0.01,))
    busy = Fault("CreateSubscriber", "error", code="ConcurrentModificationException", status=409, count=2)
    aws.add_fault(busy)
    task = make(deferrable=True, botocore_config={"retries": {"total_max_attempts": 1}})
    task.begin()
    assert isinstance(task.trigger(), QueueTrigger)
    task.run()
    assert states(aws) == ["DELIVERED"]


def test_figures_that_cannot_be_read_start_nothing_and_end_no_wait(aws: AwsJobs, make: MakeTask) -> None:
    aws.set_pace()
    task = make(wait_for_completion=False, botocore_config={"retries": {"total_max_attempts": 1}})
    name = task.run()["subscriber_name"]
    aws.add_fault(Fault("GetMetricData", "error", service="monitoring"))
    with pytest.raises(JobError, match="GetMetricData"):
        task.run()
    aws.add_fault(Fault("GetMetricData", "throttle", service="monitoring", count=2))
    aws.advance(name)
    task.make = make(deferrable=True).make
    assert task.run()["subscriber_name"] == name
    assert states(aws) == ["DELIVERED"]


def test_a_boto3_that_is_too_old_says_which_is_not() -> None:
    class Unknown(EventBusReplayHook):
        service = "eventbridgev3"

    with pytest.raises(
        JobInputError, match=r"boto3 [\d.]+ does not know .*Install boto3 1\.43\.102 or later"
    ):
        Unknown(aws_conn_id=None, region_name="us-east-1")


def test_a_name_that_begins_with_no_letter_is_found_again(aws: AwsJobs, case: EventBus) -> None:
    hook = EventBusReplayHook(aws_conn_id=None, region_name="us-east-1")
    request = (
        OneTask(lambda: case.operator())
        .make()
        .job_request(  # type: ignore[attr-defined]
            OneTask(lambda: case.operator()).context(case.operator())
        )
    )
    identity = Identity("_orders", "run", "replay")
    attempt = Attempt(1, Life.of("2026-01-01T00:00:00+00:00", 3, 0), Fingerprint.of(request.facts()))
    started = hook.start_job(identity, attempt, request)
    assert started.job_id.startswith("0_orders.replay-")
    (seen,) = hook.see_jobs(identity, AttemptLog(), request)
    assert (seen.job_id, seen.mark) == (started.job_id, attempt.mark(identity))


def test_a_hundred_waits_share_their_calls(
    aws: AwsJobs, case: EventBus, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A list for 100 replays, and 500 metrics with a call; in between the figures are those of before."""
    monkeypatch.setenv("AIRFLOW__AIRFLOW_PROVIDER_JOBS__METRICS_INTERVAL", "60")
    aws.set_pace()
    aws.set_quota("eventbridgev2", 100)
    names = [f"orders-{number:03}" for number in range(100)]
    for name in names:
        client("eventbridgev2").create_subscriber(
            Name=name,
            EventBusArn=case.bus_arn,
            InvokeConfiguration={"TargetArn": QUEUE, "RoleArn": "arn:aws:iam::123456789012:role/r"},
            StartingPosition="POINT_IN_TIME",
            PointInTimeConfiguration={
                "PointType": "TIMESTAMP",
                "StartingPoint": case.start,
                "EndPoint": case.start + timedelta(hours=1),
            },
        )
    hook = EventBusReplayHook(aws_conn_id=None, region_name="us-east-1")
    before = aws.calls("eventbridgev2").get("ListSubscribers", 0)
    with recorded() as made:
        for _ in range(3):
            found = hook.describe_jobs(names)
            assert all(isinstance(each, JobStatus) for each in found.values())
    assert aws.calls("eventbridgev2")["ListSubscribers"] - before == 3
    assert aws.calls("eventbridgev2")["DescribeSubscriber"] == 100
    # Nine metrics each, by ARN and by name until there is a figure.
    assert sum(call.action == "cloudwatch:GetMetricData" for call in made) == 4
