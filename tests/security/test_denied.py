# SPDX-License-Identifier: Apache-2.0

"""Each permission of docs/iam.md is denied in turn: what goes on without it, and what the errors say."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from job_cases import CASES, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobError
from airflow_provider_jobs.testing import Fault, mock_aws_jobs

PAGE = Path(__file__).parents[2] / "docs" / "iam.md"
EVENTS, LOOKOUT, IOT, PIPELINE, SQS, LOGS, BUS, DYNAMODB = CASES
ONCE = {"retries": {"total_max_attempts": 1}}
#: Those without which no job is started: what there is must be known, and what is asked for be right.
BEFORE = [
    (EVENTS, "ListReplays"),
    (EVENTS, "DescribeArchive"),
    (EVENTS, "StartReplay"),
    (LOOKOUT, "StartDataIngestionJob"),
    (IOT, "DescribePipeline"),
    (IOT, "StartPipelineReprocessing"),
    (PIPELINE, "DescribePipelines"),
    (PIPELINE, "GetPipelineDefinition"),
    (PIPELINE, "ActivatePipeline"),
    (SQS, "ListMessageMoveTasks"),
    (SQS, "StartMessageMoveTask"),
    (LOGS, "DescribeExportTasks"),
    (LOGS, "CreateExportTask"),
    (BUS, "ListSubscribers"),
    (BUS, "DescribeEventBus"),
    (BUS, "CreateSubscriber"),
    (DYNAMODB, "ListExports"),
    (DYNAMODB, "ExportTableToPointInTime"),
]
#: Those without which a job is started and not watched.
WATCHING = [
    (EVENTS, "DescribeReplay"),
    (LOOKOUT, "DescribeDataIngestionJob"),
    (BUS, "DescribeSubscriber"),
    (BUS, "GetMetricData"),
    (DYNAMODB, "DescribeExport"),
    (PIPELINE, "QueryObjects"),
    (PIPELINE, "DescribeObjects"),
]
#: What a task is given besides, so that it makes the call.
GIVEN = {"DescribeRule": {"rule_arns": ["to-queue"]}}
#: Those that a task does without: they count places where there are many, look ahead, and stop jobs.
OPTIONAL = [
    (EVENTS, "CancelReplay"),
    (EVENTS, "DescribeRule"),
    (LOOKOUT, "ListDataIngestionJobs"),
    (IOT, "ListPipelines"),
    (IOT, "CancelPipelineReprocessing"),
    (PIPELINE, "ListPipelines"),
    (PIPELINE, "DeactivatePipeline"),
    (SQS, "CancelMessageMoveTask"),
    (LOGS, "CancelExportTask"),
    (BUS, "DeleteSubscriber"),
    (BUS, "UpdateSubscriber"),
]
#: What IAM calls the services that boto3 calls otherwise.
PREFIXES = {"eventbridgev2": "events", "monitoring": "cloudwatch"}
#: Those that AWS asks for besides those of the calls.
UNSEEN = {"iam:PassRole", *(f"sqs:{each}Message" for each in ("Delete", "Receive", "Send"))}
UNSEEN |= {"s3:AbortMultipartUpload", "s3:PutObject", "s3:PutObjectAcl", "sqs:GetQueueAttributes"}


def service_of(case: JobCase, action: str) -> str:
    """Return boto3's name of the service that has an action."""
    return "monitoring" if action == "GetMetricData" else case.service


def permission(case: JobCase, action: str) -> str:
    """Return what a policy calls an action."""
    service = service_of(case, action)
    return f"{PREFIXES.get(service, service)}:{action}"


def run(case: JobCase, denied: str) -> tuple[int, object]:
    """Run a task without a permission; returns the number of jobs, and the result or the error."""
    with mock_aws_jobs(reads=2) as aws:
        case.prepare()
        aws.add_fault(
            Fault(denied, "access-denied", service=service_of(case, denied), count=10**9, optional=True)
        )
        task = OneTask(lambda: case.operator(botocore_config=ONCE, **GIVEN.get(denied, {})))
        try:
            outcome: object = task.run()
        except JobError as error:
            outcome = error
        return len(aws.jobs(case.service)), outcome


@pytest.mark.promise("least-privilege")
@pytest.mark.parametrize(("case", "denied"), BEFORE)
def test_without_it_nothing_is_started_and_the_error_names_it(case: JobCase, denied: str) -> None:
    jobs, outcome = run(case, denied)
    assert jobs == 0
    assert isinstance(outcome, JobError)
    assert f"role of connection None allows {permission(case, denied)}" in str(outcome)


@pytest.mark.promise("least-privilege")
@pytest.mark.parametrize(("case", "denied"), WATCHING)
def test_without_it_the_wait_fails_and_the_error_names_it(case: JobCase, denied: str) -> None:
    jobs, outcome = run(case, denied)
    assert jobs == 1
    assert isinstance(outcome, JobError)
    assert f"role of connection None allows {permission(case, denied)}" in str(outcome)


@pytest.mark.promise("least-privilege")
@pytest.mark.parametrize(("case", "denied"), OPTIONAL)
def test_without_it_a_healthy_task_succeeds(case: JobCase, denied: str) -> None:
    jobs, outcome = run(case, denied)
    assert jobs == 1
    assert isinstance(outcome, dict)


@pytest.mark.parametrize("case", [EVENTS, IOT, PIPELINE, SQS, LOGS, BUS])
def test_a_stop_that_is_denied_says_what_it_does_not_know(case: JobCase, logged: Callable[[], str]) -> None:
    with mock_aws_jobs() as aws:
        aws.set_pace()
        case.prepare()
        task = OneTask(lambda: case.operator(botocore_config=ONCE, wait_for_completion=False))
        task.run()
        aws.add_fault(Fault(str(case.stop_operation), "access-denied"))
        assert task.operator is not None
        task.operator.on_kill()
        said = logged()
        assert "it could NOT be stopped and may go on" in said
        assert f"role of connection None allows {permission(case, str(case.stop_operation))}" in said


def test_every_permission_of_an_operator_that_starts_a_job_is_tried() -> None:
    tried = {permission(case, action) for case, action in [*BEFORE, *WATCHING, *OPTIONAL]}
    policies = re.findall(
        r"^### \w+(?:Start|Activate|CreateExport|ExportTable|CreateReplay)\w+$.*?^```json\n(.*?)^```$",
        PAGE.read_text(),
        re.M | re.S,
    )
    statements = [statement for policy in policies for statement in json.loads(policy)["Statement"]]
    granted = {action for statement in statements for action in statement["Action"]}
    assert len(policies) == len(CASES)
    assert tried == granted - UNSEEN
