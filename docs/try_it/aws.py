# SPDX-License-Identifier: Apache-2.0

"""What the simulated AWS is filled with and asked: ``python aws.py fill`` and ``python aws.py show``."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3

ENDPOINT = "http://127.0.0.1:5000"
FIRST = datetime(2026, 1, 8, tzinfo=UTC)
KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}


def fill(events: Any) -> None:
    """Keep what comes to the default event bus, then send an order for each hour of three days."""
    events.create_archive(ArchiveName="orders", EventSourceArn=events.describe_event_bus()["Arn"])
    for hour in range(72):
        order = {
            "Source": "shop",
            "DetailType": "order",
            "Detail": "{}",
            "Time": FIRST + timedelta(hours=hour),
        }
        events.put_events(Entries=[order])


def show(events: Any) -> None:
    """Print the replays, oldest window first."""
    for replay in sorted(events.list_replays()["Replays"], key=lambda each: each["EventStartTime"]):
        print(f"{replay['EventStartTime']:%Y-%m-%d} {replay['State']} {replay['ReplayName']}")


if __name__ == "__main__":
    {"fill": fill, "show": show}[sys.argv[1]](boto3.client("events", endpoint_url=ENDPOINT, **KEYS))  # type: ignore[call-overload]
