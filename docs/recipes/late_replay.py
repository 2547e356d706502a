# SPDX-License-Identifier: Apache-2.0

"""Send a message if a day's events are not replayed by six o'clock the next morning."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.providers.amazon.aws.notifications.sns import SnsNotifier
from airflow.sdk import DAG, CronDataIntervalTimetable, DeadlineAlert, DeadlineReference, SyncCallback

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

message = SyncCallback(
    SnsNotifier,
    {
        "target_arn": "arn:aws:sns:us-east-1:123456789012:late_replays",
        "message": "{{ dag_run.dag_run_id }} of {{ dag_run.dag_id }} missed {{ deadline.deadline_time }}.",
        "aws_conn_id": None,  # Airflow lets no callback read a connection
        "region_name": "us-east-1",
    },
)

with DAG(
    "late_replay",
    start_date=datetime(2026, 1, 1),
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
    # The logical date of a scheduled run is the start of its day.
    deadline=DeadlineAlert(DeadlineReference.DAGRUN_LOGICAL_DATE, timedelta(hours=30), message),
):
    EventBridgeStartReplayOperator(
        task_id="replay",
        archive="orders",
        deferrable=True,
        job_timeout=timedelta(hours=12),  # stops the replay; the deadline above does not
    )
