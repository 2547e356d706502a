# SPDX-License-Identifier: Apache-2.0

"""Two triggerers and two schedulers over PostgreSQL: what is lost of them, and what they share."""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator

import pytest
from postgres import postgres

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .every_job import TYPES, EveryJob, Outcome, expect
from .triggerers import FIRST, SECOND, Triggerers

pytestmark = pytest.mark.e2e

Start = Callable[..., EveryJob]
DEFERRED = [f"{each.name}_deferred" for each in TYPES]
ONE_JOB = Outcome(("succeeded",), 1, "success", 1, 0)


@pytest.fixture(scope="module")
def database() -> Iterator[str]:
    """SQLite locks no single rows, which two schedulers or triggerers need."""
    with postgres() as url:
        yield url


@pytest.fixture(scope="module")
def both(airflow: LocalAirflow) -> Triggerers:
    """The triggerers, of which the second is started when it is wanted."""
    return Triggerers(airflow)


def calls(aws: AwsJobsServer) -> dict[str, int]:
    """How often jobs were started and stopped, by operation."""
    wanted = {op for each in TYPES for op in (each.case.start_operation, each.case.stop_operation) if op}
    return {op: count for op, count in aws.calls().items() if op in wanted}


STARTED_ONCE = {each.case.start_operation: 2 for each in TYPES}


@pytest.mark.promise("triggerer-takeover")
def test_the_other_triggerer_takes_over(
    both: Triggerers, airflow: LocalAirflow, aws: AwsJobsServer, every_job: Start
) -> None:
    both.only(FIRST)
    run = every_job()
    run.until_waiting()
    both.work(SECOND)
    assert both.holders(seen.row for seen in run.see().values() if seen.deferred) == {both.ids[FIRST]}
    airflow.kill(FIRST, signal.SIGKILL)
    run.until(
        lambda seen: both.holders([seen.row]) == {both.ids[SECOND]} and seen.looks == 2,
        "the other triggerer to look at every job",
        DEFERRED,
    )
    assert calls(aws) == STARTED_ONCE
    run.finish()
    assert run.outcomes() == expect(all=ONE_JOB)
    assert calls(aws) == STARTED_ONCE


@pytest.mark.promise("triggerer-missed-heartbeat")
def test_a_triggerer_that_missed_heartbeats_stops_no_job(
    both: Triggerers, airflow: LocalAirflow, aws: AwsJobsServer, every_job: Start
) -> None:
    """Airflow calls on_kill for the triggers that it has given to another (apache/airflow#73454)."""
    both.only(FIRST)
    run = every_job()
    run.until_waiting()
    both.work(SECOND)
    both.hold(FIRST)
    run.until(
        lambda seen: both.holders([seen.row]) == {both.ids[SECOND]} and seen.looks == 2,
        "the other triggerer to look at every job",
        DEFERRED,
    )
    both.work(FIRST)
    run.until(
        lambda seen: "goes on: the task is still deferred, its trigger was moved." in seen.log,
        "on_kill to be called for every job",
        DEFERRED,
    )
    assert calls(aws) == STARTED_ONCE
    assert {tuple(seen.words) for seen in run.see().values()} == {("running",)}
    run.finish()
    assert run.outcomes() == expect(all=ONE_JOB)
    assert calls(aws) == STARTED_ONCE


@pytest.mark.promise("scheduler-restart")
def test_one_of_two_schedulers_is_lost(
    both: Triggerers, airflow: LocalAirflow, aws: AwsJobsServer, every_job: Start
) -> None:
    """With its workers, as when its machine is lost. The other one finds the tasks and takes them up."""
    both.only(FIRST)
    lost, other = sorted(["scheduler", "scheduler.2"], key=lambda name: name not in airflow.components())
    run = every_job()
    run.until_waiting()
    airflow.start_component(other)
    airflow.wait_for(lambda: _alive_schedulers(airflow) == 2, what="the second scheduler")
    airflow.kill(lost, signal.SIGKILL)
    run.until(
        lambda seen: seen.row["try_number"] == 2 and seen.waits,
        "the second try of what ran on the lost machine",
        set(expect(all=ONE_JOB)) - set(DEFERRED),
    )
    run.finish()
    assert run.outcomes() == expect(deferred=ONE_JOB, on_worker=ONE_JOB._replace(tries=2))
    assert calls(aws) == STARTED_ONCE


def _alive_schedulers(airflow: LocalAirflow) -> int:
    jobs = airflow.call("GET", "jobs", params={"job_type": "SchedulerJob", "is_alive": True})
    return int(jobs["total_entries"])
