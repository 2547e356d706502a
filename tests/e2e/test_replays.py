# SPDX-License-Identifier: Apache-2.0

"""What the README promises for replays, in a real Airflow with real processes."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_jobs.testing import Fault
from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

pytestmark = pytest.mark.e2e

DAY = datetime(2026, 1, 1, tzinfo=UTC)
BOTH = pytest.mark.parametrize("dag_id", ["on_worker", "deferred"])


class Replay:
    """One run of one of the DAGs, seen from both sides."""

    def __init__(self, airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str) -> None:
        self.airflow, self.aws, self.dag_id = airflow, aws, dag_id
        self.run_id = airflow.trigger(dag_id, logical_date=datetime.now(UTC))

    @property
    def task(self) -> dict[str, Any]:
        return dict(self.airflow.task(self.dag_id, self.run_id, "replay"))

    @property
    def jobs(self) -> list[dict[str, Any]]:
        return self.aws.jobs("events")

    @property
    def states(self) -> list[str]:
        return [job["state"] for job in self.jobs]

    def until_task_is(self, *states: str | None) -> None:
        self.airflow.wait_for(lambda: self.task["state"] in states, what=f"the task to be {states}")

    def until_jobs(self, count: int) -> None:
        self.airflow.wait_for(lambda: len(self.jobs) == count, what=f"{count} replays")

    def until_waiting(self, jobs: int = 1) -> None:
        """Wait until the task waits for its job, on the worker or deferred."""
        self.until_jobs(jobs)
        if self.dag_id == "on_worker":
            name = self.jobs[-1]["id"]
            self.airflow.wait_for(
                lambda: f"{name}: STARTING" in self.airflow.log(self.dag_id, self.run_id, "replay"),
                what="the first look at the replay",
            )
        else:
            # The trigger is at work: before that, Airflow tells nobody of what is done to the task.
            self.until_task_is("deferred")
            looks = calls_that(self.aws, "DescribeReplay")
            self.airflow.wait_for(
                lambda: calls_that(self.aws, "DescribeReplay") > looks, what="a look at the replay"
            )

    def kill_worker(self) -> None:
        """Kill the process that runs the task, as the kernel does when memory runs out."""
        workers = self.airflow.wait_for(lambda: self.airflow.workers(self.dag_id), what="the worker")
        for worker in workers:
            os.kill(worker.pid, signal.SIGKILL)

    def finish(self) -> dict[str, Any]:
        """Let the last replay come to its end, and return the task's result."""
        self.aws.advance(self.jobs[-1]["id"])
        self.airflow.wait_run(self.dag_id, self.run_id)
        return dict(self.airflow.xcom(self.dag_id, self.run_id, "replay"))


def calls_that(aws: AwsJobsServer, operation: str) -> int:
    return aws.calls("events").get(operation, 0)


@BOTH
def test_killed_before_the_start_call(airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str) -> None:
    aws.add_fault(Fault("DescribeArchive", "slow", seconds=60, skip=0))
    replay = Replay(airflow, aws, dag_id)
    airflow.wait_for(lambda: calls_that(aws, "DescribeArchive"), what="the call before the start")
    replay.kill_worker()
    assert replay.states == []
    replay.until_waiting()
    assert replay.finish()["replay_name"] == replay.jobs[0]["id"]
    assert replay.states == ["COMPLETED"]
    assert replay.task["try_number"] == 2


@BOTH
def test_killed_before_the_answer_came(airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str) -> None:
    aws.add_fault(Fault("StartReplay", "slow", when="after", seconds=60))
    replay = Replay(airflow, aws, dag_id)
    replay.until_jobs(1)
    replay.kill_worker()
    airflow.wait_for(lambda: replay.task["try_number"] == 2, what="the retry")
    replay.until_waiting()
    assert replay.finish()["replay_name"] == replay.jobs[0]["id"]
    assert replay.states == ["COMPLETED"]


def test_killed_while_waiting_on_the_worker(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    replay = Replay(airflow, aws, "on_worker")
    replay.until_waiting()
    replay.kill_worker()
    airflow.wait_for(lambda: replay.task["try_number"] == 2, what="the retry")
    replay.until_task_is("running")
    assert replay.finish()["replay_name"] == replay.jobs[0]["id"]
    assert replay.states == ["COMPLETED"]
    assert calls_that(aws, "CancelReplay") == 0


@BOTH
@pytest.mark.parametrize("kind", ["drop", "error"])
def test_a_lost_answer(airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str, kind: Any) -> None:
    aws.add_fault(Fault("StartReplay", kind, when="after"))
    replay = Replay(airflow, aws, dag_id)
    replay.until_waiting()
    replay.finish()
    assert replay.states == ["COMPLETED"]
    assert replay.task["try_number"] == 1


@BOTH
def test_a_replay_that_fails_is_followed_by_another(
    airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str
) -> None:
    aws.fail_next("events", "The bus is full")
    replay = Replay(airflow, aws, dag_id)
    replay.until_waiting()
    aws.advance(replay.jobs[0]["id"])
    replay.until_jobs(2)
    replay.finish()
    assert replay.states == ["FAILED", "COMPLETED"]
    log = airflow.log(dag_id, replay.run_id, "replay", try_number=1)
    assert "ended FAILED: The bus is full. A retry starts a new one." in log


@BOTH
def test_cleared_after_success(airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str) -> None:
    replay = Replay(airflow, aws, dag_id)
    replay.until_waiting()
    first = replay.finish()
    airflow.clear(dag_id, replay.run_id, ["replay"])
    replay.until_waiting(jobs=2)
    assert replay.finish()["replay_name"] != first["replay_name"]
    assert replay.states == ["COMPLETED", "COMPLETED"]


@pytest.mark.parametrize("state", ["failed", "success"])
@BOTH
def test_marked(airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str, state: Any) -> None:
    replay = Replay(airflow, aws, dag_id)
    replay.until_waiting()
    airflow.set_task_state(dag_id, replay.run_id, "replay", state)
    airflow.wait_for(lambda: replay.states == ["CANCELLING"], what="the replay to be cancelled")
    assert replay.task["state"] == state


@BOTH
def test_cleared_while_waiting(airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str) -> None:
    replay = Replay(airflow, aws, dag_id)
    replay.until_waiting()
    airflow.clear(dag_id, replay.run_id, ["replay"])
    airflow.wait_for(lambda: replay.states[0] == "CANCELLING", what="the first replay to be cancelled")
    aws.advance(replay.jobs[0]["id"])
    replay.until_waiting(jobs=2)
    replay.finish()
    assert replay.states == ["CANCELLED", "COMPLETED"]
    assert calls_that(aws, "CancelReplay") == 1


def test_marked_but_told_to_leave_the_replay(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    replay = Replay(airflow, aws, "left")
    replay.until_waiting()
    airflow.set_task_state("left", replay.run_id, "replay", "failed")
    airflow.wait_for(
        lambda: (
            "cancel_on_kill is off"
            in airflow.component_log("triggerer") + airflow.log("left", replay.run_id, "replay")
        ),
        what="the trigger to be told",
    )
    assert calls_that(aws, "CancelReplay") == 0


def test_a_restarted_triggerer(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    replay = Replay(airflow, aws, "deferred")
    replay.until_waiting()
    airflow.kill("triggerer", signal.SIGKILL)
    looks = calls_that(aws, "DescribeReplay")
    airflow.start_component("triggerer")
    airflow.wait_for(lambda: calls_that(aws, "DescribeReplay") > looks, what="the wait to go on")
    assert calls_that(aws, "CancelReplay") == 0
    replay.finish()
    assert replay.states == ["COMPLETED"]
    assert replay.task["try_number"] == 1


def test_a_stopped_triggerer(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    """An orderly restart, as in a deployment: cancels every trigger's coroutine, and must not cancel jobs."""
    replay = Replay(airflow, aws, "deferred")
    replay.until_waiting()
    airflow.kill("triggerer", signal.SIGTERM)
    airflow.wait_for(lambda: "triggerer" not in airflow.components(), what="the triggerer to stop")
    airflow.start_component("triggerer")
    replay.finish()
    assert replay.states == ["COMPLETED"]
    assert calls_that(aws, "CancelReplay") == 0


def test_the_deadline_passes_while_deferred(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    replay = Replay(airflow, aws, "hurried")
    replay.until_task_is("failed")
    assert replay.states == ["CANCELLING"]
    log = airflow.log("hurried", replay.run_id, "replay")
    assert "job_timeout is 0:00:03; it is being stopped." in log


def test_throttled_while_waiting(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    replay = Replay(airflow, aws, "deferred")
    replay.until_waiting()
    aws.add_fault(Fault("DescribeReplay", "throttle", count=8))
    airflow.wait_for(
        lambda: "looking again later" in airflow.log("deferred", replay.run_id, "replay"), what="the trouble"
    )
    replay.finish()
    assert replay.task["try_number"] == 1


def test_a_backfill_waits_in_line(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    """25 days at once, 10 at a time as AWS allows, in order, and without a hot loop of start calls."""
    aws.set_pace("events", seconds=15)
    airflow.backfill("deferred", DAY, DAY.replace(day=25), max_active_runs=25)
    airflow.wait_for(
        lambda: len([job for job in aws.jobs("events") if job["state"] == "COMPLETED"]) == 25,
        timeout=240,
        what="25 replays",
    )
    runs = [run for run in airflow.runs("deferred") if run["run_type"] == "backfill"]
    assert len(runs) == 25
    for run in runs:
        airflow.wait_run("deferred", run["dag_run_id"])
        tries = airflow.task("deferred", run["dag_run_id"], "replay")["try_number"]
        assert tries == 1, airflow.log("deferred", run["dag_run_id"], "replay", try_number=1)
    assert aws.max_active("events") <= 10
    starts = calls_that(aws, "StartReplay")
    print(f"25 replays, {aws.max_active('events')} at a time, took {starts} StartReplay calls")
    # botocore repeats a refused call twice: three calls for each of the fifteen that had to wait.
    assert starts <= 25 + 15 * 3 + 6


def test_the_window_the_result_the_link_and_the_asset(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    airflow.backfill("left", DAY, DAY)
    airflow.wait_for(lambda: aws.jobs("events"), what="the replay")
    (run,) = [run for run in airflow.runs("left") if run["run_type"] == "backfill"]
    run_id = run["dag_run_id"]
    airflow.wait_for(lambda: airflow.task("left", run_id, "replay")["state"] == "deferred", what="the wait")
    links = airflow.call("GET", "dags", "left", "dagRuns", run_id, "taskInstances", "replay", "links")
    name = aws.jobs("events")[0]["id"]
    console = f"https://us-east-1.console.aws.amazon.com/events/home?region=us-east-1#/replay/{name}"
    assert links["extra_links"] == {"EventBridge Replay": console}
    aws.advance(name)
    airflow.wait_run("left", run_id)
    result = airflow.xcom("left", run_id, "replay")
    assert result["event_start_time"] == "2026-01-01T00:00:00+00:00"
    assert result["event_end_time"] == "2026-01-02T00:00:00+00:00"
    events = airflow.call(
        "GET", "assets", "events", params={"source_run_id": run_id, "source_dag_id": "left"}
    )
    interval = {
        "data_interval_start": result["event_start_time"],
        "data_interval_end": result["event_end_time"],
    }
    assert events["asset_events"][0]["extra"] == {**interval, **result}
    fields = airflow.task("left", run_id, "replay")["rendered_fields"]
    assert fields["event_start_time"].startswith("2026-01-01 00:00:00")
