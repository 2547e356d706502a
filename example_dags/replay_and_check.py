# SPDX-License-Identifier: Apache-2.0

"""Replay a day while the consumer is watched: if it cannot cope, the replay is cancelled.

The start is a setup and the cancel its teardown: whatever becomes of the tasks in between, the replay ends
with the run. Where the replay has completed by then, there is nothing to cancel.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.hooks.sqs import SqsHook
from airflow.sdk import DAG, CronDataIntervalTimetable, task

from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor

# Where the bus puts the events that the consumer did not take.
DEAD_LETTERS = "orders-dead-letters"


@task
def check(replay_name: Any) -> None:
    """Fail if events of the replay were not taken."""
    sqs: Any = SqsHook().get_conn()
    url = sqs.get_queue_url(QueueName=DEAD_LETTERS)["QueueUrl"]
    name = "ApproximateNumberOfMessages"
    left = int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
    if left:
        raise ValueError(f"{left} events wait in {DEAD_LETTERS} while {replay_name} runs.")


with DAG(
    "replay_and_check",
    start_date=datetime(2026, 1, 1),
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
):
    start = EventBridgeStartReplayOperator(task_id="start", archive="orders", wait_for_completion=False)
    name = start.output["replay_name"]
    wait = EventBridgeReplaySensor(task_id="wait", replay_name=name, deferrable=True)
    cancel = EventBridgeCancelReplayOperator(task_id="cancel", replay_name=name)

    start >> check(name) >> wait >> cancel.as_teardown(setups=start)
