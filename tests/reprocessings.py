# SPDX-License-Identifier: Apache-2.0

"""What the tests of IoT Analytics reprocessings share."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook
from airflow_provider_jobs.operators.iot_analytics import IotAnalyticsStartPipelineReprocessingOperator
from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.testing.aws.iotanalytics import backend as iotanalytics
from airflow_provider_jobs.testing.aws.iotanalytics.resources import Reprocessing

START, END = datetime(2026, 1, 1, 0, tzinfo=UTC), datetime(2026, 1, 1, 2, tzinfo=UTC)
SERVICE = "iotanalytics"


def reprocess(task: dict[str, Any] | None = None, **kwargs: Any) -> OneTask:
    given = {"pipeline_name": "cleaning", "poll_interval": 0.02, **AWS, **kwargs}
    if not {"start_time", "end_time", "s3_paths"} & kwargs.keys():
        given.update(start_time=START, end_time=END)
    return OneTask(
        lambda: IotAnalyticsStartPipelineReprocessingOperator(task_id="reprocess", **given), **(task or {})
    )


def client(hook: IotAnalyticsHook) -> Any:
    """The boto3 client, of a service that boto3-stubs does not have."""
    return hook.conn


def starts(aws: AwsJobs) -> int:
    return aws.calls(SERVICE).get("StartPipelineReprocessing", 0)


def messages(aws: AwsJobs) -> list[int]:
    """How many messages each reprocessing was for."""
    return [job["messages"] for job in aws.jobs(SERVICE)]


def reprocessings() -> dict[str, Reprocessing]:
    """What the mocked AWS remembers of the pipeline."""
    return iotanalytics.STORE["123456789012"][REGION].pipelines["cleaning"].reprocessings


def age() -> None:
    """Let the reprocessings so far be of an hour ago."""
    for job in reprocessings().values():
        job.life.started_at -= timedelta(hours=1)
