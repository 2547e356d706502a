# SPDX-License-Identifier: Apache-2.0

"""Find each day's slow requests."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable
from logs_insights.operators import LogsStartQueryOperator

with DAG(
    "slow_requests",
    start_date=datetime(2026, 1, 1),
    # A plain "@daily" has an empty data interval in Airflow 3; this one spans the day.
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
) as dag:
    LogsStartQueryOperator(
        task_id="query",
        log_group="/shop/web",
        query_string="fields @timestamp, @message | filter duration > 1000 | sort duration desc | limit 20",
        deferrable=True,
        job_timeout=timedelta(minutes=30),
    )
