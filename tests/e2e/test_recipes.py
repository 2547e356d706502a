# SPDX-License-Identifier: Apache-2.0

"""The recipes of docs/recipes.md, as they stand there, in a real Airflow."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from airflow_provider_jobs.testing import Fault
from airflow_provider_jobs.testing.airflow.api import Row
from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .conftest import TRIES_TO_LOSE, connected
from .deferrals import ends
from .gateway import Gateway
from .job_types import CREDENTIALS

pytestmark = [pytest.mark.e2e, pytest.mark.extended]

RECIPES = Path(__file__).parents[2] / "docs" / "recipes"
#: When a run is due that has the events of the first of January.
DUE = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def airflow(gateway: Gateway) -> Iterator[LocalAirflow]:
    """One Airflow for all recipes; its machines have credentials of their own, for what sends messages."""
    env = {
        **TRIES_TO_LOSE,
        "AIRFLOW__AIRFLOW_PROVIDER_JOBS__POLL_INTERVAL": "2",
        "AWS_ACCESS_KEY_ID": CREDENTIALS["aws_access_key_id"],
        "AWS_SECRET_ACCESS_KEY": CREDENTIALS["aws_secret_access_key"],
        "AWS_ENDPOINT_URL_SNS": gateway.url,
    }
    with connected(gateway, env, dags=RECIPES) as airflow:
        yield airflow


def client(aws: AwsJobsServer, service: str) -> Any:
    return boto3.client(service, endpoint_url=aws.url, **CREDENTIALS)  # type: ignore[call-overload]


def until(airflow: LocalAirflow, dag_id: str, run: str, state: str, task_id: str = "replay") -> Row:
    """Wait until a task is in a state and the scheduler knows that its worker is done; return its row."""

    def reached() -> Row | None:
        row = airflow.task(dag_id, run, task_id)
        known = ends(airflow, dag_id, run)[task_id, row["try_number"]] > 0
        return row if row["state"] == state and known else None

    return airflow.wait_for(reached, what=f"{dag_id}.{task_id} to be {state}")


def answer(airflow: LocalAirflow, run: str, option: str) -> None:
    """Answer the question of a run, as the UI does."""
    path = ("dags", "approval", "dagRuns", run, "taskInstances", "ask", "-1", "hitlDetails")
    airflow.call("PATCH", *path, json={"chosen_options": [option]})


def in_flight(aws: AwsJobsServer) -> list[str]:
    """The names of the replays that have not ended."""
    return [job["id"] for job in aws.jobs("events") if job["state"] in ("STARTING", "RUNNING")]


def finish(airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str, run: str) -> None:
    """Let the replays get to their end, and wait for the run's."""
    for replay in in_flight(aws):
        aws.advance(replay)
    airflow.wait_run(dag_id, run)


def test_a_failed_replay_is_not_retried(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    aws.fail_next("events", "The bus is full")
    aws.set_pace(seconds=0)
    run = airflow.trigger("retries_by_error", logical_date=DUE)
    airflow.wait_run("retries_by_error", run, {"failed"})
    task = airflow.task("retries_by_error", run, "replay")
    assert (task["try_number"], task["max_tries"]) == (1, 3)
    log = airflow.log("retries_by_error", run, "replay")
    assert "Retry policy decision action=fail reason=The replay failed." in log
    assert aws.calls("events")["StartReplay"] == 1


def test_a_refused_call_is_retried_later(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    aws.add_fault(Fault("StartReplay", "access-denied"))
    run = airflow.trigger("retries_by_error", logical_date=datetime(2026, 1, 3, tzinfo=UTC))
    task = until(airflow, "retries_by_error", run, "up_for_retry")
    assert task["try_number"] == 1
    log = airflow.log("retries_by_error", run, "replay")
    assert "Retry policy decision action=retry reason=The call to AWS failed." in log


def test_no_policy_is_asked_about_what_a_retry_cannot_fix(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    run = airflow.trigger("retries_by_error")  # without a logical date it has no data interval
    airflow.wait_run("retries_by_error", run, {"failed"})
    assert airflow.task("retries_by_error", run, "replay")["try_number"] == 1
    log = airflow.log("retries_by_error", run, "replay")
    assert "JobInputError" in log
    assert "Retry policy decision" not in log


def test_a_late_run_is_told_and_goes_on(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    sns, sqs = client(aws, "sns"), client(aws, "sqs")
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    topic = sns.create_topic(Name="late_replays")["TopicArn"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, Attributes={"RawMessageDelivery": "true"})

    # A run of a day that is long over is late from its start.
    day = datetime(2026, 1, 1, tzinfo=UTC)
    airflow.backfill("late_replay", day, day)
    told = airflow.wait_for(
        lambda: sqs.receive_message(QueueUrl=queue).get("Messages"), what="the message of the late run"
    )
    (run,) = (row["dag_run_id"] for row in airflow.runs("late_replay"))
    expected = f"{run} of late_replay missed 2026-01-02 06:00:00+00:00."
    assert [message["Body"] for message in told] == [expected]
    assert list((airflow.home / "logs" / "executor_callbacks" / "late_replay").iterdir())

    until(airflow, "late_replay", run, "deferred")
    assert len(in_flight(aws)) == 1
    finish(airflow, aws, "late_replay", run)
    assert "CancelReplay" not in aws.calls("events")


@pytest.mark.parametrize("dag_id", ["three_of_a_task", "three_of_a_pool"])
def test_at_most_three_side_by_side(airflow: LocalAirflow, aws: AwsJobsServer, dag_id: str) -> None:
    if dag_id == "three_of_a_pool":
        pool = {"name": "replays", "slots": 3, "include_deferred": True}
        airflow.call("POST", "pools", json=pool)
    airflow.backfill(dag_id, datetime(2026, 1, 2, tzinfo=UTC), datetime(2026, 1, 6, tzinfo=UTC))

    def states() -> list[str]:
        return sorted(str(row["state"]) for row in airflow.task_instances(dag_id))

    airflow.wait_for(
        lambda: states() == ["deferred"] * 3 + ["scheduled"] * 2, what=f"three of five of {dag_id} to wait"
    )
    assert len(in_flight(aws)) == 3
    for row in airflow.task_instances(dag_id, state="deferred"):
        until(airflow, dag_id, row["dag_run_id"], "deferred")

    def ended() -> bool:
        for replay in in_flight(aws):
            aws.advance(replay)
        return states() == ["success"] * 5

    airflow.wait_for(ended, timeout=120, what="all to end")
    assert aws.calls("events")["StartReplay"] == 5
    assert aws.max_active("events") == 3


def test_an_approved_replay_starts(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    run = airflow.trigger("approval", logical_date=DUE)
    until(airflow, "approval", run, "awaiting_input", "ask")
    assert airflow.task("approval", run, "replay")["state"] is None
    assert "StartReplay" not in aws.calls("events")

    answer(airflow, run, "Approve")
    until(airflow, "approval", run, "deferred")
    finish(airflow, aws, "approval", run)

    # A replay that is cleared alone starts again, and nobody is asked.
    airflow.clear("approval", run, ["replay"])
    until(airflow, "approval", run, "deferred")
    finish(airflow, aws, "approval", run)
    assert airflow.task("approval", run, "ask")["try_number"] == 1

    airflow.clear("approval", run, ["ask"])
    until(airflow, "approval", run, "awaiting_input", "ask")
    assert airflow.task("approval", run, "replay")["state"] is None
    assert aws.calls("events")["StartReplay"] == 2


def test_a_rejected_replay_does_not(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    run = airflow.trigger("approval", logical_date=datetime(2026, 1, 3, tzinfo=UTC))
    until(airflow, "approval", run, "awaiting_input", "ask")
    answer(airflow, run, "Reject")
    airflow.wait_run("approval", run)
    assert airflow.task("approval", run, "replay")["state"] == "skipped"
    assert "StartReplay" not in aws.calls("events")
