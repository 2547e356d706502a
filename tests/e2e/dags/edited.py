# SPDX-License-Identifier: Apache-2.0

"""DAGs that a person edits between two tries: every job type, waiting on the worker and deferred.

What a task's job is started on is in the run's configuration under the task's id.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, get_parsing_context

from airflow_provider_jobs.operators.data_pipeline import DataPipelineActivatePipelineOperator
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.operators.iot_analytics import IotAnalyticsStartPipelineReprocessingOperator
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator

#: These lines are edited. A retry's delay, in seconds, is long: none begins before Airflow has read the edit.
EDITED = {
    "two_to_five": {"retries": 2, "delay": 3600, "year": 2025},
    "five_to_two": {"retries": 5, "delay": 3600, "year": 2025},
    "three_to_four": {"retries": 3, "delay": 3600, "year": 2025},
    "other_request": {"retries": 2, "delay": 3600, "year": 2025},
    "other_request_ended": {"retries": 2, "delay": 3600, "year": 2025},
    # Of this one Airflow does not read the edit.
    "unread_edit": {"retries": 9, "delay": 5, "year": 2025},
}
WAYS: dict[str, dict[str, Any]] = {"on_worker": {"deferrable": False}, "deferred": {"deferrable": True}}
#: The others have all ways; so many workers at once would be too many.
DEFERRED_ONLY = {"three_to_four", "other_request_ended", "unread_edit"}
TARGET = "{{ dag_run.conf[task.task_id] }}"

#: The only DAG that a task's process wants; none where all are read.
WANTED = get_parsing_context().dag_id

for dag_id, now in EDITED.items():
    if WANTED not in (None, dag_id):
        continue
    year = now["year"]
    with DAG(
        dag_id,
        start_date=datetime(2026, 1, 1),
        schedule=None,
        default_args={
            "retries": now["retries"],
            "retry_delay": timedelta(seconds=now["delay"]),
            "poll_interval": 1,
        },
    ):
        for name, way in WAYS.items():
            if name == "on_worker" and dag_id in DEFERRED_ONLY:
                continue
            EventBridgeStartReplayOperator(
                task_id=f"events_{name}",
                archive=TARGET,
                event_start_time=f"{year}-01-01T00:00:00+00:00",
                event_end_time=f"{year}-01-02T00:00:00+00:00",
                **way,
            )
            LookoutEquipmentStartDataIngestionJobOperator(
                task_id=f"lookoutequipment_{name}",
                dataset_name=TARGET,
                bucket="plant",
                prefix=f"{year}/",
                key_pattern="{prefix}/{component_name}/*",
                role_arn="arn:aws:iam::123456789012:role/reader",
                **way,
            )
            IotAnalyticsStartPipelineReprocessingOperator(
                task_id=f"iotanalytics_{name}",
                pipeline_name=TARGET,
                start_time=f"{year}-01-01T00:00:00+00:00",
                end_time=f"{year}-01-01T02:00:00+00:00",
                **way,
            )
            DataPipelineActivatePipelineOperator(
                task_id=f"datapipeline_{name}",
                pipeline_id=TARGET,
                parameter_values={"myYear": str(year)},
                **way,
            )
