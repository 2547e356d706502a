# SPDX-License-Identifier: Apache-2.0

"""What OpenLineage is told of all job types, by its own provider and client."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from airflow.providers.common.compat.sdk import BaseOperator, TaskInstanceState
from job_cases import JobCase
from one_task import OneTask

import airflow_provider_jobs
from airflow_provider_jobs.exceptions import JobError, JobInputError, JobNotFoundError, JobTimeoutError
from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineCreatePipelineOperator,
    DataPipelineDeactivatePipelineOperator,
    DataPipelineDeletePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.operators.event_bus import EventBridgeCancelReplaySubscriberOperator
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeCreateArchiveOperator,
)
from airflow_provider_jobs.operators.iot_analytics import IotAnalyticsCancelPipelineReprocessingOperator
from airflow_provider_jobs.operators.logs import CloudWatchLogsCancelExportTaskOperator
from airflow_provider_jobs.operators.sqs import SqsCancelMessageMoveTaskOperator
from airflow_provider_jobs.testing import AwsJobs, Fault

pytest.importorskip("airflow.providers.openlineage", reason="needs the OpenLineage provider")

from airflow.providers.openlineage.extractors import ExtractorManager
from airflow.providers.openlineage.plugins.adapter import OpenLineageAdapter
from openlineage.client import OpenLineageClient
from openlineage.client.transport.file import FileConfig, FileTransport

RUN = "01944d1a-0000-7000-8000-000000000000"
ACCOUNT = "us-east-1:123456789012"
#: Inputs and outputs of each job type; an id of AWS's at the end of a name is left out.
DATASETS: dict[str, tuple[set[str], set[str]]] = {
    "events": (
        {f"arn:aws:events:{ACCOUNT} archive/orders"},
        {f"arn:aws:events:{ACCOUNT} event-bus/default"},
    ),
    "lookoutequipment": ({"s3://plant 2026"}, {f"arn:aws:lookoutequipment:{ACCOUNT} dataset/pumps-0"}),
    "iotanalytics": (
        {f"arn:aws:iotanalytics:{ACCOUNT} channel/raw"},
        {f"arn:aws:iotanalytics:{ACCOUNT} datastore/clean"},
    ),
    "datapipeline": (set(), set()),
    "sqs": ({f"arn:aws:sqs:{ACCOUNT} orders-dead"}, set()),
    "eventbridgev2": (
        {f"arn:aws:events:{ACCOUNT} event-busv2/orders"},
        {f"arn:aws:sqs:{ACCOUNT} orders"},
    ),
    "logs": (
        {f"arn:aws:logs:{ACCOUNT} log-group:/shop"},
        {"s3://exports exportedlogs/shop"},
    ),
    "dynamodb": ({f"arn:aws:dynamodb:{ACCOUNT} table/orders"}, {"s3://exports AWSDynamoDB"}),
}


class Told:
    """OpenLineage's file of events."""

    def __init__(self, path: Path) -> None:
        self._path = path
        client = OpenLineageClient(transport=FileTransport(FileConfig(str(path), append=True)))
        self._adapter = OpenLineageAdapter(client)

    def of(self, operator: BaseOperator | None, state: Any) -> dict[str, Any]:
        """Tell OpenLineage how the task ended, as its listener does; returns the event that it wrote."""
        assert operator is not None
        run: Any = type("Run", (), {"run_id": "scheduled"})
        found = ExtractorManager().extract_metadata(run, operator, state, None)
        adapter = self._adapter
        end: Any = adapter.complete_task if state == TaskInstanceState.SUCCESS else adapter.fail_task
        unset = ("nominal_start_time", "nominal_end_time", "owners", "tags", "job_description")
        end(RUN, "orders.task", "2026-01-02T00:00:00Z", found, **dict.fromkeys(unset))
        event: dict[str, Any] = json.loads(self._path.read_text().splitlines()[-1])
        return event


@pytest.fixture
def told(tmp_path: Path) -> Told:
    return Told(tmp_path / "events.jsonl")


def names(datasets: list[dict[str, Any]]) -> set[str]:
    return {f"{each['namespace']} {'/'.join(each['name'].split('/')[:2])}" for each in datasets}


def facet(event: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = event["run"]["facets"]["airflowProviderJobs_job"]
    return found


def follows_its_schema(event: dict[str, Any], facet: str) -> bool:
    """Whether a facet is what the schema that it names says of it."""
    told = event["run"]["facets"][facet]
    schema = json.loads(
        (resources.files(airflow_provider_jobs) / "schemas" / "facets-1-0-0.json").read_text()
    )
    where, _, name = told["_schemaURL"].partition("#/$defs/")
    assert where == schema["$id"]
    assert told["_producer"] == f"urn:airflow-provider-jobs:{airflow_provider_jobs.__version__}"
    definition = {key: value for key, value in schema["$defs"][name].items() if key != "allOf"}
    jsonschema.validate(told, definition)
    return {*told} <= {*definition["properties"], "_producer", "_schemaURL", "_deleted"}


def test_a_job_that_succeeded(case: JobCase, task: OneTask, told: Told, aws: AwsJobs) -> None:
    result = task.run()
    event = told.of(task.operator, TaskInstanceState.SUCCESS)
    assert event["eventType"] == "COMPLETE"
    assert (names(event["inputs"]), names(event["outputs"])) == DATASETS[case.service]
    assert follows_its_schema(event, "airflowProviderJobs_job")
    job = facet(event)
    assert job["service"] == case.service
    assert job["jobId"] == case.core_id(case.job_id(result))
    assert (job["state"], job["serviceState"]) == ("succeeded", case.succeeded)
    # OpenLineage's client leaves out what is None.
    assert job["details"] == {name: value for name, value in result.items() if value is not None}
    assert job["startedAt"].endswith("+00:00")


def test_a_job_that_failed(case: JobCase, task: OneTask, told: Told, aws: AwsJobs) -> None:
    aws.fail_next(case.service, "out of luck")
    with pytest.raises(JobError):
        task.run()
    event = told.of(task.operator, TaskInstanceState.FAILED)
    assert event["eventType"] == "FAIL"
    assert (names(event["inputs"]), names(event["outputs"])) == DATASETS[case.service]
    assert facet(event)["state"] == "failed"
    assert facet(event)["serviceState"] == case.failed


def test_a_job_whose_time_was_up_before_the_first_look(
    case: JobCase, make_deferrable: Callable[..., OneTask], told: Told, aws: AwsJobs
) -> None:
    aws.set_pace()
    task = make_deferrable(job_timeout=timedelta(seconds=1))
    task.begin()
    (job,) = aws.jobs(case.service)
    aws.set_clock_skew(5)
    with pytest.raises(JobTimeoutError):
        task.resume(task.fire())
    event = told.of(task.operator, TaskInstanceState.FAILED)
    assert (names(event["inputs"]), names(event["outputs"])) == DATASETS[case.service]
    assert facet(event)["jobId"] == case.core_id(job["id"])


def test_a_job_that_could_not_start(case: JobCase, task: OneTask, told: Told, aws: AwsJobs) -> None:
    aws.add_fault(Fault(case.start_operation, "throttle"))
    with pytest.raises(JobError):
        task.run()
    event = told.of(task.operator, TaskInstanceState.FAILED)
    assert (event["inputs"], event["outputs"]) == ([], [])
    assert "airflowProviderJobs_job" not in event["run"]["facets"]


def test_aws_does_not_tell(
    case: JobCase, make_sync: Callable[..., OneTask], told: Told, aws: AwsJobs, logged: Callable[[], str]
) -> None:
    """The job is told all the same."""
    if case.service in ("sqs", "dynamodb", "eventbridgev2"):
        pytest.skip("What AWS tells of the job has its data: there is no call that fails")
    task = make_sync()
    task.run()
    if case.service == "datapipeline":
        aws.add_fault(Fault("GetPipelineDefinition", "error"))
    elif case.service == "events":
        aws.add_fault(Fault("DescribeArchive", "error"))
    elif case.service == "logs":
        aws.add_fault(Fault("GetCallerIdentity", "error", service="sts"))
    else:
        aws.add_fault(Fault(case.describe_operation, "error"))
    event = told.of(task.operator, TaskInstanceState.SUCCESS)
    assert (event["inputs"], event["outputs"]) == ([], [])
    assert facet(event)["state"] == "succeeded"
    assert "is not reported to OpenLineage" in logged()


def test_a_sensor_tells_the_job_and_no_data(
    case: JobCase, make_sync: Callable[..., OneTask], deferrable: bool, told: Told, aws: AwsJobs
) -> None:
    aws.set_pace(seconds=0.2)
    job_id = case.job_id(make_sync(wait_for_completion=False).run())
    sensor = OneTask(lambda: case.sensor(job_id, deferrable=deferrable))
    sensor.run()
    event = told.of(sensor.operator, TaskInstanceState.SUCCESS)
    assert (event["inputs"], event["outputs"]) == ([], [])
    assert facet(event)["jobId"] == case.core_id(job_id)


def test_a_job_that_is_stopped(
    case: JobCase, make_sync: Callable[..., OneTask], deferrable: bool, told: Told, aws: AwsJobs
) -> None:
    if case.cancelled is None:
        pytest.skip("AWS has no call that stops it")
    aws.set_pace(seconds=60)
    result = make_sync(wait_for_completion=False).run()
    stop: Any = {
        "events": EventBridgeCancelReplayOperator,
        "iotanalytics": IotAnalyticsCancelPipelineReprocessingOperator,
        "datapipeline": DataPipelineDeactivatePipelineOperator,
        "sqs": SqsCancelMessageMoveTaskOperator,
        "logs": CloudWatchLogsCancelExportTaskOperator,
        "eventbridgev2": EventBridgeCancelReplaySubscriberOperator,
    }[case.service]
    names = (
        "replay_name",
        "pipeline_name",
        "reprocessing_id",
        "pipeline_id",
        "source_arn",
        "since",
        "export_task_id",
        "subscriber_name",
    )
    target = {name: result[name] for name in names if name in result}
    given = {"aws_conn_id": None, "region_name": "us-east-1", "poll_interval": 0.02, "deferrable": deferrable}
    aws.set_pace(reads=2)
    task = OneTask(lambda: stop(task_id="stop", **target, **given))
    task.run()
    event = told.of(task.operator, TaskInstanceState.SUCCESS)
    assert (event["inputs"], event["outputs"]) == ([], [])
    assert (facet(event)["state"], facet(event)["serviceState"]) == ("cancelled", case.cancelled)


def test_input_that_cannot_work(case: JobCase, told: Told) -> None:
    task = OneTask(lambda: case.operator(botocore_config={"a": object()}))
    with pytest.raises(JobInputError):
        task.run()
    event = told.of(task.operator, TaskInstanceState.FAILED)
    assert (event["inputs"], event["outputs"]) == ([], [])


def test_an_archive_that_is_created(told: Told, aws: AwsJobs) -> None:
    """It has the bus's events; what failed before tells nothing."""
    where: dict[str, Any] = {"aws_conn_id": None, "region_name": "us-east-1"}
    good, bad = (
        OneTask(
            lambda bus=bus: EventBridgeCreateArchiveOperator(  # type: ignore[misc]
                task_id="create", archive_name="orders", event_bus_name=bus, **where
            )
        )
        for bus in ("default", "gone")
    )
    with pytest.raises(JobNotFoundError):
        bad.run()
    event = told.of(bad.operator, TaskInstanceState.FAILED)
    assert (event["inputs"], event["outputs"]) == ([], [])
    good.run()
    event = told.of(good.operator, TaskInstanceState.SUCCESS)
    archive, bus = DATASETS["events"]
    assert (names(event["inputs"]), names(event["outputs"])) == (bus, archive)


def test_what_is_done_with_a_pipeline(told: Told, aws: AwsJobs) -> None:
    """That a task created, defined or deleted it; what failed before tells nothing."""
    where: dict[str, Any] = {"aws_conn_id": None, "region_name": "us-east-1"}
    create = DataPipelineCreatePipelineOperator(
        task_id="create", pipeline_name="load", unique_id="1", **where
    )
    pipeline_id = create.execute({})["pipeline_id"]
    default = {"id": "Default", "scheduleType": "ondemand", "workerGroup": "wg", "pipelineLogUri": "s3://l/"}
    activity = {"id": "Load", "type": "ShellCommandActivity", "command": "true"}

    def put(*objects: dict[str, Any]) -> DataPipelinePutPipelineDefinitionOperator:
        return DataPipelinePutPipelineDefinitionOperator(
            task_id="put", pipeline_id=pipeline_id, definition={"objects": [*objects]}, **where
        )

    good, bad = put(default, activity), put(default, activity)
    bad.definition = {"objects": []}
    good.execute({})
    with pytest.raises(JobInputError):
        bad.execute({})
    delete = DataPipelineDeletePipelineOperator(task_id="delete", pipeline_id=pipeline_id, **where)
    delete.execute({})
    for operator, action in ((create, "created"), (good, "defined"), (delete, "deleted")):
        event = told.of(operator, TaskInstanceState.SUCCESS)
        assert follows_its_schema(event, "airflowProviderJobs_pipeline")
        found = event["run"]["facets"]["airflowProviderJobs_pipeline"]
        shown = {key: value for key, value in found.items() if not key.startswith("_")}
        assert shown == {
            "service": "datapipeline",
            "region": "us-east-1",
            "pipelineId": pipeline_id,
            "action": action,
        }
    assert "airflowProviderJobs_pipeline" not in told.of(bad, TaskInstanceState.FAILED)["run"]["facets"]
