# SPDX-License-Identifier: Apache-2.0

"""Export each hour's changes of a DynamoDB table to S3.

The table needs point-in-time recovery. Each export has the items that its hour has changed, before and after.
It reaches AWS by the connection ``aws_default``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.dynamodb import DynamoDBExportTableToPointInTimeOperator

with DAG(
    "dynamodb_export",
    start_date=datetime(2026, 1, 1, tzinfo=UTC),
    schedule=CronDataIntervalTimetable("@hourly", timezone="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=5)},
    doc_md=__doc__,
):
    DynamoDBExportTableToPointInTimeOperator(
        task_id="export",
        table_arn="arn:aws:dynamodb:us-east-1:123456789012:table/orders",  # your table
        s3_bucket="exports",  # your bucket
        s3_prefix="orders/changes",
        export_type="INCREMENTAL_EXPORT",
        deferrable=True,  # waits in the triggerer and holds no worker
    )
