# SPDX-License-Identifier: Apache-2.0

"""Export each day of some log groups to S3, for a bucket that keeps them longer and cheaper.

AWS runs one export at a time in an account and Region. A backfill of many days starts all its tasks, which
queue in the triggerer and hold no worker. It reaches AWS by the connection ``aws_default``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.logs import CloudWatchLogsCreateExportTaskOperator

with DAG(
    "logs_export",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
):
    CloudWatchLogsCreateExportTaskOperator.partial(
        task_id="export",
        destination="exports",  # your bucket, with the policy of the guide
        deferrable=True,  # waits in the triggerer and holds no worker
        start_timeout=timedelta(days=30),  # how long a task may queue
    ).expand(log_group_name=["/shop/web", "/shop/orders"])
