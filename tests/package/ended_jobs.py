# SPDX-License-Identifier: Apache-2.0

"""Takes up tasks whose jobs have ended, in a process of its own, and prints the modules that this imported.

``python ended_jobs.py OUTCOME``, with ``success`` or ``failure``.
"""

from __future__ import annotations

import sys
from typing import Any

import one_task
from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator, TaskDeferred

# What Airflow and the tests' own task instance bring is none of our doing.
assert all((BaseOperator, BaseSensorOperator, TaskDeferred))
before = {*sys.modules}

from airflow_provider_jobs.exceptions import JobFailedError  # noqa: E402
from airflow_provider_jobs.job import JobState, JobStatus  # noqa: E402
from airflow_provider_jobs.operators import (  # noqa: E402
    data_pipeline,
    dynamodb,
    event_bus,
    eventbridge,
    iot_analytics,
    logs,
    lookout_equipment,
    sqs,
)
from airflow_provider_jobs.sensors import data_pipeline as data_pipeline_sensor  # noqa: E402
from airflow_provider_jobs.sensors import dynamodb as dynamodb_sensor  # noqa: E402
from airflow_provider_jobs.sensors import event_bus as event_bus_sensor  # noqa: E402
from airflow_provider_jobs.sensors import eventbridge as eventbridge_sensor  # noqa: E402
from airflow_provider_jobs.sensors import iot_analytics as iot_analytics_sensor  # noqa: E402
from airflow_provider_jobs.sensors import logs as logs_sensor  # noqa: E402
from airflow_provider_jobs.sensors import lookout_equipment as lookout_equipment_sensor  # noqa: E402
from airflow_provider_jobs.sensors import sqs as sqs_sensor  # noqa: E402

QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders-dead"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"

BUS = f"arn:aws:events:us-east-1:123456789012:event-busv2/orders/{'0' * 25}"
DELIVERED = {"events_matched": 1, "events_delivered": 1}
INGESTED = {
    "dataset_name": "pumps",
    "files_ingested": 1,
    "files_total": 1,
    "files_discarded": [],
    "bytes_ingested": 1,
    "data_start_time": None,
    "data_end_time": None,
    "data_quality": {"missing_values": 0},
}
TASKS: list[tuple[Any, dict[str, Any]]] = [
    (eventbridge.EventBridgeStartReplayOperator(task_id="start_replay", archive="orders"), {}),
    (
        event_bus.EventBridgeCreateReplaySubscriberOperator(
            task_id="start_subscriber",
            event_bus_arn=BUS,
            target_arn=QUEUE,
            role_arn="arn:aws:iam::123456789012:role/r",
            dead_letter_arn=QUEUE,
            delete_subscriber=False,
        ),
        DELIVERED,
    ),
    (
        event_bus.EventBridgeCancelReplaySubscriberOperator(
            task_id="cancel_subscriber", subscriber_name="orders", delete_subscriber=False
        ),
        {},
    ),
    (event_bus_sensor.EventBridgeReplaySubscriberSensor(task_id="delivered", subscriber_name="orders"), {}),
    (eventbridge.EventBridgeCancelReplayOperator(task_id="cancel_replay", replay_name="orders"), {}),
    (data_pipeline.DataPipelineActivatePipelineOperator(task_id="activate", pipeline_id="df-1"), {}),
    (data_pipeline.DataPipelineDeactivatePipelineOperator(task_id="deactivate", pipeline_id="df-1"), {}),
    (
        iot_analytics.IotAnalyticsStartPipelineReprocessingOperator(
            task_id="reprocess", pipeline_name="p", start_time=None, end_time=None
        ),
        {},
    ),
    (
        iot_analytics.IotAnalyticsCancelPipelineReprocessingOperator(
            task_id="cancel_reprocessing", pipeline_name="p", reprocessing_id="1"
        ),
        {},
    ),
    (
        lookout_equipment.LookoutEquipmentStartDataIngestionJobOperator(
            task_id="ingest",
            dataset_name="pumps",
            bucket="plant",
            role_arn="arn:aws:iam::123456789012:role/r",
        ),
        INGESTED,
    ),
    (
        logs.CloudWatchLogsCreateExportTaskOperator(
            task_id="export", log_group_name="/shop/web", destination="exports"
        ),
        {},
    ),
    (logs.CloudWatchLogsCancelExportTaskOperator(task_id="cancel_export", export_task_id="1"), {}),
    (logs_sensor.CloudWatchLogsExportTaskSensor(task_id="exported", export_task_id="1"), {}),
    (
        dynamodb.DynamoDBExportTableToPointInTimeOperator(
            task_id="export_table", table_arn=TABLE, s3_bucket="exports"
        ),
        {},
    ),
    (dynamodb_sensor.DynamoDBExportSensor(task_id="table_exported", export_arn=f"{TABLE}/export/1"), {}),
    (sqs.SqsStartMessageMoveTaskOperator(task_id="redrive", source_arn=QUEUE), {}),
    (sqs.SqsCancelMessageMoveTaskOperator(task_id="cancel_redrive", source_arn=QUEUE), {}),
    (sqs_sensor.SqsMessageMoveTaskSensor(task_id="redriven", source_arn=QUEUE), {}),
    (eventbridge_sensor.EventBridgeReplaySensor(task_id="replay", replay_name="orders"), {}),
    (data_pipeline_sensor.DataPipelineSensor(task_id="pipeline", pipeline_id="df-1"), {}),
    (
        iot_analytics_sensor.IotAnalyticsPipelineReprocessingSensor(
            task_id="reprocessing", pipeline_name="p", reprocessing_id="1"
        ),
        {},
    ),
    (lookout_equipment_sensor.LookoutEquipmentDataIngestionJobSensor(task_id="job", job_id="1"), INGESTED),
]


def make() -> BaseOperator:
    """Only the context of a task instance is wanted."""
    raise NotImplementedError


def main() -> None:
    """Take up each task and print what that has imported, in one line."""
    state = JobState.SUCCEEDED if sys.argv[1] == "success" else JobState.FAILED
    errors = []
    for task, details in TASKS:
        job = JobStatus("job-1", state, state.value.upper(), details=details)
        event = {"job_id": job.job_id, "job": job.to_json(), "shared": False, "ran": 20.0}
        context = one_task.OneTask(make, tries=1).context(task)
        try:
            result = task.resume_execution("execute_complete", {"event": event}, context)
            assert details.items() <= result.items(), (task.task_id, result)
        except JobFailedError as error:
            errors.append(str(error))
    # Those that stop a job take each end of it.
    assert len(errors) == (0 if state is JobState.SUCCEEDED else len(TASKS) - 6), errors
    assert all("job-1 ended FAILED: AWS " in error for error in errors), errors
    print(*sorted({*sys.modules} - before))


if __name__ == "__main__":
    main()
