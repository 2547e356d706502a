# SPDX-License-Identifier: Apache-2.0

"""What becomes of one DAG when all goes well, and when it does not."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import boto3
import pytest
from airflow.sdk import DAG

from airflow_provider_jobs.testing import AwsJobs, Fault

# The run whose data interval is the day before.
MIDNIGHT = datetime(2026, 1, 10, tzinfo=UTC)


@pytest.fixture
def aws(aws_jobs: AwsJobs) -> AwsJobs:
    """AWS with the archive that the DAG replays; a job has ended when it is first looked at."""
    aws_jobs.set_pace(reads=1)
    events = boto3.client("events", "us-east-1")
    bus = events.describe_event_bus()["Arn"]
    events.create_archive(ArchiveName="orders", EventSourceArn=bus)
    return aws_jobs


def test_it_replays_the_day(dags: dict[str, DAG], aws: AwsJobs) -> None:
    run = dags["orders_again"].test(logical_date=MIDNIGHT)
    assert run.state == "success"
    (replay,) = aws.jobs("events")
    assert replay["state"] == "COMPLETED"
    assert replay["event_start_time"] == datetime(2026, 1, 9, tzinfo=UTC).timestamp()
    assert replay["event_end_time"] == MIDNIGHT.timestamp()


def test_it_fails_with_its_replay(dags: dict[str, DAG], aws: AwsJobs, capfd: Any) -> None:
    aws.fail_next("events", "The bus is full")
    run = dags["orders_again"].test(logical_date=MIDNIGHT)
    assert run.state == "failed"
    assert "ended FAILED: The bus is full." in "".join(capfd.readouterr())


def test_a_lost_answer_starts_no_second_replay(dags: dict[str, DAG], aws: AwsJobs) -> None:
    aws.add_fault(Fault("StartReplay", "drop", when="after"))
    run = dags["orders_again"].test(logical_date=MIDNIGHT)
    assert run.state == "success"
    assert aws.calls("events")["StartReplay"] == 2
    assert [replay["state"] for replay in aws.jobs("events")] == ["COMPLETED"]


def test_it_waits_for_a_place(dags: dict[str, DAG], aws: AwsJobs) -> None:
    aws.set_quota("events", 1)
    events = boto3.client("events", "us-east-1")
    archive = events.describe_archive(ArchiveName="orders")
    events.start_replay(
        ReplayName="somebody-elses",
        EventSourceArn=archive["ArchiveArn"],
        EventStartTime=datetime(2026, 1, 1),
        EventEndTime=datetime(2026, 1, 2),
        Destination={"Arn": archive["EventSourceArn"]},
    )
    run = dags["orders_again"].test(logical_date=MIDNIGHT)
    assert run.state == "success"
    assert aws.max_active("events") == 1
    assert [replay["state"] for replay in aws.jobs("events")] == ["COMPLETED", "COMPLETED"]
