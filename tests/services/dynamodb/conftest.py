# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

import pytest
from job_cases import AWS, DynamoDB, client
from one_task import OneTask

from airflow_provider_jobs.hooks.dynamodb import DynamoDBExportHook
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

HOUR = timedelta(hours=1)


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        yield control


@pytest.fixture
def hour(aws: AwsJobs) -> datetime:
    """The start of an hour of yesterday, one hour after the table was made."""
    now = aws.now()
    hour = now.replace(minute=0, second=0, microsecond=0) - 30 * HOUR
    aws.set_clock_skew((hour - HOUR - now).total_seconds())
    DynamoDB().prepare()
    aws.set_clock_skew(0)
    return hour


@pytest.fixture
def at(aws: AwsJobs) -> Callable[[datetime], None]:
    """Set AWS's clock to a time."""

    def go(time: datetime) -> None:
        aws.set_clock_skew(0)
        aws.set_clock_skew((time - aws.now()).total_seconds())

    return go


@pytest.fixture
def write(aws: AwsJobs, at: Callable[[datetime], None]) -> Callable[..., None]:
    """Put an item at a time, or delete it if it has no values."""

    def go(time: datetime, key: str, **values: str) -> None:
        at(time)
        api = client("dynamodb")
        if values:
            item = {"id": {"S": key}, **{name: {"S": value} for name, value in values.items()}}
            api.put_item(TableName="orders", Item=item)
        else:
            api.delete_item(TableName="orders", Key={"id": {"S": key}})
        aws.set_clock_skew(0)

    return go


@pytest.fixture
def hook(aws: AwsJobs) -> DynamoDBExportHook:
    return DynamoDBExportHook(**AWS)


@pytest.fixture(params=[False, True], ids=["sync", "deferrable"])
def make_task(request: pytest.FixtureRequest, aws: AwsJobs) -> Callable[..., OneTask]:
    """Build a task that exports the table, waiting in either way."""

    def make(task: dict[str, Any] | None = None, **kwargs: Any) -> OneTask:
        return OneTask(lambda: DynamoDB().operator(**{"deferrable": request.param, **kwargs}), **(task or {}))

    return make


def changes(start: datetime, length: timedelta = HOUR) -> dict[str, Any]:
    """The operator's arguments for the changes of a window."""
    return {
        "export_type": "INCREMENTAL_EXPORT",
        "export_from_time": start,
        "export_to_time": start + length,
    }


def read(result: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The lines of an export, found by its manifest."""

    def body(key: str) -> bytes:
        found: bytes = client("s3").get_object(Bucket=result["s3_bucket"], Key=key)["Body"].read()
        return found

    summary = json.loads(body(result["manifest"]))
    lines = []
    for file in map(json.loads, body(summary["manifestFilesS3Key"]).splitlines()):
        data = gzip.decompress(body(file["dataFileS3Key"])).decode().splitlines()
        assert len(data) == file["itemCount"]
        lines += [json.loads(line) for line in data]
    assert len(lines) == summary["itemCount"] == result["item_count"]
    return lines
