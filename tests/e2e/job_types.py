# SPDX-License-Identifier: Apache-2.0

"""The job types as the tests in a real Airflow see them, and the AWS that they are started in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import boto3
import job_targets
from job_cases import DataPipeline, EventBridge, IotAnalytics, JobCase, LookoutEquipment
from job_targets import Clients

from airflow_provider_jobs.service_models import use_service_models
from airflow_provider_jobs.testing.airflow.api import Row
from airflow_provider_jobs.testing.server import AwsJobsServer

REGION = "us-east-1"
CREDENTIALS = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": REGION}
WAYS = ("on_worker", "deferred")


@dataclass(frozen=True)
class JobType:
    """A job type, as a run sees it.

    :param case: what all tests know of it
    :param target: makes what a job is started on, of this name, and returns how a task is given it
    :param started_on: reads that off a job
    :param impossible: no job can be started on this, which shows without asking AWS
    """

    case: JobCase
    target: Callable[[Clients, str], str]
    started_on: Callable[[Row], str]
    impossible: str

    @property
    def name(self) -> str:
        return self.case.service

    def word(self, job: Row) -> str:
        """How a job is, in one word for all services: how it ended by AWS's own account."""
        ends = {
            self.case.succeeded: "succeeded",
            self.case.failed: "failed",
            self.case.cancelled: "cancelled",
        }
        # Not every service says of a job that it is being stopped.
        return ends.get(job["state"]) or ("stopping" if job["phase"] == "stopping" else "running")


def _named(make: Callable[[Clients, str], object]) -> Callable[[Clients, str], str]:
    """What is given to a task is the name itself."""

    def target(clients: Clients, name: str) -> str:
        make(clients, name)
        return name

    return target


TYPES = (
    JobType(
        EventBridge(),
        _named(job_targets.archive),
        lambda job: str(job["source_arn"]).rpartition("/")[2],
        "an archive",
    ),
    JobType(LookoutEquipment(), _named(job_targets.dataset), lambda job: str(job["dataset"]), "a dataset"),
    JobType(IotAnalytics(), _named(job_targets.cleaning), lambda job: str(job["pipeline"]), "a pipeline"),
    JobType(DataPipeline(), job_targets.load, lambda job: str(job["pipeline"]), "a pipeline"),
)
TASKS = {f"{each.name}_{way}": each for each in TYPES for way in WAYS}
DEFERRED = [task for task in TASKS if task.endswith("_deferred")]


def clients(url: str) -> Clients:
    """The clients of the AWS at an address, with the models that botocore may have dropped."""
    session = boto3.Session(**CREDENTIALS)  # type: ignore[arg-type]
    use_service_models(session)
    return lambda service: session.client(service, endpoint_url=url)  # type: ignore[call-overload]


def empty(aws: AwsJobsServer) -> None:
    """Leave nothing in AWS but an archive; its jobs are moved by hand."""
    aws.reset()
    aws.set_pace()
    job_targets.archive(clients(aws.url), "orders")


def calls(aws: AwsJobsServer) -> dict[str, int]:
    """How often jobs were started and stopped, by operation."""
    wanted = {op for each in TYPES for op in (each.case.start_operation, each.case.stop_operation) if op}
    return {op: count for op, count in aws.calls().items() if op in wanted}


def prepare(aws: AwsJobsServer) -> dict[str, str]:
    """Make in an empty AWS what a run's jobs are started on; returns it by task, for the run's conf."""
    of_service = clients(aws.url)
    job_targets.sensor_data(of_service)
    job_targets.channel(of_service)
    return {task: each.target(of_service, task) for task, each in TASKS.items()}
