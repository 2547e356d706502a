# SPDX-License-Identifier: Apache-2.0

"""AWS's clock and the worker's are four minutes apart, either way; for every job type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout
from job_cases import CASES, FINDING, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobFailedError,
    JobOutcomeUnknownError,
    JobTimeoutError,
)
from airflow_provider_jobs.testing import AwsJobs, Fault

MakeTask = Callable[..., OneTask]


@pytest.fixture(params=[240.0, -240.0], ids=["aws-ahead", "aws-behind"])
def skew(request: pytest.FixtureRequest, aws: AwsJobs) -> float:
    """How many seconds AWS's clock is before the worker's."""
    seconds: float = request.param
    aws.set_clock_skew(seconds)
    return seconds


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, aws: AwsJobs, skew: float) -> JobCase:
    """Each job type in turn, made by that clock too."""
    case: JobCase = request.param
    case.prepare()
    return case


def ids(aws: AwsJobs, case: JobCase) -> list[str]:
    return [job["id"] for job in aws.jobs(case.service)]


@pytest.mark.promise("job-timeout")
def test_a_job_within_its_time_is_not_stopped(aws: AwsJobs, case: JobCase, make_task: MakeTask) -> None:
    """A deadline by the wrong clock would have passed before the start."""
    result = make_task(job_timeout=timedelta(seconds=60)).run()
    assert ids(aws, case) == [case.job_id(result)]
    assert aws.jobs(case.service)[0]["state"] == case.succeeded
    assert case.stop_operation not in aws.calls(case.service)


@pytest.mark.promise("job-timeout")
def test_a_job_beyond_its_time_is_stopped(aws: AwsJobs, case: JobCase, make_task: MakeTask) -> None:
    """A deadline by the wrong clock would come minutes after the job's end."""
    aws.set_pace(seconds=20)
    with pytest.raises(JobTimeoutError, match="had not ended by"):
        make_task(job_timeout=timedelta(seconds=0.3)).run()
    (job,) = aws.jobs(case.service)
    assert job["state"] != case.succeeded
    if case.stop_operation:
        assert aws.calls(case.service)[case.stop_operation] == 1


@pytest.mark.promise("job-timeout")
@pytest.mark.promise("throttled")
def test_a_first_poll_that_fails_does_not_end_a_job_within_its_time(
    aws: AwsJobs, case: JobCase, make_task: MakeTask
) -> None:
    """The wait has not heard AWS's time yet."""
    for operation in (case.describe_operation, case.list_operation):
        aws.add_fault(Fault(operation, "drop", skip=case.looks_to_start, optional=True))
    result = make_task(job_timeout=timedelta(seconds=60)).run()
    assert ids(aws, case) == [case.job_id(result)]
    assert case.stop_operation not in aws.calls(case.service)


@pytest.mark.promise("lost-answer")
@pytest.mark.parametrize("case", FINDING, indirect=True)
def test_a_lost_answer_is_found_again_and_nobody_else_s_job_is_taken(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, skew: float
) -> None:
    aws.set_clock_skew(skew - 60)
    others = case.job_id(make_deferrable({"run_id": "another"}).run())
    aws.set_clock_skew(skew)
    aws.add_fault(Fault(case.start_operation, "drop", when="after"))
    task = make_deferrable()
    with pytest.raises(JobApiError) as caught:
        task.run()
    assert isinstance(caught.value, JobOutcomeUnknownError)
    aws.set_clock_skew(skew + 2)
    result = task.run()
    assert ids(aws, case)[0] == others
    assert ids(aws, case)[-1] == case.job_id(result)
    # Where AWS has neither name nor token, the lost one is waited for, and another one follows.
    assert len(ids(aws, case)) == (2 if case.recognized else 3)
    assert aws.max_active(case.service) == 1


@pytest.mark.promise("lost-answer")
@pytest.mark.parametrize("case", FINDING, indirect=True)
def test_a_lost_request_starts_one_job(aws: AwsJobs, case: JobCase, make_deferrable: MakeTask) -> None:
    aws.add_fault(Fault(case.start_operation, "drop"))
    task = make_deferrable()
    with pytest.raises(JobApiError):
        task.run()
    result = task.run()
    assert ids(aws, case) == [case.job_id(result)]


@pytest.mark.promise("cleared")
@pytest.mark.parametrize("case", FINDING, indirect=True)
def test_a_clear_stops_the_job_and_starts_one_more(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, skew: float
) -> None:
    aws.set_pace(reads=1_000_000 if case.stop_operation else 6)
    task = make_task(wait_for_completion=False)
    first = case.job_id(task.run())
    task.make = make_task().make
    task.clear()
    aws.set_pace(reads=2)
    aws.set_clock_skew(skew + 2)
    second = case.job_id(task.run())
    assert ids(aws, case) == [first, second]
    assert aws.jobs(case.service)[0]["state"] == (case.cancelled or case.succeeded)
    assert aws.max_active(case.service) == 1


@pytest.mark.promise("failed-job")
@pytest.mark.promise("job-timeout")
def test_a_retry_starts_the_next_with_the_time_that_is_left(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, skew: float
) -> None:
    aws.fail_next(case.service, "the disk is full")
    task = make_deferrable(job_timeout=timedelta(seconds=60))
    with pytest.raises(JobFailedError):
        task.run()
    aws.set_clock_skew(skew + 2)
    task.start()
    trigger: Any = task.trigger()
    left = datetime.fromisoformat(trigger.deadline) - aws.now()
    # AWS tells some of its times in whole seconds.
    assert timedelta(seconds=50) < left <= timedelta(seconds=61)
    result = task.resume(task.fire())
    assert ids(aws, case)[1:] == [case.job_id(result)]


class TestSensor:
    def job(self, aws: AwsJobs, case: JobCase, make_deferrable: MakeTask) -> str:
        make_deferrable(wait_for_completion=False).run()
        return str(aws.jobs(case.service)[0]["id"])

    def test_waits_for_a_job_within_its_time(
        self, aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
    ) -> None:
        aws.set_pace(reads=4)
        job_id = self.job(aws, case, make_deferrable)
        result = OneTask(lambda: case.sensor(job_id, deferrable=True, timeout=60)).run()
        assert result["state"] == case.succeeded

    def test_gives_up_when_its_time_is_over(
        self, aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
    ) -> None:
        aws.set_pace(seconds=20)
        job_id = self.job(aws, case, make_deferrable)
        with pytest.raises(AirflowSensorTimeout):
            OneTask(lambda: case.sensor(job_id, deferrable=True, timeout=0.3)).run()
        assert aws.jobs(case.service)[0]["state"] != case.succeeded
