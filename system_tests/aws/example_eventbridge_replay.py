# SPDX-License-Identifier: Apache-2.0

"""System test: a replay in a real AWS account, with all that it needs and nothing left behind.

As Airflow's own system tests are: a DAG with set-up, the job, a check and a tear-down, all named by the id
of an environment. Put it into the DAG folder of an Airflow whose connection ``aws_default`` may create
event buses and archives, set ``SYSTEM_TESTS_ENV_ID``, and trigger it. It takes about a quarter of an hour,
since events reach an archive up to ten minutes late. AWS charges for the events.
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.hooks.eventbridge import EventBridgeHook
from airflow.sdk import DAG, chain, task

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor

DAG_ID = "example_eventbridge_replay"
ENV_ID = os.environ.get("SYSTEM_TESTS_ENV_ID", "default")
NAME = f"airflow-system-test-{ENV_ID}"
EVENTS = 5


@task
def create_archive() -> None:
    """Create an event bus and its archive."""
    events: Any = EventBridgeHook().conn
    bus = events.create_event_bus(Name=NAME)["EventBusArn"]
    events.create_archive(ArchiveName=NAME, EventSourceArn=bus, RetentionDays=1)


@task
def put_events() -> dict[str, str]:
    """Send events to the bus, and return the window that has them."""
    began = datetime.now(UTC).replace(microsecond=0)
    entries = [
        {"Source": "system.test", "DetailType": "Test", "Detail": json.dumps({"n": n}), "EventBusName": NAME}
        for n in range(EVENTS)
    ]
    events: Any = EventBridgeHook().conn
    answer = events.put_events(Entries=entries)
    if answer["FailedEntryCount"]:
        raise ValueError(f"EventBridge has not taken all events: {answer['Entries']}")
    return {"start": began.isoformat(), "end": (began + timedelta(minutes=1)).isoformat()}


@task
def check(result: Any) -> None:
    """Fail unless the replay has replayed events of the window."""
    if not result["event_last_replayed_time"]:
        raise ValueError(f"Nothing was replayed: {result}")


@task(trigger_rule="all_done")
def delete_archive() -> None:
    """Delete the archive and the bus, whatever has become of the test."""
    events: Any = EventBridgeHook().conn
    events.delete_archive(ArchiveName=NAME)
    events.delete_event_bus(Name=NAME)


with DAG(
    DAG_ID,
    start_date=datetime(2026, 1, 1),
    schedule=None,
    catchup=False,
    tags=["example", "system_test"],
    doc_md=__doc__,
) as dag:
    window: Any = put_events()
    replay = EventBridgeStartReplayOperator(
        task_id="replay",
        archive=NAME,
        event_start_time=window["start"],
        event_end_time=window["end"],
        if_empty="fail",
        deferrable=True,
        job_timeout=timedelta(minutes=30),
    )
    watch = EventBridgeReplaySensor(task_id="watch", replay_name=replay.output["replay_name"])
    setup: Any = create_archive().as_setup()
    teardown: Any = delete_archive().as_teardown(setups=setup)

    chain(setup, window, replay, watch, check(replay.output), teardown)
