# SPDX-License-Identifier: Apache-2.0

"""Before a replay starts: its rules are there and enabled, as far as AWS tells."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import pytest
from job_cases import REGION

from airflow_provider_jobs._eventbridge.rule import rule_arn
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.testing import AwsJobs, Fault

from .replays import BUS, RULE, replay

SHOP = "arn:aws:events:us-east-1:123456789012:event-bus/shop"


@pytest.fixture
def events(aws: AwsJobs) -> Any:
    return boto3.client("events", region_name=REGION)


def put(events: Any, name: str, state: str = "ENABLED", bus: str = "default") -> None:
    events.put_rule(Name=name, EventPattern='{"source": ["shop"]}', State=state, EventBusName=bus)


@pytest.mark.parametrize("rule", ["to-queue", RULE])
@pytest.mark.parametrize("deferrable", [False, True])
def test_a_missing_rule_is_an_error_and_nothing_starts(aws: AwsJobs, rule: str, deferrable: bool) -> None:
    task = replay(rule_arns=[rule], deferrable=deferrable)
    with pytest.raises(JobInputError, match=r"Rule to-queue of rule_arns is not on event bus .*/default: .*"):
        task.run()
    assert "StartReplay" not in aws.calls("events")
    assert aws.calls("events")["DescribeRule"] == 1


@pytest.mark.parametrize("state", ["ENABLED", "ENABLED_WITH_ALL_CLOUDTRAIL_MANAGEMENT_EVENTS"])
def test_a_name_stands_for_the_rule_of_the_archives_bus(events: Any, state: str) -> None:
    put(events, "to-queue", state)
    started = replay(rule_arns=["to-queue"]).run()
    destination = events.describe_replay(ReplayName=started["replay_name"])["Destination"]
    assert destination == {"Arn": BUS, "FilterArns": [RULE]}


def test_on_a_bus_of_ones_own_as_well(events: Any) -> None:
    bus = events.create_event_bus(Name="shop")["EventBusArn"]
    events.create_archive(ArchiveName="shop", EventSourceArn=bus)
    put(events, "to-queue", bus="shop")
    started = replay(archive="shop", rule_arns=["to-queue"]).run()
    destination = events.describe_replay(ReplayName=started["replay_name"])["Destination"]
    assert destination["FilterArns"] == [events.describe_rule(Name="to-queue", EventBusName="shop")["Arn"]]


@pytest.mark.parametrize(
    ("rule", "bus", "arn"),
    [
        ("a", BUS, "arn:aws:events:us-east-1:123456789012:rule/a"),
        ("a", SHOP, "arn:aws:events:us-east-1:123456789012:rule/shop/a"),
        (
            "a",
            SHOP.replace("shop", "aws.partner/x/y"),
            "arn:aws:events:us-east-1:123456789012:rule/aws.partner/x/y/a",
        ),
        (RULE, SHOP, RULE),
    ],
)
def test_the_arn_of_a_rule(rule: str, bus: str, arn: str) -> None:
    assert rule_arn(rule, bus) == arn


def test_if_all_rules_are_disabled_nobody_would_get_an_event(aws: AwsJobs, events: Any) -> None:
    for name in ("one", "two"):
        put(events, name, "DISABLED")
    task = replay(rule_arns=["one", "two"])
    with pytest.raises(
        JobInputError, match=r"No rule of rule_arns is enabled: one, two\. .* Enable the rule"
    ):
        task.run()
    assert "StartReplay" not in aws.calls("events")
    events.enable_rule(Name="one")
    assert task.run()["state"] == "COMPLETED"


def test_one_of_them_is_warned_of(events: Any, logged: Callable[[], str]) -> None:
    put(events, "one", "DISABLED")
    put(events, "two")
    assert replay(rule_arns=["one", "two"]).run()["state"] == "COMPLETED"
    assert "Disabled rules of rule_arns get no event of the replay: one." in logged()


@pytest.mark.parametrize(
    "fault",
    [
        Fault("DescribeRule", "access-denied", count=9),
        Fault("DescribeRule", "throttle", count=9),
        Fault("DescribeRule", "error", count=9),
        Fault("DescribeRule", "garbage", count=9),
        Fault("DescribeRule", "hang", seconds=9, count=9),
    ],
    ids=lambda fault: fault.kind,
)
def test_what_cannot_be_looked_at_keeps_nothing_from_starting(
    aws: AwsJobs, events: Any, logged: Callable[[], str], fault: Fault
) -> None:
    for name in ("one", "two"):
        put(events, name)
    aws.add_fault(fault)
    task = replay(rule_arns=["one", "two"])
    assert task.run()["state"] == "COMPLETED"
    assert "Whether rule one exists and is enabled is not known; the replay starts all the same:" in logged()
    # The next rule is not asked for, and botocore does not ask again; a busy machine may take more tries.
    assert aws.calls("events")["DescribeRule"] == task.tries


def test_an_answer_without_a_state_tells_nothing(
    aws: AwsJobs, events: Any, logged: Callable[[], str]
) -> None:
    put(events, "to-queue", "DISABLED")
    aws.add_fault(Fault("DescribeRule", "omit", member="State"))
    assert replay(rule_arns=["to-queue"]).run()["state"] == "COMPLETED"
    assert "Whether rule to-queue exists and is enabled is not known" in logged()


@pytest.mark.parametrize("deferrable", [False, True])
def test_rules_are_looked_at_only_before_a_start(aws: AwsJobs, events: Any, deferrable: bool) -> None:
    put(events, "to-queue")
    aws.set_pace()
    task = replay(rule_arns=["to-queue"], deferrable=deferrable, wait_for_completion=False)
    first = task.start()
    looks = aws.calls("events")["DescribeRule"]
    # A retry finds the replay, whatever has become of the rule since.
    events.delete_rule(Name="to-queue")
    assert task.start()["replay_name"] == first["replay_name"]
    assert (looks, aws.calls("events")["DescribeRule"]) == (task.tries - 1, looks)
    assert aws.calls("events")["StartReplay"] == 1


def test_a_rule_gets_what_others_do_not(aws: AwsJobs, events: Any) -> None:
    sqs = boto3.client("sqs", region_name=REGION)
    for name in ("one", "two"):
        url = sqs.create_queue(QueueName=name)["QueueUrl"]
        arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
        put(events, name)
        events.put_targets(Rule=name, Targets=[{"Id": "it", "Arn": arn}])
    entry: Any = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({}), "Time": 1767268800}
    events.put_events(Entries=[entry])
    for name in ("one", "two"):
        sqs.purge_queue(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"])
    assert replay(rule_arns=["two"]).run()["event_last_replayed_time"] is not None
    counts = [
        len(sqs.receive_message(QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"]).get("Messages", []))
        for name in ("one", "two")
    ]
    assert counts == [0, 1]
