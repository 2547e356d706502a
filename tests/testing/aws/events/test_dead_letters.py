# SPDX-License-Identifier: Apache-2.0

"""What a target does not take goes to its dead-letter queue, and the other targets get it all the same."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import boto3
import pytest

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

REGION = "us-east-1"
QUEUE = f"arn:aws:sqs:{REGION}:123456789012:"
NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def received(sqs: Any, queue: str) -> list[dict[str, Any]]:
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    answer = sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    return list(answer.get("Messages", []))


@pytest.mark.parametrize("dead_letters", [True, False])
def test_an_event_that_a_target_does_not_take(dead_letters: bool) -> None:
    with mock_aws_jobs(reads=1) as aws:
        replay_to_a_missing_queue(aws, dead_letters)


def replay_to_a_missing_queue(aws: AwsJobs, dead_letters: bool) -> None:
    events, sqs = boto3.client("events", REGION), boto3.client("sqs", REGION)
    for name in ("dead", "there"):
        sqs.create_queue(QueueName=name)
    bus = events.describe_event_bus()["Arn"]
    archive = events.create_archive(ArchiveName="orders", EventSourceArn=bus)["ArchiveArn"]
    entry: Any = {"Source": "shop", "DetailType": "order", "Detail": '{"id": 1}', "Time": NOON}
    events.put_events(Entries=[entry])
    rule = events.put_rule(Name="to-queues", EventPattern='{"source": ["shop"]}')["RuleArn"]
    lost: Any = {"Id": "lost", "Arn": f"{QUEUE}gone"}
    if dead_letters:
        lost["DeadLetterConfig"] = {"Arn": f"{QUEUE}dead"}
    events.put_targets(Rule="to-queues", Targets=[lost, {"Id": "kept", "Arn": f"{QUEUE}there"}])
    events.start_replay(
        ReplayName="again",
        EventSourceArn=archive,
        EventStartTime=NOON.replace(hour=0),
        EventEndTime=NOON.replace(hour=13),
        Destination={"Arn": bus},
    )
    assert events.describe_replay(ReplayName="again")["State"] == "COMPLETED"
    (kept,) = received(sqs, "there")
    assert json.loads(kept["Body"])["replay-name"] == "again"
    dead = received(sqs, "dead")
    assert len(dead) == dead_letters
    for message in dead:
        assert json.loads(message["Body"]) == json.loads(kept["Body"])
        told = {name: each["StringValue"] for name, each in message["MessageAttributes"].items()}
        assert (told["RULE_ARN"], told["TARGET_ARN"]) == (rule, lost["Arn"])
        assert (told["ERROR_CODE"], bool(told["ERROR_MESSAGE"])) == ("NO_RESOURCE", True)
