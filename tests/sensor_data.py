# SPDX-License-Identifier: Apache-2.0

"""A plant with sensor data and a dataset, for the tests of Lookout for Equipment."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import boto3
from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

SERVICE = "lookoutequipment"
ROLE = "arn:aws:iam::123456789012:role/sensor-reader"
PATTERN = "{prefix}/{component_name}/*"
#: No retries of botocore's own, so that a fault reaches the operator at once.
ONE_CALL: dict[str, Any] = {"retries": {"total_max_attempts": 1}}

_HOUR = [f"2026-01-01T06:{minute:02}:00,{minute}.5,{minute}" for minute in range(60)]


@contextmanager
def plant() -> Iterator[AwsJobs]:
    """AWS with a dataset and an hour of a pump's data."""
    with mock_aws_jobs() as control:
        boto3.client("s3", region_name=REGION).create_bucket(Bucket="plant")
        put("pump/0.csv", *_HOUR)
        api().create_dataset(DatasetName="pumps", ClientToken="pumps")
        yield control


def api() -> Any:
    return boto3.client("lookoutequipment", region_name=REGION)


def put(key: str, *rows: str) -> None:
    body = "\n".join(["time,speed,heat", *rows]).encode()
    boto3.client("s3", region_name=REGION).put_object(Bucket="plant", Key=f"2026/{key}", Body=body)


def ingest(task: dict[str, Any] | None = None, **kwargs: Any) -> OneTask:
    given = {
        "dataset_name": "pumps",
        "bucket": "plant",
        "prefix": "2026/",
        "key_pattern": PATTERN,
        "role_arn": ROLE,
        "poll_interval": 0.02,
        **AWS,
        **kwargs,
    }
    return OneTask(
        lambda: LookoutEquipmentStartDataIngestionJobOperator(task_id="ingest", **given), **(task or {})
    )


def start(token: str, **source: str) -> str:
    """Start a job as anybody else would."""
    given = {"Bucket": "plant", "Prefix": "2026/", "KeyPattern": PATTERN, **source}
    answer = api().start_data_ingestion_job(
        DatasetName="pumps",
        IngestionInputConfiguration={"S3InputConfiguration": given},
        RoleArn=ROLE,
        ClientToken=token,
    )
    return str(answer["JobId"])


def tokens(aws: AwsJobs) -> list[str]:
    return [job["client_token"] for job in aws.jobs(SERVICE)]
