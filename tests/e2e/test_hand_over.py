# SPDX-License-Identifier: Apache-2.0

"""A job handed from task to task in a real Airflow: by id, by result, mapped, to a teardown, not at all."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .conftest import PRELOADED, TRIES_TO_LOSE, connect
from .gateway import Gateway
from .job_types import clients

pytestmark = pytest.mark.e2e

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "example_dags" / "replay_and_check.py"
BAD = """
from airflow.sdk import DAG
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

with DAG("bad"):
    EventBridgeStartReplayOperator(task_id="start", archive="no archive")
"""


@pytest.fixture(scope="module")
def airflow(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    """An Airflow with these DAGs alone; the example's retries come at once."""
    folder = tmp_path_factory.mktemp("dags")
    shutil.copy(HERE / "handed" / "handed.py", folder)
    text = EXAMPLE.read_text()
    assert "seconds=10" in text
    (folder / EXAMPLE.name).write_text(text.replace("seconds=10", "seconds=0.1"))
    (folder / "bad.py").write_text(BAD)
    env = {**PRELOADED, **TRIES_TO_LOSE, "AIRFLOW__AIRFLOW_PROVIDER_JOBS__POLL_INTERVAL": "1"}
    with LocalAirflow(folder, env) as airflow:
        connect(airflow, gateway, "aws_default", "testing", "testing")
        yield airflow


@pytest.fixture
def dead_letters(aws: AwsJobsServer) -> Any:
    """The queue that the example looks at, empty."""
    sqs = clients(aws.url)("sqs")
    sqs.create_queue(QueueName="orders-dead-letters")
    return sqs


def until(airflow: LocalAirflow, dag_id: str, run_id: str, task_id: str, state: str) -> None:
    airflow.wait_for(
        lambda: airflow.task(dag_id, run_id, task_id)["state"] == state, what=f"{task_id} to be {state}"
    )


def test_a_teardown_finds_that_there_is_nothing_left_to_cancel(
    airflow: LocalAirflow, aws: AwsJobsServer, dead_letters: Any
) -> None:
    run_id = airflow.trigger("replay_and_check", logical_date=datetime(2026, 1, 10, tzinfo=UTC))
    until(airflow, "replay_and_check", run_id, "wait", "deferred")
    (replay,) = aws.jobs("events")
    assert airflow.xcom("replay_and_check", run_id, "start", key="replay_name") == replay["id"]
    aws.advance(replay["id"])
    airflow.wait_run("replay_and_check", run_id)
    assert "had ended already: COMPLETED" in airflow.log("replay_and_check", run_id, "cancel")
    assert "CancelReplay" not in aws.calls("events")


def test_a_teardown_cancels_what_runs_where_the_work_fails(
    airflow: LocalAirflow, aws: AwsJobsServer, dead_letters: Any
) -> None:
    url = dead_letters.get_queue_url(QueueName="orders-dead-letters")["QueueUrl"]
    dead_letters.send_message(QueueUrl=url, MessageBody="{}")
    run_id = airflow.trigger("replay_and_check", logical_date=datetime(2026, 1, 11, tzinfo=UTC))
    airflow.wait_for(lambda: aws.calls("events").get("CancelReplay"), what="the replay to be cancelled")
    aws.advance(aws.jobs("events")[0]["id"])
    airflow.wait_run("replay_and_check", run_id, states=["failed"])
    assert "1 events wait in orders-dead-letters" in airflow.log("replay_and_check", run_id, "check")
    states = {task: airflow.task("replay_and_check", run_id, task)["state"] for task in ("wait", "cancel")}
    assert states == {"wait": "upstream_failed", "cancel": "success"}
    assert [replay["state"] for replay in aws.jobs("events")] == ["CANCELLED"]


def test_mapped_sensors_take_the_mapped_results(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    run_id = airflow.trigger("mapped")
    airflow.wait_for(
        lambda: (
            {row["state"] for row in airflow.task_instances("mapped", run_id, task_id="wait")} == {"deferred"}
        ),
        what="both sensors to wait",
    )
    assert len({replay["event_start_time"] for replay in aws.jobs("events")}) == 2
    for replay in aws.jobs("events"):
        aws.advance(replay["id"])
    airflow.wait_run("mapped", run_id)
    for index in (0, 1):
        started = airflow.xcom("mapped", run_id, "start", map_index=index)
        waited = airflow.xcom("mapped", run_id, "wait", map_index=index)
        assert waited["replay_name"] == started["replay_name"]
        assert waited["event_start_time"] == f"2026-01-0{index + 1}T00:00:00+00:00"


def test_native_rendering_changes_no_text(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    events = clients(aws.url)("events")
    bus = events.describe_event_bus()["Arn"]
    events.create_archive(ArchiveName="20260131", EventSourceArn=bus)
    rule = events.put_rule(Name="7", EventPattern='{"source": ["shop"]}')["RuleArn"]
    conf = {"archive": "20260131", "name": "2026_01", "rules": [rule], "since": "2026-01-01T00:00:00Z"}
    run_id = airflow.trigger("native", conf=conf)
    airflow.wait_run("native", run_id)
    replay = events.describe_replay(ReplayName="2026_01")
    assert replay["EventSourceArn"].endswith(":archive/20260131")
    assert replay["Destination"]["FilterArns"] == [rule]


def test_nothing_to_cancel(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    run_id = airflow.trigger("nothing_to_cancel")
    airflow.wait_run("nothing_to_cancel", run_id)
    assert airflow.task("nothing_to_cancel", run_id, "start")["state"] == "failed"
    for task in ("by_id", "by_result"):
        assert airflow.task("nothing_to_cancel", run_id, task)["state"] == "success"
        assert "There is nothing to stop: no replay_name" in airflow.log("nothing_to_cancel", run_id, task)


def test_a_literal_that_cannot_work_is_an_import_error(airflow: LocalAirflow) -> None:
    (error,) = airflow.call("GET", "importErrors")["import_errors"]
    assert error["filename"] == "bad.py"
    assert "archive='no archive' is neither an archive's name" in error["stack_trace"]
