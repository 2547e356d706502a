# SPDX-License-Identifier: Apache-2.0

"""A replay in steps: the group's tasks and their order, the plan, the report, parts that wait for room."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import boto3
import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowSkipException
from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs import safe_replay as module
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.operators._replay_plan import (
    EventBridgePlanReplayOperator,
    EventBridgeReportReplayOperator,
    SkipWithoutDeadLettersOperator,
)
from airflow_provider_jobs.safe_replay import safe_replay
from airflow_provider_jobs.testing import AwsJobs

from .replays import DAY, replay

QUEUE, DEAD = (f"arn:aws:sqs:{REGION}:123456789012:{name}" for name in ("orders", "dead"))
asks = pytest.mark.skipif(module._approval_operator() is None, reason="Airflow has no approvals")


@pytest.fixture
def orders(aws: AwsJobs) -> Any:
    """The consumer's queue, with a dead-letter queue of its own."""
    events, sqs = boto3.client("events", region_name=REGION), boto3.client("sqs", region_name=REGION)
    for name in ("dead", "orders"):
        sqs.create_queue(QueueName=name)
    policy = json.dumps({"deadLetterTargetArn": DEAD, "maxReceiveCount": "1"})
    url = sqs.get_queue_url(QueueName="orders")["QueueUrl"]
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"RedrivePolicy": policy, "VisibilityTimeout": "0"})
    entry: dict[str, Any] = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
    times = [DAY["event_start_time"] + timedelta(hours=hour) for hour in (1, 13, 14)]
    entries: list[Any] = [{**entry, "Time": time} for time in times]
    events.put_events(Entries=entries)
    events.put_rule(Name="orders", EventPattern='{"source": ["shop"], "replay-name": [{"exists": true}]}')
    events.put_targets(Rule="orders", Targets=[{"Id": "1", "Arn": QUEUE}])
    return lambda: sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])


def tasks(**kwargs: Any) -> dict[str, set[str]]:
    """The group's tasks, each with those that it follows."""
    with DAG("safe", schedule=None) as dag:
        safe_replay("s", archive="orders", **DAY, **kwargs)
    return {
        task.task_id.removeprefix("s."): {each.removeprefix("s.") for each in task.upstream_task_ids}
        for task in dag.tasks
    }


def test_the_least_of_it() -> None:
    assert tasks(approval=False) == {
        "plan": set(),
        "replay": {"plan"},
        "delivery": {"replay"},
        "report": {"plan", "replay", "delivery"},
    }


@asks
def test_all_of_it() -> None:
    assert tasks(trial_target_arn=QUEUE, redrive_arn=DEAD) == {
        "plan": set(),
        "create_trial": {"plan"},
        "trial": {"create_trial", "plan"},
        "delete_trial": {"create_trial", "trial"},
        "approve": {"trial"},
        "replay": {"approve", "plan"},
        "delivery": {"replay"},
        "report": {"plan", "replay", "delivery"},
        "dead_letters": {"report"},
        "approve_redrive": {"dead_letters"},
        "redrive": {"approve_redrive"},
    }


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"approval": True}, "approval=True needs Airflow's ApprovalOperator"),
        ({"redrive_arn": DEAD}, "redrive_arn needs Airflow's ApprovalOperator"),
        ({"approval": False, "at_once": 0}, "at_once=0 must be 1 or more"),
        ({"approval": False, "part": 0}, "part=0 must be a positive number"),
    ],
)
def test_what_cannot_work(monkeypatch: pytest.MonkeyPatch, given: dict[str, Any], told: str) -> None:
    # An Airflow without approvals.
    monkeypatch.setitem(__import__("sys").modules, "airflow.providers.standard.operators.hitl", None)
    assert "approve" not in tasks()
    with pytest.raises(JobInputError, match=told):
        tasks(**given)


def test_plan_replays_and_report(aws: AwsJobs, orders: Any) -> None:
    plan = OneTask(
        lambda: EventBridgePlanReplayOperator(
            task_id="plan", archive="orders", part=timedelta(hours=12), rule_arns=["orders"], **DAY, **AWS
        )
    )
    first, second = plan.run()
    assert first["event_end_time"] == second["event_start_time"] == plan.xcoms["last_start"]
    assert plan.xcoms["dead_letters"] == {DEAD: 0}
    parts = [
        replay(**{**DAY, **part}, rule_arns=["orders"], replay_name=f"part-{number}").run()
        for number, part in enumerate((first, second))
    ]
    # The consumer takes each twice and deletes none.
    assert len([*orders(), *orders()]) >= 3
    report = OneTask(
        lambda: EventBridgeReportReplayOperator(
            task_id="report", replays=parts, dead_letters=plan.xcoms["dead_letters"], **AWS
        )
    ).run()
    assert report["replays"] == ["part-0", "part-1"]
    assert (report["event_start_time"], report["event_end_time"]) == (
        DAY["event_start_time"].isoformat(),
        DAY["event_end_time"].isoformat(),
    )
    (rule,) = report["rules"]
    assert rule.items() >= {"rule_name": "orders", "matched": 3, "invoked": 3, "failed": 0}.items()
    assert report["dead_letter_queues"] == [{"queue_arn": DEAD, "messages_before": 0, "messages_after": 3}]
    assert skip(report).run() == 3
    report["dead_letter_queues"][0]["messages_after"] = 0
    with pytest.raises(AirflowSkipException, match="nothing to redrive"):
        skip(report).run()


def skip(report: dict[str, Any]) -> OneTask:
    return OneTask(
        lambda: SkipWithoutDeadLettersOperator(task_id="dead_letters", report=report, queue_arn=DEAD)
    )


@pytest.mark.parametrize("given", [[], "text", [{"replay_name": "begun"}]])
def test_a_report_needs_replays(given: Any) -> None:
    with pytest.raises(JobInputError, match="replays"):
        OneTask(lambda: EventBridgeReportReplayOperator(task_id="report", replays=given, **AWS)).run()


def test_a_part_waits_while_a_targets_queue_is_too_full(aws: AwsJobs, orders: Any) -> None:
    replay(rule_arns=["orders"], replay_name="earlier").run()
    task = replay(rule_arns=["orders"], deferrable=True, max_queue_depth=2)
    assert task.begin() is None
    assert task.deferred is not None
    assert task.deferred.method_name == "execute_after_wait"
    assert aws.calls("events")["StartReplay"] == 1
    orders(), orders()  # into the dead-letter queue
    assert task.resume(task.fire()) is None
    assert aws.calls("events")["StartReplay"] == 2
    assert task.resume(task.fire())["state"] == "COMPLETED"
