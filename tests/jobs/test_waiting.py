# SPDX-License-Identifier: Apache-2.0

"""What a wait goes through and how it ends; for every job type, sync and deferrable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from job_cases import FINDING, STOPPABLE, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError, JobError, JobFailedError, JobTimeoutError
from airflow_provider_jobs.testing import AwsJobs, Fault

MakeTask = Callable[..., OneTask]


def look_operations(case: JobCase) -> list[str]:
    return [case.describe_operation, case.list_operation]


@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "expired-token"])
@pytest.mark.promise("aws-gone")
@pytest.mark.promise("throttled")
def test_a_look_that_fails_for_now_only_delays(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, kind: Any, logged: Callable[[], str]
) -> None:
    aws.set_pace(reads=4)
    task = make_task()
    for operation in look_operations(case):
        # The first looks are for a job of an earlier try, and for what has been started.
        aws.add_fault(Fault(operation, kind, count=2, skip=case.looks_to_start, optional=True))
    result = task.run()
    assert case.job_id(result) == aws.jobs(case.service)[0]["id"]
    assert aws.jobs(case.service)[0]["state"] == case.succeeded
    assert "polling again later" in logged()


@pytest.mark.promise("job-timeout")
def test_the_deadline_stops_the_job_and_fails_the_task(
    aws: AwsJobs, case: JobCase, make_task: MakeTask
) -> None:
    aws.set_pace()
    with pytest.raises(JobTimeoutError, match=r"had not ended by .*job_timeout is 0:00:00\.2") as caught:
        make_task(job_timeout=timedelta(seconds=0.2)).run()
    (job,) = aws.jobs(case.service)
    assert job["id"] in str(caught.value)
    if case.stop_operation:
        assert aws.calls(case.service)[str(case.stop_operation)] == 1
        assert "it is being stopped" in str(caught.value)


@pytest.mark.promise("job-timeout")
@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "expired-token"])
def test_a_deadline_s_stop_is_kept_at(
    aws: AwsJobs,
    case: JobCase,
    make_task: MakeTask,
    kind: Any,
    logged: Callable[[], str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("airflow_provider_jobs._watch.stopping._FIRST_PAUSE", 0.01)
    aws.set_pace()
    aws.add_fault(Fault(str(case.stop_operation), kind, count=8))
    with pytest.raises(JobTimeoutError, match="it is being stopped"):
        make_task(job_timeout=timedelta(seconds=0.2)).run()
    (job,) = aws.jobs(case.service)
    assert job["state"] != case.succeeded
    assert "could not be stopped; trying again" in logged()


@pytest.mark.promise("job-timeout")
def test_the_trigger_stops_the_job_whether_or_not_the_task_gets_a_worker(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
) -> None:
    """As when the DAG is paused, or the pool is full; the worker only tells what came of it."""
    aws.set_pace()
    task = make_deferrable(job_timeout=timedelta(seconds=0.2))
    task.begin()
    event = task.fire()
    calls = aws.calls(case.service)
    if case.stop_operation:
        assert calls[case.stop_operation] == 1
        assert event["stopped"] == "it is being stopped"
    with pytest.raises(JobTimeoutError, match=event["stopped"]):
        task.resume(event)
    assert aws.calls(case.service) == calls


@pytest.mark.promise("job-timeout")
@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
def test_a_wait_that_has_not_tried_to_stop_the_job_leaves_that_to_the_worker(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
) -> None:
    aws.set_pace()
    task = make_deferrable(job_timeout=timedelta(seconds=60))
    task.begin()
    (job,) = aws.jobs(case.service)
    with pytest.raises(JobTimeoutError, match="it is being stopped"):
        task.resume({"job_id": case.core_id(job["id"]), "job": None, "timeout": "had not ended"})
    assert aws.calls(case.service)[str(case.stop_operation)] == 1


@pytest.mark.promise("job-timeout")
def test_a_job_that_ended_at_its_deadline_is_no_timeout(
    aws: AwsJobs, case: JobCase, make_task: MakeTask
) -> None:
    aws.set_pace(reads=1)
    task = make_task(job_timeout=timedelta(seconds=0.05), poll_interval=60)
    result = task.run()
    assert aws.jobs(case.service)[0]["state"] == case.succeeded
    assert case.job_id(result) == aws.jobs(case.service)[0]["id"]


@pytest.mark.promise("aws-gone")
@pytest.mark.promise("throttled")
def test_an_unreachable_service_fails_the_task_only_at_the_deadline(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Data Pipeline has to be asked before a stop: that is tried for an hour, and here for a second."""
    monkeypatch.setattr("airflow_provider_jobs._watch.stopping._GIVE_UP", 1.0)
    aws.set_pace()
    for operation in look_operations(case):
        aws.add_fault(Fault(operation, "throttle", count=10_000, skip=case.looks_to_start, optional=True))
    with pytest.raises(JobTimeoutError, match=r"the last poll failed: .*ThrottlingException"):
        # Data Pipeline tells its start in whole seconds: up to one of these has passed by then.
        make_task(job_timeout=timedelta(seconds=3)).run()


@pytest.mark.promise("failed-job")
def test_a_failed_job_fails_the_task_with_the_service_reason(
    aws: AwsJobs, case: JobCase, task: OneTask
) -> None:
    aws.fail_next(case.service, "no room left in the bucket")
    why = case.reason("no room left in the bucket")
    with pytest.raises(JobFailedError, match=f"{case.failed}: {why}"):
        task.run()


@pytest.mark.parametrize("case", FINDING, indirect=True)
def test_a_refused_look_fails_the_task_and_leaves_the_job(
    aws: AwsJobs, case: JobCase, make_task: MakeTask
) -> None:
    """Access that is taken away during the wait: the error says what to allow; a retry finds the job."""
    aws.set_pace()
    for operation in look_operations(case):
        aws.add_fault(
            Fault(operation, "access-denied", count=10_000, skip=case.looks_to_start, optional=True)
        )
    task = make_task()
    why = r"could not be watched any longer.*AccessDenied.*Check that the role"
    with pytest.raises(JobError, match=why) as caught:
        task.run()
    (job,) = aws.jobs(case.service)
    assert job["id"] in str(caught.value)
    aws.clear_faults()
    aws.advance(job["id"])
    assert case.job_id(task.run()) == job["id"]


def test_progress_is_logged(aws: AwsJobs, case: JobCase, task: OneTask, logged: Callable[[], str]) -> None:
    aws.set_pace(reads=8)
    task.run()
    job_id = aws.jobs(case.service)[0]["id"]
    text = logged()
    assert f"{job_id}: {case.running}" in text
    assert f"{job_id}: {case.succeeded}" in text


@pytest.mark.promise("triggerer-restart")
def test_a_restarted_triggerer_takes_the_wait_up_again(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
) -> None:
    aws.set_pace()
    task = make_deferrable()
    task.begin()
    before = aws.calls(case.service)

    async def interrupted() -> None:
        running = asyncio.ensure_future(anext(task.trigger().run()))
        await asyncio.wait({running}, timeout=0.3)
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()

    asyncio.run(interrupted())
    after = aws.calls(case.service)
    for operation in (case.start_operation, case.stop_operation):
        assert after.get(str(operation)) == before.get(str(operation))
    (job,) = aws.jobs(case.service)
    aws.advance(job["id"])
    assert case.job_id(task.resume(task.fire())) == job["id"]


@pytest.mark.promise("throttled")
def test_a_throttled_start_is_an_error_that_a_retry_mends(aws: AwsJobs, case: JobCase, task: OneTask) -> None:
    aws.add_fault(Fault(case.start_operation, "throttle"))
    with pytest.raises(JobApiError, match=rf"{case.start_operation} .*ThrottlingException"):
        task.run()
    task.run()
    assert [job["state"] for job in aws.jobs(case.service)] == [case.succeeded]
