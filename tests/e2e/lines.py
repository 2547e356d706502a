# SPDX-License-Identifier: Apache-2.0

"""Tasks that wait in line for a replay's place, seen from both sides."""

from __future__ import annotations

import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_jobs.testing.airflow.api import Row
from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .job_types import clients

DAY = datetime(2026, 1, 1, tzinfo=UTC)
Run = tuple[str, str]


def replay(aws: AwsJobsServer, name: str) -> None:
    """Start a replay as somebody else in the account does."""
    events = clients(aws.url)("events")
    events.start_replay(
        ReplayName=name,
        EventSourceArn=events.describe_archive(ArchiveName="orders")["ArchiveArn"],
        EventStartTime=DAY,
        EventEndTime=DAY + timedelta(days=1),
        Destination={"Arn": events.describe_event_bus()["Arn"]},
    )


def task(airflow: LocalAirflow, run: Run) -> Row:
    """The task that starts a run's replay."""
    return airflow.task(*run, "replay")


def in_line(row: Row) -> bool:
    """Whether a task waits in the queue."""
    return row["state"] == "deferred" and str(row["trigger"] and row["trigger"]["classpath"]).endswith(
        "QueueTrigger"
    )


def positions(airflow: LocalAirflow, runs: Collection[Run]) -> dict[int, Run]:
    """The runs by their positions in the queue, according to the last line of each log."""
    found = {}
    for run in runs:
        if in_line(task(airflow, run)):
            told = re.findall(
                r"Waiting in the queue to start \S+: position (\d+)", airflow.log(*run, "replay")
            )
            found[int(told[-1]) if told else 0] = run
    return found


def started(aws: AwsJobsServer) -> list[Any]:
    """The replays of tasks, in the order of their starts."""
    return [job["id"] for job in aws.jobs("events") if not job["id"].startswith("theirs")]


def starts(aws: AwsJobsServer) -> int:
    """How often anybody called StartReplay."""
    return aws.calls("events").get("StartReplay", 0)
