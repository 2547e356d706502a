# SPDX-License-Identifier: Apache-2.0

"""A cleared task's next try begins before its old trigger is told; for every job type that can be stopped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskInstanceState
from airflow_features import needs
from job_cases import STOPPABLE, JobCase
from one_task import OneTask

from airflow_provider_jobs.testing import AwsJobs


@needs("trigger_on_kill")
@needs("task_state_store")
@pytest.mark.promise("cleared")
@pytest.mark.parametrize("state", [TaskInstanceState.RUNNING, TaskInstanceState.SUCCESS, None])
@pytest.mark.parametrize("case", STOPPABLE, indirect=True)
def test_the_next_try_stops_the_old_job_and_the_old_trigger_leaves_the_new_one(
    aws: AwsJobs,
    case: JobCase,
    make_deferrable: Callable[..., OneTask],
    monkeypatch: pytest.MonkeyPatch,
    state: str | None,
) -> None:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    aws.set_pace(reads=1_000_000)
    task = make_deferrable()
    task.begin()
    assert task.operator is not None
    old: Any = task.trigger()
    old.task_instance = task.context(task.operator)["ti"]
    task.clear()
    aws.set_clock_skew(5.0)
    task.start()
    first, second = aws.jobs(case.service)
    assert first["phase"] == "stopped"
    states = {task.run_id: {task.operator.task_id: state}}
    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(lambda **_: states))
    asyncio.run(old.on_kill())
    assert aws.jobs(case.service)[1]["stop_asked_at"] is None
    aws.advance(second["id"])
    assert case.job_id(task.resume(task.fire())) == second["id"]
    assert aws.max_active(case.service) == 1
