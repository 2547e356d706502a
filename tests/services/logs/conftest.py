# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from job_cases import AWS, CloudWatchLogs, client
from one_task import OneTask

from airflow_provider_jobs.hooks.logs import CloudWatchLogsExportHook
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        CloudWatchLogs().prepare()
        yield control


@pytest.fixture
def hook(aws: AwsJobs) -> CloudWatchLogsExportHook:
    return CloudWatchLogsExportHook(**AWS)


@pytest.fixture
def hour(aws: AwsJobs) -> datetime:
    """The start of an hour that is over, and of which AWS still takes events."""
    return aws.now().replace(minute=0, second=0, microsecond=0) - timedelta(hours=30)


@pytest.fixture
def log(aws: AwsJobs) -> Callable[..., None]:
    """Put events into a stream, at these times."""

    def put(stream: str, *times: datetime) -> None:
        api = client("logs")
        api.create_log_stream(logGroupName="/shop/web", logStreamName=stream)
        events = [
            {"timestamp": round(each.timestamp() * 1000), "message": f"{stream} {number}"}
            for number, each in enumerate(times)
        ]
        api.put_log_events(logGroupName="/shop/web", logStreamName=stream, logEvents=events)

    return put


@pytest.fixture
def exported(aws: AwsJobs) -> Callable[[str], dict[str, list[str]]]:
    """The messages that a folder has, by the objects' names below it."""

    def read(folder: str) -> dict[str, list[str]]:
        bucket, _, prefix = folder.removeprefix("s3://").partition("/")
        found = client("s3").list_objects_v2(Bucket=bucket, Prefix=prefix).get("Contents", ())
        texts = {}
        for key in (each["Key"] for each in found):
            body = gzip.decompress(client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()).decode()
            texts[key.removeprefix(prefix)] = [line.partition(" ")[2] for line in body.splitlines()]
        return texts

    return read


@pytest.fixture(params=[False, True], ids=["sync", "deferrable"])
def make_task(request: pytest.FixtureRequest, aws: AwsJobs) -> Callable[..., OneTask]:
    """Build a task that exports the log group, waiting in either way."""

    def make(**kwargs: Any) -> OneTask:
        return OneTask(lambda: CloudWatchLogs().operator(**{"deferrable": request.param, **kwargs}))

    return make
