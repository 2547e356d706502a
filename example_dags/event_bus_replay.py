# SPDX-License-Identifier: Apache-2.0

"""Replay each hour of a Custom Event Bus to a queue, and end when it is delivered.

A subscriber delivers the hour's events; AWS does not say when it has. The task concludes it from CloudWatch's
figures, fails if an event was not delivered, and deletes the subscriber. It reaches AWS by the connection
``aws_default``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.event_bus import EventBridgeCreateReplaySubscriberOperator

with DAG(
    "event_bus_replay",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    schedule=CronDataIntervalTimetable("@hourly", timezone="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
):
    EventBridgeCreateReplaySubscriberOperator(
        task_id="replay",
        event_bus_arn="arn:aws:events:us-east-1:123456789012:event-busv2/orders/abcdefghijklmnopqrstuvwxy",
        target_arn="arn:aws:sqs:us-east-1:123456789012:orders-again",
        role_arn="arn:aws:iam::123456789012:role/deliver",  # may send to both queues
        dead_letter_arn="arn:aws:sqs:us-east-1:123456789012:orders-again-dead",
        filters={"DATA": {"detail-type": ["OrderPlaced"]}},
        if_empty="skip",  # an hour without such an event
        deferrable=True,  # waits in the triggerer and holds no worker
        job_timeout=timedelta(hours=6),
    )
