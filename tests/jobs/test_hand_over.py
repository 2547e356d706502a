# SPDX-License-Identifier: Apache-2.0

"""A job handed from task to task: by its ids, by the whole result, to sensors and to what stops it."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator, XComNotFound
from job_cases import AWS, CASES, STOPPABLE, JobCase, client
from job_targets import load
from load_pipelines import on_demand
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobFailedError, JobInputError
from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineActivatePipelineOperator,
    DataPipelineCreatePipelineOperator,
    DataPipelineDeactivatePipelineOperator,
    DataPipelineDeletePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.operators.event_bus import EventBridgeCancelReplaySubscriberOperator
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.operators.iot_analytics import (
    IotAnalyticsCancelPipelineReprocessingOperator,
    IotAnalyticsStartPipelineReprocessingOperator,
)
from airflow_provider_jobs.operators.logs import CloudWatchLogsCancelExportTaskOperator
from airflow_provider_jobs.operators.sqs import SqsCancelMessageMoveTaskOperator
from airflow_provider_jobs.sensors.data_pipeline import DataPipelineSensor
from airflow_provider_jobs.sensors.dynamodb import DynamoDBExportSensor
from airflow_provider_jobs.sensors.event_bus import EventBridgeReplaySubscriberSensor
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor
from airflow_provider_jobs.sensors.iot_analytics import IotAnalyticsPipelineReprocessingSensor
from airflow_provider_jobs.sensors.logs import CloudWatchLogsExportTaskSensor
from airflow_provider_jobs.sensors.lookout_equipment import LookoutEquipmentDataIngestionJobSensor
from airflow_provider_jobs.sensors.sqs import SqsMessageMoveTaskSensor
from airflow_provider_jobs.testing import AwsJobs

MakeTask = Callable[..., OneTask]
QUICK: dict[str, Any] = {"poll_interval": 0.02}
#: The keys of each service's ids, what waits for its job, and what stops it, by the parameter for the result.
IDS = {
    "events": ["replay_name"],
    "lookoutequipment": ["job_id"],
    "iotanalytics": ["pipeline_name", "reprocessing_id"],
    "datapipeline": ["pipeline_id", "activation_time"],
    "sqs": ["source_arn", "since"],
    "logs": ["export_task_id"],
    "eventbridgev2": ["subscriber_name"],
    "dynamodb": ["export_arn"],
}
SENSORS: dict[str, tuple[Any, str]] = {
    "events": (EventBridgeReplaySensor, "replay_name"),
    "lookoutequipment": (LookoutEquipmentDataIngestionJobSensor, "job_id"),
    "iotanalytics": (IotAnalyticsPipelineReprocessingSensor, "reprocessing_id"),
    "datapipeline": (DataPipelineSensor, "pipeline_id"),
    "sqs": (SqsMessageMoveTaskSensor, "source_arn"),
    "logs": (CloudWatchLogsExportTaskSensor, "export_task_id"),
    "eventbridgev2": (EventBridgeReplaySubscriberSensor, "subscriber_name"),
    "dynamodb": (DynamoDBExportSensor, "export_arn"),
}
STOPS: dict[str, tuple[Any, str]] = {
    "events": (EventBridgeCancelReplayOperator, "replay_name"),
    "iotanalytics": (IotAnalyticsCancelPipelineReprocessingOperator, "reprocessing_id"),
    "datapipeline": (DataPipelineDeactivatePipelineOperator, "pipeline_id"),
    "sqs": (SqsCancelMessageMoveTaskOperator, "source_arn"),
    "logs": (CloudWatchLogsCancelExportTaskOperator, "export_task_id"),
    "eventbridgev2": (
        partial(EventBridgeCancelReplaySubscriberOperator, delete_subscriber=False),
        "subscriber_name",
    ),
}


def stop(case: JobCase, value: Any) -> Any:
    operator, parameter = STOPS[case.service]
    return operator(task_id="stop", **{parameter: value}, **QUICK, **AWS)


def sensor(case: JobCase, value: Any, **kwargs: Any) -> Any:
    operator, parameter = SENSORS[case.service]
    return operator(task_id="wait", **{parameter: value}, poke_interval=0.02, **AWS, **kwargs)


def test_the_ids_are_pushed_under_their_own_keys(case: JobCase, make_task: MakeTask) -> None:
    task = make_task()
    result = task.run()
    assert {key: task.xcoms[key] for key in IDS[case.service]} == {
        key: result[key] for key in IDS[case.service]
    }


def test_the_ids_are_there_while_the_task_waits_and_where_its_job_fails(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
) -> None:
    aws.set_pace(reads=1_000)
    task = make_deferrable()
    task.start()
    assert set(IDS[case.service]) <= task.xcoms.keys()
    (job,) = aws.jobs(case.service)
    aws.fail(job["id"], "out of luck")
    aws.advance(job["id"])
    with pytest.raises(JobFailedError):
        task.resume(task.fire())
    assert set(IDS[case.service]) <= task.xcoms.keys()


def test_a_task_that_pushes_nothing_pushes_no_id(make_task: MakeTask) -> None:
    task = make_task(do_xcom_push=False)
    task.run()
    assert task.xcoms == {}


def test_ids_that_cannot_be_pushed_fail_no_task(
    case: JobCase, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
) -> None:
    task = make_task()
    real = task.context

    def context(operator: BaseOperator) -> Any:
        made = real(operator)

        def refuse(key: str, value: Any) -> None:
            raise ConnectionError("no answer")

        made["ti"].xcom_push = refuse
        return made

    monkeypatch.setattr(task, "context", context)
    assert task.run()["state"] == case.succeeded
    assert f"{IDS[case.service][0]} could not be passed to other tasks: no answer" in logged()


@pytest.mark.parametrize("deferrable_sensor", [False, True])
def test_a_sensor_takes_the_whole_result(
    case: JobCase, make_task: MakeTask, *, deferrable_sensor: bool
) -> None:
    result = make_task(wait_for_completion=False).run()
    wait = OneTask(lambda: sensor(case, result, deferrable=deferrable_sensor))
    found = wait.run()
    found = getattr(found, "xcom_value", found)
    assert case.job_id(found) == case.job_id(result)


@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
def test_what_stops_a_job_takes_the_whole_result(aws: AwsJobs, case: JobCase, make_task: MakeTask) -> None:
    aws.set_pace(reads=1_000)
    result = make_task(wait_for_completion=False).run()
    OneTask(lambda: stop(case, result)).run()
    (job,) = aws.jobs(case.service)
    assert job["state"] in {case.cancelled, case.stopping}


@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
@pytest.mark.parametrize("absent", [None, ""])
def test_an_absent_id_means_that_there_is_nothing_to_stop(
    aws: AwsJobs, case: JobCase, absent: Any, logged: Callable[[], str]
) -> None:
    before = aws.calls(case.service)
    assert OneTask(lambda: stop(case, absent)).run() is None
    assert "There is nothing to stop: no" in logged()
    assert aws.calls(case.service) == before


@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
def test_another_task_s_result_is_none_that_has_an_absent_id(aws: AwsJobs, case: JobCase) -> None:
    parameter = STOPS[case.service][1]
    with pytest.raises(JobInputError, match=f"{parameter} was given a result that has no '{parameter}'"):
        stop(case, {"rows": 3})


def test_a_sensor_of_an_absent_id_fails(case: JobCase) -> None:
    parameter = SENSORS[case.service][1]
    with pytest.raises(JobInputError, match=f"{parameter} is missing"):
        sensor(case, None)


@pytest.fixture
def dag() -> DAG:
    return DAG("orders", schedule=None)


def start(dag: DAG) -> EventBridgeStartReplayOperator:
    return EventBridgeStartReplayOperator(task_id="start", archive="orders", dag=dag)


def rendered_without_xcoms(operator: Any, **pushed: Any) -> Any:
    """Render an operator in a run in which no task has pushed anything else."""

    class Ti:
        dag_id, run_id = "orders", "manual"

        def xcom_pull(self, *, key: str = "", default: Any = None, **_: Any) -> Any:
            return pushed.get(key, default)

        def get_relevant_upstream_map_indexes(self, *_: Any, **__: Any) -> None:
            return None

    operator.render_template_fields({"ti": Ti(), "expanded_ti_count": None})
    return operator


def test_an_id_that_a_start_of_ours_has_not_pushed_is_absent(dag: DAG) -> None:
    name: Any = start(dag).output["replay_name"]
    operator = EventBridgeCancelReplayOperator(task_id="cancel", replay_name=name, dag=dag, **AWS)
    assert rendered_without_xcoms(operator).execute({}) is None


def test_a_start_that_failed_hands_on_its_ids_by_its_whole_output(dag: DAG) -> None:
    output = start(dag).output
    operator = EventBridgeCancelReplayOperator(task_id="cancel", replay_name=output, dag=dag, **AWS)
    assert rendered_without_xcoms(operator).execute({}) is None
    operator = EventBridgeCancelReplayOperator(task_id="again", replay_name=output, dag=dag, **AWS)
    assert rendered_without_xcoms(operator, replay_name="mine").target_id == "mine"


def test_a_cancel_with_both_ids_has_nothing_to_stop_either(dag: DAG) -> None:
    started = IotAnalyticsStartPipelineReprocessingOperator(task_id="start", pipeline_name="a", dag=dag)
    operator = IotAnalyticsCancelPipelineReprocessingOperator(
        task_id="cancel",
        reprocessing_id=started.output["reprocessing_id"],
        pipeline_name=started.output["pipeline_name"],
        dag=dag,
        **AWS,
    )
    assert rendered_without_xcoms(operator).execute({}) is None


@pytest.mark.parametrize("key", ["replay_nam", "state"])
def test_a_misspelt_id_is_not_an_absent_one(dag: DAG, key: str) -> None:
    name: Any = start(dag).output[key]
    operator = EventBridgeCancelReplayOperator(task_id="cancel", replay_name=name, dag=dag, **AWS)
    with pytest.raises(XComNotFound):
        rendered_without_xcoms(operator)


def test_an_id_that_another_operator_has_not_pushed_is_not_absent(dag: DAG) -> None:
    class Mine(BaseOperator):
        pass

    output: Any = Mine(task_id="mine", dag=dag).output
    name = output["replay_name"]
    operator = EventBridgeCancelReplayOperator(task_id="cancel", replay_name=name, dag=dag, **AWS)
    with pytest.raises(XComNotFound):
        rendered_without_xcoms(operator)


def test_a_pipeline_goes_from_task_to_task_by_whole_results(aws: AwsJobs) -> None:
    """Created, defined, activated, deactivated and deleted, each by the output of the one before."""
    created = OneTask(
        lambda: DataPipelineCreatePipelineOperator(task_id="create", pipeline_name="load", **AWS)
    )
    pipeline = created.run()
    assert created.xcoms["pipeline_id"] == pipeline["pipeline_id"]
    definition = on_demand(A={})
    put = OneTask(
        lambda: DataPipelinePutPipelineDefinitionOperator(
            task_id="put", pipeline_id=pipeline, definition=definition, **AWS
        )
    )
    defined = put.run()
    assert put.xcoms["pipeline_id"] == defined["pipeline_id"] == pipeline["pipeline_id"]
    activated = OneTask(
        lambda: DataPipelineActivatePipelineOperator(
            task_id="activate", pipeline_id=defined, wait_for_completion=False, **QUICK, **AWS
        )
    ).run()
    OneTask(
        lambda: DataPipelineDeactivatePipelineOperator(
            task_id="deactivate", pipeline_id=activated, **QUICK, **AWS
        )
    ).run()
    OneTask(lambda: DataPipelineDeletePipelineOperator(task_id="delete", pipeline_id=activated, **AWS)).run()
    assert client("datapipeline").list_pipelines()["pipelineIdList"] == []


def test_there_may_be_no_pipeline_to_delete(aws: AwsJobs, logged: Callable[[], str]) -> None:
    load(client, "other")
    before = aws.calls("datapipeline")
    operator = DataPipelineDeletePipelineOperator(task_id="delete", pipeline_id=None, **AWS)  # type: ignore[arg-type]
    OneTask(lambda: operator).run()
    assert "There is no pipeline to delete" in logged()
    assert aws.calls("datapipeline") == before


def test_every_job_type_is_here() -> None:
    assert {case.service for case in CASES} == set(IDS) == set(SENSORS)
    assert {case.service for case in STOPPABLE} == set(STOPS)
