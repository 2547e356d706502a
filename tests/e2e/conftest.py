# SPDX-License-Identifier: Apache-2.0

"""The real Airflows and the moto server of the tests."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from postgres import postgres

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .every_job import EveryJob, Start
from .gateway import Gateway
from .job_types import REGION, empty, prepare

#: Of the user who assumes a role; marked, to be looked for where they must not be.
USER_KEY, USER_SECRET = "AKIAASSUMESAROLE", "secret-of-the-user-who-assumes-a-role"
FOLDER = Path(__file__).parent
#: Lets an Airflow find the tests' settings for it.
PRELOADED = {
    "PYTHONPATH": os.pathsep.join([str(FOLDER / "settings"), os.environ.get("PYTHONPATH", "")]),
}


@pytest.fixture(scope="session")
def server() -> Iterator[AwsJobsServer]:
    """AWS, as a process of its own."""
    with AwsJobsServer() as server:
        yield server


@pytest.fixture(scope="session")
def gateway(server: AwsJobsServer) -> Iterator[Gateway]:
    """The only way from Airflow to AWS; tests have another one."""
    with Gateway(urlsplit(server.url).port or 0) as gateway:
        yield gateway


@pytest.fixture(scope="module")
def airflow_env() -> dict[str, str]:
    """Further environment variables of a module's Airflow; a module may have its own."""
    return {}


#: A task that goes on before the scheduler has read its deferral loses a try (apache/airflow#71580): so DAGs
#: that set no retries have some.
TRIES_TO_LOSE = {
    "AIRFLOW__CORE__DEFAULT_TASK_RETRIES": "2",
    "AIRFLOW__CORE__DEFAULT_TASK_RETRY_DELAY": "1",
}
#: What is in doubt after a lost answer is settled within twenty seconds instead of a hundred.
SETTLES_SOON = {
    "AIRFLOW__AIRFLOW_PROVIDER_JOBS__SETTLING_TIME": "5",
    "AIRFLOW__AIRFLOW_PROVIDER_JOBS__CONNECT_TIMEOUT": "5",
    "AIRFLOW__AIRFLOW_PROVIDER_JOBS__READ_TIMEOUT": "10",
}


@pytest.fixture(scope="session")
def shared(gateway: Gateway) -> Iterator[LocalAirflow]:
    """The Airflow over PostgreSQL, of all modules that want that: to start one takes half a minute."""
    env = {
        **SETTLES_SOON,
        # All runs of a backfill; by itself it sees to twenty until these have ended.
        "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": "50",
        # Not all waits of a backfill, so that of two triggerers both have some.
        "AIRFLOW__TRIGGERER__CAPACITY": "18",
    }
    with postgres() as url, connected(gateway, env, url) as airflow:
        yield airflow


@pytest.fixture(scope="module")
def airflow(
    request: pytest.FixtureRequest, gateway: Gateway, airflow_env: dict[str, str]
) -> Iterator[LocalAirflow]:
    """Airflow, connected to that AWS: over SQLite, or the shared one if the module is marked ``postgres``."""
    if request.node.get_closest_marker("postgres") is None:
        with connected(gateway, airflow_env) as airflow:
            yield airflow
        return
    shared: LocalAirflow = request.getfixturevalue("shared")
    yield shared
    for name in set(shared.components()) - set(shared.COMPONENTS):
        shared.kill(name)


@contextmanager
def connected(
    gateway: Gateway, env: dict[str, str], database: str | None = None, dags: Path = FOLDER / "dags"
) -> Iterator[LocalAirflow]:
    """Run an Airflow with the tests' DAGs, connected to AWS as a deployment would be.

    It reads a copy of them, which a test may edit.

    :param dags: the folder of the DAGs.
    """
    with tempfile.TemporaryDirectory(prefix="dags-") as folder:
        shutil.copytree(dags, folder, ignore=shutil.ignore_patterns("__pycache__"), dirs_exist_ok=True)
        with LocalAirflow(folder, {**PRELOADED, **env}, database=database, parallelism=10) as airflow:
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
    empty(server)
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
