# SPDX-License-Identifier: Apache-2.0

"""Pipelines of Data Pipeline for tests: definitions in the file format, and tasks that run them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from job_cases import AWS
from one_task import OneTask

from airflow_provider_jobs.operators.data_pipeline import DataPipelineActivatePipelineOperator

NOW = datetime.now(UTC).replace(microsecond=0)
DEFAULT = {"id": "Default", "scheduleType": "ondemand", "workerGroup": "wg", "pipelineLogUri": "s3://logs/"}
STEP = {"type": "ShellCommandActivity", "command": "true"}


def stamp(offset: timedelta) -> str:
    return (NOW + offset).strftime("%Y-%m-%dT%H:%M:%S")


def on_demand(**steps: dict[str, Any]) -> dict[str, Any]:
    return {"objects": [DEFAULT, *({"id": name, **STEP, **more} for name, more in steps.items())]}


def on_schedule(**schedule: str) -> dict[str, Any]:
    default = {
        "id": "Default",
        "workerGroup": "wg",
        "schedule": {"ref": "Hourly"},
        "pipelineLogUri": "s3://l/",
    }
    hourly = {"id": "Hourly", "type": "Schedule", "period": "1 hour", **schedule}
    return {"objects": [default, hourly, {"id": "A", **STEP}]}


def activate(pipeline_id: str, **kwargs: Any) -> OneTask:
    given = {"pipeline_id": pipeline_id, "poll_interval": 0.02, **AWS, **kwargs}
    return OneTask(lambda: DataPipelineActivatePipelineOperator(task_id="activate", **given))
