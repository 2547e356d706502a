# SPDX-License-Identifier: Apache-2.0

"""example_dags/replay_safely.py in a real Airflow: each step, with the approvals of a person."""

from __future__ import annotations

import json
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
from .job_types import REGION, clients

pytestmark = pytest.mark.e2e
pytest.importorskip("airflow.providers.standard.operators.hitl", reason="Airflow 3.1 has approvals")

DAG = "replay_safely"
EXAMPLE = Path(__file__).parents[2] / "example_dags" / f"{DAG}.py"
DEAD = f"arn:aws:sqs:{REGION}:123456789012:orders-dead"


@pytest.fixture(scope="module")
def airflow(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    """An Airflow with the example alone, which reads figures at once."""
    folder = tmp_path_factory.mktemp("dags")
    text = EXAMPLE.read_text()
    assert "max_queue_depth=10_000," in text
    text = text.replace("max_queue_depth=10_000,", "max_queue_depth=10_000, delivery_delay=0,")
    (folder / EXAMPLE.name).write_text(text)
    env = {**PRELOADED, **TRIES_TO_LOSE, "AIRFLOW__AIRFLOW_PROVIDER_JOBS__POLL_INTERVAL": "1"}
    with LocalAirflow(folder, env) as airflow:
        connect(airflow, gateway, "aws_default", "testing", "testing")
        yield airflow
    shutil.rmtree(folder)


def seed(aws: AwsJobsServer) -> Any:
    """Make the consumer's rule and queue, and a message that it has failed; the client of SQS."""
    client = clients(aws.url)
    events, sqs = client("events"), client("sqs")
    for name in ("orders-dead", "orders-trial"):
        sqs.create_queue(QueueName=name)
    policy = json.dumps({"deadLetterTargetArn": DEAD, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName="orders", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    sqs.send_message(QueueUrl=url, MessageBody="{}")
    for _ in range(2):
        sqs.receive_message(QueueUrl=url, VisibilityTimeout=0)
    entry = {"Source": "shop.orders", "DetailType": "order", "Detail": "{}"}
    times = [datetime(2026, 1, 1, hour, 30, tzinfo=UTC) for hour in (21, 22, 22, 23)]
    events.put_events(Entries=[{**entry, "Time": time} for time in times])
    events.put_rule(Name="orders", EventPattern='{"source": ["shop.orders"]}')
    target = {"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:123456789012:orders"}
    events.put_targets(Rule="orders", Targets=[target])
    return sqs


def asks(airflow: LocalAirflow, run: str, task: str) -> bool:
    """Whether a step waits for a person."""
    return airflow.task(DAG, run, f"safe_replay.{task}")["state"] in ("deferred", "awaiting_input")


def approve(airflow: LocalAirflow, run: str, task: str) -> None:
    """Approve a step whenever it asks: Airflow may lose the try that was answered, and the next asks again.

    https://github.com/apache/airflow/issues/71580
    """
    path = ("dags", DAG, "dagRuns", run, "taskInstances", f"safe_replay.{task}", "-1", "hitlDetails")

    def approved() -> bool:
        if asks(airflow, run, task):
            airflow.call("PATCH", *path, json={"chosen_options": ["Approve"], "params_input": {}})
        return bool(airflow.task(DAG, run, f"safe_replay.{task}")["state"] == "success")

    airflow.wait_for(approved, timeout=120, what=f"{task} to be approved")


def test_a_replay_goes_step_by_step(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    sqs = seed(aws)
    aws.set_pace(seconds=0.5)
    conf = {"start": "2026-01-01T22:00:00Z", "end": "2026-01-02T00:00:00Z"}
    run = airflow.trigger(DAG, conf=conf)
    airflow.wait_for(lambda: asks(airflow, run, "approve"), timeout=120, what="approve to ask")
    # Only the trial has run, of the last hour.
    assert len(aws.jobs("events")) == 1
    assert depth(sqs, "orders-trial") == 1
    assert depth(sqs, "orders") == 0
    approve(airflow, run, "approve")
    approve(airflow, run, "approve_redrive")
    airflow.wait_run(DAG, run)
    report = airflow.xcom(DAG, run, "safe_replay.report")
    report = json.loads(report) if isinstance(report, str) else report
    (rule,) = report["rules"]
    assert rule.items() >= {"rule_name": "orders", "matched": 3, "invoked": 3, "failed": 0}.items()
    assert report["dead_letter_queues"] == [{"queue_arn": DEAD, "messages_before": 1, "messages_after": 1}]
    assert aws.max_active("events") == 1
    assert [job["events_replayed"] for job in aws.jobs("events")] == [1, 2, 1]
    assert (depth(sqs, "orders"), depth(sqs, "orders-dead")) == (4, 0)


def depth(sqs: Any, queue: str) -> int:
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
    return sum(map(int, sqs.get_queue_attributes(QueueUrl=url, AttributeNames=names)["Attributes"].values()))
