# SPDX-License-Identifier: Apache-2.0

"""What the tests of the Custom Event Bus share."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from testing.conftest import QUEUE_ARN, Cloud

ROLE = "arn:aws:iam::123456789012:role/deliver"
FUNCTION = "arn:aws:lambda:us-east-1:123456789012:function:{}"
HOUR = 3600.0


class Orders:
    """A bus named ``orders`` with five events, put at the first five minutes of an hour that begins two hours
    ago; queues ``orders`` and ``dead``.
    """

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.aws = cloud, cloud.aws
        self.api: Any = cloud.client("eventbridgev2")
        self.start = self.aws.now() - timedelta(hours=2)
        self.aws.set_clock_skew(-2 * HOUR - 60)
        self.bus = str(self.api.create_event_bus(Name="orders")["EventBusArn"])
        for minute in range(5):
            self.put(minute)
        self.aws.set_clock_skew(0)
        for queue in ("orders", "dead"):
            cloud.sqs.create_queue(QueueName=queue)

    def put(self, minute: int) -> None:
        """Put an event half a minute after a minute of the hour."""
        self.aws.set_clock_skew(-2 * HOUR + minute * 60 + 30)
        self.put_now(minute)

    def put_now(self, *numbers: int, **more: Any) -> list[dict[str, Any]]:
        """Put events now; how each was answered."""
        entries = [
            {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"number": number})}
            for number in numbers
        ]
        answer = self.api.put_events(EventBusArn=self.bus, Entries=entries, **more)
        return list(answer["Entries"])

    def subscribe(
        self, name: str = "replay", *, ends: bool = True, target: str | None = None, **more: Any
    ) -> str:
        """Create a subscriber of the hour, in batches of one; its ARN."""
        point: dict[str, Any] = {"PointType": "TIMESTAMP", "StartingPoint": self.start}
        if ends:
            point["EndPoint"] = self.start + timedelta(hours=1)
        request = {
            "Name": name,
            "EventBusArn": self.bus,
            "InvokeConfiguration": {"TargetArn": target or QUEUE_ARN.format("orders"), "RoleArn": ROLE},
            "StartingPosition": "POINT_IN_TIME",
            "PointInTimeConfiguration": point,
            "BatchConfiguration": {"MaxBatchSize": 1},
        }
        given = {key: value for key, value in {**request, **more}.items() if value is not None}
        return str(self.api.create_subscriber(**given)["SubscriberArn"])

    def job(self, name: str = "replay") -> dict[str, Any]:
        """What the mocked service knows of a subscriber that has an end."""
        return next(job for job in self.aws.jobs("eventbridgev2") if job["id"] == name)

    def numbers(self, queue: str = "orders") -> list[int]:
        """Take all events from a queue; their numbers."""
        return [body["detail"]["number"] for body in self.cloud.received(queue)]

    def figures(self, arn: str, *names: str, stat: str = "Sum", **dimensions: str) -> dict[str, list[float]]:
        """The figures of a subscriber's metrics by minutes, from an hour ago until now."""
        given = {"EventBus": self.bus, "Subscriber": arn, **dimensions}
        now: datetime = self.aws.now()
        answer = self.cloud.client("cloudwatch").get_metric_data(
            MetricDataQueries=[
                {
                    "Id": name.lower(),
                    "MetricStat": {
                        "Metric": {
                            "Namespace": "AWS/EventsV2",
                            "MetricName": name,
                            "Dimensions": [{"Name": key, "Value": value} for key, value in given.items()],
                        },
                        "Period": 60,
                        "Stat": stat,
                    },
                }
                for name in names
            ],
            StartTime=now - timedelta(hours=1),
            EndTime=now + timedelta(seconds=2),
            ScanBy="TimestampAscending",
        )
        ids = {name.lower(): name for name in names}
        return {ids[row["Id"]]: row["Values"] for row in answer["MetricDataResults"]}

    def sums(self, arn: str, *names: str) -> dict[str, float]:
        """The sums of a subscriber's metrics of an hour; those without a figure are missing."""
        return {name: sum(values) for name, values in self.figures(arn, *names).items() if values}
