# SPDX-License-Identifier: Apache-2.0

"""Replay each day's archived events to the bus that they came from.

It reaches AWS by the connection ``aws_default``.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

with DAG(
    "eventbridge_replay",
    start_date=datetime(2026, 1, 1),
    # A plain "@daily" has an empty data interval in Airflow 3; this one spans the day.
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
):
    EventBridgeStartReplayOperator(
        task_id="replay",
        archive="orders",  # your archive's name or ARN; the window is the run's data interval
        deferrable=True,  # waits in the triggerer and holds no worker
        # Starts the DAGs that are scheduled on this asset, and tells them the day.
        outlets=[Asset("orders_replayed")],
    )
