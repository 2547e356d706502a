# SPDX-License-Identifier: Apache-2.0

"""Replay the orders of each day, and then the invoices of that very day, by partitions. Needs Airflow 3.3.

Runs of a partition have no data interval: the window of a replay is the partition. Two DAGs, which an asset
chains: Airflow hands the partition of the first one's run to the second one's.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, CronPartitionTimetable, PartitionedAssetTimetable

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

ORDERS_OF_THE_DAY = Asset("orders_of_the_day")

DEFAULT: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1),
    "catchup": False,
    "default_args": {"retries": 2, "retry_delay": timedelta(seconds=10)},
    "doc_md": __doc__,
}

with DAG(
    "replay_order_days",
    # With run_offset=0, Airflow's default, the run of midnight is for the day that begins then.
    schedule=CronPartitionTimetable("@daily", timezone="UTC", run_offset=-1),
    **DEFAULT,
):
    EventBridgeStartReplayOperator(
        task_id="replay",
        archive="orders",  # the window goes from the partition's date to the timetable's next tick
        deferrable=True,
        outlets=[ORDERS_OF_THE_DAY],
    )

with DAG(
    "replay_invoice_days",
    # Only such a schedule follows the events of partitions; schedule=ORDERS_OF_THE_DAY would get no run.
    schedule=PartitionedAssetTimetable(assets=ORDERS_OF_THE_DAY),
    **DEFAULT,
):
    EventBridgeStartReplayOperator(
        task_id="replay",
        archive="invoices",
        partition_window=timedelta(days=1),  # this timetable does not tell how long a partition is
        deferrable=True,
    )
