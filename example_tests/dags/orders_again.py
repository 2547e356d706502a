# SPDX-License-Identifier: Apache-2.0

"""The DAG of the README."""

from datetime import datetime

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

daily = CronDataIntervalTimetable("@daily", timezone="UTC")
with DAG("orders_again", start_date=datetime(2026, 1, 1), schedule=daily, catchup=False):
    EventBridgeStartReplayOperator(task_id="replay", archive="orders", deferrable=True)
