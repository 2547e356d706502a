# SPDX-License-Identifier: Apache-2.0

"""One job a generation, whatever befalls the task; for every job type, sync and deferrable."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

import pytest
from job_cases import CASES, FINDING, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobFailedError,
    JobOutcomeUnknownError,
    JobUnavailableError,
)
from airflow_provider_jobs.testing import AwsJobs, Fault


def states(aws: AwsJobs, case: JobCase) -> list[str]:
    return [job["state"] for job in aws.jobs(case.service)]


def test_a_task_starts_one_job_and_returns_what_became_of_it(
    aws: AwsJobs, case: JobCase, task: OneTask
) -> None:
    result = task.run()
    assert states(aws, case) == [case.succeeded]
    assert case.job_id(result) == aws.jobs(case.service)[0]["id"]
    assert aws.calls(case.service)[case.start_operation] == 1


@pytest.mark.parametrize("case", FINDING, indirect=True)
@pytest.mark.promise("worker-killed-while-waiting")
def test_a_retry_after_success_takes_the_result(aws: AwsJobs, case: JobCase, task: OneTask) -> None:
    first = task.run()
    second = task.run()
    assert second == first
    assert len(states(aws, case)) == 1


@pytest.mark.promise("worker-killed-before-start")
def test_a_crash_before_the_start_call_starts_one_job(aws: AwsJobs, case: JobCase, task: OneTask) -> None:
    aws.add_fault(Fault(case.start_operation, "drop"))
    with pytest.raises(JobApiError) as caught:
        task.run()
    assert isinstance(caught.value, JobUnavailableError)
    assert states(aws, case) == []
    task.run()
    assert states(aws, case) == [case.succeeded]


@pytest.mark.parametrize("case", FINDING, indirect=True)
@pytest.mark.promise("worker-killed-during-start")
@pytest.mark.promise("lost-answer")
def test_a_crash_after_the_start_call_is_followed_by_reattaching(
    aws: AwsJobs, case: JobCase, task: OneTask
) -> None:
    aws.add_fault(Fault(case.start_operation, "drop", when="after"))
    with pytest.raises(JobApiError):
        task.run()
    assert len(states(aws, case)) == 1
    result = task.run()
    assert states(aws, case) == [case.succeeded] * (1 if case.recognized else 2)
    # What may be another task's is neither taken nor run beside: its end is waited for.
    assert case.job_id(result) == aws.jobs(case.service)[-1]["id"]
    assert aws.max_active(case.service) == 1


@pytest.mark.parametrize("case", [case for case in CASES if case.recognized], indirect=True)
@pytest.mark.promise("lost-answer")
def test_a_name_or_a_token_needs_no_memory(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask]
) -> None:
    """As before Airflow 3.3, which keeps nothing for a task."""
    aws.add_fault(Fault(case.start_operation, "drop", when="after"))
    task = make_task({"store": None})
    with pytest.raises(JobApiError):
        task.run()
    assert case.job_id(task.run()) == aws.jobs(case.service)[0]["id"]
    assert states(aws, case) == [case.succeeded]


@pytest.mark.parametrize("kind", ["drop", "error"])
@pytest.mark.promise("lost-answer")
def test_a_lost_answer_that_botocore_repeats_starts_one_job(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask], kind: str
) -> None:
    aws.add_fault(Fault(case.start_operation, kind, when="after"))  # type: ignore[arg-type]
    task = make_task(botocore_config={"retries": {"total_max_attempts": 2}})
    if not case.repeatable:
        # To AWS a second call would be another job: it is made only when the first has ended.
        with pytest.raises(JobApiError) as caught:
            task.run()
        assert isinstance(caught.value, JobOutcomeUnknownError)
        assert aws.calls(case.service)[case.start_operation] == 1
    result = task.run()
    assert states(aws, case) == [case.succeeded] * (1 if case.recognized else 2)
    assert case.job_id(result) == aws.jobs(case.service)[-1]["id"]
    assert aws.max_active(case.service) == 1
    # A label shows the job; to have it, no start is repeated.
    again = case.repeatable or not case.recognized
    assert aws.calls(case.service)[case.start_operation] == (2 if again else 1)


@pytest.mark.parametrize("case", FINDING, indirect=True)
@pytest.mark.promise("worker-killed-while-waiting")
def test_a_retry_while_the_job_runs_waits_for_it(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask]
) -> None:
    # The worker dies right after the start: the try without a wait leaves the job as such a death does.
    aws.set_pace(reads=4)
    abandoned = make_task(wait_for_completion=False)
    started = abandoned.run()
    assert states(aws, case) != [case.succeeded]
    result = make_task({"store": abandoned.store}).run()
    assert case.job_id(result) == case.job_id(started)
    assert states(aws, case) == [case.succeeded]


@pytest.mark.promise("failed-job")
def test_a_job_that_failed_is_followed_by_a_new_one(aws: AwsJobs, case: JobCase, task: OneTask) -> None:
    aws.fail_next(case.service, "the disk is full")
    with pytest.raises(JobFailedError, match=rf"{case.reason('the disk is full')}.*A retry starts a new one"):
        task.run()
    # Airflow's next try comes seconds later, by AWS's clock.
    aws.set_clock_skew(5.0)
    task.run()
    assert states(aws, case) == [case.failed, case.succeeded]
    first, second = (job["id"] for job in aws.jobs(case.service))
    assert first != second


@pytest.mark.parametrize("case", FINDING, indirect=True)
@pytest.mark.promise("cleared")
def test_a_clear_is_followed_by_exactly_one_more(aws: AwsJobs, case: JobCase, task: OneTask) -> None:
    first = task.run()
    task.clear()
    second = task.run()
    third = task.run()
    assert case.job_id(second) != case.job_id(first)
    assert third == second
    assert states(aws, case) == [case.succeeded] * 2


def test_another_run_of_the_same_task_has_its_own_job(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask]
) -> None:
    make_task().run()
    # AWS tells activations of one pipeline apart by whole seconds.
    aws.set_clock_skew(5)
    make_task({"run_id": "scheduled__2026-01-03T00:00:00+00:00"}).run()
    aws.set_clock_skew(10)
    make_task({"map_index": 0}).run()
    aws.set_clock_skew(15)
    make_task({"map_index": 1}).run()
    assert states(aws, case) == [case.succeeded] * 4


def test_a_run_that_was_deleted_and_made_again_takes_no_old_job(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask]
) -> None:
    make_task().run()
    make_task({"run_started": datetime(2026, 2, 1, tzinfo=UTC)}).run()
    assert states(aws, case) == [case.succeeded] * 2


def test_without_waiting_the_task_ends_with_the_start(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask]
) -> None:
    task = make_task(wait_for_completion=False)
    result = task.begin()
    assert task.deferred is None
    assert case.job_id(result) == aws.jobs(case.service)[0]["id"]
    assert aws.jobs(case.service)[0]["state"] not in (case.succeeded, case.failed)


def test_the_result_goes_to_the_outlets(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask]
) -> None:
    from airflow.providers.common.compat.sdk import Asset

    asset = Asset("orders_replayed")
    task = make_task(outlets=[asset])
    result = task.run()
    interval = {
        "data_interval_start": "2026-01-01T00:00:00+00:00",
        "data_interval_end": "2026-01-02T00:00:00+00:00",
    }
    assert task.outlet_events[asset].extra == {**interval, **result}


def test_outlets_of_a_run_without_a_data_interval_say_so(make_sync: Callable[..., OneTask]) -> None:
    from airflow.providers.common.compat.sdk import Asset

    asset = Asset("done")
    task = make_sync(outlets=[asset], task={"interval": None})
    task.run()
    extra = task.outlet_events[asset].extra
    assert (extra["data_interval_start"], extra["data_interval_end"]) == (None, None)
