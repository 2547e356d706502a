# SPDX-License-Identifier: Apache-2.0

"""Two hundred deferred jobs at once, by themselves on the machine."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import job_targets
import pytest
from postgres import postgres

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .conftest import connected
from .every_job import Start
from .gateway import Gateway
from .job_types import TYPES, calls, clients, empty

pytestmark = [pytest.mark.e2e, pytest.mark.alone, pytest.mark.extended]

#: How many jobs of each service there are.
MANY = {"events": 60, "lookoutequipment": 60, "iotanalytics": 60, "datapipeline": 20}


@pytest.fixture(scope="module")
def airflow(gateway: Gateway) -> Iterator[LocalAirflow]:
    """One of its own, over PostgreSQL, with one triggerer that takes all."""
    with postgres() as url, connected(gateway, {}, url) as airflow:
        yield airflow


@pytest.mark.promise("many-waits")
def test_200_deferred_jobs(airflow: LocalAirflow, aws: AwsJobsServer, every_job: Start) -> None:
    first = every_job()
    first.until_waiting()
    first.finish()
    conf = _many(aws)
    told = len(airflow.component_log("triggerer"))
    began = time.monotonic()
    run = airflow.trigger("many_jobs", conf)
    airflow.wait_for(
        lambda: len(airflow.task_instances("many_jobs", run, state="deferred")) == 200,
        timeout=400,
        what="200 deferred tasks",
    )
    deferred = time.monotonic()
    assert {service: aws.max_active(service) for service in MANY} == MANY
    _looks(airflow, aws, 1)
    before, since = Counter(aws.calls()), time.monotonic()
    _looks(airflow, aws, 5)
    looked = Counter(aws.calls()) - before
    seconds = time.monotonic() - since
    for service in MANY:
        for job in aws.jobs(service):
            aws.advance(job["id"])
    airflow.wait_run("many_jobs", run, timeout=400)
    ended = time.monotonic()
    print(f"200 tasks: {deferred - began:.0f} s to defer, {ended - deferred:.0f} s to look and end")
    print(f"{seconds:.0f} s of looks: {dict(looked)}")
    tries = Counter((row["state"], row["try_number"]) for row in airflow.task_instances("many_jobs", run))
    assert tries == {("success", 1): 200}
    assert calls(aws) == {each.case.start_operation: MANY[each.name] for each in TYPES}
    # Five looks of two hundred that each look for themselves are a thousand calls.
    assert looked.total() < 200
    # The first job of each type is another matter: with boto3 and the models, a triggerer's objects grow so
    # much that Python looks through all of them for garbage, which holds everything up for a moment.
    assert "async thread was blocked" not in airflow.component_log("triggerer")[told:]


def _many(aws: AwsJobsServer) -> dict[str, list[str]]:
    """Make what the tasks' jobs are started on in an empty AWS, and let all of them run at once."""
    empty(aws)
    of_service = clients(aws.url)
    for service in ("events", "lookoutequipment"):
        aws.set_quota(service, 60)
    job_targets.sensor_data(of_service)
    job_targets.channel(of_service)
    job_targets.cleaning(of_service, "cleaning")
    datasets = [f"pumps-{number}" for number in range(60)]
    for name in datasets:
        job_targets.dataset(of_service, name)
    return {"datasets": datasets, "pipelines": [job_targets.load(of_service, f"load-{n}") for n in range(20)]}


def _looks(airflow: LocalAirflow, aws: AwsJobsServer, count: int) -> None:
    """Wait for looks at the replays, each of which lists those that run."""
    until = aws.calls("events")["ListReplays"] + count
    airflow.wait_for(lambda: aws.calls("events")["ListReplays"] >= until, what=f"{count} looks")
