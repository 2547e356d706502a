# SPDX-License-Identifier: Apache-2.0

"""Cluster policy of the demo's Airflow, which finds this file by its name.

https://airflow.apache.org/docs/apache-airflow/stable/administration-and-deployment/cluster-policies.html
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta

from airflow.sdk import DAG


def dag_policy(dag: DAG) -> None:
    """End every schedule with the days of the demo, so that only what it asks for runs.

    Replays do not wait for late events: the archives of the simulated AWS have theirs at once, and its
    CloudWatch has its figures.
    """
    # Airflow reads this file while it is being imported itself.
    from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
    from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplayDeliverySensor

    dag.end_date = datetime.fromisoformat(os.environ["DEMO_ENDS"])
    for task in dag.tasks:
        if isinstance(task, EventBridgeStartReplayOperator):
            task.archive_delay = timedelta(0)
        if isinstance(task, EventBridgeReplayDeliverySensor):
            task.delivery_delay = timedelta(0)
