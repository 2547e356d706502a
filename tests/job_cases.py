# SPDX-License-Identifier: Apache-2.0

"""What the tests of all job types need to know of each: one row a job type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import job_targets
import pytest
from airflow.providers.common.compat.sdk import BaseOperator
from airflow_features import needs
from job_case import AWS, REGION, JobCase, OneAtATime, client, session

from airflow_provider_jobs._sqs.redrive import RedriveId
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.hooks.dynamodb import DynamoDBExportHook
from airflow_provider_jobs.hooks.event_bus import EventBusReplayHook
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook
from airflow_provider_jobs.hooks.logs import CloudWatchLogsExportHook
from airflow_provider_jobs.hooks.lookout_equipment import LookoutEquipmentHook
from airflow_provider_jobs.hooks.sqs import SqsRedriveHook
from airflow_provider_jobs.operators.data_pipeline import DataPipelineActivatePipelineOperator
from airflow_provider_jobs.operators.dynamodb import DynamoDBExportTableToPointInTimeOperator
from airflow_provider_jobs.operators.event_bus import EventBridgeCreateReplaySubscriberOperator
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.operators.iot_analytics import IotAnalyticsStartPipelineReprocessingOperator
from airflow_provider_jobs.operators.logs import CloudWatchLogsCreateExportTaskOperator
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator
from airflow_provider_jobs.operators.sqs import SqsStartMessageMoveTaskOperator
from airflow_provider_jobs.sensors.data_pipeline import DataPipelineSensor
from airflow_provider_jobs.sensors.dynamodb import DynamoDBExportSensor
from airflow_provider_jobs.sensors.event_bus import EventBridgeReplaySubscriberSensor
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor
from airflow_provider_jobs.sensors.iot_analytics import IotAnalyticsPipelineReprocessingSensor
from airflow_provider_jobs.sensors.logs import CloudWatchLogsExportTaskSensor
from airflow_provider_jobs.sensors.lookout_equipment import LookoutEquipmentDataIngestionJobSensor
from airflow_provider_jobs.sensors.sqs import SqsMessageMoveTaskSensor
from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.testing.aws.iotanalytics import backend as iotanalytics
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.windows import moment

__all__ = [
    "AWS",
    "CASES",
    "FINDING",
    "KNOWING",
    "REGION",
    "STOPPABLE",
    "CloudWatchLogs",
    "DataPipeline",
    "DynamoDB",
    "EventBridge",
    "EventBus",
    "IotAnalytics",
    "JobCase",
    "LookoutEquipment",
    "Sqs",
    "client",
    "remembering",
    "session",
]


class EventBridge(JobCase):
    service = "events"
    hook_class = EventBridgeReplayHook
    start_operation = "StartReplay"
    stop_operation = "CancelReplay"
    describe_operation = "DescribeReplay"
    list_operation = "ListReplays"
    lists_before_start = 1
    running, succeeded, failed, cancelled = "RUNNING", "COMPLETED", "FAILED", "CANCELLED"
    stopping = "CANCELLING"

    def prepare(self) -> None:
        job_targets.archive(client, "orders")

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {
            "archive": "orders",
            "event_start_time": "2026-01-01T00:00:00+00:00",
            "event_end_time": "2026-01-02T00:00:00+00:00",
            "poll_interval": 0.02,
        }
        return EventBridgeStartReplayOperator(task_id="replay", **{**AWS, **given, **kwargs})

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        return EventBridgeReplaySensor(
            task_id="wait", replay_name=job_id, **{**AWS, "poke_interval": 0.02, **kwargs}
        )

    def job_id(self, result: dict[str, Any]) -> str:
        name: str = result["replay_name"]
        return name


class LookoutEquipment(JobCase):
    service = "lookoutequipment"
    hook_class = LookoutEquipmentHook
    start_operation = "StartDataIngestionJob"
    stop_operation = None
    describe_operation = "DescribeDataIngestionJob"
    list_operation = "ListDataIngestionJobs"
    lists_before_start = 1
    dispensable = frozenset({list_operation})
    running, succeeded, failed, cancelled = "IN_PROGRESS", "SUCCESS", "FAILED", None
    stopping = None

    def prepare(self) -> None:
        job_targets.sensor_data(client)
        self.apart(0)

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {
            "dataset_name": "pumps-0",
            "bucket": "plant",
            "prefix": "2026/",
            "key_pattern": "{prefix}/{component_name}/*",
            "role_arn": "arn:aws:iam::123456789012:role/lookout",
            "poll_interval": 0.02,
        }
        return LookoutEquipmentStartDataIngestionJobOperator(task_id="ingest", **{**AWS, **given, **kwargs})

    def apart(self, number: int) -> dict[str, Any]:
        name = f"pumps-{number}"
        job_targets.dataset(client, name)  # its token makes it once
        return {"dataset_name": name}

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        return LookoutEquipmentDataIngestionJobSensor(
            task_id="wait", job_id=job_id, **{**AWS, "poke_interval": 0.02, **kwargs}
        )

    def job_id(self, result: dict[str, Any]) -> str:
        name: str = result["job_id"]
        return name


class IotAnalytics(JobCase):
    service = "iotanalytics"
    hook_class = IotAnalyticsHook
    start_operation = "StartPipelineReprocessing"
    stop_operation = "CancelPipelineReprocessing"
    describe_operation = "DescribePipeline"
    list_operation = "ListPipelines"
    running, succeeded, failed, cancelled = "RUNNING", "SUCCEEDED", "FAILED", "CANCELLED"
    stopping = None
    repeatable = False
    shares_quota = False
    unknown = "has no reprocessing .* among its summaries"

    def prepare(self) -> None:
        job_targets.channel(client)
        self.pipeline("cleaning")

    @staticmethod
    def pipeline(name: str) -> None:
        job_targets.cleaning(client, name)

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {
            "pipeline_name": "cleaning",
            "start_time": "2026-01-01T00:00:00+00:00",
            "end_time": "2026-01-01T02:00:00+00:00",
            "poll_interval": 0.02,
        }
        return IotAnalyticsStartPipelineReprocessingOperator(
            task_id="reprocess", **{**AWS, **given, **kwargs}
        )

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        return IotAnalyticsPipelineReprocessingSensor(
            task_id="wait",
            pipeline_name="cleaning",
            reprocessing_id=job_id,
            **{**AWS, "poke_interval": 0.02, **kwargs},
        )

    def job_id(self, result: dict[str, Any]) -> str:
        name: str = result["reprocessing_id"]
        return name

    def core_id(self, job_id: str) -> str:
        return f"cleaning/{job_id}"

    def reason(self, told: str) -> str:
        return "AWS IoT Analytics does not say why"

    def small_quota(self, monkeypatch: pytest.MonkeyPatch) -> int:
        monkeypatch.setattr(IotAnalyticsHook, "scope_quota", 10)
        return 10

    def hurry_places(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
        monkeypatch.setattr("airflow_provider_jobs.hooks.iot_analytics._DAY", timedelta(seconds=seconds))
        monkeypatch.setattr(iotanalytics, "DAY", timedelta(seconds=seconds))

    def free_place(self, aws: AwsJobs) -> None:
        """Put the first start back by a day, and by a second, to which AWS's Date header is cut."""
        pipeline = iotanalytics.STORE["123456789012"][REGION].pipelines["cleaning"]
        job = next(iter(pipeline.reprocessings.values()))
        job.life.started_at -= iotanalytics.DAY + timedelta(seconds=1)


class DataPipeline(OneAtATime):
    """One pipeline, which runs on demand; its operators' jobs are apart in time only."""

    service = "datapipeline"
    hook_class = DataPipelineHook
    start_operation = "ActivatePipeline"
    stop_operation = "DeactivatePipeline"
    describe_operation = "DescribePipelines"
    list_operation = "ListPipelines"
    running, succeeded, failed, cancelled = "SCHEDULED", "FINISHED", "FAILED", "INACTIVE"
    stopping = "DEACTIVATING"
    repeatable = False
    unknown = "PipelineNotFoundException"
    looks_to_start = 3
    shortest = 1.1

    def prepare(self) -> None:
        self.pipeline_id = job_targets.load(client, "load")

    def start_another(self) -> None:
        client("datapipeline").activate_pipeline(pipelineId=self.pipeline_id)

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {"pipeline_id": self.pipeline_id, "poll_interval": 0.02}
        return DataPipelineActivatePipelineOperator(task_id="activate", **{**AWS, **given, **kwargs})

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        pipeline_id, _, time = job_id.partition("@")
        activation = f"{time}+00:00" if time else None
        return DataPipelineSensor(
            task_id="wait",
            pipeline_id=pipeline_id,
            activation_time=activation,
            **{**AWS, "poke_interval": 0.02, **kwargs},
        )

    def job_id(self, result: dict[str, Any]) -> str:
        return f"{result['pipeline_id']}@{result['activation_time'].removesuffix('+00:00')}"


class Sqs(OneAtATime):
    """One dead-letter queue, of which one redrive runs; redrives are apart in time only."""

    service = "sqs"
    hook_class = SqsRedriveHook
    start_operation = "StartMessageMoveTask"
    stop_operation = "CancelMessageMoveTask"
    describe_operation = list_operation = "ListMessageMoveTasks"
    running, succeeded, failed, cancelled = "RUNNING", "COMPLETED", "FAILED", "CANCELLED"
    stopping = "CANCELLING"
    lists_before_start = 2
    repeatable = False
    unknown = "is not among the .* redrives of the queue"
    looks_to_start = 3
    shortest = 0.2
    most = 10
    source_arn = job_targets.DEAD_ARN.format("orders")

    def prepare(self) -> None:
        job_targets.dead_letters(client, "orders")

    def start_another(self) -> None:
        client("sqs").start_message_move_task(SourceArn=self.source_arn)

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {"source_arn": self.source_arn, "poll_interval": 0.02}
        return SqsStartMessageMoveTaskOperator(task_id="redrive", **{**AWS, **given, **kwargs})

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        source_arn, _, milliseconds = job_id.partition("@")
        known = source_arn == self.source_arn
        return SqsMessageMoveTaskSensor(
            task_id="wait",
            source_arn=self.source_arn,
            since=moment(int(milliseconds)) if known else "2099-01-01T00:00:00Z",
            **{**AWS, "poke_interval": 0.02, **kwargs},
        )

    def job_id(self, result: dict[str, Any]) -> str:
        return str(RedriveId.of(result["source_arn"], datetime.fromisoformat(result["since"])))


class CloudWatchLogs(JobCase):
    """One export at a time; its name tells whose it is, and may be that of two."""

    service = "logs"
    hook_class = CloudWatchLogsExportHook
    start_operation = "CreateExportTask"
    stop_operation = "CancelExportTask"
    describe_operation = list_operation = "DescribeExportTasks"
    running, succeeded, failed, cancelled = "RUNNING", "COMPLETED", "FAILED", "CANCELLED"
    stopping = "PENDING_CANCEL"
    lists_before_start = 3
    repeatable = False
    unknown = "knows no export"
    looks_to_start = 3

    def prepare(self) -> None:
        job_targets.log_group(client, "/shop/web")

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {
            "log_group_name": "/shop/web",
            "destination": "exports",
            "start_time": "2026-01-01T00:00:00+00:00",
            "end_time": "2026-01-01T02:00:00+00:00",
            "poll_interval": 0.02,
        }
        return CloudWatchLogsCreateExportTaskOperator(task_id="export", **{**AWS, **given, **kwargs})

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        given = {"export_task_id": job_id, "poke_interval": 0.02}
        return CloudWatchLogsExportTaskSensor(task_id="wait", **{**AWS, **given, **kwargs})

    def job_id(self, result: dict[str, Any]) -> str:
        export_id: str = result["export_task_id"]
        return export_id


class EventBus(JobCase):
    """A subscriber that replays an hour of three events; the author knows how many there are."""

    service = "eventbridgev2"
    hook_class = EventBusReplayHook
    start_operation = "CreateSubscriber"
    stop_operation = "UpdateSubscriber"
    describe_operation = list_operation = "ListSubscribers"
    lists_before_start = 1
    running, succeeded, failed, cancelled = "RUNNING", "DELIVERED", "REVOKED", "STOPPED"
    stopping = None
    unknown = "knows no subscriber"
    stops_at_once = True
    fleeting = ("fingerprint", "scope")
    besides = ("monitoring",)
    hosts = ("eventsv2", "123456789012.eventsv2")

    def prepare(self) -> None:
        if self.service not in session().get_available_services():
            pytest.skip("This boto3 does not know the Custom Event Bus.")
        self.bus_arn, self.start = job_targets.event_bus(client, self.aws or CONTROL)

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {
            "event_bus_arn": self.bus_arn,
            "target_arn": "arn:aws:sqs:us-east-1:123456789012:orders",
            "role_arn": job_targets.ROLE,
            "dead_letter_arn": "arn:aws:sqs:us-east-1:123456789012:orders-dead",
            "event_start_time": self.start,
            "event_end_time": self.start + timedelta(hours=1),
            "expected_events": 3,
            "quiet_period": 0,
            "delete_subscriber": False,
            "job_timeout": None,
            "poll_interval": 0.02,
        }
        return EventBridgeCreateReplaySubscriberOperator(task_id="replay", **{**AWS, **given, **kwargs})

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        given = {"subscriber_name": job_id, "poke_interval": 0.02}
        return EventBridgeReplaySubscriberSensor(task_id="wait", **{**AWS, **given, **kwargs})

    def job_id(self, result: dict[str, Any]) -> str:
        name: str = result["subscriber_name"]
        return name

    def reason(self, told: str) -> str:
        return "the owner of the event bus has revoked the subscriber"


class DynamoDB(JobCase):
    """Exports of one table, told apart by their tokens; none can be stopped."""

    service = "dynamodb"
    hook_class = DynamoDBExportHook
    start_operation = "ExportTableToPointInTime"
    stop_operation = None
    describe_operation = "DescribeExport"
    list_operation = "ListExports"
    lists_before_start = 1
    running, succeeded, failed, cancelled = "IN_PROGRESS", "COMPLETED", "FAILED", None
    stopping = None
    unknown = "ExportNotFound"
    table_arn = job_targets.TABLE_ARN.format("orders")

    def prepare(self) -> None:
        job_targets.table(client, "orders")

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {"table_arn": self.table_arn, "s3_bucket": "exports", "poll_interval": 0.02}
        return DynamoDBExportTableToPointInTimeOperator(task_id="export", **{**AWS, **given, **kwargs})

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        export_arn = job_id if job_id.startswith("arn:") else f"{self.table_arn}/export/{job_id}"
        given = {"export_arn": export_arn, "poke_interval": 0.02}
        return DynamoDBExportSensor(task_id="wait", **{**AWS, **given, **kwargs})

    def small_quota(self, monkeypatch: pytest.MonkeyPatch) -> int:
        monkeypatch.setattr(DynamoDBExportHook, "quota", 10)
        return 10

    def job_id(self, result: dict[str, Any]) -> str:
        export_arn: str = result["export_arn"]
        return export_arn


CASES: list[JobCase] = [
    EventBridge(),
    LookoutEquipment(),
    IotAnalytics(),
    DataPipeline(),
    Sqs(),
    CloudWatchLogs(),
    EventBus(),
    DynamoDB(),
]
#: Those whose jobs AWS can stop.
STOPPABLE = [case for case in CASES if case.stop_operation]


def remembering(cases: list[JobCase], whose: Callable[[JobCase], bool]) -> list[Any]:
    """Parameters for a test in which the tasks of these cases have to remember their jobs."""
    return [pytest.param(case, marks=needs("task_state_store")) if whose(case) else case for case in cases]


#: All, for a test in which a task finds its job again: by its name, by the same start call, or by memory.
FINDING = remembering(CASES, lambda case: not case.recognized)
#: All, for a test in which a task knows of its job before it calls to start it: by its name, or by memory.
KNOWING = remembering(CASES, lambda case: not case.hook_class.marking.shown)
