# SPDX-License-Identifier: Apache-2.0

"""What a replay has delivered: from AWS's figures, and a failure only where they are the replay's own."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import boto3
import pytest
from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError, JobEndedError, JobError, JobInputError
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplayDeliverySensor
from airflow_provider_jobs.testing import AwsJobs, Fault

from .replays import DAY, replay

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowRescheduleException

THERE, DEAD, GONE, LATER = (
    f"arn:aws:sqs:{REGION}:123456789012:{name}" for name in ("there", "dead", "gone", "later")
)
REPLAYED = '{"replay-name": [{"exists": true}], "source": ["shop"]}'
ANY = '{"source": ["shop"]}'
NOW: dict[str, Any] = {"delivery_delay": 0}
NOTHING = {"failed": 0, "sent_to_dead_letters": 0, "not_sent_to_dead_letters": 0}


@pytest.fixture
def events(aws: AwsJobs) -> Any:
    events, sqs = boto3.client("events", region_name=REGION), boto3.client("sqs", region_name=REGION)
    for name in ("dead", "later", "there"):
        sqs.create_queue(QueueName=name)
    url = sqs.get_queue_url(QueueName="there")["QueueUrl"]
    policy = f'{{"deadLetterTargetArn": "{LATER}", "maxReceiveCount": "1"}}'
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy})
    put(events, "replayed", REPLAYED, GONE)
    put(events, "any", ANY, GONE)
    put(events, "good", ANY, THERE)
    send(events)
    return events


def put(events: Any, name: str, pattern: str, target: str) -> None:
    events.put_rule(Name=name, EventPattern=pattern)
    each = {"Id": "1", "Arn": target, "DeadLetterConfig": {"Arn": DEAD}}
    events.put_targets(Rule=name, Targets=[each])


def send(events: Any, count: int = 3) -> None:
    entry: Any = {"Source": "shop", "DetailType": "order", "Detail": "{}", "Time": DAY["event_start_time"]}
    events.put_events(Entries=[entry] * count)


def sensor(replay_name: str, **kwargs: Any) -> OneTask:
    given = {"replay_name": replay_name, "poke_interval": 0.02, "timeout": 5, **NOW, **AWS, **kwargs}
    return OneTask(lambda: EventBridgeReplayDeliverySensor(task_id="delivery", **given))


def rules(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {rule["rule_name"]: rule for rule in result["delivery"]["rules"]}


@pytest.mark.parametrize("deferrable", [False, True])
def test_the_start_tells_what_each_rule_did(events: Any, deferrable: bool) -> None:
    result = replay(check_delivery=True, deferrable=deferrable, **NOW).run()
    found = rules(result)
    assert found.keys() == {"replayed", "any", "good"}
    assert found["replayed"].items() >= {
        **NOTHING, "replayed_only": True, "shown": True, "matched": 3, "invoked": 3, "failed": 3,
        "sent_to_dead_letters": 3,
    }.items()  # fmt: skip
    # Three live events of this minute are among them, and nobody can tell.
    assert found["good"].items() >= {**NOTHING, "replayed_only": False, "matched": 6, "invoked": 6}.items()
    queues = {each.pop("queue_arn"): each for each in result["delivery"]["dead_letter_queues"]}
    # That of the queue which a rule fills is looked at as well.
    assert queues[DEAD] == {"messages_before": 3, "messages_after": 9}
    assert queues[LATER] == {"messages_before": 0, "messages_after": 0}


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("max_failed", [2, 3])
def test_a_limit_fails_the_task_for_rules_of_replayed_events(
    events: Any, deferrable: bool, max_failed: int, logged: Callable[[], str]
) -> None:
    name = replay().run()["replay_name"]
    task = sensor(name, max_failed=max_failed, deferrable=deferrable)
    if max_failed < 3:
        with pytest.raises(JobEndedError, match=r"3 invocations .* max_failed=2 .*: replayed \(3\)\. "):
            task.run()
    else:
        assert rules(task.run())["replayed"]["failed"] == 3
    # Of live and replayed events: told, and counted by no limit.
    assert "Rule any: 6 invocations failed for good in the replay's time. Live events match" in logged()


def test_a_sensor_that_is_rescheduled_reads_figures_when_it_is_time(aws: AwsJobs, events: Any) -> None:
    pytest.importorskip("airflow.sdk", reason="Airflow 2 reads its database for this")
    task = sensor(replay().run()["replay_name"], mode="reschedule", delivery_delay=300, timeout=3600)
    for minutes in (0, 4):
        aws.set_clock_skew(minutes * 60)
        with pytest.raises(AirflowRescheduleException):
            rescheduled(task)
    assert "GetMetricData" not in aws.calls("monitoring")
    aws.set_clock_skew(301)
    assert rules(rescheduled(task))["replayed"]["failed"] == 3


def rescheduled(task: OneTask) -> Any:
    """Let a sensor look once."""
    made: Any = task.make()
    context = task.context(made)
    context["ti"].get_first_reschedule_date = lambda context: None
    return made.execute(context)


def test_live_failures_beside_a_replay_fail_nothing(events: Any) -> None:
    task = replay(check_delivery=True, max_failed=0, rule_arns=["any"], **NOW)
    found = rules(task.run())
    assert found["any"]["failed"] == 6
    assert found["any"]["replayed_only"] is False


def test_figures_are_read_once_and_not_before_their_time(aws: AwsJobs, events: Any) -> None:
    aws.set_figures(late=240)
    task = replay(check_delivery=True, deferrable=True, delivery_delay=timedelta(minutes=5))
    assert task.start() is None
    assert task.resume(task.fire()) is None
    assert "GetMetricData" not in aws.calls("monitoring")
    aws.set_clock_skew(301)
    found = rules(task.resume(task.fire()))
    assert found["replayed"]["failed"] == 3
    assert aws.calls("monitoring") == {"GetMetricData": 1}
    assert aws.calls("events")["StartReplay"] == 1


@pytest.mark.parametrize("deferrable", [False, True])
def test_figures_that_cannot_be_read_start_no_second_replay(
    aws: AwsJobs, events: Any, deferrable: bool
) -> None:
    aws.add_fault(Fault("GetMetricData", "access-denied", service="monitoring", count=3))
    task = replay(check_delivery=True, max_failed=3, deferrable=deferrable, **NOW)
    why = r"has completed, and AWS's figures .* could not be read: .*cloudwatch:GetMetricData"
    with pytest.raises(JobError, match=why):
        task.run()
    assert rules(task.run())["replayed"]["failed"] == 3
    assert aws.calls("events")["StartReplay"] == 1


def test_a_sensor_tells_what_is_refused(aws: AwsJobs, events: Any) -> None:
    name = replay().run()["replay_name"]
    aws.add_fault(Fault("ListRules", "access-denied", service="events"))
    with pytest.raises(JobApiError, match="allows events:ListRules"):
        sensor(name).run()


def test_no_figures_are_told_as_that(aws: AwsJobs, events: Any, logged: Callable[[], str]) -> None:
    aws.set_figures(late=3600)
    events.put_rule(Name="new", EventPattern=REPLAYED)
    result = replay(check_delivery=True, rule_arns=["new"], max_failed=0, **NOW).run()
    assert rules(result)["new"]["shown"] is False
    assert "Rule new: AWS shows no figures of the replay's time." in logged()


def test_a_replay_that_fails_has_no_delivery(aws: AwsJobs, events: Any) -> None:
    aws.fail_next("events", "InternalError")
    task = replay(check_delivery=True, retries=0, **NOW)
    with pytest.raises(JobError, match="ended FAILED"):
        task.run()
    assert "GetMetricData" not in aws.calls("monitoring")


def test_an_empty_replay_is_not_looked_at(aws: AwsJobs) -> None:
    assert "delivery" not in replay(check_delivery=True, **NOW).run()
    assert "GetMetricData" not in aws.calls("monitoring")


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"max_failed": 0}, "max_failed=0 has no effect without check_delivery=True"),
        ({"check_delivery": True, "max_failed": -1}, "max_failed=-1 must be a whole number from 0"),
        ({"check_delivery": True, "max_failed": True}, "max_failed=True must be a whole number"),
        ({"check_delivery": True, "delivery_delay": -1}, "delivery_delay=-1 must be a number of seconds"),
        ({"check_delivery": True, "wait_for_completion": False}, "needs wait_for_completion"),
    ],
)
def test_parameters_that_cannot_work(aws: AwsJobs, given: dict[str, Any], told: str) -> None:
    with pytest.raises(JobInputError, match=told):
        replay(**given).run()
