# SPDX-License-Identifier: Apache-2.0

"""``job_timeout`` is one budget over the tries of a task's life; for every job type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_features import needs
from job_cases import KNOWING, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobFailedError, JobTimeoutError
from airflow_provider_jobs.testing import AwsJobs

pytestmark = [pytest.mark.promise("job-timeout"), pytest.mark.parametrize("case", KNOWING, indirect=True)]
MakeTask = Callable[..., OneTask]


class Time:
    """AWS's clock, which is set forward: hours pass in no time."""

    def __init__(self, aws: AwsJobs) -> None:
        self.aws, self.skew = aws, 0.0

    def passes(self, seconds: float) -> None:
        self.skew += seconds
        self.aws.set_clock_skew(self.skew)


@pytest.fixture
def time(aws: AwsJobs) -> Time:
    aws.set_pace(reads=1_000_000)
    return Time(aws)


def deadline(task: OneTask, aws: AwsJobs) -> float:
    """Seconds until the trigger's deadline."""
    trigger: Any = task.trigger()
    return (datetime.fromisoformat(trigger.deadline) - aws.now()).total_seconds()


def run_and_fail(task: OneTask, aws: AwsJobs, case: JobCase, time: Time, seconds: float) -> None:
    """Make a try whose job fails after so many seconds."""
    task.start()
    time.passes(seconds)
    job_id = aws.jobs(case.service)[-1]["id"]
    aws.fail(job_id, "no luck")
    aws.advance(job_id)
    with pytest.raises(JobFailedError):
        task.resume(task.fire())
    time.passes(5)  # until the next try, in which no job runs


# Where Airflow keeps no notes, the time is that of the replays' ends, which the mocked AWS tells by its
# clock of now and not by that of then.
@needs("task_state_store")
def test_three_tries_have_no_more_than_the_budget(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, time: Time
) -> None:
    task = make_deferrable(job_timeout=timedelta(seconds=100))
    run_and_fail(task, aws, case, time, 40)
    run_and_fail(task, aws, case, time, 30)
    task.start()
    # AWS tells its time, and some of its jobs' times, in whole seconds.
    assert 25 < deadline(task, aws) < 33
    time.passes(35)
    with pytest.raises(JobTimeoutError, match=r"job_timeout is 0:01:40") as caught:
        task.resume(task.fire())
    assert isinstance(caught.value, AirflowFailException)
    assert len(aws.jobs(case.service)) == 3
    if case.stop_operation:
        assert aws.calls(case.service)[case.stop_operation] == 1


def test_a_budget_that_is_used_up_starts_nothing(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, time: Time
) -> None:
    """Airflow makes no retry then; a worker that dies while it fails gets one all the same."""
    task = make_deferrable(job_timeout=timedelta(seconds=100))
    task.begin()
    time.passes(105)
    with pytest.raises(JobTimeoutError):
        task.resume(task.fire())
    if not case.stop_operation:
        aws.advance(aws.jobs(case.service)[0]["id"])
        aws.fail_next(case.service, "no luck")
    time.passes(5)
    if case.stop_operation:
        with pytest.raises(JobTimeoutError, match="is used up") as caught:
            task.run()
        assert isinstance(caught.value, AirflowFailException)
    else:
        task.run()  # it goes on where AWS cannot stop it, and has succeeded meanwhile
    assert len(aws.jobs(case.service)) == 1


def test_a_job_that_failed_at_its_deadline_has_used_its_time(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, time: Time
) -> None:
    """The trigger sees the end when it is about to stop the job."""
    task = make_deferrable(job_timeout=timedelta(seconds=100), poll_interval=60)
    task.begin()
    (job,) = aws.jobs(case.service)
    time.passes(101)
    aws.fail(job["id"], "no luck")
    aws.advance(job["id"])
    event = task.fire()
    assert "timeout" not in event
    assert event["ran"] >= 100
    assert case.stop_operation not in aws.calls(case.service)
    with pytest.raises(JobFailedError):
        task.resume(event)
    time.passes(5)
    with pytest.raises(JobTimeoutError, match="is used up"):
        task.start()


def test_a_clear_gives_a_new_budget(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, time: Time
) -> None:
    task = make_deferrable(job_timeout=timedelta(seconds=100))
    run_and_fail(task, aws, case, time, 40)
    task.start()
    time.passes(70)
    with pytest.raises(JobTimeoutError):
        task.resume(task.fire())
    if not case.stop_operation:
        aws.advance(aws.jobs(case.service)[-1]["id"])
    time.passes(5)
    task.clear()
    task.start()
    assert 95 < deadline(task, aws) < 102
    assert len(aws.jobs(case.service)) == 3
    assert aws.max_active(case.service) == 1


def test_on_a_worker_too(aws: AwsJobs, case: JobCase, make_sync: MakeTask) -> None:
    aws.fail_next(case.service, "no luck", count=2)
    aws.set_pace(seconds=1.6)
    task = make_sync(job_timeout=timedelta(seconds=5))
    for _ in range(2):
        with pytest.raises(JobFailedError):
            task.run()
    aws.set_pace(seconds=20)
    with pytest.raises(JobTimeoutError):
        task.run()
    *failed, last = aws.jobs(case.service)
    assert len(failed) == 2
    assert last["state"] != case.succeeded
