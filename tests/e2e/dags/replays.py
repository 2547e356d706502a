# SPDX-License-Identifier: Apache-2.0

"""DAGs of one replay each, of the run's own day."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

for dag_id in ("one_day", "many_days"):
    with DAG(
        dag_id,
        start_date=datetime(2026, 1, 1),
        schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
        catchup=False,
        max_active_runs=50,
        default_args={"retries": 2, "retry_delay": timedelta(seconds=1)},
    ):
        EventBridgeStartReplayOperator(
            task_id="replay",
            archive="orders",
            poll_interval=0.5,
            outlets=[Asset(f"{dag_id}_replayed")],
            deferrable=True,
        )
