# SPDX-License-Identifier: Apache-2.0

"""Replay each day's orders, in the AWS that the connection ``aws_try`` leads to."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

with DAG(
    "try_replay",
    start_date=datetime(2026, 1, 1),
    # A plain "@daily" has an empty data interval in Airflow 3; this one spans the day.
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
):
    EventBridgeStartReplayOperator(
        task_id="replay",
        archive="orders",
        aws_conn_id="aws_try",  # to go on with your own AWS: your connection, and your archive
        deferrable=True,  # waits in the triggerer and holds no worker
        poll_interval=2,  # seconds; these replays take five, AWS's take minutes
    )
