# SPDX-License-Identifier: Apache-2.0

"""Daily exports of log groups, by this package: to be backfilled."""

from __future__ import annotations

import os
from datetime import UTC, datetime

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.logs import CloudWatchLogsCreateExportTaskOperator

with DAG(
    "exports",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
):
    CloudWatchLogsCreateExportTaskOperator.partial(
        task_id="export",
        destination="exports",
        deferrable=True,
        poll_interval=float(os.environ["BENCHMARK_INTERVAL"]),
    ).expand(log_group_name=[f"/shop/{n}" for n in range(int(os.environ.get("BENCHMARK_GROUPS", "1")))])
