# SPDX-License-Identifier: Apache-2.0

"""What people change between two tries, a log that is lost, and lists that lag; for every job type."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from airflow_features import needs
from job_cases import CASES, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError, JobError
from airflow_provider_jobs.testing import AwsJobs, Fault

pytestmark = needs("task_state_store")
MakeTask = Callable[..., OneTask]
#: A job that ends when it is moved or told to stop, and not before.
ENDLESS = 1_000_000
#: Another request than the usual one.
OTHER: dict[str, dict[str, Any]] = {
    "events": {"event_end_time": "2026-01-03T00:00:00+00:00"},
    "lookoutequipment": {"role_arn": "arn:aws:iam::123456789012:role/another"},
    "iotanalytics": {"end_time": "2026-01-01T03:00:00+00:00"},
    "eventbridgev2": {"role_arn": "arn:aws:iam::123456789012:role/another"},
    "sqs": {"max_messages_per_second": 100},
    "dynamodb": {"s3_prefix": "other"},
    "logs": {"end_time": "2026-01-01T03:00:00+00:00"},
}
CHANGEABLE = [case for case in CASES if case.service in OTHER]


@pytest.fixture
def running(aws: AwsJobs, case: JobCase, make_deferrable: MakeTask) -> OneTask:
    """A task whose worker died after the start; its job goes on."""
    aws.set_pace(reads=ENDLESS if case.stop_operation else 10)
    task = make_deferrable(wait_for_completion=False)
    task.run()
    task.make = make_deferrable().make
    aws.set_pace(reads=2)
    aws.set_clock_skew(5.0)
    return task


def is_followed_by_one_more(aws: AwsJobs, case: JobCase, task: OneTask) -> None:
    result = task.run()
    first, second = aws.jobs(case.service)
    assert first["state"] == (case.cancelled or case.succeeded)
    assert (second["id"], second["state"]) == (case.job_id(result), case.succeeded)
    assert aws.max_active(case.service) == 1


def is_adopted(aws: AwsJobs, case: JobCase, task: OneTask) -> None:
    (job,) = aws.jobs(case.service)
    aws.advance(job["id"])
    assert case.job_id(task.run()) == job["id"]
    assert len(aws.jobs(case.service)) == 1


@pytest.mark.promise("cleared")
def test_a_clear_of_a_finished_run(aws: AwsJobs, case: JobCase, running: OneTask) -> None:
    running.run_started = datetime(2026, 1, 5, tzinfo=UTC)
    running.clear()
    is_followed_by_one_more(aws, case, running)


@pytest.mark.parametrize("retries", [2, 5])
def test_retries_that_are_edited_change_nothing(
    aws: AwsJobs, case: JobCase, running: OneTask, retries: int
) -> None:
    running.retries = retries
    is_adopted(aws, case, running)
    assert case.job_id(running.run()) == aws.jobs(case.service)[0]["id"]


def test_a_run_that_is_queued_again_changes_nothing(aws: AwsJobs, case: JobCase, running: OneTask) -> None:
    """A PATCH gives the run another start."""
    running.run_started = datetime(2026, 1, 5, tzinfo=UTC)
    is_adopted(aws, case, running)


def test_a_clear_that_leaves_max_tries_is_in_doubt_and_says_so(
    aws: AwsJobs, case: JobCase, running: OneTask, logged: Callable[[], str]
) -> None:
    """With retries lowered by the tries used, or two tasks cleared while they run."""
    running.clear_number += 1
    is_adopted(aws, case, running)
    assert "if you do not want it, clear the task once more" in logged()


@pytest.mark.parametrize("case", CHANGEABLE, indirect=True)
def test_a_request_that_is_mended(aws: AwsJobs, case: JobCase, make_deferrable: MakeTask) -> None:
    aws.set_pace(reads=ENDLESS if case.stop_operation else 10)
    task = make_deferrable(wait_for_completion=False)
    task.run()
    aws.set_pace(reads=2)
    aws.set_clock_skew(5.0)
    task.make = make_deferrable(**OTHER[case.service]).make
    task.dag_version = "0199-b"
    is_followed_by_one_more(aws, case, task)


@pytest.mark.parametrize("case", CHANGEABLE, indirect=True)
def test_a_template_that_differs_from_try_to_try_stops_nothing(
    aws: AwsJobs, case: JobCase, running: OneTask, make_deferrable: MakeTask
) -> None:
    running.make = make_deferrable(**OTHER[case.service]).make
    is_adopted(aws, case, running)


@pytest.mark.promise("cleared")
@pytest.mark.parametrize("cleared", [False, True])
def test_a_log_that_is_lost(aws: AwsJobs, case: JobCase, running: OneTask, cleared: bool) -> None:
    """Expired, or emptied with a clear: never two at a time, and none is taken that may be another's."""
    assert running.store is not None
    running.store.clear()
    if cleared:
        running.clear()
    running.begin()
    if not (cleared and case.hook_class.marking.value == "name"):
        aws.advance(aws.jobs(case.service)[0]["id"])
    result = None
    while running.deferred is not None:
        result = running.resume(running.fire())
    assert aws.max_active(case.service) == 1
    assert result is None or case.job_id(result) == aws.jobs(case.service)[-1]["id"]
    assert aws.jobs(case.service)[-1]["state"] == case.succeeded


@pytest.mark.parametrize("where", ["lists", "descriptions"])
def test_a_job_that_aws_shows_late(aws: AwsJobs, case: JobCase, make_task: MakeTask, where: Any) -> None:
    aws.set_lag(case.service, where, seconds=0.5)
    result = make_task().run()
    assert [job["id"] for job in aws.jobs(case.service)] == [case.job_id(result)]


@pytest.mark.promise("lost-answer")
def test_a_lost_answer_to_a_start_that_aws_shows_late(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
) -> None:
    aws.set_lag(case.service, seconds=0.5)
    aws.add_fault(Fault(case.start_operation, "drop", when="after"))
    task = make_deferrable()
    result = None
    while result is None and task.tries < 5:
        with suppress(JobApiError):
            result = task.run()
    jobs = aws.jobs(case.service)
    assert result is not None
    assert (jobs[-1]["id"], jobs[-1]["state"]) == (case.job_id(result), case.succeeded)
    assert len(jobs) == (1 if case.recognized else 2)
    assert aws.max_active(case.service) == 1


@pytest.mark.parametrize("where", ["lists", "descriptions"])
def test_an_end_that_one_kind_of_call_shows_late(
    aws: AwsJobs, case: JobCase, running: OneTask, where: Any
) -> None:
    aws.set_lag(case.service, where, seconds=0.5)
    is_adopted(aws, case, running)


@pytest.mark.promise("marked")
@pytest.mark.parametrize(
    ("case", "operation"),
    [(CASES[0], "DescribeArchive"), (CASES[2], "DescribePipeline"), (CASES[3], "GetPipelineDefinition")],
    indirect=["case"],
)
def test_a_task_that_is_killed_before_its_start_starts_nothing(
    aws: AwsJobs, case: JobCase, make_sync: MakeTask, operation: str
) -> None:
    aws.add_fault(Fault(operation, "slow", seconds=0.4))
    task = make_sync()

    def kill() -> None:
        deadline = time.monotonic() + 20
        while operation not in aws.calls(case.service) and time.monotonic() < deadline:
            time.sleep(0.01)
        assert task.operator is not None
        task.operator.on_kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(JobError, match="killed"):
        task.run()
    killer.join()
    assert case.start_operation not in aws.calls(case.service)
