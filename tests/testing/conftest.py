# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config

from airflow_provider_jobs.testing import AwsJobs, AwsJobsServer, mock_aws_jobs

T0 = datetime(2026, 11, 1, tzinfo=UTC)
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:{}"


@dataclass
class Cloud:
    """The mocked AWS, in this process or behind the server."""

    aws: AwsJobs
    endpoint_url: str | None
    closing: ExitStack = field(default_factory=ExitStack)

    def client(
        self,
        service: str,
        attempts: int = 1,
        region: str = "us-east-1",
        read_timeout: float = 60,
        mode: Any = "standard",
    ) -> Any:
        """A client that retries nothing unless told to, so that every call counts once."""
        client: Any = boto3.client(
            service,  # type: ignore[call-overload] # any service
            region_name=region,
            endpoint_url=self.endpoint_url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
            config=Config(retries={"mode": mode, "total_max_attempts": attempts}, read_timeout=read_timeout),
        )
        self.closing.callback(client.close)
        return client

    def __post_init__(self) -> None:
        self.events = self.client("events")
        self.sqs = self.client("sqs")

    def archive(self, name: str = "orders", bus: str = "default") -> str:
        """An archive of a bus; its ARN."""
        if bus != "default":
            self.events.create_event_bus(Name=bus)
        bus_arn = self.events.describe_event_bus(Name=bus)["Arn"]
        created = self.events.create_archive(ArchiveName=name, EventSourceArn=bus_arn)
        return str(created["ArchiveArn"])

    def put(self, *minutes: float, bus: str = "default") -> None:
        """Events at so many minutes after T0."""
        entries = [
            {
                "EventBusName": bus,
                "Source": "shop",
                "DetailType": "order",
                "Detail": json.dumps({"minute": minute}),
                "Time": T0 + timedelta(minutes=minute),
            }
            for minute in minutes
        ]
        for first in range(0, len(entries), 10):
            assert self.events.put_events(Entries=entries[first : first + 10])["FailedEntryCount"] == 0

    def rule(self, name: str, bus: str = "default", pattern: str = '{"source": ["shop"]}') -> str:
        """A rule that delivers to a queue of the same name; its ARN."""
        self.sqs.create_queue(QueueName=name)
        rule = self.events.put_rule(Name=name, EventBusName=bus, EventPattern=pattern)
        targets = [{"Id": "queue", "Arn": QUEUE_ARN.format(name)}]
        self.events.put_targets(Rule=name, EventBusName=bus, Targets=targets)
        return str(rule["RuleArn"])

    def received(self, queue: str) -> list[dict[str, Any]]:
        """Take all messages from a queue."""
        url = self.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        bodies: list[dict[str, Any]] = []
        while messages := self.sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                bodies.append(json.loads(message["Body"]))
                self.sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
        return bodies

    def minutes(self, queue: str) -> list[float]:
        """Take all messages from a queue; the minutes of their events."""
        return [body["detail"]["minute"] for body in self.received(queue)]

    def start(self, name: str = "replay", minutes: float = 60, **changes: Any) -> dict[str, Any]:
        """Replay from T0 on."""
        request: dict[str, Any] = {
            "ReplayName": name,
            "EventSourceArn": "arn:aws:events:us-east-1:123456789012:archive/orders",
            "EventStartTime": T0,
            "EventEndTime": T0 + timedelta(minutes=minutes),
            "Destination": {"Arn": "arn:aws:events:us-east-1:123456789012:event-bus/default"},
        }
        return dict(self.events.start_replay(**{**request, **changes}))

    def describe(self, name: str = "replay") -> dict[str, Any]:
        return dict(self.events.describe_replay(ReplayName=name))

    def state(self, name: str = "replay") -> str:
        return str(self.describe(name)["State"])


@pytest.fixture(scope="session")
def server() -> Iterator[AwsJobsServer]:
    with AwsJobsServer() as running:
        yield running


@pytest.fixture(params=["in process", "server"])
def cloud(request: pytest.FixtureRequest) -> Iterator[Cloud]:
    with ExitStack() as stack:
        aws: AwsJobs
        if request.param == "server":
            aws = server = request.getfixturevalue("server")
            aws.reset()
            aws.set_pace(reads=2)
            made = Cloud(aws, server.url)
        else:
            made = Cloud(stack.enter_context(mock_aws_jobs()), None)
        stack.push(made.closing)
        yield made
        assert made.aws.unmet_faults() == []
