# SPDX-License-Identifier: Apache-2.0

"""docs/iam.md allows each operator and sensor the calls that it makes, and no others."""

from __future__ import annotations

import asyncio
import importlib
import json
import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from airflow.triggers.base import BaseTrigger
from api_calls import Call, recorded
from job_cases import (
    AWS,
    CASES,
    REGION,
    CloudWatchLogs,
    DataPipeline,
    DynamoDB,
    EventBridge,
    EventBus,
    IotAnalytics,
    JobCase,
    Sqs,
)
from one_task import OneTask, next_event

from airflow_provider_jobs._data_pipeline import definition
from airflow_provider_jobs.exceptions import JobError, JobInputError
from airflow_provider_jobs.get_provider_info import get_provider_info
from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.operators import data_pipeline, event_bus, eventbridge, iot_analytics, logs, sqs
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs
from airflow_provider_jobs.triggers.job import JobTrigger

from .resources import WITHOUT_RESOURCE, resources
from .rules_and_archives import (
    archives,
    archives_no_more,
    deletes_a_rule,
    makes_a_rule,
    reaches_one_rule,
    tells_deliveries,
)

PAGE = Path(__file__).parents[2] / "docs" / "iam.md"
ONCE: dict[str, Any] = {"retries": {"total_max_attempts": 1}}
#: Permissions that a call needs besides its own.
BESIDES = {"datapipeline:AddTags", "iam:PassRole", "sqs:GetQueueAttributes"}
BESIDES |= {"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl"}
BESIDES |= {f"sqs:{verb}Message" for verb in ("Delete", "Receive", "Send")}
#: Calls that AWS allows without any permission.
FREE = {"sts:GetCallerIdentity"}

Go = Callable[[], object]
#: Prepares what is needed, and returns what is to be watched.
Way = Callable[[JobCase, AwsJobs], Go]


def policies() -> dict[str, list[dict[str, Any]]]:
    """Read the statements off the page, by class."""
    found = re.findall(r"^### (\w+)$(.*?)^```json\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    return {name: json.loads(policy)["Statement"] for name, _, policy in found}


def each(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else value


def allowed(call: Call, statements: list[dict[str, Any]]) -> bool:
    patterns = [
        pattern
        for statement in statements
        if call.action in each(statement["Action"])
        for pattern in each(statement["Resource"])
    ]
    return bool(patterns) and all(
        any(fnmatchcase(resource, pattern) for pattern in patterns) for resource in resources(call)
    )


def calls_of(case: JobCase, ways: Sequence[Way]) -> list[Call]:
    """Go ways, each in an AWS of its own, and return the calls."""
    calls: list[Call] = []
    for way in ways:
        with mock_aws_jobs() as aws:
            case.prepare()
            go = way(case, aws)
            with recorded() as made, suppress(JobError, JobInputError):
                go()
            calls += made
    return calls


def task(case: JobCase, **kwargs: Any) -> OneTask:
    return OneTask(lambda: case.operator(**{"botocore_config": ONCE, **kwargs}))


def twice(one: OneTask) -> Go:
    """Run a task and its retry."""

    def go() -> None:
        with suppress(JobError):
            one.run()
        one.run()

    return go


def goes_well(case: JobCase, aws: AwsJobs) -> Go:
    return task(case, deferrable=True).run


def fails_and_is_tried_again(case: JobCase, aws: AwsJobs) -> Go:
    aws.fail_next(case.service, "out of luck")
    return twice(task(case))


def is_lost_and_found(case: JobCase, aws: AwsJobs) -> Go:
    aws.add_fault(Fault(case.start_operation, "drop", when="after"))
    return twice(task(case))


def is_lost_and_repeated(case: JobCase, aws: AwsJobs) -> Go:
    aws.add_fault(Fault(case.start_operation, "drop", when="after"))
    return twice(task(case, botocore_config={"retries": {"total_max_attempts": 2}}))


def has_a_name_of_its_own(case: JobCase, aws: AwsJobs) -> Go:
    aws.fail_next(case.service, "out of luck")
    return twice(task(case, replay_name="mine"))


def is_killed_and_cleared(case: JobCase, aws: AwsJobs) -> Go:
    aws.set_pace(reads=9)
    killed = task(case, wait_for_completion=False)

    def go() -> None:
        killed.begin()
        assert killed.operator is not None
        killed.operator.on_kill()
        killed.clear()
        killed.run()

    return go


def takes_too_long(case: JobCase, aws: AwsJobs) -> Go:
    aws.set_pace()
    return task(case, job_timeout=timedelta(seconds=0.1)).run


def waits_in_line(case: JobCase, aws: AwsJobs) -> Go:
    case.limit(aws, 0)

    def go() -> None:
        waiting = task(case, deferrable=True)
        waiting.begin()
        before = sum(aws.calls(case.service).values())
        run_triggers([waiting.trigger()], lambda: sum(aws.calls(case.service).values()) > before + 12)

    return go


def waits_beside_many(case: JobCase, aws: AwsJobs) -> Go:
    """The triggers of one connection share a look, which lists where there are many."""
    spec = HookSpec.of(case.hook_class, {"aws_conn_id": None, "region_name": REGION})
    prefixes = {
        "datapipeline": "df-{}",
        "dynamodb": f"{DynamoDB.table_arn}/export/{{}}",
        "iotanalytics": "cleaning{}/0",
        "sqs": f"{Sqs.source_arn}@{{}}",
    }
    prefix = prefixes.get(case.service, "{:032}")
    triggers: list[BaseTrigger] = [
        JobTrigger(
            hook_class=spec.hook_class,
            hook_parameters=spec.parameters,
            job_id=prefix.format(number),
            poll_interval=0.02,
        )
        for number in range(9)
    ]
    return lambda: run_triggers(triggers, lambda: False)


def run_triggers(triggers: list[BaseTrigger], enough: Callable[[], bool]) -> None:
    """Run triggers until each has an event, or until it is enough."""

    async def run() -> None:
        waits = [asyncio.ensure_future(next_event(trigger)) for trigger in triggers]
        async with asyncio.timeout(60):
            while not enough() and not all(wait.done() for wait in waits):
                await asyncio.sleep(0.01)
        for wait in waits:
            wait.cancel()
        await asyncio.wait(waits)

    asyncio.run(run())


def started(case: JobCase, aws: AwsJobs) -> str:
    """Start a job that ends at its fourth look."""
    aws.set_pace(reads=4)
    return case.job_id(task(case, wait_for_completion=False).run())


def stops(case: JobCase, aws: AwsJobs) -> Go:
    job_id = started(case, aws)
    given: dict[str, Any] = {"task_id": "stop", "poll_interval": 0.02, **AWS}
    match case:
        case EventBridge():
            operator: Any = eventbridge.EventBridgeCancelReplayOperator(replay_name=job_id, **given)
        case IotAnalytics():
            operator = iot_analytics.IotAnalyticsCancelPipelineReprocessingOperator(
                pipeline_name="cleaning", reprocessing_id=job_id, **given
            )
        case EventBus():
            operator = event_bus.EventBridgeCancelReplaySubscriberOperator(subscriber_name=job_id, **given)
        case CloudWatchLogs():
            operator = logs.CloudWatchLogsCancelExportTaskOperator(export_task_id=job_id, **given)
        case Sqs():
            operator = sqs.SqsCancelMessageMoveTaskOperator(source_arn=case.source_arn, **given)
        case _:
            operator = data_pipeline.DataPipelineDeactivatePipelineOperator(
                pipeline_id=job_id.partition("@")[0], **given
            )
    return OneTask(lambda: operator).run


def is_deleted(case: JobCase, aws: AwsJobs) -> Go:
    return task(case, delete_subscriber=True).run


def pauses(case: JobCase, aws: AwsJobs) -> Go:
    return changes(case, aws, event_bus.EventBridgePauseReplaySubscriberOperator)


def resumes(case: JobCase, aws: AwsJobs) -> Go:
    go = changes(case, aws, event_bus.EventBridgeResumeReplaySubscriberOperator)
    case.hook_class(aws_conn_id=None, region_name=REGION).stop_job(aws.jobs(case.service)[0]["id"])
    return go


def changes(case: JobCase, aws: AwsJobs, operator: Callable[..., Any]) -> Go:
    made = operator(task_id="change", subscriber_name=started(case, aws), **AWS)
    return OneTask(lambda: made).run


def senses(case: JobCase, aws: AwsJobs) -> Go:
    job_id = started(case, aws)
    return OneTask(lambda: case.sensor(job_id, deferrable=True)).run


def creates(case: JobCase, aws: AwsJobs) -> Go:
    given: dict[str, Any] = {"task_id": "create", "pipeline_name": "load", "tags": {"team": "a"}, **AWS}
    return OneTask(lambda: data_pipeline.DataPipelineCreatePipelineOperator(**given)).run


def puts(case: JobCase, aws: AwsJobs) -> Go:
    return put(case, {"id": "Default", "scheduleType": "ondemand", "workerGroup": "wg"})


def puts_what_is_fatal(case: JobCase, aws: AwsJobs) -> Go:
    """By AWS's own judgement alone."""
    go = put(case, {"id": "Default", "workerGroup": ""})

    def unchecked() -> None:
        with patch.object(definition, "checked", lambda *_: []):
            go()

    return unchecked


def put(case: JobCase, default: dict[str, Any]) -> Go:
    assert isinstance(case, DataPipeline)
    given: dict[str, Any] = {"task_id": "put", "pipeline_id": case.pipeline_id, **AWS}
    given["definition"] = {"objects": [default]}
    return OneTask(lambda: data_pipeline.DataPipelinePutPipelineDefinitionOperator(**given)).run


def deletes(case: JobCase, aws: AwsJobs) -> Go:
    assert isinstance(case, DataPipeline)
    given: dict[str, Any] = {"task_id": "delete", "pipeline_id": case.pipeline_id, **AWS}
    return OneTask(lambda: data_pipeline.DataPipelineDeletePipelineOperator(**given)).run


STARTS: list[Way] = [
    goes_well,
    fails_and_is_tried_again,
    is_lost_and_found,
    is_lost_and_repeated,
    is_killed_and_cleared,
    takes_too_long,
    waits_in_line,
    waits_beside_many,
]
EVENTS, LOOKOUT, IOT, PIPELINE, SQS, LOGS, BUS, DYNAMODB = CASES
WAYS: dict[str, tuple[JobCase, list[Way]]] = {
    "EventBridgeStartReplayOperator": (EVENTS, [*STARTS, has_a_name_of_its_own, reaches_one_rule]),
    "EventBridgeCancelReplayOperator": (EVENTS, [stops, waits_beside_many]),
    "EventBridgeCreateArchiveOperator": (EVENTS, [archives]),
    "EventBridgeDeleteArchiveOperator": (EVENTS, [archives_no_more]),
    "EventBridgeCreateTemporaryRuleOperator": (EVENTS, [makes_a_rule]),
    "EventBridgeDeleteTemporaryRuleOperator": (EVENTS, [deletes_a_rule]),
    "EventBridgeCreateReplaySubscriberOperator": (BUS, [*STARTS, is_deleted]),
    "EventBridgeCancelReplaySubscriberOperator": (BUS, [stops]),
    "EventBridgePauseReplaySubscriberOperator": (BUS, [pauses]),
    "EventBridgeResumeReplaySubscriberOperator": (BUS, [resumes]),
    "EventBridgeReplaySubscriberSensor": (BUS, [senses, waits_beside_many]),
    "EventBridgeReplaySensor": (EVENTS, [senses, waits_beside_many]),
    "EventBridgeReplayDeliverySensor": (EVENTS, [tells_deliveries, waits_beside_many]),
    "DataPipelineCreatePipelineOperator": (PIPELINE, [creates]),
    "DataPipelinePutPipelineDefinitionOperator": (PIPELINE, [puts, puts_what_is_fatal]),
    "DataPipelineActivatePipelineOperator": (PIPELINE, STARTS),
    "DataPipelineDeactivatePipelineOperator": (PIPELINE, [stops]),
    "DataPipelineDeletePipelineOperator": (PIPELINE, [deletes]),
    "DataPipelineSensor": (PIPELINE, [senses, waits_beside_many]),
    "LookoutEquipmentStartDataIngestionJobOperator": (LOOKOUT, STARTS),
    "LookoutEquipmentDataIngestionJobSensor": (LOOKOUT, [senses, waits_beside_many]),
    "IotAnalyticsStartPipelineReprocessingOperator": (IOT, STARTS),
    "IotAnalyticsCancelPipelineReprocessingOperator": (IOT, [stops, waits_beside_many]),
    "IotAnalyticsPipelineReprocessingSensor": (IOT, [senses, waits_beside_many]),
    "SqsStartMessageMoveTaskOperator": (SQS, STARTS),
    "SqsCancelMessageMoveTaskOperator": (SQS, [stops]),
    "SqsMessageMoveTaskSensor": (SQS, [senses, waits_beside_many]),
    "CloudWatchLogsCreateExportTaskOperator": (LOGS, STARTS),
    "CloudWatchLogsCancelExportTaskOperator": (LOGS, [stops]),
    "CloudWatchLogsExportTaskSensor": (LOGS, [senses, waits_beside_many]),
    "DynamoDBExportTableToPointInTimeOperator": (DYNAMODB, STARTS),
    "DynamoDBExportSensor": (DYNAMODB, [senses, waits_beside_many]),
}


def test_every_operator_and_sensor_has_a_policy_and_its_ways() -> None:
    modules = get_provider_info()["operators"] + get_provider_info()["sensors"]
    public = {
        name
        for entry in modules
        for path in entry["python-modules"]
        for name in importlib.import_module(path).__all__
    }
    assert policies().keys() == WAYS.keys() == public


@pytest.mark.promise("least-privilege")
@pytest.mark.parametrize("name", WAYS)
def test_each_call_is_allowed_and_each_permission_is_needed(name: str) -> None:
    statements = policies()[name]
    calls = [call for call in calls_of(*WAYS[name]) if call.action not in FREE]
    assert [call for call in calls if not allowed(call, statements)] == []
    granted = {action for statement in statements for action in each(statement["Action"])}
    made = {call.action for call in calls}
    assert granted - (BESIDES - made) == made


@pytest.mark.promise("least-privilege")
def test_only_what_takes_no_resource_is_allowed_on_all() -> None:
    for name, statements in policies().items():
        for statement in statements:
            on_all = each(statement["Resource"]) == ["*"]
            for action in each(statement["Action"]):
                assert on_all is (action in WITHOUT_RESOURCE), (name, action)
