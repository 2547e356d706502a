# SPDX-License-Identifier: Apache-2.0

"""Run at most three replays side by side."""

from __future__ import annotations

from datetime import datetime

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

daily = CronDataIntervalTimetable("@daily", timezone="UTC")

# Airflow counts the instances of this task, over all runs of the DAG.
with DAG("three_of_a_task", start_date=datetime(2026, 1, 1), schedule=daily, catchup=False):
    EventBridgeStartReplayOperator(
        task_id="replay", archive="orders", deferrable=True, max_active_tis_per_dag=3
    )

# Airflow counts the slots of the pool, whatever task holds them.
with DAG("three_of_a_pool", start_date=datetime(2026, 1, 1), schedule=daily, catchup=False):
    EventBridgeStartReplayOperator(task_id="replay", archive="orders", deferrable=True, pool="replays")
