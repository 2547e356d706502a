# SPDX-License-Identifier: Apache-2.0

"""DAGs beside those of ``example_dags/partitioned_replay.py``, for the tests of partitions."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import (
    DAG,
    Asset,
    CronPartitionTimetable,
    PartitionedAssetTimetable,
    PartitionedAtRuntime,
    StartOfDayMapper,
    task,
)

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

ORDERS_OF_THE_DAY = Asset("orders_of_the_day")

with DAG("follows_the_asset", schedule=ORDERS_OF_THE_DAY):

    @task
    def nothing() -> None:
        """Do nothing."""

    nothing()

with DAG(
    "follows_days",
    schedule=PartitionedAssetTimetable(assets=ORDERS_OF_THE_DAY, default_partition_mapper=StartOfDayMapper()),
):
    EventBridgeStartReplayOperator(
        task_id="replay", archive="invoices", partition_window=timedelta(days=1), deferrable=True
    )

for dag_id, timezone in (("days_of_berlin", "Europe/Berlin"), ("days_once_more", "UTC")):
    with DAG(
        dag_id,
        schedule=CronPartitionTimetable("@daily", timezone=timezone, run_offset=-1),
        start_date=datetime(2026, 1, 1),
        end_date=datetime(2026, 4, 30),
        catchup=False,
    ):
        EventBridgeStartReplayOperator(
            task_id="replay",
            archive="orders",
            deferrable=True,
            outlets=[ORDERS_OF_THE_DAY] if dag_id == "days_once_more" else [],
        )

with DAG("adds_a_partition", schedule=PartitionedAtRuntime()):
    EventBridgeStartReplayOperator(
        task_id="replay",
        archive="orders",
        event_start_time="2026-02-05T07:00:00+00:00",
        event_end_time="2026-02-05T08:00:00+00:00",
        outlets=[ORDERS_OF_THE_DAY],
        pre_execute=lambda context: context["outlet_events"][ORDERS_OF_THE_DAY].add_partitions(
            context["dag_run"].conf["key"]
        ),
    )
