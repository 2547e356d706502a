# SPDX-License-Identifier: Apache-2.0

"""What the tests of all job types need to know of each: one row a job type."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import boto3
from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.hooks.lookout_equipment import LookoutEquipmentHook
from airflow_provider_jobs.operators.data_pipeline import DataPipelineActivatePipelineOperator
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator
from airflow_provider_jobs.sensors.data_pipeline import DataPipelineSensor
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor
from airflow_provider_jobs.sensors.lookout_equipment import LookoutEquipmentDataIngestionJobSensor
from airflow_provider_jobs.testing import AwsJobs

REGION = "us-east-1"
AWS: dict[str, Any] = {"aws_conn_id": None, "region_name": REGION}


class JobCase(ABC):
    """A job type, with what is set up for it in the mocked AWS."""

    service: str
    hook_class: type[JobHook]
    start_operation: str
    stop_operation: str | None
    describe_operation: str
    list_operation: str
    running: str
    succeeded: str
    failed: str
    cancelled: str | None
    #: How often the start of a task's first job makes each of the calls that look.
    looks_to_start: int = 1
    #: Calls of the start operation when the answer to the first is lost: one that knows the job by a name
    #: or token is asked again, another is looked for.
    starts_if_lost: int = 2
    #: Whether the operator's next job may run beside the one before.
    side_by_side: bool = True

    @abstractmethod
    def prepare(self) -> None:
        """Make in AWS what a job needs."""

    @abstractmethod
    def operator(self, **kwargs: Any) -> BaseOperator:
        """Build the operator that starts a job."""

    def apart(self, number: int) -> dict[str, Any]:
        """Arguments that keep the operator's job out of the way of others than the account's quota."""
        return {}

    @property
    def places(self) -> int:
        """How many jobs of operators that are :meth:`apart` may run at once."""
        return self.hook_class.quota

    def limit(self, aws: AwsJobs, places: int) -> None:
        """Let so many of them run at once."""
        aws.set_quota(self.service, places)

    @abstractmethod
    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        """Build the sensor."""

    @abstractmethod
    def job_id(self, result: dict[str, Any]) -> str:
        """Read the job's name from a task's result."""


class EventBridge(JobCase):
    service = "events"
    hook_class = EventBridgeReplayHook
    start_operation = "StartReplay"
    stop_operation = "CancelReplay"
    describe_operation = "DescribeReplay"
    list_operation = "ListReplays"
    running, succeeded, failed, cancelled = "RUNNING", "COMPLETED", "FAILED", "CANCELLED"

    def prepare(self) -> None:
        events = boto3.client("events", region_name=REGION)
        bus = events.describe_event_bus()["Arn"]
        events.create_archive(ArchiveName="orders", EventSourceArn=bus)

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {
            "archive": "orders",
            "event_start_time": "2026-01-01T00:00:00+00:00",
            "event_end_time": "2026-01-02T00:00:00+00:00",
            "poll_interval": 0.02,
        }
        return EventBridgeStartReplayOperator(task_id="replay", **AWS, **{**given, **kwargs})

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        return EventBridgeReplaySensor(
            task_id="wait", replay_name=job_id, **AWS, **{"poke_interval": 0.02, **kwargs}
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
    running, succeeded, failed, cancelled = "IN_PROGRESS", "SUCCESS", "FAILED", None

    def prepare(self) -> None:
        s3 = boto3.client("s3", region_name=REGION)
        s3.create_bucket(Bucket="plant")
        rows = "\n".join(f"2026-01-01T00:{minute:02}:00,1.5,20" for minute in range(60))
        s3.put_object(Bucket="plant", Key="2026/pump/0.csv", Body=f"Timestamp,speed,heat\n{rows}\n".encode())
        lookout = boto3.client("lookoutequipment", region_name=REGION)
        for number in range(40):
            lookout.create_dataset(DatasetName=f"pumps-{number}", ClientToken=str(number))

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {
            "dataset_name": "pumps-0",
            "bucket": "plant",
            "prefix": "2026/",
            "key_pattern": "{prefix}/{component_name}/*",
            "role_arn": "arn:aws:iam::123456789012:role/lookout",
            "poll_interval": 0.02,
        }
        return LookoutEquipmentStartDataIngestionJobOperator(task_id="ingest", **AWS, **{**given, **kwargs})

    def apart(self, number: int) -> dict[str, Any]:
        return {"dataset_name": f"pumps-{number}"}

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        return LookoutEquipmentDataIngestionJobSensor(
            task_id="wait", job_id=job_id, **AWS, **{"poke_interval": 0.02, **kwargs}
        )

    def job_id(self, result: dict[str, Any]) -> str:
        name: str = result["job_id"]
        return name


class DataPipeline(JobCase):
    """One pipeline, which runs on demand; its operators' jobs are apart in time only."""

    service = "datapipeline"
    hook_class = DataPipelineHook
    start_operation = "ActivatePipeline"
    stop_operation = "DeactivatePipeline"
    describe_operation = "DescribePipelines"
    list_operation = "ListPipelines"
    running, succeeded, failed, cancelled = "SCHEDULED", "FINISHED", "FAILED", "INACTIVE"
    looks_to_start = 2
    starts_if_lost = 1
    side_by_side = False
    places = 1

    def prepare(self) -> None:
        client = boto3.client("datapipeline", region_name=REGION)
        self.pipeline_id = client.create_pipeline(name="load", uniqueId="load")["pipelineId"]
        load: Any = [{"key": "type", "stringValue": "ShellCommandActivity"}]
        default = {"scheduleType": "ondemand", "workerGroup": "wg", "pipelineLogUri": "s3://logs/"}
        client.put_pipeline_definition(
            pipelineId=self.pipeline_id,
            pipelineObjects=[
                {
                    "id": "Default",
                    "name": "Default",
                    "fields": [{"key": key, "stringValue": value} for key, value in default.items()],
                },
                {"id": "Load", "name": "Load", "fields": load},
            ],
        )

    def limit(self, aws: AwsJobs, places: int) -> None:
        if places == 0:
            aws.set_pace(self.service)
            boto3.client("datapipeline", region_name=REGION).activate_pipeline(pipelineId=self.pipeline_id)

    def operator(self, **kwargs: Any) -> BaseOperator:
        given = {"pipeline_id": self.pipeline_id, "poll_interval": 0.02}
        return DataPipelineActivatePipelineOperator(task_id="activate", **AWS, **{**given, **kwargs})

    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        pipeline_id, _, time = job_id.partition("@")
        activation = f"{time}+00:00" if time else None
        return DataPipelineSensor(
            task_id="wait",
            pipeline_id=pipeline_id,
            activation_time=activation,
            **AWS,
            **{"poke_interval": 0.02, **kwargs},
        )

    def job_id(self, result: dict[str, Any]) -> str:
        return f"{result['pipeline_id']}@{result['activation_time'].removesuffix('+00:00')}"


CASES: list[JobCase] = [EventBridge(), LookoutEquipment(), DataPipeline()]
