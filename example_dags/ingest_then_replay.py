# SPDX-License-Identifier: Apache-2.0

"""Ingest an hour of sensor files, then replay the plant's events of the very hour that was ingested.

Twice: with two DAGs that an asset chains, for the pumps, and within one DAG, for the fans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from airflow.sdk import DAG, Asset, CronDataIntervalTimetable, task

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator

PUMPS_INGESTED = Asset("pumps_ingested")

RETRIES: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=10)}
HOURLY: dict[str, Any] = {
    "start_date": datetime(2026, 1, 1),
    # A plain "@hourly" has an empty data interval in Airflow 3; this one spans the hour.
    "schedule": CronDataIntervalTimetable("@hourly", timezone="UTC"),
    "catchup": False,
    "default_args": RETRIES,
}


def ingest(machines: str, **kwargs: Any) -> LookoutEquipmentStartDataIngestionJobOperator:
    """Ingest the files of the run's hour, such as pumps/2026/01/12/06/pump-1/0.csv."""
    return LookoutEquipmentStartDataIngestionJobOperator(
        task_id="ingest",
        dataset_name=machines,
        bucket="plant-sensors",
        prefix=machines + "/{{ data_interval_start.strftime('%Y/%m/%d/%H') }}/",
        key_pattern="{prefix}/{component_name}/*",
        role_arn="arn:aws:iam::123456789012:role/sensor-reader",  # yours; AWS reads the bucket with it
        deferrable=True,
        **kwargs,
    )


with DAG("ingest_pumps", **HOURLY, doc_md=__doc__):
    # The asset event carries the run's data interval, and what the ingestion found.
    ingest("pumps", outlets=[PUMPS_INGESTED])


with DAG(
    "replay_pumps",
    start_date=HOURLY["start_date"],
    schedule=PUMPS_INGESTED,
    catchup=False,
    default_args=RETRIES,
    doc_md=__doc__,
):

    @task
    def ingested_windows(
        triggering_asset_events: Mapping[Asset, Sequence[Any]] | None = None,
    ) -> list[dict[str, str | None]]:
        """Return the windows that were ingested: a run may have been triggered by several events.

        None of the events, in a run that was triggered by hand, makes no window and no replay. An event
        without a window (somebody materialised the asset by hand) fails its replay, which names what is
        missing. Several events of the same hour make one window.

        Airflow 3.3 leaves an event that comes while another waits for its run to the run of the next
        event, so that none is lost, but the last of a crowd may be late (apache/airflow#56050).
        """
        windows = [
            (event.extra.get("data_interval_start"), event.extra.get("data_interval_end"))
            for event in (triggering_asset_events or {}).get(PUMPS_INGESTED, ())
        ]
        return [{"event_start_time": start, "event_end_time": end} for start, end in dict.fromkeys(windows)]

    EventBridgeStartReplayOperator.partial(task_id="replay", archive="pumps", deferrable=True).expand_kwargs(
        ingested_windows()
    )


with DAG("ingest_then_replay_fans", **HOURLY, doc_md=__doc__):
    ingest("fans") >> EventBridgeStartReplayOperator(
        task_id="replay",
        archive="fans",  # the window is the run's data interval, as it is the ingestion's
        deferrable=True,
    )
