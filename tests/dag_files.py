# SPDX-License-Identifier: Apache-2.0

"""DAG files, read as the DAG processor reads them; and a replay that pages and recipes take for granted."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import boto3
from one_task import OneTask

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator


def load(file: Path) -> ModuleType:
    """Read a DAG file."""
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def make_archive() -> None:
    """Create the archive ``orders`` of the default event bus, if it is not there."""
    events = boto3.client("events", region_name="us-east-1")
    if not events.list_archives(NamePrefix="orders")["Archives"]:
        events.create_archive(ArchiveName="orders", EventSourceArn=events.describe_event_bus()["Arn"])


def replay_of_orders() -> OneTask:
    """A task that replays a day of the archive ``orders``, over ``aws_default``."""
    return OneTask(
        lambda: EventBridgeStartReplayOperator(
            task_id="replay",
            archive="orders",
            event_start_time="2026-01-01T00:00:00+00:00",
            event_end_time="2026-01-02T00:00:00+00:00",
            poll_interval=0.02,
        )
    )
