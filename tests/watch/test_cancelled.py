# SPDX-License-Identifier: Apache-2.0

"""A deferred task that somebody ended, in an Airflow that cancels its trigger and tells it nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import TaskInstanceState
from airflow_features import FEATURES
from job_cases import CASES, STOPPABLE, JobCase
from sqlalchemy import create_engine
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool
from watch.waits import Wait, run, spec_of, start_jobs, until

from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers import job as job_module

TASK = {"dag_id": "orders", "run_id": "run", "task_id": "replay", "map_index": -1}


@pytest.fixture(autouse=True)
def below_3_3(monkeypatch: pytest.MonkeyPatch) -> None:
    """An Airflow that has no ``on_kill`` for triggers, whichever it is; and hardly a pause between calls."""
    monkeypatch.setattr(job_module, "_TELLS", False)
    monkeypatch.setattr(job_module, "_ASK_AGAIN", 0.01)
    monkeypatch.setattr("airflow_provider_jobs._watch.stopping._FIRST_PAUSE", 0.01)
    monkeypatch.setattr("airflow_provider_jobs._data_pipeline.stopper._WAIT", 0.0)


@pytest.fixture
def set_state(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    """Sets the task's state, where the running Airflow's triggers learn it; None deletes the task."""
    return _in_api(monkeypatch) if FEATURES["task_sdk"].found() else _in_database(monkeypatch)


def _in_api(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    def set_state(state: str | None) -> None:
        states = {"run": {"replay": state}} if state else {}
        monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(lambda **_: states))

    return set_state


def _in_database(monkeypatch: pytest.MonkeyPatch) -> Callable[[str | None], None]:
    from airflow.models.dagrun import DagRun
    from airflow.models.taskinstance import TaskInstance
    from airflow.models.trigger import Trigger

    # The tables that a task instance's refers to.
    assert {DagRun.__tablename__, Trigger.__tablename__} <= {*TaskInstance.metadata.tables}
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    table: Any = TaskInstance.__table__
    table.create(engine)

    @contextmanager
    def create_session() -> Iterator[Session]:
        with Session(engine) as session:
            yield session

    monkeypatch.setattr("airflow.utils.session.create_session", create_session)

    def set_state(state: str | None) -> None:
        with engine.begin() as connection:
            connection.execute(table.delete())
            if state:
                row = {**TASK, "state": state, "pool": "default_pool", "pool_slots": 1}
                connection.execute(table.insert().values(**row))

    return set_state


async def cancelled(wait: Wait) -> None:
    """Cancel a wait's trigger, as a triggerer does: again and again until it is gone."""
    async with asyncio.timeout(20):
        while not wait.over:
            wait.task.cancel()
            await asyncio.wait({wait.task}, timeout=0.02)
    assert wait.task.cancelled()


def end(aws: AwsJobs, case: JobCase, *, trigger_id: int | None = 7, **arguments: Any) -> None:
    """Let a wait's trigger be cancelled after its first poll."""
    (job,) = start_jobs(case.service, 1)

    async def test() -> None:
        wait = Wait(job, spec_of(case.hook_class), seen=True, **arguments)
        wait.trigger.trigger_id = trigger_id
        ti: Any = SimpleNamespace(**TASK)
        wait.trigger.task_instance = ti
        before = dict(aws.calls(case.service))
        await until(lambda: aws.calls(case.service) != before)
        await cancelled(wait)

    run(test)


def stops(aws: AwsJobs, case: JobCase) -> int:
    return aws.calls(case.service).get(str(case.stop_operation), 0)


@pytest.mark.promise("marked")
@pytest.mark.parametrize("case", STOPPABLE)
@pytest.mark.parametrize("state", [None, TaskInstanceState.SUCCESS, TaskInstanceState.FAILED])
def test_the_job_of_a_task_that_has_ended_is_stopped(
    aws: AwsJobs, case: JobCase, set_state: Callable[[str | None], None], state: str | None
) -> None:
    set_state(state)
    end(aws, case)
    assert stops(aws, case) == 1
    assert {each["phase"] for each in aws.jobs(case.service)} <= {"stopping", "stopped"}


@pytest.mark.promise("triggerer-restart")
@pytest.mark.parametrize("case", STOPPABLE)
@pytest.mark.parametrize("state", [TaskInstanceState.DEFERRED, TaskInstanceState.RUNNING])
def test_the_job_of_a_task_that_waits_or_decides_goes_on(
    aws: AwsJobs, case: JobCase, set_state: Callable[[str | None], None], state: str
) -> None:
    """The triggerer ends, or has handed the trigger to another."""
    set_state(state)
    end(aws, case)
    assert stops(aws, case) == 0


def test_a_stop_is_kept_at_however_often_the_trigger_is_cancelled(
    aws: AwsJobs, set_state: Callable[[str | None], None]
) -> None:
    set_state(TaskInstanceState.FAILED)
    aws.add_fault(Fault("CancelReplay", "drop", count=2))
    aws.add_fault(Fault("CancelReplay", "slow", seconds=0.2))
    end(aws, CASES[0])
    assert stops(aws, CASES[0]) == 3
    assert {each["phase"] for each in aws.jobs("events")} <= {"stopping", "stopped"}


def test_a_task_whose_time_was_up_stops_its_job_though_no_worker_has_come_yet(
    aws: AwsJobs, set_state: Callable[[str | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event is there, and is kept back until Airflow knows of the deferral."""
    set_state(TaskInstanceState.FAILED)
    monkeypatch.setattr("airflow_provider_jobs.triggers.base.SHORTEST", 30.0)
    end(aws, CASES[0], deadline="2020-01-01T00:00:00+00:00", poll_interval=30.0)
    assert stops(aws, CASES[0]) == 1


def test_with_cancel_on_kill_off_the_job_goes_on(
    aws: AwsJobs, set_state: Callable[[str | None], None], logged: Callable[[], str]
) -> None:
    set_state(TaskInstanceState.FAILED)
    end(aws, CASES[0], cancel_on_kill=False)
    assert stops(aws, CASES[0]) == 0


def test_a_trigger_that_runs_with_its_task_leaves_the_stop_to_it(
    aws: AwsJobs, set_state: Callable[[str | None], None]
) -> None:
    set_state(TaskInstanceState.FAILED)
    end(aws, CASES[0], trigger_id=None)
    assert stops(aws, CASES[0]) == 0


def test_an_airflow_that_tells_the_trigger_is_not_forestalled(
    aws: AwsJobs, set_state: Callable[[str | None], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "_TELLS", True)
    set_state(TaskInstanceState.FAILED)
    end(aws, CASES[0])
    assert stops(aws, CASES[0]) == 0
    assert spec_of(EventBridgeReplayHook).build().describe_job("replay-000").state.value == "running"
