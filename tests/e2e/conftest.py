# SPDX-License-Identifier: Apache-2.0

"""One real Airflow and one moto server for a module's tests."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}


@pytest.fixture(scope="module")
def server() -> Iterator[AwsJobsServer]:
    """AWS, as a process of its own."""
    with AwsJobsServer() as server:
        yield server


@pytest.fixture(scope="module")
def airflow_env() -> dict[str, str]:
    """Further environment variables of a module's Airflow; a module may have its own."""
    return {}


@pytest.fixture(scope="module")
def airflow(server: AwsJobsServer, airflow_env: dict[str, str]) -> Iterator[LocalAirflow]:
    """Airflow, connected to that AWS."""
    connection = {
        "conn_type": "aws",
        "login": "testing",
        "password": "testing",
        "extra": {"region_name": REGION, "endpoint_url": server.url},
    }
    dags = Path(__file__).parent / "dags"
    with LocalAirflow(dags, {"AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection), **airflow_env}) as airflow:
        yield airflow


@pytest.fixture
def aws(server: AwsJobsServer) -> AwsJobsServer:
    """AWS with nothing in it but an archive; its jobs are moved by hand."""
    server.reset()
    server.set_pace()
    events: Any = boto3.client("events", endpoint_url=server.url, **CREDENTIALS)  # type: ignore[call-overload]
    bus = events.describe_event_bus()["Arn"]
    events.create_archive(ArchiveName="orders", EventSourceArn=bus)
    return server
