# SPDX-License-Identifier: Apache-2.0

"""The example of a backfill: what its tasks are given and what its check finds."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from airflow_features import needs
from dag_files import load

from airflow_provider_jobs.testing import mock_aws_jobs
from airflow_provider_jobs.testing.aws.iotanalytics.storage import channel_object

pytestmark = needs("sdk_timetables")

START = datetime(2026, 1, 8, tzinfo=UTC)


@pytest.fixture(scope="module")
def example() -> Any:
    """The module, read as the DAG processor reads it."""
    return load(Path(__file__).parents[1] / "example_dags" / "backfill_reprocessing.py")


@pytest.fixture
def s3(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://?region_name=us-east-1")
    with mock_aws_jobs():
        client: Any = boto3.client("s3", region_name="us-east-1")
        for bucket in ("raw-messages", "clean-messages"):
            client.create_bucket(Bucket=bucket)
        sent = [
            {"id": str(minute), "time": (START + timedelta(minutes=minute)).isoformat()}
            for minute in (0, 59, 60)
        ]
        client.put_object(Bucket="raw-messages", **channel_object("raw", START, sent))
        yield client


def land(s3: Any, *minutes: int) -> None:
    rows = [
        {"id": str(minute), "time": (START + timedelta(minutes=minute)).isoformat()} for minute in minutes
    ]
    body = gzip.compress("\n".join(map(json.dumps, rows)).encode())
    s3.put_object(Bucket="clean-messages", Key=f"datastore/clean/{minutes}.json.gz", Body=body)


def checked(example: Any, began: datetime) -> Any:
    result = {
        "start_time": START.isoformat(),
        "end_time": (START + timedelta(hours=1)).isoformat(),
        "created_at": began.isoformat(),
    }
    return example.check.function(result)


def test_the_check_counts_the_intervals_messages(example: Any, s3: Any) -> None:
    began = datetime.now(UTC)
    land(s3, 0, 59)
    land(s3, 60)
    assert checked(example, began) == {"messages": 2}


@pytest.mark.parametrize(
    ("landed", "message"),
    [([0], "1 messages are missing and 0"), ([0, 59, 0], "0 messages are missing and 1 are there too often")],
)
def test_the_check_fails(example: Any, s3: Any, landed: list[int], message: str) -> None:
    began = datetime.now(UTC)
    land(s3, *landed)
    with pytest.raises(ValueError, match=message):
        checked(example, began)


def test_the_check_leaves_out_what_was_there_before(example: Any, s3: Any) -> None:
    land(s3, 0, 59)
    with pytest.raises(ValueError, match="2 messages are missing"):
        checked(example, datetime.now(UTC) + timedelta(minutes=1))


def test_the_wide_variant_cuts_its_interval(example: Any) -> None:
    parts = example.parts.function(data_interval_start=START, data_interval_end=START + timedelta(days=1))
    assert len(parts) == 4
    assert parts[1] == {"start_time": "2026-01-08T06:00:00+00:00", "end_time": "2026-01-08T12:00:00+00:00"}
