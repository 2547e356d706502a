# SPDX-License-Identifier: Apache-2.0

"""Replay a span of orders by hand, step by step: an estimate, a trial, an approval, an hour at a time.

Trigger it with a start and an end. After the trial of the last hour a person approves the rest in Airflow's
UI. A part starts only while the consumer's queue has at most 10,000 messages. The task ``report`` has what
each rule did. If the dead-letter queue has messages then, a second approval moves them back.
"""

from __future__ import annotations

from datetime import timedelta

from airflow.sdk import DAG, Param

from airflow_provider_jobs.safe_replay import safe_replay

SPAN = {
    name: Param(type="string", format="date-time", description=f"the {name}, with an offset or Z")
    for name in ("start", "end")
}

with DAG("replay_safely", schedule=None, params=SPAN, doc_md=__doc__):
    safe_replay(
        archive="orders",
        event_start_time="{{ params.start }}",
        event_end_time="{{ params.end }}",
        rule_arns=["orders"],
        part=timedelta(hours=1),
        max_queue_depth=10_000,
        trial_target_arn="arn:aws:sqs:us-east-1:123456789012:orders-trial",
        event_pattern={"source": ["shop.orders"]},
        redrive_arn="arn:aws:sqs:us-east-1:123456789012:orders-dead",
    )
