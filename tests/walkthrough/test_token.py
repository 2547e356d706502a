# SPDX-License-Identifier: Apache-2.0

"""The walk-through's job type whose start call takes a token starts each query once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from airflow_features import needs
from athena_queries.hook import AthenaQueryHook, QueryRequest
from athena_queries.mocked import BACKEND
from athena_queries.operators import AthenaStartQueryOperator
from one_task import OneTask
from walkthrough.conftest import AWS

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobFailedError,
    JobInputError,
    JobNotFoundError,
    JobTimeoutError,
)
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]
#: More often than botocore repeats a call, so that the try fails.
OFTEN = 5


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs(backends=[BACKEND]) as control:
        yield control


@pytest.fixture(params=[False, True], ids=["sync", "deferrable"])
def make_task(request: pytest.FixtureRequest, aws: AwsJobs) -> MakeTask:
    def make(task: dict[str, Any] | None = None, **kwargs: Any) -> OneTask:
        given: dict[str, Any] = {"query_string": "SELECT 1", "poll_interval": 0.02, **AWS, **kwargs}
        given = {"deferrable": request.param, **given}
        return OneTask(lambda: AthenaStartQueryOperator(task_id="query", **given), **(task or {}))

    return make


#: A task has an attempt log from Airflow 3.3 on, and none below.
LOGS = [pytest.param(True, marks=needs("task_state_store"), id="log"), pytest.param(False, id="no-log")]


# [start: test]
@pytest.mark.parametrize("kept", LOGS)
def test_a_retry_after_a_lost_answer_gets_the_same_query(
    aws: AwsJobs, make_task: MakeTask, kept: bool
) -> None:
    task = make_task({"store": {} if kept else None})
    aws.add_fault(Fault("StartQueryExecution", "drop", when="after", count=OFTEN))
    with pytest.raises(JobApiError, match="StartQueryExecution"):
        task.run()
    # Another task of the run is cleared, which is none of this task's business.
    task.clear_number += 1
    assert task.run()["state"] == "SUCCEEDED"
    assert len(aws.jobs("athena")) == 1


# [end: test]


@pytest.mark.parametrize("kept", LOGS)
def test_a_retry_after_a_failure_starts_the_next(aws: AwsJobs, make_task: MakeTask, kept: bool) -> None:
    aws.fail_next("athena", "HIVE_BAD_DATA")
    task = make_task({"store": {} if kept else None})
    with pytest.raises(JobFailedError, match="ended FAILED: HIVE_BAD_DATA"):
        task.run()
    assert task.run()["state"] == "SUCCEEDED"
    assert [job["state"] for job in aws.jobs("athena")] == ["FAILED", "SUCCEEDED"]


def test_a_clear_starts_one_more(aws: AwsJobs, make_task: MakeTask) -> None:
    task = make_task()
    first = task.run()
    task.clear()
    assert task.run()["query_id"] != first["query_id"]


def test_a_full_account_makes_the_task_queue(aws: AwsJobs, make_task: MakeTask) -> None:
    aws.set_pace()
    aws.set_quota("athena", 1)
    task, other = make_task(deferrable=True), make_task({"run_id": "other"}, deferrable=True)
    other.begin()
    task.begin()
    assert isinstance(task.trigger(), QueueTrigger)
    (query,) = aws.jobs("athena")
    assert AthenaQueryHook(**AWS).active_jobs(["primary", "other"]) == {query["id"]: "primary"}
    assert aws.max_active("athena") == 1


def test_a_job_timeout_stops_it(aws: AwsJobs, make_task: MakeTask) -> None:
    aws.set_pace()
    with pytest.raises(JobTimeoutError, match="it is being stopped"):
        make_task(job_timeout=timedelta(milliseconds=1)).run()
    assert aws.jobs("athena")[0]["phase"] == "stopping"


def test_one_that_has_ended_or_never_was_is_not_stopped(aws: AwsJobs, make_task: MakeTask) -> None:
    ended, hook = make_task().run()["query_id"], AthenaQueryHook(**AWS)
    assert hook.stop_job(ended) is False
    assert hook.stop_job("gone") is False
    with pytest.raises(JobNotFoundError, match="was not found"):
        hook.describe_job("gone")


def test_a_token_of_another_query_is_refused(aws: AwsJobs, make_task: MakeTask) -> None:
    """As on AWS, so that a test sees a request that changes without its facts."""
    hook: Any = AthenaQueryHook(**AWS)
    token = "0" * 32
    query = {"WorkGroup": "primary", "ClientRequestToken": token}
    first, again = (hook.call("start_query_execution", QueryString="SELECT 1", **query) for _ in range(2))
    assert first["QueryExecutionId"] == again["QueryExecutionId"]
    with pytest.raises(JobInputError, match="Idempotent parameters do not match"):
        hook.call("start_query_execution", QueryString="SELECT 2", **query)


def test_a_workgroup_that_cannot_be_fails_before_any_call(aws: AwsJobs, make_task: MakeTask) -> None:
    with pytest.raises(JobInputError, match="workgroup='a b' must be a workgroup's name"):
        make_task(workgroup="a b").run()
    assert aws.calls("athena") == {}
    assert QueryRequest("a", "b").facts() != QueryRequest("a", "c").facts()
