# SPDX-License-Identifier: Apache-2.0

"""A retry that Airflow resumes with the event of the try before; for every job type.

Airflow 3.0.0 to 3.1.0 do so (apache/airflow#56704): all tries would end as the first one did.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from job_cases import JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobError, JobFailedError
from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]


def fail_and_resume_anew(task: OneTask, event: Any, error: type[Exception]) -> Any:
    """Let the try fail with an event, and resume the next one with the same; returns its result."""
    deferred = task.deferred
    with pytest.raises(error):
        task.resume(event)
    task.tries += 1
    task.deferred = deferred
    result = task.resume(event)
    while task.deferred is not None:
        result = task.resume(task.fire())
    return result


@pytest.mark.promise("failed-job")
def test_the_event_of_a_job_that_failed_fails_one_try(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
) -> None:
    aws.fail_next(case.service, "the disk is full")
    task = make_deferrable()
    task.begin()
    event = task.fire()
    aws.set_clock_skew(5.0)
    result = fail_and_resume_anew(task, event, JobFailedError)
    jobs = aws.jobs(case.service)
    assert [job["state"] for job in jobs] == [case.failed, case.succeeded]
    assert case.job_id(result) == jobs[1]["id"]


def test_what_was_kept_over_a_wait_before_the_start_is_left_aside(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.small_quota(monkeypatch)
    case.limit(aws, 0)
    task = make_deferrable()
    task.begin()
    assert isinstance(task.trigger(), QueueTrigger)
    for job in aws.jobs(case.service):
        aws.advance(job["id"])
    aws.set_quota(case.service, 10)
    aws.set_pace(reads=2)
    aws.set_clock_skew(5.0)
    result = fail_and_resume_anew(task, {"error": "the list is not allowed"}, JobError)
    assert case.job_id(result) == aws.jobs(case.service)[-1]["id"]


def test_a_sensor_looks_again(aws: AwsJobs, case: JobCase, make_sync: MakeTask) -> None:
    aws.set_pace()
    make_sync(wait_for_completion=False).run()
    (job,) = aws.jobs(case.service)
    task = OneTask(lambda: case.sensor(job["id"], deferrable=True))
    task.begin()
    aws.advance(job["id"])
    event = {"job_id": job["id"], "job": None, "error": "AWS refused"}
    assert case.job_id(fail_and_resume_anew(task, event, JobError)) == job["id"]
