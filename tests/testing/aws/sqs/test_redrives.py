# SPDX-License-Identifier: Apache-2.0

"""Redrives of the mocked SQS: what they do to the queues, and when."""

from __future__ import annotations

import time
from typing import Any

import job_targets
import pytest
from botocore.exceptions import ClientError
from testing.conftest import QUEUE_ARN, Cloud

DEAD = job_targets.DEAD_ARN.format("orders")


@pytest.fixture
def dead(cloud: Cloud) -> str:
    """A dead-letter queue with four messages."""
    return job_targets.dead_letters(cloud.client, "orders")


def texts(cloud: Cloud, name: str) -> list[str]:
    """The messages that a queue shows."""
    url = cloud.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    answer = cloud.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return [message["Body"] for message in answer.get("Messages", ())]


def count(cloud: Cloud, name: str) -> int:
    url = cloud.sqs.get_queue_url(QueueName=name)["QueueUrl"]
    wanted = "ApproximateNumberOfMessages"
    found = cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[wanted])["Attributes"]
    return int(found[wanted])


def start(cloud: Cloud, **more: Any) -> str:
    return str(cloud.sqs.start_message_move_task(SourceArn=DEAD, **more)["TaskHandle"])


def row(cloud: Cloud) -> dict[str, Any]:
    """The newest redrive."""
    (found,) = cloud.sqs.list_message_move_tasks(SourceArn=DEAD)["Results"]
    return dict(found)


def code(error: pytest.ExceptionInfo[ClientError]) -> str:
    return error.value.response["Error"]["Code"]


def test_messages_move_oldest_first_as_far_as_the_redrive_has_come(cloud: Cloud, dead: str) -> None:
    cloud.aws.set_pace()
    start(cloud)
    (job,) = cloud.aws.jobs("sqs")
    assert (job["id"], job["source_arn"]) == (f"{DEAD}@{row(cloud)['StartedTimestamp']}", DEAD)
    cloud.aws.advance(job["id"], to=0.5)
    assert row(cloud)["ApproximateNumberOfMessagesMoved"] == 2
    assert texts(cloud, "orders") == ["order 0", "order 1"]
    assert count(cloud, "orders-dead") == 2


def test_a_moved_message_is_a_new_one(cloud: Cloud) -> None:
    job_targets.dead_letters(cloud.client, "orders", count=1)
    url = cloud.sqs.get_queue_url(QueueName="orders-dead")["QueueUrl"]
    (before,) = cloud.sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)["Messages"]
    cloud.aws.set_pace(seconds=0)
    start(cloud)
    url = cloud.sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    (after,) = cloud.sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert after["MessageId"] != before["MessageId"]
    assert after["Attributes"]["ApproximateReceiveCount"] == "1"


def test_a_message_that_a_consumer_holds_stays(cloud: Cloud, dead: str) -> None:
    url = cloud.sqs.get_queue_url(QueueName="orders-dead")["QueueUrl"]
    cloud.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=1, VisibilityTimeout=600)
    cloud.aws.set_pace(seconds=0)
    start(cloud)
    assert (row(cloud)["Status"], row(cloud)["ApproximateNumberOfMessagesMoved"]) == ("COMPLETED", 3)
    assert count(cloud, "orders") == 3


def test_a_fifo_queue_keeps_its_groups(cloud: Cloud) -> None:
    fifo = {"FifoQueue": "true", "ContentBasedDeduplication": "true"}
    dead = cloud.sqs.create_queue(QueueName="dead.fifo", Attributes=fifo)["QueueUrl"]
    policy = f'{{"deadLetterTargetArn": "{QUEUE_ARN.format("dead.fifo")}", "maxReceiveCount": 1}}'
    cloud.sqs.create_queue(QueueName="orders.fifo", Attributes={**fifo, "RedrivePolicy": policy})
    cloud.sqs.send_message(QueueUrl=dead, MessageBody="order 1", MessageGroupId="shop 7")
    cloud.aws.set_pace(seconds=0)
    arns = {"SourceArn": QUEUE_ARN.format("dead.fifo"), "DestinationArn": QUEUE_ARN.format("orders.fifo")}
    cloud.sqs.start_message_move_task(**arns)
    url = cloud.sqs.get_queue_url(QueueName="orders.fifo")["QueueUrl"]
    (moved,) = cloud.sqs.receive_message(QueueUrl=url, AttributeNames=["All"])["Messages"]
    assert (moved["Body"], moved["Attributes"]["MessageGroupId"]) == ("order 1", "shop 7")


def test_the_rate_makes_a_redrive_longer_and_never_shorter(cloud: Cloud, dead: str) -> None:
    cloud.aws.set_pace(seconds=0.2)
    began = time.monotonic()
    start(cloud, MaxNumberOfMessagesPerSecond=5)
    while row(cloud)["Status"] == "RUNNING":
        time.sleep(0.02)
    assert 0.7 < time.monotonic() - began < 20
    began = time.monotonic()
    start(cloud, MaxNumberOfMessagesPerSecond=500)
    while row(cloud)["Status"] == "RUNNING":
        time.sleep(0.02)
    assert time.monotonic() - began > 0.15


def test_a_cancel_leaves_the_rest_where_it_is(cloud: Cloud, dead: str) -> None:
    cloud.aws.set_pace(reads=4)
    handle = start(cloud)
    assert row(cloud)["TaskHandle"] == handle
    answer = cloud.sqs.cancel_message_move_task(TaskHandle=handle)
    assert answer["ApproximateNumberOfMessagesMoved"] == 1
    (job,) = cloud.aws.jobs("sqs")
    assert job["state"] == "CANCELLING"
    assert "TaskHandle" not in row(cloud)
    assert (row(cloud)["Status"], count(cloud, "orders"), count(cloud, "orders-dead")) == ("CANCELLED", 1, 3)


def test_one_that_does_not_run_cannot_be_cancelled(cloud: Cloud, dead: str) -> None:
    cloud.aws.set_pace()
    handle = start(cloud)
    cloud.sqs.cancel_message_move_task(TaskHandle=handle)
    for _ in range(2):
        with pytest.raises(ClientError, match="Only active tasks can be cancelled") as refused:
            cloud.sqs.cancel_message_move_task(TaskHandle=handle)
        assert code(refused) == "InvalidParameterValue"
        cloud.aws.advance(cloud.aws.jobs("sqs")[0]["id"])


@pytest.mark.parametrize("rate", [0, 501])
def test_numbers_out_of_range_are_refused(cloud: Cloud, dead: str, rate: int) -> None:
    with pytest.raises(ClientError, match="MaxNumberOfMessagesPerSecond is invalid") as refused:
        start(cloud, MaxNumberOfMessagesPerSecond=rate)
    assert code(refused) == "InvalidParameterValue"
    with pytest.raises(ClientError, match="MaxResults is invalid"):
        cloud.sqs.list_message_move_tasks(SourceArn=DEAD, MaxResults=11)


def test_the_quota_counts_the_account_s_redrives(cloud: Cloud, dead: str) -> None:
    other = job_targets.dead_letters(cloud.client, "other")
    cloud.aws.set_pace()
    cloud.aws.set_quota("sqs", 1)
    start(cloud)
    with pytest.raises(ClientError, match="1 active message move tasks") as refused:
        cloud.sqs.start_message_move_task(SourceArn=other)
    assert code(refused) == "OverLimit"
    cloud.aws.advance(cloud.aws.jobs("sqs")[0]["id"])
    cloud.sqs.start_message_move_task(SourceArn=other)


def test_a_list_may_be_late(cloud: Cloud, dead: str) -> None:
    cloud.aws.set_pace()
    cloud.aws.set_lag("sqs", "lists", reads=1)
    start(cloud)
    assert cloud.sqs.list_message_move_tasks(SourceArn=DEAD)["Results"] == []
    assert row(cloud)["Status"] == "RUNNING"


def test_no_more_than_ten_are_listed_the_newest_first(cloud: Cloud, dead: str) -> None:
    cloud.aws.set_pace(seconds=0)
    for _ in range(11):
        start(cloud)
    rows = cloud.sqs.list_message_move_tasks(SourceArn=DEAD, MaxResults=10)["Results"]
    times = [each["StartedTimestamp"] for each in rows]
    assert times == sorted(set(times), reverse=True)
    assert len(times) == 10
    assert [each["id"] for each in cloud.aws.jobs("sqs")[1:]] == [f"{DEAD}@{at}" for at in reversed(times)]


def test_what_moto_has_is_there_and_counted(cloud: Cloud, dead: str) -> None:
    assert len(cloud.sqs.list_queues()["QueueUrls"]) == 2
    assert cloud.aws.calls("sqs")["ListQueues"] == 1
