# SPDX-License-Identifier: Apache-2.0

"""A DAG of two hundred deferred tasks, of every job type.

Ingestion jobs have a dataset each, Data Pipeline a pipeline each; which these are is in the run's
configuration.
"""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG

from airflow_provider_jobs.operators.data_pipeline import DataPipelineActivatePipelineOperator
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.operators.iot_analytics import IotAnalyticsStartPipelineReprocessingOperator
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator

with DAG(
    "many_jobs",
    start_date=datetime(2026, 1, 1),
    schedule=None,
    # No more on the workers at once than two cores have room for beside the triggerer. Deferred tasks do not
    # count.
    max_active_tasks=6,
    default_args={"deferrable": True, "poll_interval": 2},
):
    EventBridgeStartReplayOperator.partial(
        task_id="events",
        archive="orders",
        event_end_time="2026-01-02T00:00:00+00:00",
    ).expand(event_start_time=[f"2026-01-01T00:{minute:02}:00+00:00" for minute in range(60)])
    LookoutEquipmentStartDataIngestionJobOperator.partial(
        task_id="lookoutequipment",
        bucket="plant",
        prefix="2026/",
        key_pattern="{prefix}/{component_name}/*",
        role_arn="arn:aws:iam::123456789012:role/reader",
    ).expand(dataset_name=[f"{{{{ dag_run.conf['datasets'][{number}] }}}}" for number in range(60)])
    IotAnalyticsStartPipelineReprocessingOperator.partial(
        task_id="iotanalytics",
        pipeline_name="cleaning",
        end_time="2026-01-01T02:00:00+00:00",
    ).expand(start_time=[f"2026-01-01T00:{minute:02}:00+00:00" for minute in range(60)])
    DataPipelineActivatePipelineOperator.partial(task_id="datapipeline").expand(
        pipeline_id=[f"{{{{ dag_run.conf['pipelines'][{number}] }}}}" for number in range(20)]
    )
