# SPDX-License-Identifier: Apache-2.0

"""The sensors of all job types: poke, reschedule and deferrable."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSensorTimeout, AirflowSkipException
from job_cases import JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobEndedError, JobNotFoundError
from airflow_provider_jobs.testing import AwsJobs, Fault

try:
    from airflow.sdk.exceptions import AirflowRescheduleException
except ImportError:  # Airflow 2
    from airflow.exceptions import AirflowRescheduleException


@pytest.fixture
def job_id(aws: AwsJobs, case: JobCase, make_sync: Callable[..., OneTask]) -> str:
    """A job in flight that does not move."""
    aws.set_pace()
    make_sync(wait_for_completion=False).run()
    name: str = aws.jobs(case.service)[0]["id"]
    return name


@pytest.fixture
def wait(case: JobCase, job_id: str, deferrable: bool) -> Callable[..., OneTask]:
    """Build a sensor's task, waiting in either way."""

    def make(job: str = job_id, **kwargs: Any) -> OneTask:
        return OneTask(lambda: case.sensor(job, deferrable=deferrable, **kwargs))

    return make


def test_it_succeeds_with_the_job(
    aws: AwsJobs, case: JobCase, job_id: str, wait: Callable[..., OneTask]
) -> None:
    aws.advance(job_id)
    assert case.job_id(wait().run()) == job_id


def test_it_waits(aws: AwsJobs, case: JobCase, make_sync: Callable[..., OneTask], deferrable: bool) -> None:
    aws.set_pace(seconds=0.5)
    make_sync(wait_for_completion=False).run()
    name = aws.jobs(case.service)[0]["id"]
    assert case.job_id(OneTask(lambda: case.sensor(name, deferrable=deferrable)).run()) == name


@pytest.mark.promise("failed-job")
def test_it_fails_with_the_job(
    aws: AwsJobs, case: JobCase, job_id: str, wait: Callable[..., OneTask]
) -> None:
    aws.fail(job_id, "out of luck")
    aws.advance(job_id)
    with pytest.raises(JobEndedError, match=case.reason("out of luck")):
        wait().run()


@pytest.mark.parametrize("at_first_look", [True, False])
def test_soft_fail_skips(
    aws: AwsJobs, job_id: str, wait: Callable[..., OneTask], at_first_look: bool
) -> None:
    aws.fail(job_id, "out of luck")
    aws.advance(job_id, 1.0 if at_first_look else 0.9)
    task = wait(soft_fail=True)
    end = threading.Timer(0.5, aws.advance, [job_id])
    end.start()
    with pytest.raises(AirflowSkipException):
        task.run()
    end.join()


def test_it_times_out_and_leaves_the_job(aws: AwsJobs, case: JobCase, wait: Callable[..., OneTask]) -> None:
    with pytest.raises(AirflowSensorTimeout):
        wait(timeout=0.3).run()
    assert case.stop_operation not in aws.calls(case.service)


def test_an_unknown_job_is_an_error(case: JobCase, wait: Callable[..., OneTask]) -> None:
    with pytest.raises(JobNotFoundError, match=case.unknown):
        wait("0123456789abcdef0123456789abcdef").run()


@pytest.mark.promise("throttled")
def test_a_look_that_fails_for_now_only_delays(
    aws: AwsJobs, case: JobCase, job_id: str, wait: Callable[..., OneTask]
) -> None:
    aws.advance(job_id)
    aws.add_fault(Fault(case.describe_operation, "throttle"))
    assert case.job_id(wait(botocore_config={"retries": {"total_max_attempts": 1}}).run()) == job_id


def test_reschedule_frees_the_worker(case: JobCase, job_id: str) -> None:
    pytest.importorskip("airflow.sdk", reason="Airflow 2 reads its database for this")
    sensor: Any = case.sensor(job_id, mode="reschedule", deferrable=False)
    context = OneTask(lambda: sensor).context(sensor)
    context["ti"].get_first_reschedule_date = lambda context: None
    with pytest.raises(AirflowRescheduleException):
        sensor.execute(context)
