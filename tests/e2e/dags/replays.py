# SPDX-License-Identifier: Apache-2.0

"""DAGs of one replay each, of the run's own day.

In ``linked`` the task keeps what a link is made of, as it does by itself where the endpoint is AWS's own.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable

from airflow_provider_jobs.links.eventbridge import EventBridgeReplayLink
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator


def keep_link(context: Any) -> None:
    """Keep what the link to a replay is made of."""
    EventBridgeReplayLink.persist(context, context["task"], "us-east-1", "aws", job_id="there")


WAYS: dict[str, dict[str, Any]] = {
    "one_day": {},
    "many_days": {},
    "on_worker": {"deferrable": False},
    "linked": {"pre_execute": keep_link},
    "hurried": {"job_timeout": timedelta(seconds=10), "retries": 0},
}

for dag_id, way in WAYS.items():
    with DAG(
        dag_id,
        start_date=datetime(2026, 1, 1),
        schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
        catchup=False,
        max_active_runs=50,
        default_args={"retries": 2, "retry_delay": timedelta(seconds=1)},
    ):
        EventBridgeStartReplayOperator(
            task_id="replay",
            archive="orders",
            poll_interval=2,
            outlets=[Asset(f"{dag_id}_replayed")],
            **{"deferrable": True, **way},
        )
