# SPDX-License-Identifier: Apache-2.0

"""What the operators of EventBridge's archives and rules do, for the policies of docs/iam.md."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from job_cases import AWS, REGION, JobCase, client
from one_task import OneTask

from airflow_provider_jobs.operators import eventbridge
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplayDeliverySensor
from airflow_provider_jobs.testing import AwsJobs

Go = Callable[[], object]
ACCOUNT = "123456789012"


def reaches_one_rule(case: JobCase, aws: AwsJobs) -> Go:
    client("events").put_rule(Name="to-queue", EventPattern='{"source": ["shop"]}')
    return OneTask(lambda: case.operator(rule_arns=["to-queue"])).run


def tells_deliveries(case: JobCase, aws: AwsJobs) -> Go:
    """Of a replay to all rules and of one to a rule."""
    client("sqs").create_queue(QueueName="orders")
    client("events").put_rule(Name="to-queue", EventPattern='{"source": ["shop"]}')
    target = {"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:orders"}
    client("events").put_targets(Rule="to-queue", Targets=[target])
    entry = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
    client("events").put_events(Entries=[entry])
    names = [
        OneTask(lambda given=given: case.operator(**given)).run()["replay_name"]  # type: ignore[misc]
        for given in ({"replay_name": "to-all"}, {"replay_name": "to-one", "rule_arns": ["to-queue"]})
    ]

    def go() -> None:
        for name in names:
            OneTask(
                lambda name=name: EventBridgeReplayDeliverySensor(  # type: ignore[misc]
                    task_id="delivery", replay_name=name, delivery_delay=0, poke_interval=0.02, **AWS
                )
            ).run()

    return go


def archives(case: JobCase, aws: AwsJobs) -> Go:
    """An archive is created, and then changed."""
    given: dict[str, Any] = {"task_id": "create", "archive_name": "paid", **AWS}

    def go() -> None:
        for days in (7, 30):
            OneTask(
                lambda days=days: eventbridge.EventBridgeCreateArchiveOperator(retention_days=days, **given)  # type: ignore[misc]
            ).run()

    return go


def archives_no_more(case: JobCase, aws: AwsJobs) -> Go:
    given: dict[str, Any] = {"task_id": "delete", "archive_name": "paid", **AWS}
    return OneTask(lambda: eventbridge.EventBridgeDeleteArchiveOperator(**given)).run


def makes_a_rule(case: JobCase, aws: AwsJobs) -> Go:
    """Where an earlier run has left one, whose time is over by now."""
    given: dict[str, Any] = {
        "task_id": "create",
        "target_arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:trial",
        **AWS,
    }

    def go() -> None:
        for run in ("run-1", "run-2"):
            OneTask(
                lambda: eventbridge.EventBridgeCreateTemporaryRuleOperator(keep_for=60, **given), run_id=run
            ).run()
            aws.set_clock_skew(70)

    return go


def deletes_a_rule(case: JobCase, aws: AwsJobs) -> Go:
    given: dict[str, Any] = {"task_id": "delete", "rule_name": "orders.create" + "-0123456789ab" * 2, **AWS}
    return OneTask(lambda: eventbridge.EventBridgeDeleteTemporaryRuleOperator(**given)).run
