# SPDX-License-Identifier: Apache-2.0

"""Time that is up while no task gets a worker: the triggerer stops the jobs, and the tasks tell it later."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from airflow_provider_jobs.testing.local_airflow import LocalAirflow

from .every_job import Outcome, Seen, Start
from .job_types import DEFERRED, TASKS

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

DAG_ID = "every_job_in_time"
#: The DAG's ``job_timeout``, and how many seconds later a job must have been told to stop at the latest.
TIME, LATER = 25.0, 10.0


@contextmanager
def paused(airflow: LocalAirflow) -> Iterator[None]:
    """Pause the DAG."""
    airflow.call("PATCH", "dags", DAG_ID, json={"is_paused": True})
    try:
        yield
    finally:
        airflow.call("PATCH", "dags", DAG_ID, json={"is_paused": False})


@contextmanager
def pool_without_slots(airflow: LocalAirflow) -> Iterator[None]:
    """Leave no room in the pool of all tasks."""

    def give(slots: int) -> None:
        # Of this pool Airflow lets nothing else be changed, and wants that said.
        body = {"pool": "default_pool", "slots": slots}
        airflow.call("PATCH", "pools", "default_pool", json=body, params={"update_mask": "slots"})

    slots = airflow.call("GET", "pools", "default_pool")["slots"]
    give(0)
    try:
        yield
    finally:
        give(slots)


def in_time(seen: Seen) -> bool:
    """Whether the job was told to stop when its time was up, or cannot be, and the wait is over."""
    (job,) = seen.jobs
    if not seen.type.case.stop_operation:
        return seen.state == "scheduled"
    if job["stop_asked_at"] is None:
        return False
    assert TIME - 1 <= job["stop_asked_at"] - job["started_at"] <= TIME + LATER
    return seen.state == "scheduled"


@pytest.mark.promise("job-timeout")
@pytest.mark.parametrize("without_workers", [paused, pool_without_slots])
def test_the_time_is_up(
    airflow: LocalAirflow,
    every_job: Start,
    without_workers: Callable[[LocalAirflow], AbstractContextManager[None]],
) -> None:
    run = every_job(DAG_ID)
    run.until_waiting()
    with without_workers(airflow):
        run.until(in_time, "the jobs to be told to stop while no task gets a worker", DEFERRED)
        assert {run.see()[task].state for task in DEFERRED} == {"scheduled"}
    run.finish("failed")
    for task, each in TASKS.items():
        stopped = each.case.stop_operation is not None
        assert ("it is being stopped" if stopped else "could NOT be stopped") in run.log(task)
        job = "cancelled" if stopped else "succeeded"
        assert run.outcomes()[task] == Outcome((job,), 1, "failed", 1, None)
