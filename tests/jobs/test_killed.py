# SPDX-License-Identifier: Apache-2.0

"""A killed task takes its job along, or leaves it when told so; for every job type."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskInstanceState
from airflow_features import needs
from job_cases import CASES, STOPPABLE, JobCase, remembering
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobError
from airflow_provider_jobs.testing import AwsJobs, Fault

MakeTask = Callable[..., OneTask]
STOPPING = [case for case in CASES if case.stopping]
UNSTOPPABLE = [case for case in CASES if not case.stop_operation]


@contextmanager
def killed_when_started(task: OneTask, aws: AwsJobs, case: JobCase) -> Iterator[None]:
    """Call on_kill as the signal handler does, of each try that begins or goes on once the job is there."""
    over = threading.Event()

    def kill() -> None:
        killed = None
        while not over.wait(0.01):
            if aws.jobs(case.service) and task.operator is not killed and task.operator is not None:
                killed = task.operator
                killed.on_kill()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
@pytest.mark.parametrize("cancel", [True, False])
@pytest.mark.promise("marked")
@pytest.mark.promise("cancel-on-kill-off")
def test_a_worker_that_is_killed(aws: AwsJobs, case: JobCase, make_sync: MakeTask, cancel: bool) -> None:
    aws.set_pace()
    task = make_sync(cancel_on_kill=cancel)
    with killed_when_started(task, aws, case), pytest.raises(JobError, match="killed while it waited"):
        task.run()
    # Twice if the kill came between the start and its being noted.
    assert (aws.calls(case.service).get(str(case.stop_operation), 0) > 0) is cancel


@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
@pytest.mark.parametrize("kind", ["throttle", "error", "drop", "expired-token"])
@pytest.mark.promise("marked")
def test_a_worker_that_is_killed_asks_again_while_it_has_time(
    aws: AwsJobs, case: JobCase, make_sync: MakeTask, kind: Any
) -> None:
    aws.set_pace()
    aws.add_fault(Fault(str(case.stop_operation), kind, count=3))
    task = make_sync()
    with killed_when_started(task, aws, case), pytest.raises(JobError, match="killed while it waited"):
        task.run()
    (job,) = aws.jobs(case.service)
    assert job["stop_asked_at"] is not None


@pytest.mark.parametrize("case", remembering(STOPPABLE, lambda case: not case.recognized), indirect=True)
@pytest.mark.parametrize("cancel", [True, False])
@pytest.mark.promise("marked")
@pytest.mark.promise("cancel-on-kill-off")
def test_a_retry_that_is_killed_before_it_has_looked(
    aws: AwsJobs, case: JobCase, make_sync: MakeTask, make_deferrable: MakeTask, cancel: bool
) -> None:
    """The job is that of the try before, which may have ended in any way."""
    aws.set_pace()
    task = make_deferrable(cancel_on_kill=cancel)
    task.begin()
    make = make_sync(cancel_on_kill=cancel).make

    def killed_at_once() -> Any:
        operator: Any = make()
        operator.on_kill()
        return operator

    task.make = killed_at_once
    with pytest.raises(JobError, match="killed"):
        task.run()
    (job,) = aws.jobs(case.service)
    assert (job["stop_asked_at"] is not None) is cancel


class _KillingStore(dict[str, str]):
    """Rows of a store; the third write is broken off by a kill, which ends the process."""

    writes = 0
    kill: Callable[[], None]

    def __setitem__(self, key: str, value: str) -> None:
        self.writes += 1
        if self.writes == 3:  # the log is opened, the attempt is noted, its job is noted
            self.kill()
            raise KeyboardInterrupt
        super().__setitem__(key, value)


@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
def test_a_worker_that_is_killed_before_it_has_noted_the_job(
    aws: AwsJobs, case: JobCase, make_sync: MakeTask
) -> None:
    aws.set_pace()
    rows = _KillingStore()
    task = make_sync(task={"store": rows})

    def kill() -> None:
        assert task.operator is not None
        task.operator.on_kill()

    rows.kill = kill
    with pytest.raises(KeyboardInterrupt):
        task.run()
    assert aws.calls(case.service)[str(case.stop_operation)] == 1


@pytest.fixture
def person_sets(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Let Airflow answer with this state of the task instance."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    def sets(state: str | None) -> None:
        def states(**query: Any) -> dict[str, dict[str, str | None]]:
            return {query["run_ids"][0]: {query["task_ids"][0]: state}}

        monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(states))

    return sets


def kill_deferred(task: OneTask) -> None:
    trigger = task.trigger()
    trigger.task_instance = task.context(task.operator)["ti"]  # type: ignore[arg-type]
    asyncio.run(trigger.on_kill())


@needs("trigger_on_kill")
@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
@pytest.mark.parametrize(
    ("state", "cancel", "stopped"),
    [
        (TaskInstanceState.FAILED, True, True),
        (TaskInstanceState.SUCCESS, True, True),
        (None, True, True),
        (TaskInstanceState.FAILED, False, False),
        # The trigger was handed to another triggerer; nobody ended the task.
        (TaskInstanceState.DEFERRED, True, False),
    ],
)
@pytest.mark.promise("marked")
@pytest.mark.promise("cancel-on-kill-off")
@pytest.mark.promise("triggerer-missed-heartbeat")
def test_a_deferred_task_that_is_ended(
    aws: AwsJobs,
    case: JobCase,
    make_deferrable: MakeTask,
    person_sets: Callable[[str | None], None],
    state: str | None,
    cancel: bool,
    stopped: bool,
) -> None:
    aws.set_pace()
    task = make_deferrable(cancel_on_kill=cancel)
    task.begin()
    person_sets(state)
    kill_deferred(task)
    assert aws.calls(case.service).get(str(case.stop_operation), 0) == int(stopped)


@needs("trigger_on_kill")
@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
def test_a_kill_is_not_broken_off(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, person_sets: Callable[[str | None], None]
) -> None:
    """Airflow cancels the trigger every second until it has ended, also while it stops the job."""
    aws.set_pace()
    task = make_deferrable()
    task.begin()
    person_sets(TaskInstanceState.FAILED)
    trigger = task.trigger()
    trigger.task_instance = task.context(task.operator)["ti"]  # type: ignore[arg-type]

    async def kill() -> None:
        killing = asyncio.create_task(trigger.on_kill())
        for _ in range(5):
            await asyncio.sleep(0)
            killing.cancel()
        await asyncio.wait({killing})

    asyncio.run(kill())
    assert aws.calls(case.service).get(str(case.stop_operation), 0) == 1


@pytest.mark.promise("triggerer-missed-heartbeat")
@needs("trigger_on_kill")
def test_a_state_that_cannot_be_read_leaves_the_job(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, logged: Callable[[], str]
) -> None:
    aws.set_pace()
    task = make_deferrable()
    task.begin()
    kill_deferred(task)
    assert case.stop_operation not in aws.calls(case.service)
    assert "the task's state could not be read" in logged()


@pytest.mark.parametrize("case", remembering(STOPPABLE, lambda case: not case.recognized), indirect=True)
@pytest.mark.promise("cleared")
def test_a_clear_stops_what_still_runs(aws: AwsJobs, case: JobCase, make_task: MakeTask) -> None:
    """Where Airflow had no way to tell the trigger, the next try finds the job and stops it."""
    aws.set_pace(reads=1000)
    task = make_task(wait_for_completion=False)
    task.run()
    task.clear()
    task.run()
    first, second = aws.jobs(case.service)
    assert aws.calls(case.service)[str(case.stop_operation)] == 1
    assert first["id"] != second["id"]


@pytest.mark.parametrize("case", STOPPING, indirect=True)
@pytest.mark.promise("cleared")
def test_a_job_that_is_being_stopped_is_waited_for_before_the_next(
    aws: AwsJobs, case: JobCase, make_task: MakeTask
) -> None:
    """A task cleared while it ran keeps its life: its job is still stopping when the next try comes."""
    aws.set_pace(reads=3)
    stopped = make_task(wait_for_completion=False)
    stopped.run()
    (job,) = aws.jobs(case.service)
    case.hook_class(aws_conn_id=None, region_name="us-east-1").stop_job(case.core_id(job["id"]))
    make_task({"store": stopped.store}).run()
    assert [job["state"] for job in aws.jobs(case.service)] == [case.cancelled, case.succeeded]
    assert aws.max_active(case.service) == 1


@pytest.mark.parametrize("case", UNSTOPPABLE, indirect=True)
@pytest.mark.promise("marked")
def test_a_kill_that_cannot_stop_the_job_says_so(
    aws: AwsJobs, case: JobCase, make_sync: MakeTask, logged: Callable[[], str]
) -> None:
    aws.set_pace()
    task = make_sync()
    with killed_when_started(task, aws, case), pytest.raises(JobError, match="killed while it waited"):
        task.run()
    assert "could NOT be stopped" in logged()


@needs("trigger_on_kill")
@pytest.mark.parametrize("case", UNSTOPPABLE, indirect=True)
def test_the_end_of_a_deferred_task_that_cannot_stop_the_job_says_so(
    aws: AwsJobs,
    case: JobCase,
    make_deferrable: MakeTask,
    person_sets: Callable[[str | None], None],
    logged: Callable[[], str],
) -> None:
    aws.set_pace()
    task = make_deferrable()
    task.begin()
    person_sets(TaskInstanceState.FAILED)
    kill_deferred(task)
    assert "could not be stopped and may go on" in logged()


@pytest.mark.promise("cleared")
@pytest.mark.promise("cancel-on-kill-off")
def test_a_clear_waits_for_the_job_that_is_not_stopped(
    aws: AwsJobs, case: JobCase, make_task: MakeTask
) -> None:
    aws.set_pace(seconds=3)
    task = make_task(wait_for_completion=False, poll_interval=0.1, cancel_on_kill=not case.stop_operation)
    first = task.run()
    task.clear()
    assert case.job_id(task.run()) != case.job_id(first)
    assert len(aws.jobs(case.service)) == 2
    assert aws.max_active(case.service) == 1
