# SPDX-License-Identifier: Apache-2.0

"""Two triggerers and two schedulers over PostgreSQL: what is lost of them, and what they share."""

from __future__ import annotations

import re
import signal
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from airflow_provider_jobs.testing.airflow.api import Row
from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from . import deferrals, lines
from .every_job import UNHARMED, Start, expect
from .job_types import DEFERRED, TYPES, calls
from .triggerers import FIRST, SECOND, Triggerers

# SQLite locks no single rows, which two schedulers or triggerers need.
pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.extended]


@pytest.fixture(scope="module")
def triggerers(airflow: LocalAirflow) -> Triggerers:
    """The triggerers, of which the second is started when it is wanted."""
    return Triggerers(airflow)


@pytest.fixture
def both(triggerers: Triggerers) -> Iterator[Triggerers]:
    """The triggerers; the first is started again after the test. Comes first among a test's fixtures."""
    yield triggerers
    triggerers.work(FIRST)


@pytest.fixture
def second_scheduler(airflow: LocalAirflow) -> Iterator[str]:
    """A scheduler beside the first."""
    name = "scheduler.2"
    airflow.start_component(name)
    airflow.wait_for(lambda: _alive_schedulers(airflow) == 2, what="the second scheduler")
    yield name
    airflow.kill(name, signal.SIGKILL)


def _alive_schedulers(airflow: LocalAirflow) -> int:
    jobs = airflow.call("GET", "jobs", params={"job_type": "SchedulerJob", "is_alive": True})
    return int(jobs["total_entries"])


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
    assert run.outcomes() == expect(all=UNHARMED)
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
        lambda seen: seen.was_told(rf"{seen.jobs[0]['id']} goes on: the task is deferred"),
        "on_kill to be called for every job",
        DEFERRED,
    )
    assert calls(aws) == STARTED_ONCE
    assert {tuple(seen.words) for seen in run.see().values()} == {("running",)}
    run.finish()
    assert run.outcomes() == expect(all=UNHARMED)
    assert calls(aws) == STARTED_ONCE


@pytest.mark.promise("scheduler-restart")
def test_one_of_two_schedulers_is_lost(
    both: Triggerers,
    airflow: LocalAirflow,
    aws: AwsJobsServer,
    every_job: Start,
    request: pytest.FixtureRequest,
) -> None:
    """With its workers, as when its machine is lost. The other one finds the tasks and takes them up."""
    both.only(FIRST)
    run = every_job()
    run.until_waiting()
    request.getfixturevalue("second_scheduler")
    airflow.kill("scheduler", signal.SIGKILL)
    run.until(
        lambda seen: seen.tries == 2 and seen.waits,
        "the second try of what ran on the lost machine",
        set(expect(all=UNHARMED)) - set(DEFERRED),
    )
    run.finish()
    assert run.outcomes() == expect(deferred=UNHARMED, on_worker=UNHARMED._replace(tries=2))
    assert calls(aws) == STARTED_ONCE


@pytest.mark.promise("line-of-two-dags")
@pytest.mark.promise("place-given-up")
@pytest.mark.promise("cleared")
def test_two_dags_wait_in_one_line_and_places_are_given_up(
    both: Triggerers, airflow: LocalAirflow, aws: AwsJobsServer
) -> None:
    both.only(FIRST)
    for number in range(10):
        lines.replay(aws, f"theirs-{number}")
    dags = ["one_day", "many_days", "one_day", "many_days"]
    runs = [(dag_id, airflow.trigger(dag_id, logical_date=datetime.now(UTC))) for dag_id in dags]
    line = airflow.wait_for(lambda: _line(airflow, runs, 4), what="a line of four")
    marked, cleared, third, fourth = (line[place] for place in (1, 2, 3, 4))
    airflow.set_task_state(*marked, "replay", "failed")
    airflow.clear(*cleared, ["replay"])
    airflow.wait_for(
        lambda: _line(airflow, runs, 3) == {1: third, 2: fourth, 3: cleared},
        timeout=120,
        what="a line without the marked task, and with the cleared one at its end",
    )
    for number, run in enumerate([third, fourth, cleared]):
        aws.advance(f"theirs-{number}")
        _until_started(airflow, aws, run, number + 1)
    for name in lines.started(aws):
        aws.advance(name)
    for run in (third, fourth, cleared):
        airflow.wait_run(*run)
    assert [lines.task(airflow, run)["try_number"] for run in (third, fourth, cleared)] == [1, 1, 2]
    assert lines.task(airflow, marked)["state"] == "failed"
    assert len(lines.started(aws)) == 3
    assert aws.max_active("events") == 10
    # A call for each time that a task came to the line, and one when it was its turn.
    assert lines.starts(aws) == 10 + 5 + 3


def _until_started(airflow: LocalAirflow, aws: AwsJobsServer, run: lines.Run, count: int) -> None:
    """Wait until a run's replay is waited for in the triggerer, and no other than it was started."""

    def waits() -> bool:
        log = airflow.log(*run, "replay")
        if not re.search(r"Started replay (\S+): STARTING\.[\s\S]* INFO \1: STARTING", log):
            return False
        tries = lines.task(airflow, run)["try_number"]
        return deferrals.known(deferrals.ends(airflow, *run), "replay", tries, log)

    airflow.wait_for(waits, what=f"the replay of {run}")
    assert len(lines.started(aws)) == count


def _line(airflow: LocalAirflow, runs: list[lines.Run], length: int) -> dict[int, lines.Run] | None:
    found = lines.positions(airflow, runs)
    return found if sorted(found) == list(range(1, length + 1)) else None


@pytest.mark.promise("quota-line")
def test_a_backfill_waits_in_the_lines_of_two_triggerers(
    both: Triggerers, airflow: LocalAirflow, aws: AwsJobsServer
) -> None:
    """30 days at once, 10 at a time as AWS allows. Two lines may call two tasks for one place."""
    both.work(FIRST, SECOND)
    airflow.backfill("many_days", lines.DAY, lines.DAY.replace(day=30), max_active_runs=30)
    runs = airflow.wait_for(lambda: _backfill(airflow), what="30 runs")
    rows = airflow.wait_for(lambda: _waiting(airflow, 20), timeout=180, what="20 tasks in line")
    assert both.holders(rows) == {both.ids[FIRST], both.ids[SECOND]}
    assert len(lines.started(aws)) == 10
    refused = lines.starts(aws) - 10
    # Longer than a busy scheduler takes to read that a task was deferred; see deferrals.py.
    aws.set_pace("events", seconds=12)
    for name in lines.started(aws):
        aws.advance(name)
    for run in runs:
        airflow.wait_run("many_days", run, timeout=240)
    assert {
        row["try_number"] for row in airflow.task_instances("many_days") if row["dag_run_id"] in runs
    } == {1}
    assert [job["state"] for job in aws.jobs("events")] == ["COMPLETED"] * 30
    assert aws.max_active("events") == 10
    assert refused == 20
    called = lines.starts(aws) - 10 - refused
    print(f"20 replays in two lines took {called} StartReplay calls")
    assert called <= 20 + 20


def _backfill(airflow: LocalAirflow) -> list[str] | None:
    runs = [run["dag_run_id"] for run in airflow.runs("many_days") if run["run_type"] == "backfill"]
    return runs if len(runs) == 30 else None


def _waiting(airflow: LocalAirflow, count: int) -> list[Row] | None:
    rows = [row for row in airflow.task_instances("many_days", state="deferred") if lines.in_line(row)]
    return rows if len(rows) == count and all(row["triggerer_job"] for row in rows) else None
