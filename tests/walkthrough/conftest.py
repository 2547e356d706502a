# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import pytest
from one_task import OneTask
from sqs_redrive.mocked import BACKEND
from sqs_redrive.operators import SqsStartMessageMoveTaskOperator

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

REGION = "us-east-1"
AWS: dict[str, Any] = {"aws_conn_id": None, "region_name": REGION}


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    """AWS with redrives, which end at their second look."""
    with mock_aws_jobs(backends=[BACKEND]) as control:
        yield control


@dataclass
class Queues:
    """A queue and its dead-letter queue, with messages in it."""

    sqs: Any
    url: str
    dead_url: str
    dead_arn: str

    def texts(self, url: str) -> list[str]:
        """Return the messages of a queue."""
        answer = self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in answer.get("Messages", ())]


def filled(name: str, **client: Any) -> Queues:
    """Build queues, with five dead letters."""
    sqs: Any = boto3.client("sqs", region_name=REGION, **client)
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 3})
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"]
    for number in range(5):
        sqs.send_message(QueueUrl=dead, MessageBody=f"order {number}")
    return Queues(sqs, url, dead, arn)


@pytest.fixture
def make_queues(aws: AwsJobs) -> Callable[[str], Queues]:
    """Build queues in the mocked AWS."""
    return filled


@pytest.fixture
def queues(make_queues: Callable[[str], Queues]) -> Queues:
    return make_queues("orders")


@pytest.fixture(params=[False, True], ids=["sync", "deferrable"])
def make_task(request: pytest.FixtureRequest, queues: Queues) -> Callable[..., OneTask]:
    """Build a task that redrives the queue, waiting in either way."""

    def make(**kwargs: Any) -> OneTask:
        given = {"source_arn": queues.dead_arn, "deferrable": request.param, "poll_interval": 0.02, **kwargs}
        return OneTask(lambda: SqsStartMessageMoveTaskOperator(task_id="redrive", **AWS, **given))

    return make
