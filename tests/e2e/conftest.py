# SPDX-License-Identifier: Apache-2.0

"""One real Airflow and one moto server for a module's tests."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .every_job import CREDENTIALS, REGION, EveryJob, prepare
from .gateway import Gateway

FOLDER = Path(__file__).parent


@pytest.fixture(scope="module")
def server() -> Iterator[AwsJobsServer]:
    """AWS, as a process of its own."""
    with AwsJobsServer() as server:
        yield server


@pytest.fixture(scope="module")
def gateway(server: AwsJobsServer) -> Iterator[Gateway]:
    """The only way from Airflow to AWS; tests have another one."""
    with Gateway(urlsplit(server.url).port or 0) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def database() -> str | None:
    """SQLite; a module that needs more has a fixture of this name."""
    return None


@pytest.fixture(scope="module")
def airflow(gateway: Gateway, database: str | None) -> Iterator[LocalAirflow]:
    """Airflow, connected to that AWS."""
    connection = {
        "conn_type": "aws",
        "login": "testing",
        "password": "testing",
        "extra": {"region_name": REGION, "endpoint_url": gateway.url},
    }
    env = {
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "PYTHONPATH": os.pathsep.join([str(FOLDER / "settings"), os.environ.get("PYTHONPATH", "")]),
    }
    with LocalAirflow(FOLDER / "dags", env, database=database, parallelism=10) as airflow:
        yield airflow


@pytest.fixture
def aws(server: AwsJobsServer, gateway: Gateway) -> AwsJobsServer:
    """AWS with nothing in it but an archive; its jobs are moved by hand."""
    gateway.open()
    server.reset()
    server.set_pace()
    events: Any = boto3.client("events", endpoint_url=server.url, **CREDENTIALS)  # type: ignore[call-overload]
    bus = events.describe_event_bus()["Arn"]
    events.create_archive(ArchiveName="orders", EventSourceArn=bus)
    return server


@pytest.fixture
def every_job(airflow: LocalAirflow, aws: AwsJobsServer) -> Iterator[Callable[..., EveryJob]]:
    """Start a run with a task for each job type in each way; takes the DAG's id."""
    with ExitStack() as stack:

        def start(dag_id: str = "every_job", **targets: str) -> EveryJob:
            run = EveryJob(airflow, aws, {**prepared, **targets}, dag_id)
            stack.callback(run.close)
            return run

        prepared = prepare(aws)
        yield start
        aws.clear_faults()
