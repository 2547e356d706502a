# SPDX-License-Identifier: Apache-2.0

"""Two workers of Celery, a broker and two triggerers over PostgreSQL: what is lost of them."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest
from postgres import postgres

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .celery_workers import WORKERS, CeleryWorkers, Redis, missing, redis
from .conftest import SETTLES_SOON, connected
from .every_job import UNHARMED, Start, expect
from .gateway import Gateway
from .job_types import TASKS, TYPES, calls
from .triggerers import FIRST, SECOND, Triggerers

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.extended,
    pytest.mark.celery,
    pytest.mark.skipif(missing() != "", reason=missing()),
]

ONE, TWO = WORKERS
DAG = "every_job"
ON_WORKER = {task for task in TASKS if task.endswith("_on_worker")}
#: Seconds without a broker.
OUTAGE = 30
STARTED_ONCE = {each.case.start_operation: 2 for each in TYPES}


@pytest.fixture(scope="module")
def broker() -> Iterator[Redis]:
    with redis() as server:
        yield server


@pytest.fixture(scope="module")
def airflow(gateway: Gateway, broker: Redis) -> Iterator[LocalAirflow]:
    """An Airflow whose scheduler runs no task itself."""
    env = {
        **SETTLES_SOON,
        "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
        "AIRFLOW__CELERY__BROKER_URL": broker.url,
        "AIRFLOW__CELERY__WORKER_CONCURRENCY": "6",
    }
    with postgres() as url, connected(gateway, env, url) as airflow:
        Triggerers(airflow).work(FIRST, SECOND)
        yield airflow


@pytest.fixture
def workers(airflow: LocalAirflow, aws: AwsJobsServer) -> CeleryWorkers:
    """Both workers, started again if a test before has stopped one."""
    workers = CeleryWorkers(airflow)
    workers.start()
    return workers


def test_a_worker_is_killed(
    workers: CeleryWorkers, airflow: LocalAirflow, aws: AwsJobsServer, every_job: Start
) -> None:
    """With all its processes, as when its machine is lost: the other one finds the jobs of its tasks."""
    run = every_job()
    run.until_waiting()
    lost = workers.tasks(ONE, DAG)
    assert lost
    assert workers.tasks(TWO, DAG) == ON_WORKER - lost
    airflow.kill(ONE, signal.SIGKILL)
    run.until(lambda seen: seen.tries == 2 and seen.waits, "the retries to wait", lost)
    assert workers.tasks(TWO, DAG) == ON_WORKER
    run.finish()
    assert run.outcomes() == expect(all=UNHARMED) | dict.fromkeys(lost, UNHARMED._replace(tries=2))
    assert calls(aws) == STARTED_ONCE


def test_a_worker_is_shut_down_warmly(
    workers: CeleryWorkers, airflow: LocalAirflow, aws: AwsJobsServer, every_job: Start
) -> None:
    """As a deployment replaces it: it takes no more tasks, and ends when those that it has have ended."""
    run = every_job()
    run.until_waiting()
    kept = workers.tasks(TWO, DAG)
    assert kept
    airflow.kill(TWO, signal.SIGTERM)
    airflow.wait_for(lambda: "Warm shutdown" in airflow.component_log(TWO), what="the shutdown to begin")
    assert workers.tasks(TWO, DAG) == kept
    run.finish()
    airflow.wait_for(lambda: TWO not in airflow.components(), what="the worker to end")
    assert run.outcomes() == expect(all=UNHARMED)
    assert calls(aws) == STARTED_ONCE


def test_the_broker_is_lost_for_half_a_minute(
    workers: CeleryWorkers, broker: Redis, airflow: LocalAirflow, aws: AwsJobsServer, every_job: Start
) -> None:
    """All jobs end meanwhile. Each time that Airflow cannot give a task to a worker costs the task a try."""
    run = every_job("every_job_patient")
    run.until_waiting()
    broker.stop()
    began = time.monotonic()
    for seen in run.see().values():
        aws.advance(seen.jobs[0]["id"])
    lost = {task for task in TASKS if task not in ON_WORKER}
    run.until(lambda seen: seen.state == "up_for_retry", "a lost try of every deferred task", lost)
    airflow.wait_for(lambda: time.monotonic() - began > OUTAGE, what="the outage to last")
    broker.start()
    run.finish()
    outcomes = run.outcomes()
    assert min(outcomes[task].tries for task in lost) > 1
    outcomes |= {task: outcomes[task]._replace(tries=1) for task in lost}
    assert outcomes == expect(all=UNHARMED)
    assert calls(aws) == STARTED_ONCE
