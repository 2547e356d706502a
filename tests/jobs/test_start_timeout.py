# SPDX-License-Identifier: Apache-2.0

"""``start_timeout`` bounds whatever a task waits for before its start; for every job type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_features import needs
from job_cases import CASES, KNOWING, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError, JobInputError, JobStartTimeoutError
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.job import JobTrigger
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]
SOON = timedelta(seconds=3)
OVER = r"could not be started within start_timeout=0:00:03\. The task's log says what it waited for"
#: Those whose lost start may be anybody's job.
NAMELESS = [case for case in CASES if not case.recognized]


def starts(aws: AwsJobs, case: JobCase) -> int:
    return aws.calls(case.service).get(case.start_operation, 0)


# Where Airflow keeps no notes, a retry waits longer than that before it starts a job.
@needs("task_state_store")
@pytest.mark.parametrize("case", KNOWING, indirect=True)
def test_a_job_of_an_earlier_life_that_does_not_end(aws: AwsJobs, case: JobCase, make_task: MakeTask) -> None:
    aws.set_pace()
    task = make_task(start_timeout=SOON, cancel_on_kill=False, wait_for_completion=False)
    task.run()
    task.clear()
    with pytest.raises(JobStartTimeoutError, match=OVER) as caught:
        task.run()
    # A retry waits as long again.
    assert not isinstance(caught.value, AirflowFailException)
    assert starts(aws, case) == 1
    aws.advance(aws.jobs(case.service)[0]["id"])
    task.run()
    assert len(aws.jobs(case.service)) == 2
    assert aws.max_active(case.service) == 1


@needs("task_state_store")
@pytest.mark.promise("lost-answer")
@pytest.mark.parametrize("case", NAMELESS, indirect=True)
def test_a_job_that_could_be_its_own_and_does_not_end(
    aws: AwsJobs, case: JobCase, make_task: MakeTask
) -> None:
    aws.set_pace()
    task = make_task(start_timeout=SOON)
    aws.add_fault(Fault(case.start_operation, "drop", when="after"))
    with pytest.raises(JobApiError):
        task.run()
    with pytest.raises(JobStartTimeoutError, match=OVER):
        task.run()
    (lost,) = aws.jobs(case.service)
    assert starts(aws, case) == 1
    assert case.stop_operation not in aws.calls(case.service)
    aws.set_pace(reads=2)
    aws.advance(lost["id"])
    result = task.run()
    assert case.job_id(result) == aws.jobs(case.service)[1]["id"]


def test_a_replay_of_another_airflow_that_does_not_end(aws: AwsJobs) -> None:
    """A copied database: the run's start differs, and nothing tells whose replay it is."""
    case = CASES[0]
    case.prepare()
    aws.set_pace()
    give = {"start_timeout": SOON, "poll_interval": 0.02}
    OneTask(lambda: case.operator(**give, wait_for_completion=False), store=None).run()
    copied = OneTask(
        lambda: case.operator(**give), store=None, run_started=datetime(2026, 1, 3, tzinfo=UTC), tries=1
    )
    with pytest.raises(JobStartTimeoutError, match=OVER):
        copied.run()
    assert starts(aws, case) == 1
    assert case.stop_operation not in aws.calls(case.service)


@needs("task_state_store")
@pytest.mark.parametrize("case", NAMELESS, indirect=True)
def test_a_doubt_that_takes_long_to_settle(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__AIRFLOW_PROVIDER_JOBS__SETTLING_TIME", "600")
    task = make_task(start_timeout=SOON)
    aws.add_fault(Fault(case.start_operation, "drop"))
    with pytest.raises(JobApiError):
        task.run()
    with pytest.raises(JobStartTimeoutError, match=OVER):
        task.run()
    assert starts(aws, case) == 1
    assert aws.jobs(case.service) == []


def test_a_task_that_is_called_in_vain_does_not_queue_beyond_its_time(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    case.small_quota(monkeypatch)
    case.limit(aws, 0)
    task = make_deferrable(start_timeout=timedelta(hours=1))
    task.begin()
    trigger = task.trigger()
    assert isinstance(trigger, QueueTrigger)
    assert task.deferred is not None
    assert task.deferred.kwargs is not None
    task.deferred.kwargs["before"]["began"] -= 3600.0  # an hour passes
    before = starts(aws, case)
    with pytest.raises(JobStartTimeoutError, match=r"could not be started within start_timeout=1:00:00"):
        task.resume({"since": trigger.since})
    assert starts(aws, case) <= before + 1
    assert [job for job in aws.jobs(case.service) if job["state"] == case.succeeded] == []


def fill(aws: AwsJobs, case: JobCase, make: MakeTask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let there be one place, which another run's job has for good."""
    name = "quota" if case.shares_quota else "scope_quota"
    monkeypatch.setattr(case.hook_class, name, 1)
    aws.set_pace()
    if case.service == "datapipeline":
        case.limit(aws, 0)
        return
    aws.set_quota(case.service, 1)
    make({"run_id": "another"}, wait_for_completion=False, **case.apart(1)).run()


def test_a_place_that_does_not_become_free(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    fill(aws, case, make_task, monkeypatch)
    jobs = aws.jobs(case.service)
    with pytest.raises(JobStartTimeoutError, match=OVER):
        make_task(start_timeout=SOON, poll_interval=1).run()
    assert [job["id"] for job in aws.jobs(case.service)] == [job["id"] for job in jobs]


class TestTheTimeToStartAt:
    """A window that has not ended, or not long enough ago."""

    @pytest.mark.parametrize("deferrable", [False, True])
    @pytest.mark.parametrize(
        "window",
        [
            {"event_end_time": "2126-01-02T00:00:00+00:00"},
            {
                "event_end_time": datetime.now(UTC).replace(microsecond=0),
                "archive_delay": timedelta(days=8),
            },
        ],
        ids=["ends-in-2126", "archive-delay"],
    )
    def test_later_than_the_timeout_fails_at_once_and_without_retries(
        self, aws: AwsJobs, window: dict[str, object], deferrable: bool
    ) -> None:
        case = CASES[0]
        case.prepare()
        task = OneTask(lambda: case.operator(deferrable=deferrable, **window))
        with pytest.raises(JobInputError, match=r"later than start_timeout=7 days, 0:00:00 allows") as caught:
            task.run()
        assert isinstance(caught.value, AirflowFailException)
        assert starts(aws, case) == 0

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_within_the_timeout_is_waited_for(self, aws: AwsJobs, deferrable: bool) -> None:
        case = CASES[0]
        case.prepare()
        end = datetime.now(UTC).replace(microsecond=0)
        delay = timedelta(seconds=3)
        task = OneTask(
            lambda: case.operator(
                deferrable=deferrable, event_end_time=end, archive_delay=delay, start_timeout=delay * 20
            )
        )
        task.run()
        (job,) = aws.jobs(case.service)
        assert job["started_at"] >= (end + delay).timestamp()


@pytest.mark.parametrize("timeout", [timedelta(0), timedelta(seconds=-1)])
def test_a_timeout_that_cannot_be(case: JobCase, timeout: timedelta) -> None:
    with pytest.raises(
        JobInputError,
        match=r"start_timeout=.* must be a positive number.*, or None for no limit",
    ):
        case.operator(start_timeout=timeout)


@pytest.mark.parametrize("case", KNOWING, indirect=True)
def test_without_a_timeout_the_wait_has_no_deadline(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
) -> None:
    aws.set_pace()
    task = make_deferrable(start_timeout=None, cancel_on_kill=False, wait_for_completion=False)
    task.run()
    task.clear()
    task.begin()
    trigger = task.trigger()
    assert isinstance(trigger, JobTrigger)
    assert trigger.deadline is None
