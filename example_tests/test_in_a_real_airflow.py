# SPDX-License-Identifier: Apache-2.0

"""What takes a real Airflow with processes of its own: here, a triggerer that is lost."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from airflow_provider_jobs.testing import AwsJobsServer
from airflow_provider_jobs.testing.local_airflow import LocalAirflow

KEYS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}


@pytest.mark.e2e
def test_a_lost_triggerer_starts_no_second_replay() -> None:
    with AwsJobsServer() as aws:
        aws.set_pace()  # the replay stands still until it is told to go on
        events: Any = boto3.client("events", endpoint_url=aws.url, **KEYS)  # type: ignore[call-overload]
        events.create_archive(ArchiveName="orders", EventSourceArn=events.describe_event_bus()["Arn"])
        connection = {
            "conn_type": "aws",
            "login": KEYS["aws_access_key_id"],
            "password": KEYS["aws_secret_access_key"],
            "extra": {"region_name": KEYS["region_name"], "endpoint_url": aws.url},
        }
        env = {"AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection)}
        with LocalAirflow(Path(__file__).parent / "dags", env) as airflow:
            run_id = airflow.trigger("orders_again", logical_date=datetime(2026, 1, 10, tzinfo=UTC))
            airflow.wait_for(
                lambda: airflow.task("orders_again", run_id, "replay")["state"] == "deferred",
                what="the task to wait",
            )
            airflow.kill("triggerer")
            (replay,) = aws.jobs("events")
            aws.advance(replay["id"])
            airflow.start_component("triggerer")
            airflow.wait_run("orders_again", run_id)
            assert aws.calls("events")["StartReplay"] == 1
