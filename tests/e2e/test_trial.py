# SPDX-License-Identifier: Apache-2.0

"""example_dags/try_then_replay.py in a real Airflow: a trial on a temporary rule, and its teardown."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .conftest import PRELOADED, TRIES_TO_LOSE, connect
from .deferrals import ends
from .gateway import Gateway
from .job_types import REGION, clients

pytestmark = pytest.mark.e2e

DAG = "try_then_replay"
EXAMPLE = Path(__file__).parents[2] / "example_dags" / f"{DAG}.py"
#: When a run is due that has the events of the first of January.
DUE = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def airflow(gateway: Gateway, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalAirflow]:
    """An Airflow with the example alone; its retries come at once."""
    folder = tmp_path_factory.mktemp("dags")
    text = EXAMPLE.read_text()
    assert "seconds=10" in text
    (folder / EXAMPLE.name).write_text(text.replace("seconds=10", "seconds=0.1"))
    env = {**PRELOADED, **TRIES_TO_LOSE, "AIRFLOW__AIRFLOW_PROVIDER_JOBS__POLL_INTERVAL": "1"}
    with LocalAirflow(folder, env) as airflow:
        connect(airflow, gateway, "aws_default", "testing", "testing")
        yield airflow
    shutil.rmtree(folder)


class Bus:
    """The bus with a live rule, and the queues of that and of the trial."""

    def __init__(self, aws: AwsJobsServer) -> None:
        client = clients(aws.url)
        self._events, self._sqs = client("events"), client("sqs")
        for name in ("live", "orders-trial"):
            self._sqs.create_queue(QueueName=name)
        self._events.put_rule(Name="live", EventPattern='{"source": ["shop.orders"]}')
        arn = f"arn:aws:sqs:{REGION}:123456789012:live"
        self._events.put_targets(Rule="live", Targets=[{"Id": "live", "Arn": arn}])

    def send(self, *hours: int, detail: str = '{"order": 1}') -> None:
        """Put an event of each hour of the day; what was live is taken out of the queue again."""
        entries: Any = [
            {
                "Source": "shop.orders",
                "DetailType": "order",
                "Detail": detail,
                "Time": datetime(2026, 1, 1, hour, 30, tzinfo=UTC),
            }
            for hour in hours
        ]
        self._events.put_events(Entries=entries)
        assert len(self.taken("live")) == len(hours)

    def taken(self, queue: str) -> list[dict[str, Any]]:
        """Take all messages out of a queue; their bodies."""
        url, found = self._sqs.get_queue_url(QueueName=queue)["QueueUrl"], []
        while messages := self._sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found += [json.loads(each["Body"]) for each in messages]
            for each in messages:
                self._sqs.delete_message(QueueUrl=url, ReceiptHandle=each["ReceiptHandle"])
        return found

    @property
    def rules(self) -> list[str]:
        """The names of the rules, but for the archive's."""
        return [row["Name"] for row in self._events.list_rules()["Rules"] if "ManagedBy" not in row]


@pytest.fixture
def bus(aws: AwsJobsServer) -> Bus:
    return Bus(aws)


def until(airflow: LocalAirflow, run: str, task_id: str, state: str) -> None:
    """Wait until a task is in a state and the scheduler knows that its worker is done."""

    def reached() -> bool:
        row = airflow.task(DAG, run, task_id)
        return bool(row["state"] == state and ends(airflow, DAG, run)[task_id, row["try_number"]])

    airflow.wait_for(reached, what=f"{task_id} to be {state}")


def finish(aws: AwsJobsServer, replays: int) -> None:
    """Let the replay that is the last of so many get to its end."""
    jobs = aws.jobs("events")
    assert len(jobs) == replays
    aws.advance(jobs[-1]["id"])


def test_a_trial_comes_before_the_replay(airflow: LocalAirflow, aws: AwsJobsServer, bus: Bus) -> None:
    bus.send(5, 22, 23, 23)
    run = airflow.trigger(DAG, logical_date=DUE)
    until(airflow, run, "tried", "deferred")
    (rule,) = set(bus.rules) - {"live"}
    assert rule.startswith("try_then_replay.create_trial"[:38])
    finish(aws, 1)
    until(airflow, run, "replay", "deferred")
    # The trial had the last hour's events, and the others none.
    assert airflow.xcom(DAG, run, "check") == 2
    assert bus.taken("live") == []
    finish(aws, 2)
    airflow.wait_run(DAG, run)
    assert [event["replay-name"] for event in bus.taken("live")] == [aws.jobs("events")[-1]["id"]] * 4
    assert bus.taken("orders-trial") == []
    assert bus.rules == ["live"]


def test_what_a_trial_finds_keeps_the_replay_from_all_others(
    airflow: LocalAirflow, aws: AwsJobsServer, bus: Bus
) -> None:
    bus.send(23, detail="{}")
    run = airflow.trigger(DAG, logical_date=DUE.replace(day=2, hour=0, microsecond=1))
    until(airflow, run, "tried", "deferred")
    finish(aws, 1)
    airflow.wait_run(DAG, run, {"failed"})
    assert airflow.task(DAG, run, "delete_trial")["state"] == "success"
    assert airflow.task(DAG, run, "replay")["state"] == "upstream_failed"
    assert (bus.taken("live"), bus.rules) == ([], ["live"])


def test_a_trial_that_is_marked_leaves_no_rule(airflow: LocalAirflow, aws: AwsJobsServer, bus: Bus) -> None:
    bus.send(23)
    run = airflow.trigger(DAG, logical_date=DUE.replace(microsecond=2))
    until(airflow, run, "tried", "deferred")
    assert len(bus.rules) == 2
    # A trigger that no triggerer has started yet is deleted with the mark, and stops nothing.
    name = re.escape(aws.jobs("events")[0]["id"])
    polled = re.compile(rf" INFO (?:\S+/)?{name}: ")
    airflow.wait_for(lambda: polled.search(airflow.log(DAG, run, "tried")), what="the trigger to poll")
    airflow.set_task_state(DAG, run, "tried", "failed")
    airflow.wait_run(DAG, run, {"failed"})
    airflow.wait_for(lambda: aws.jobs("events")[0]["state"] == "CANCELLING", what="the trial to be cancelled")
    assert airflow.task(DAG, run, "delete_trial")["state"] == "success"
    assert (bus.taken("live"), bus.rules) == ([], ["live"])
