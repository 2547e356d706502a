# SPDX-License-Identifier: Apache-2.0

"""Every fault at every call of a job's way; for every job type, sync and deferrable."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskInstanceState
from airflow_features import require
from job_cases import CASES, JobCase
from one_task import OneTask

from airflow_provider_jobs._watch import stopping
from airflow_provider_jobs.exceptions import JobApiError, JobOutcomeUnknownError, JobUnavailableError
from airflow_provider_jobs.testing import AwsJobs, Fault

MakeTask = Callable[..., OneTask]

#: A refusal takes no effect; what loses an answer may come before or after it.
FAULTS = [
    ("access-denied", "before"),
    ("drop", "before"),
    ("drop", "after"),
    ("error", "before"),
    ("error", "after"),
    ("expired-token", "before"),
    ("slow", "before"),
    ("throttle", "before"),
]
every_fault = pytest.mark.parametrize(("kind", "when"), FAULTS)


@every_fault
@pytest.mark.promise("worker-killed-during-start")
@pytest.mark.promise("lost-answer")
@pytest.mark.promise("throttled")
def test_a_start_that_goes_wrong_is_one_job_in_the_end(
    aws: AwsJobs, case: JobCase, task: OneTask, kind: Any, when: Any
) -> None:
    aws.add_fault(Fault(case.start_operation, kind, when=when, seconds=0.01))
    if kind != "slow":
        with pytest.raises(JobApiError, match=case.start_operation) as caught:
            task.run()
        assert isinstance(caught.value, JobUnavailableError) is (kind != "access-denied")
        assert isinstance(caught.value, JobOutcomeUnknownError) is (kind in ("drop", "error"))
        assert len(aws.jobs(case.service)) == (when == "after")
    result = task.run()
    jobs = aws.jobs(case.service)
    # What nothing marks may be another task's: its end is waited for, then there is one more.
    assert len(jobs) == (2 if when == "after" and not case.recognized else 1)
    assert (jobs[-1]["id"], jobs[-1]["state"]) == (case.job_id(result), case.succeeded)
    assert aws.max_active(case.service) == 1


@every_fault
@pytest.mark.promise("aws-gone")
@pytest.mark.promise("throttled")
def test_a_look_that_goes_wrong_starts_and_stops_nothing(
    aws: AwsJobs, case: JobCase, task: OneTask, kind: Any, when: Any
) -> None:
    aws.set_pace(reads=3)
    operations = {case.describe_operation, case.list_operation}
    for operation in operations:
        # The looks are one or the other.
        aws.add_fault(
            Fault(
                operation,
                kind,
                when=when,
                count=2,
                skip=case.looks_to_start,
                seconds=0.01,
                optional=True,
            )
        )
    result = task.run()
    (job,) = aws.jobs(case.service)
    assert (job["id"], job["state"]) == (case.job_id(result), case.succeeded)
    calls = aws.calls(case.service)
    assert any(calls.get(operation, 0) > case.looks_to_start for operation in operations), "none was struck"
    assert aws.calls(case.service)[case.start_operation] == 1
    assert case.stop_operation not in aws.calls(case.service)


@every_fault
@pytest.mark.parametrize("case", [case for case in CASES if case.stop_operation], indirect=True)
@pytest.mark.promise("marked")
@pytest.mark.promise("cleared")
def test_a_stop_that_goes_wrong_is_told_and_made_good_by_a_clear(
    aws: AwsJobs,
    case: JobCase,
    make_task: MakeTask,
    deferrable: bool,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
    kind: Any,
    when: Any,
) -> None:
    aws.set_pace(reads=200)
    task = make_task(wait_for_completion=deferrable)
    task.begin()
    assert task.operator is not None
    if deferrable:
        runner = pytest.importorskip(
            "airflow.sdk.execution_time.task_runner",
            reason="Airflow 2 tells no trigger that its task was ended",
        )
    aws.add_fault(Fault(str(case.stop_operation), kind, when=when, seconds=0.01))
    if deferrable:
        states = {task.run_id: {task.operator.task_id: TaskInstanceState.FAILED}}
        monkeypatch.setattr(runner.RuntimeTaskInstance, "get_task_states", staticmethod(lambda **_: states))
        monkeypatch.setattr(stopping, "_FIRST_PAUSE", 0.01)
        trigger: Any = task.trigger()
        trigger.task_instance = task.context(task.operator)["ti"]
        asyncio.run(trigger.on_kill())
    else:
        # No time is left to ask again.
        monkeypatch.setattr("airflow_provider_jobs.operators.base._FIRST_PAUSE", 60.0)
        task.operator.on_kill()
    (job,) = aws.jobs(case.service)
    # A trigger keeps at it; a worker is killed after some seconds.
    stopped = deferrable or kind == "slow" or when == "after"
    assert (job["phase"] in ("stopping", "stopped")) is stopped
    said = logged()
    assert ("stopped and may go on" in said) is (kind != "slow" and not deferrable)
    assert ("trying again" in said) is (kind != "slow" and deferrable)
    if not (stopped or case.hook_class.marking.shown):
        require("task_state_store")
    aws.set_pace(reads=2)
    # As Airflow's next try comes later.
    aws.set_clock_skew(5.0)
    task.make = make_task().make
    task.clear()
    result = task.run()
    first, second = aws.jobs(case.service)
    assert first["phase"] == "stopped"
    assert aws.max_active(case.service) == 1
    assert (second["state"], second["id"]) == (case.succeeded, case.job_id(result))
