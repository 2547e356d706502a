# SPDX-License-Identifier: Apache-2.0

"""Move the messages of a dead-letter queue back to their queue.

Trigger it once the consumer is repaired. It reaches AWS by the connection ``aws_default``.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_provider_jobs.operators.sqs import SqsStartMessageMoveTaskOperator

with DAG(
    "sqs_redrive",
    schedule=None,
    params={
        "queue": Param(
            "arn:aws:sqs:us-east-1:123456789012:orders-dead",  # your dead-letter queue
            type="string",
            description="ARN of the dead-letter queue",
        ),
        "per_second": Param(50, type="integer", minimum=1, maximum=500),
    },
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
):
    SqsStartMessageMoveTaskOperator(
        task_id="redrive",
        source_arn="{{ params.queue }}",
        max_messages_per_second="{{ params.per_second }}",  # what the consumer can bear
        deferrable=True,  # waits in the triggerer and holds no worker
        job_timeout=timedelta(hours=2),  # then the redrive is cancelled, and the rest stays where it is
    )
