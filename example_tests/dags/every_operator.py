# SPDX-License-Identifier: Apache-2.0

"""Every operator and sensor of the package, each on the worker and deferred."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineActivatePipelineOperator,
    DataPipelineCreatePipelineOperator,
    DataPipelineDeactivatePipelineOperator,
    DataPipelineDeletePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.operators.dynamodb import DynamoDBExportTableToPointInTimeOperator
from airflow_provider_jobs.operators.event_bus import (
    EventBridgeCancelReplaySubscriberOperator,
    EventBridgeCreateReplaySubscriberOperator,
    EventBridgePauseReplaySubscriberOperator,
    EventBridgeResumeReplaySubscriberOperator,
)
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeCreateArchiveOperator,
    EventBridgeCreateTemporaryRuleOperator,
    EventBridgeDeleteArchiveOperator,
    EventBridgeDeleteTemporaryRuleOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.operators.iot_analytics import (
    IotAnalyticsCancelPipelineReprocessingOperator,
    IotAnalyticsStartPipelineReprocessingOperator,
)
from airflow_provider_jobs.operators.logs import (
    CloudWatchLogsCancelExportTaskOperator,
    CloudWatchLogsCreateExportTaskOperator,
)
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator
from airflow_provider_jobs.operators.sqs import (
    SqsCancelMessageMoveTaskOperator,
    SqsStartMessageMoveTaskOperator,
)
from airflow_provider_jobs.sensors.data_pipeline import DataPipelineSensor
from airflow_provider_jobs.sensors.dynamodb import DynamoDBExportSensor
from airflow_provider_jobs.sensors.event_bus import EventBridgeReplaySubscriberSensor
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplayDeliverySensor, EventBridgeReplaySensor
from airflow_provider_jobs.sensors.iot_analytics import IotAnalyticsPipelineReprocessingSensor
from airflow_provider_jobs.sensors.logs import CloudWatchLogsExportTaskSensor
from airflow_provider_jobs.sensors.lookout_equipment import LookoutEquipmentDataIngestionJobSensor
from airflow_provider_jobs.sensors.sqs import SqsMessageMoveTaskSensor

SETTINGS: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1),
    "schedule": CronDataIntervalTimetable("@daily", timezone="UTC"),
    "catchup": False,
}
#: Of the bus, which AWS gives an id, and its events the test tells.
BUS: dict[str, Any] = {
    "event_bus_arn": "{{ var.value.orders_bus }}",
    "event_start_time": "{{ var.value.orders_from }}",
    "event_end_time": "{{ var.value.orders_to }}",
    "target_arn": "arn:aws:sqs:us-east-1:123456789012:orders",
    "role_arn": "arn:aws:iam::123456789012:role/deliver",
    "dead_letter_arn": "arn:aws:sqs:us-east-1:123456789012:orders-dead",
    "delete_subscriber": False,
}
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders-dead"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
LOAD = {
    "objects": [
        {"id": "Default", "scheduleType": "ondemand", "workerGroup": "ours", "pipelineLogUri": "s3://logs/"},
        {"id": "Load", "type": "ShellCommandActivity", "command": "load-orders"},
    ]
}


def result(task_id: str, key: str) -> str:
    """The template of a value in a task's result."""
    return f"{{{{ ti.xcom_pull('{task_id}')['{key}'] }}}}"


for deferrable in (False, True):
    how = "deferred" if deferrable else "on_the_worker"

    with DAG(f"replay_{how}", **SETTINGS):
        EventBridgeStartReplayOperator(task_id="replay", archive="orders", deferrable=deferrable) >> [
            EventBridgeReplaySensor(
                task_id="wait", replay_name=result("replay", "replay_name"), deferrable=deferrable
            ),
            EventBridgeReplayDeliverySensor(
                task_id="delivery",
                replay_name=result("replay", "replay_name"),
                delivery_delay=0,
                deferrable=deferrable,
            ),
        ]

    with DAG(f"replay_cancelled_{how}", **SETTINGS):
        EventBridgeStartReplayOperator(
            task_id="replay", archive="orders", wait_for_completion=False
        ) >> EventBridgeCancelReplayOperator(
            task_id="cancel", replay_name=result("replay", "replay_name"), deferrable=deferrable
        )

    with DAG(f"trial_{how}", **SETTINGS):
        archive = EventBridgeCreateArchiveOperator(
            task_id="create_archive", archive_name="orders", retention_days=7
        )
        rule = EventBridgeCreateTemporaryRuleOperator(
            task_id="create_rule", target_arn="arn:aws:sqs:us-east-1:123456789012:orders-trial"
        )
        tried = EventBridgeStartReplayOperator(
            task_id="try",
            archive=archive.output["archive_name"],
            rule_arns=[rule.output["rule_arn"]],
            deferrable=deferrable,
        )
        delete_rule = EventBridgeDeleteTemporaryRuleOperator(
            task_id="delete_rule", rule_name=rule.output["rule_name"]
        )
        delete_archive = EventBridgeDeleteArchiveOperator(
            task_id="delete_archive", archive_name=archive.output["archive_name"]
        )
        archive >> rule >> tried >> delete_rule >> delete_archive

    with DAG(f"ingestion_{how}", **SETTINGS):
        LookoutEquipmentStartDataIngestionJobOperator(
            task_id="ingest",
            dataset_name="pumps",
            bucket="plant-sensors",
            prefix="pumps/",
            key_pattern="{prefix}/{component_name}/*",
            role_arn="arn:aws:iam::123456789012:role/sensor-reader",
            deferrable=deferrable,
        ) >> LookoutEquipmentDataIngestionJobSensor(
            task_id="wait", job_id=result("ingest", "job_id"), deferrable=deferrable
        )

    with DAG(f"reprocessing_{how}", **SETTINGS):
        IotAnalyticsStartPipelineReprocessingOperator(
            task_id="reprocess", pipeline_name="cleaning", deferrable=deferrable
        ) >> IotAnalyticsPipelineReprocessingSensor(
            task_id="wait",
            pipeline_name="cleaning",
            reprocessing_id=result("reprocess", "reprocessing_id"),
            deferrable=deferrable,
        )

    with DAG(f"reprocessing_cancelled_{how}", **SETTINGS):
        IotAnalyticsStartPipelineReprocessingOperator(
            task_id="reprocess", pipeline_name="cleaning", wait_for_completion=False
        ) >> IotAnalyticsCancelPipelineReprocessingOperator(
            task_id="cancel",
            pipeline_name="cleaning",
            reprocessing_id=result("reprocess", "reprocessing_id"),
            deferrable=deferrable,
        )

    with DAG(f"redrive_{how}", **SETTINGS):
        SqsStartMessageMoveTaskOperator(
            task_id="redrive", source_arn=QUEUE, deferrable=deferrable
        ) >> SqsMessageMoveTaskSensor(
            task_id="wait", source_arn=QUEUE, since=result("redrive", "since"), deferrable=deferrable
        )

    with DAG(f"redrive_cancelled_{how}", **SETTINGS):
        SqsStartMessageMoveTaskOperator(
            task_id="redrive", source_arn=QUEUE, wait_for_completion=False
        ) >> SqsCancelMessageMoveTaskOperator(
            task_id="cancel", source_arn=QUEUE, since=result("redrive", "since"), deferrable=deferrable
        )

    with DAG(f"replay_bus_{how}", **SETTINGS):
        EventBridgeCreateReplaySubscriberOperator(
            task_id="replay", **BUS, expected_events=1, quiet_period=0, deferrable=deferrable
        )

    with DAG(f"replay_bus_in_steps_{how}", **SETTINGS):
        start_bus = EventBridgeCreateReplaySubscriberOperator(
            task_id="replay", **BUS, expected_events=1, quiet_period=0, wait_for_completion=False
        )
        name = result("replay", "subscriber_name")
        pause = EventBridgePauseReplaySubscriberOperator(task_id="pause", subscriber_name=name)
        resume = EventBridgeResumeReplaySubscriberOperator(task_id="resume", subscriber_name=name)
        wait_bus = EventBridgeReplaySubscriberSensor(
            task_id="wait", subscriber_name=name, poke_interval=0.1, deferrable=deferrable
        )
        cancel_bus = EventBridgeCancelReplaySubscriberOperator(
            task_id="cancel", subscriber_name=name, deferrable=deferrable
        )
        start_bus >> pause >> resume >> wait_bus >> cancel_bus

    with DAG(f"export_{how}", **SETTINGS):
        CloudWatchLogsCreateExportTaskOperator(
            task_id="export", log_group_name="/shop/web", destination="exports", deferrable=deferrable
        ) >> CloudWatchLogsExportTaskSensor(
            task_id="wait", export_task_id=result("export", "export_task_id"), deferrable=deferrable
        )

    with DAG(f"export_cancelled_{how}", **SETTINGS):
        CloudWatchLogsCreateExportTaskOperator(
            task_id="export", log_group_name="/shop/web", destination="exports", wait_for_completion=False
        ) >> CloudWatchLogsCancelExportTaskOperator(
            task_id="cancel", export_task_id=result("export", "export_task_id"), deferrable=deferrable
        )

    with DAG(f"table_{how}", **SETTINGS):
        DynamoDBExportTableToPointInTimeOperator(
            task_id="export", table_arn=TABLE, s3_bucket="exports", deferrable=deferrable
        ) >> DynamoDBExportSensor(
            task_id="wait", export_arn=result("export", "export_arn"), deferrable=deferrable
        )

    with DAG(f"pipeline_{how}", **SETTINGS):
        create = DataPipelineCreatePipelineOperator(task_id="create", pipeline_name="load")
        pipeline_id = result("create", "pipeline_id")
        put = DataPipelinePutPipelineDefinitionOperator(
            task_id="put", pipeline_id=pipeline_id, definition=LOAD
        )
        activate = DataPipelineActivatePipelineOperator(
            task_id="activate", pipeline_id=pipeline_id, deferrable=deferrable
        )
        wait = DataPipelineSensor(task_id="wait", pipeline_id=pipeline_id, deferrable=deferrable)
        deactivate = DataPipelineDeactivatePipelineOperator(
            task_id="deactivate", pipeline_id=pipeline_id, deferrable=deferrable
        )
        delete = DataPipelineDeletePipelineOperator(task_id="delete", pipeline_id=pipeline_id)
        create >> put >> activate >> wait >> deactivate >> delete
