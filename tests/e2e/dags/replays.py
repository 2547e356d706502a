# SPDX-License-Identifier: Apache-2.0

"""DAGs of one replay each, in the ways that the tests want it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

WAYS: dict[str, dict[str, Any]] = {
    "on_worker": {"deferrable": False},
    "deferred": {"deferrable": True},
    "left": {"deferrable": True, "cancel_on_kill": False},
    "hurried": {"deferrable": True, "job_timeout": timedelta(seconds=3), "retries": 0},
}

for dag_id, way in WAYS.items():
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
            **way,
        )
