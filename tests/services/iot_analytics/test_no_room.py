# SPDX-License-Identifier: Apache-2.0

"""AWS does not say how it refuses a start over the limit: three answers lead to the queue."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from job_cases import IotAnalytics
from one_task import OneTask
from reprocessings import SERVICE, age, reprocess, starts

from airflow_provider_jobs.exceptions import JobQuotaError, JobStartTimeoutError, JobUnavailableError
from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.queue import QueueTrigger

START = "StartPipelineReprocessing"
CONFLICT: dict[str, Any] = {"kind": "error", "code": "ResourceAlreadyExistsException", "status": 409}
THROTTLED: dict[str, Any] = {"kind": "throttle"}
LIMIT: dict[str, Any] = {"kind": "error", "code": "LimitExceededException", "status": 410}
answers = pytest.mark.parametrize("answer", [CONFLICT, LIMIT], ids=["409", "LimitExceeded"])


def refuse(aws: AwsJobs, answer: dict[str, Any], count: int = 1) -> None:
    aws.add_fault(Fault(START, count=count, **answer))


@pytest.fixture
def started(aws: AwsJobs, hook: IotAnalyticsHook) -> str:
    """A reprocessing of an hour ago, which has ended."""
    job_id = hook.start_reprocessing("cleaning")
    aws.advance(job_id)
    age()
    return job_id


@answers
@pytest.mark.usefixtures("started")
def test_a_task_on_the_worker_queues(aws: AwsJobs, answer: dict[str, Any], logged: Callable[[], str]) -> None:
    refuse(aws, answer, 3)
    assert reprocess().run()["state"] == "SUCCEEDED"
    assert starts(aws) == 5
    assert len(aws.jobs(SERVICE)) == 2
    assert logged().count("The task waits in the queue.") == 3


@answers
@pytest.mark.usefixtures("started")
def test_a_deferred_task_queues(aws: AwsJobs, answer: dict[str, Any]) -> None:
    refuse(aws, answer, 2)
    task = reprocess(deferrable=True)
    task.begin()
    for _ in range(2):
        assert isinstance(task.trigger(), QueueTrigger)
        assert len(aws.jobs(SERVICE)) == 1
        task.resume(task.fire())
    assert task.resume(task.fire())["state"] == "SUCCEEDED"
    assert starts(aws) == 4
    assert len(aws.jobs(SERVICE)) == 2


@answers
@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.usefixtures("started")
def test_a_queue_in_vain_ends_with_the_start_timeout(
    aws: AwsJobs, answer: dict[str, Any], deferrable: bool
) -> None:
    refuse(aws, answer, 1000)
    task = reprocess(deferrable=deferrable, start_timeout=timedelta(seconds=0.3))
    with pytest.raises(JobStartTimeoutError, match="could not be started within start_timeout"):
        run_to_the_end(task, deferrable)
    assert starts(aws) >= 2
    assert len(aws.jobs(SERVICE)) == 1


def run_to_the_end(task: OneTask, deferrable: bool) -> Any:
    if not deferrable:
        return task.run()
    result = task.begin()
    while result is None:
        result = task.resume(task.fire())
    return result


def test_a_conflict_tells_what_runs(aws: AwsJobs, hook: IotAnalyticsHook) -> None:
    aws.set_pace()
    running, ended = (hook.start_reprocessing("cleaning") for _ in range(2))
    aws.advance(ended)
    refuse(aws, CONFLICT)
    with pytest.raises(JobQuotaError, match=rf"Already.* Running of this pipeline: cleaning/{running}\."):
        hook.start_reprocessing("cleaning")
    aws.advance(running)
    refuse(aws, CONFLICT)
    with pytest.raises(JobQuotaError, match=r"Already.* Running of this pipeline: nothing\."):
        hook.start_reprocessing("cleaning")


@pytest.fixture
def used_up(aws: AwsJobs, hook: IotAnalyticsHook, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pipeline has had its only start of a day of two seconds."""
    monkeypatch.setattr(IotAnalyticsHook, "scope_quota", 1)
    IotAnalytics().hurry_places(monkeypatch, 2)
    aws.advance(hook.start_reprocessing("cleaning"))


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.usefixtures("used_up")
def test_too_many_calls_after_as_many_starts_as_the_quota_queue(
    aws: AwsJobs, deferrable: bool, logged: Callable[[], str]
) -> None:
    refuse(aws, THROTTLED)
    result = run_to_the_end(reprocess(deferrable=deferrable), deferrable)
    assert result["state"] == "SUCCEEDED"
    assert len(aws.jobs(SERVICE)) == 2
    assert "It may be the quota, since 1 were started in the last 24 hours." in logged()


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.usefixtures("started")
def test_too_many_calls_before_that_are_an_error_that_a_retry_fixes(aws: AwsJobs, deferrable: bool) -> None:
    refuse(aws, THROTTLED)
    task = reprocess(deferrable=deferrable)
    with pytest.raises(JobUnavailableError, match=rf"{START} .*ThrottlingException") as caught:
        run_to_the_end(task, deferrable)
    assert type(caught.value) is JobUnavailableError
    assert run_to_the_end(task, deferrable)["state"] == "SUCCEEDED"
    assert len(aws.jobs(SERVICE)) == 2


@pytest.mark.parametrize("trouble", ["throttle", "error", "drop", "access-denied"])
@pytest.mark.usefixtures("started")
def test_what_was_started_cannot_be_seen(aws: AwsJobs, hook: IotAnalyticsHook, trouble: Any) -> None:
    """A conflict still leads to the queue; too many calls are too many calls."""
    for answer, error in (
        (CONFLICT, JobQuotaError),
        (THROTTLED, JobUnavailableError),
        (LIMIT, JobQuotaError),
    ):
        aws.clear_faults()
        refuse(aws, answer)
        aws.add_fault(Fault("DescribePipeline", trouble, count=9, optional=True))
        with pytest.raises(error, match=START) as caught:
            hook.start_reprocessing("cleaning")
        assert type(caught.value) is error


def test_the_quota_of_the_mocked_aws_leads_to_the_queue(aws: AwsJobs, hook: IotAnalyticsHook) -> None:
    aws.set_quota(SERVICE, 1)
    hook.start_reprocessing("cleaning")
    task = reprocess(deferrable=True)
    task.begin()
    assert isinstance(task.trigger(), QueueTrigger)
    task.resume(task.fire())
    IotAnalytics().free_place(aws)
    task.resume(task.fire())
    assert task.resume(task.fire())["state"] == "SUCCEEDED"
    assert len(aws.jobs(SERVICE)) == 2
