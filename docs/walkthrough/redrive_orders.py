# SPDX-License-Identifier: Apache-2.0

"""Give each night's dead letters another chance."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG
from sqs_redrive.operators import SqsStartMessageMoveTaskOperator

with DAG(
    "redrive_orders",
    start_date=datetime(2026, 1, 1),
    schedule="0 4 * * *",
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=1)},
    doc_md=__doc__,
) as dag:
    SqsStartMessageMoveTaskOperator(
        task_id="redrive",
        source_arn="arn:aws:sqs:eu-west-1:123456789012:orders-dead",
        deferrable=True,
        job_timeout=timedelta(hours=2),
    )
