# SPDX-License-Identifier: Apache-2.0

"""DAGs of eight tasks each: every job type, waiting on the worker and deferred.

What a task's job is started on, such as the archive or the dataset, is in the run's configuration under
the task's id.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, get_parsing_context

from airflow_provider_jobs.operators.data_pipeline import DataPipelineActivatePipelineOperator
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.operators.iot_analytics import IotAnalyticsStartPipelineReprocessingOperator
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator

WAYS: dict[str, dict[str, Any]] = {"on_worker": {"deferrable": False}, "deferred": {"deferrable": True}}
VARIANTS: dict[str, dict[str, Any]] = {
    "every_job": {},
    "every_job_left": {"cancel_on_kill": False},
    "every_job_hurried": {"job_timeout": timedelta(seconds=10), "retries": 0},
    "every_job_in_time": {"job_timeout": timedelta(seconds=25)},
    "every_job_once": {"retries": 0},
    "every_job_patient": {"retries": 5, "retry_delay": timedelta(seconds=15)},
    "every_job_rotated": {"aws_conn_id": "aws_rotated"},
    "every_job_assumed": {"aws_conn_id": "aws_assumed"},
}
TARGET = "{{ dag_run.conf[task.task_id] }}"

#: The only DAG that a task's process wants; none where all are read.
WANTED = get_parsing_context().dag_id

for dag_id, variant in VARIANTS.items():
    if WANTED not in (None, dag_id):
        continue
    with DAG(
        dag_id,
        start_date=datetime(2026, 1, 1),
        schedule=None,
        max_active_runs=50,
        default_args={"retries": 3, "retry_delay": timedelta(seconds=1), "poll_interval": 1, **variant},
    ):
        for name, way in WAYS.items():
            EventBridgeStartReplayOperator(
                task_id=f"events_{name}",
                archive=TARGET,
                event_start_time="2026-01-01T00:00:00+00:00",
                event_end_time="2026-01-02T00:00:00+00:00",
                **way,
            )
            LookoutEquipmentStartDataIngestionJobOperator(
                task_id=f"lookoutequipment_{name}",
                dataset_name=TARGET,
                bucket="plant",
                prefix="2026/",
                key_pattern="{prefix}/{component_name}/*",
                role_arn="arn:aws:iam::123456789012:role/reader",
                **way,
            )
            IotAnalyticsStartPipelineReprocessingOperator(
                task_id=f"iotanalytics_{name}",
                pipeline_name=TARGET,
                start_time="2026-01-01T00:00:00+00:00",
                end_time="2026-01-01T02:00:00+00:00",
                **way,
            )
            DataPipelineActivatePipelineOperator(task_id=f"datapipeline_{name}", pipeline_id=TARGET, **way)
