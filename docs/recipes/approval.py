# SPDX-License-Identifier: Apache-2.0

"""Ask a person before a replay starts."""

from __future__ import annotations

from datetime import datetime

from airflow.providers.standard.operators.hitl import ApprovalOperator
from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

with DAG(
    "approval",
    start_date=datetime(2026, 1, 1),
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
):
    ask = ApprovalOperator(
        task_id="ask",
        subject="Replay the orders of {{ data_interval_start | ds }}?",
        body="Their consumers receive all events of that day a second time.",
    )
    replay = EventBridgeStartReplayOperator(task_id="replay", archive="orders", deferrable=True)
    ask >> replay
