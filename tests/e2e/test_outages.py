# SPDX-License-Identifier: Apache-2.0

"""Parts of Airflow or of AWS that fail while every job type waits, in both ways, and come back."""

from __future__ import annotations

import signal
import time

import pytest

from airflow_provider_jobs.testing import Fault
from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .conftest import USER_KEY, USER_SECRET, connect
from .every_job import UNHARMED, EveryJob, Seen, Start, expect
from .gateway import Gateway
from .job_types import DEFERRED, TASKS, TYPES

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.extended]


def until_trouble(run: EveryJob, *words: str) -> None:
    """Wait until every task has said that a poll failed, and why."""

    def troubled(seen: Seen) -> bool:
        lines = [line for line in seen.log.splitlines() if "polling again later" in line]
        return any(word in line for line in lines for word in words)

    run.until(troubled, f"every look to fail: {words}")


def restart_triggerer(run: EveryJob, signum: signal.Signals) -> None:
    """End the triggerer and start another one; on return every deferred task's wait goes on."""
    before = {task: seen.looks for task, seen in run.see().items()}
    run.airflow.kill("triggerer", signum)
    run.airflow.wait_for(lambda: "triggerer" not in run.airflow.components(), what="the triggerer to end")
    run.airflow.start_component("triggerer")
    run.until(lambda seen: seen.looks > before[seen.task], "the waits to go on", DEFERRED)


@pytest.mark.promise("triggerer-restart")
def test_restarted_triggerers(every_job: Start) -> None:
    """A crash, and an orderly restart as in a deployment, which cancels every trigger's coroutine."""
    run = every_job()
    run.until_waiting()
    for signum in (signal.SIGKILL, signal.SIGTERM):
        restart_triggerer(run, signum)
    run.finish()
    assert run.outcomes() == expect(all=UNHARMED)


@pytest.mark.promise("scheduler-restart")
def test_a_restarted_scheduler(every_job: Start) -> None:
    """With the LocalExecutor the workers die with it, as with a machine; deferred tasks notice nothing."""
    run = every_job()
    run.until_waiting()
    run.airflow.kill("scheduler", signal.SIGKILL)
    assert run.airflow.workers(run.dag_id) == []
    run.airflow.start_component("scheduler")
    run.until_retried()
    run.finish()
    assert run.outcomes() == expect(on_worker=UNHARMED._replace(tries=2), deferred=UNHARMED)


@pytest.mark.promise("aws-gone")
def test_aws_out_of_reach_while_waiting(every_job: Start, gateway: Gateway) -> None:
    run = every_job()
    run.until_waiting()
    gateway.shut()
    minute = time.monotonic() + 60
    until_trouble(run, "EndpointConnectionError", "Could not connect", "Connection was closed")
    run.airflow.wait_for(lambda: time.monotonic() > minute, timeout=90, what="a minute to pass")
    gateway.open()
    run.finish()
    assert run.outcomes() == expect(all=UNHARMED)


@pytest.mark.promise("aws-gone")
def test_aws_out_of_reach_at_the_start(every_job: Start, gateway: Gateway) -> None:
    """It hangs, breaks off the first calls of all tasks, and refuses their next ones until they retry."""
    gateway.hold()
    run = every_job()
    run.airflow.wait_for(lambda: gateway.held >= len(TASKS), timeout=180, what="the first calls")
    gateway.shut()
    run.until(lambda seen: seen.state == "up_for_retry" or seen.tries > 1, "every try to fail")
    assert all(seen.jobs == [] for seen in run.see().values())
    gateway.open()
    run.until(lambda seen: seen.waits, "every task to wait")
    run.finish()
    tries = {task: seen.tries for task, seen in run.see().items()}
    assert min(tries.values()) >= 2
    assert run.outcomes() == {task: UNHARMED._replace(tries=tries[task]) for task in TASKS}


@pytest.mark.promise("throttled")
def test_throttled_while_waiting(every_job: Start, aws: AwsJobsServer) -> None:
    run = every_job()
    run.until_waiting()
    for each in TYPES:
        aws.add_fault(Fault("*", "throttle", each.name, probability=1.0))
    until_trouble(run, "ThrottlingException")
    aws.clear_faults()
    run.finish()
    assert run.outcomes() == expect(all=UNHARMED)


@pytest.mark.promise("credentials-rotated")
def test_credentials_that_expire_and_are_replaced(
    every_job: Start, aws: AwsJobsServer, gateway: Gateway, airflow: LocalAirflow
) -> None:
    connect(airflow, gateway, "aws_rotated", "AKIAFIRST", "the first secret")
    run = every_job("every_job_rotated")
    run.until_waiting()
    assert gateway.keys == {"AKIAFIRST"}
    for each in TYPES:
        aws.add_fault(Fault("*", "expired-token", each.name, probability=1.0))
    until_trouble(run, "ExpiredTokenException")
    second = {"connection_id": "aws_rotated", "conn_type": "aws", "login": "AKIASECOND", "password": "other"}
    airflow.call(
        "PATCH", "connections", "aws_rotated", json=second, params={"update_mask": ["login", "password"]}
    )
    gateway.keys.clear()
    aws.clear_faults()
    run.finish()
    assert run.outcomes() == expect(all=UNHARMED)
    assert "AKIASECOND" in gateway.keys
    airflow.call("DELETE", "connections", "aws_rotated")


@pytest.mark.promise("role-arn")
@pytest.mark.promise("secrets")
def test_a_role_that_is_assumed(every_job: Start, gateway: Gateway) -> None:
    run = every_job("every_job_assumed")
    run.until_waiting()
    run.finish()
    assert run.outcomes() == expect(all=UNHARMED)
    # The user's own key is for AssumeRole alone; everything else is asked with keys of the role.
    assert {key[:4] for key in gateway.keys - {USER_KEY}} == {"ASIA"}
    texts = {
        str(path): path.read_bytes()
        for path in run.airflow.home.rglob("*")
        if path.is_file() and path.name != "airflow.cfg"
    }
    assert any(path.endswith(".log") for path in texts)
    for secret in (USER_SECRET.encode(), b"FQoGZXIvYXdz"):
        assert [path for path, text in texts.items() if secret in text] == []
