# SPDX-License-Identifier: Apache-2.0

"""One real Airflow and one moto server for a module's tests."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import job_targets
import pytest
from postgres import postgres

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .every_job import REGION, EveryJob, Start, clients, prepare
from .gateway import Gateway

#: Of the user who assumes a role; marked, to be looked for where they must not be.
USER_KEY, USER_SECRET = "AKIAASSUMESAROLE", "secret-of-the-user-who-assumes-a-role"
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
def airflow_env() -> dict[str, str]:
    """Further environment variables of a module's Airflow; a module may have its own."""
    return {}


@pytest.fixture(scope="module")
def database(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """SQLite, and PostgreSQL for a module that is marked ``postgres``."""
    if request.node.get_closest_marker("postgres") is None:
        yield None
        return
    with postgres() as url:
        yield url


@pytest.fixture(scope="module")
def airflow(gateway: Gateway, airflow_env: dict[str, str], database: str | None) -> Iterator[LocalAirflow]:
    """Airflow, connected to that AWS."""
    path = {"PYTHONPATH": os.pathsep.join([str(FOLDER / "settings"), os.environ.get("PYTHONPATH", "")])}
    env = {**path, **airflow_env}
    with LocalAirflow(FOLDER / "dags", env, database=database, parallelism=10) as airflow:
        connect(airflow, gateway, "aws_default", "testing", "testing")
        sts = {"service_config": {"sts": {"endpoint_url": gateway.url}}}
        role = {"role_arn": "arn:aws:iam::123456789012:role/jobs"}
        connect(airflow, gateway, "aws_assumed", USER_KEY, USER_SECRET, **sts, **role)
        yield airflow


def connect(
    airflow: LocalAirflow, gateway: Gateway, connection: str, key: str, secret: str, **extra: Any
) -> None:
    """Keep a connection in Airflow's database, as a deployment does: workers and triggerer ask for it."""
    body = {
        "connection_id": connection,
        "conn_type": "aws",
        "login": key,
        "password": secret,
        "extra": json.dumps({"region_name": REGION, "endpoint_url": gateway.url, **extra}),
    }
    airflow.call("POST", "connections", json=body)


@pytest.fixture
def aws(airflow: LocalAirflow, server: AwsJobsServer, gateway: Gateway) -> AwsJobsServer:
    """AWS with nothing in it but an archive; its jobs are moved by hand."""
    for name in airflow.COMPONENTS:
        if name not in airflow.components():
            airflow.start_component(name)
    gateway.open()
    gateway.keys.clear()
    server.reset()
    server.set_pace()
    job_targets.archive(clients(server.url), "orders")
    return server


@pytest.fixture
def every_job(airflow: LocalAirflow, aws: AwsJobsServer) -> Iterator[Start]:
    """Start a run with a task for each job type in each way; takes the DAG's id."""
    with ExitStack() as stack:

        def start(dag_id: str = "every_job", **targets: str) -> EveryJob:
            run = EveryJob(airflow, aws, {**prepared, **targets}, dag_id)
            stack.callback(run.close)
            return run

        prepared = prepare(aws)
        yield start
        aws.clear_faults()
