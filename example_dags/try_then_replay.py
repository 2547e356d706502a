# SPDX-License-Identifier: Apache-2.0

"""Try a day's replay on a queue that no consumer reads, check what came, then replay to everybody.

A temporary rule takes the last hour of the day to the queue. It matches replayed events only, and the trial
reaches no other rule. A teardown deletes it, whatever becomes of the trial; if the trial fails, nobody else
has got an event.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.hooks.sqs import SqsHook
from airflow.sdk import DAG, CronDataIntervalTimetable, task

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.operators.temporary_rule import EventBridgeTemporaryRule

# Its policy allows EventBridge (events.amazonaws.com) to send messages.
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders-trial"


# A retry would not see again what this one has seen.
@task(retries=0)
def check(replay_name: Any) -> int:
    """Take the trial's events out of the queue; fail if one is not what consumers expect."""
    sqs: Any = SqsHook().get_conn()
    url = sqs.get_queue_url(QueueName=QUEUE.rpartition(":")[2])["QueueUrl"]
    count = 0
    while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
        for message in messages:
            event = json.loads(message["Body"])
            # An earlier trial may have left some.
            if event["replay-name"] == replay_name:
                count += 1
                if "order" not in event["detail"]:
                    raise ValueError(f"Event {event['id']} has no order: {event['detail']}")
            sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
    if not count:
        raise ValueError(f"No event of {replay_name} has come: does the queue allow EventBridge to send?")
    return count


with DAG(
    "try_then_replay",
    start_date=datetime(2026, 1, 1),
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
):
    with EventBridgeTemporaryRule(
        "trial", target_arn=QUEUE, event_pattern={"source": ["shop.orders"]}
    ) as trial:
        tried = EventBridgeStartReplayOperator(
            task_id="tried",
            archive="orders",
            rule_arns=[trial.rule_arn],
            event_start_time="{{ (data_interval_end - macros.timedelta(hours=1)) | ts }}",
            event_end_time="{{ data_interval_end | ts }}",
            if_empty="fail",
            deferrable=True,
        )
        checked = check(tried.output["replay_name"])

    replay = EventBridgeStartReplayOperator(task_id="replay", archive="orders", deferrable=True)
    checked >> replay
