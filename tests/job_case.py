# SPDX-License-Identifier: Apache-2.0

"""What a row of the tests of all job types tells of its job type, and the clients of the mocked AWS."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cache
from typing import Any

import boto3
import pytest
from airflow.providers.common.compat.sdk import BaseOperator

from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.service_models import use_service_models
from airflow_provider_jobs.testing import AwsJobs

REGION = "us-east-1"
AWS: dict[str, Any] = {"aws_conn_id": None, "region_name": REGION}


@cache
def session() -> boto3.Session:
    session = boto3.Session(region_name=REGION)
    use_service_models(session)
    return session


@cache
def client(service: str) -> Any:
    """A client of the mocked AWS. One serves all tests: to make it costs more than its calls."""
    return session().client(service)  # type: ignore[call-overload]


class JobCase(ABC):
    """A job type, with what is set up for it in the mocked AWS."""

    #: The AWS of the test, if it is not that of this process.
    aws: AwsJobs | None = None
    service: str
    hook_class: type[JobHook]
    start_operation: str
    stop_operation: str | None
    describe_operation: str
    list_operation: str
    lists_before_start: int = 0
    #: What the role of a task need not allow while nothing is in doubt.
    dispensable: frozenset[str] = frozenset()
    running: str
    succeeded: str
    failed: str
    cancelled: str | None
    #: The state of a job that is being stopped; None if AWS has no such state.
    stopping: str | None
    #: Whether AWS knows a repeated start for the first one's echo, by a name or a token.
    repeatable = True
    #: What is said of a job that AWS does not know.
    unknown = "ResourceNotFound"
    #: How often the start of a task's first job makes each of the calls that look.
    looks_to_start = 1
    #: Seconds that a job takes at least, so that AWS's times tell it from the next.
    shortest = 0.5
    #: What the names of AWS's hosts begin with, if not with the service's name in boto3.
    hosts: tuple[str, ...] = ()
    #: Services whose calls a poll makes, besides its own.
    besides: tuple[str, ...] = ()
    #: Whether a stop takes effect at once, so that nobody waits for its end.
    stops_at_once = False
    #: What an attempt's row has that is another one in each AWS, as a bus's generated id is.
    fleeting: tuple[str, ...] = ()
    #: Whether jobs of others take places that this task's may need, without being taken for them.
    shares_quota = True

    #: How many of the jobs that share a quota a test runs: no more than AWS goes on showing.
    most = 25

    @property
    def recognized(self) -> bool:
        """Whether a task tells the job of a start that got no answer from others: by name, token or label."""
        return self.repeatable or self.hook_class.marking.shown

    @abstractmethod
    def prepare(self) -> None:
        """Make in AWS what a job needs."""

    @abstractmethod
    def operator(self, **kwargs: Any) -> BaseOperator:
        """Build the operator that starts a job."""

    def apart(self, number: int) -> dict[str, Any]:
        """Arguments that keep the operator's job out of the way of others than the account's quota."""
        return {}

    @abstractmethod
    def sensor(self, job_id: str, **kwargs: Any) -> BaseOperator:
        """Build the sensor."""

    def core_id(self, job_id: str) -> str:
        """Return the name that the hook's common methods use."""
        return job_id

    def reason(self, told: str) -> str:
        """What is said of a job that failed for this reason."""
        return told

    def small_quota(self, monkeypatch: pytest.MonkeyPatch) -> int:
        """Return how many jobs there may be; made small where it is not."""
        assert self.hook_class.quota is not None
        return self.hook_class.quota

    def limit(self, aws: AwsJobs, quota: int) -> None:
        """Let there be so many jobs."""
        aws.set_quota(self.service, quota)

    def hurry_places(self, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:  # noqa: B027 # for one
        """Let a place become free so long after a start, where it does not with the job's end."""

    def free_place(self, aws: AwsJobs) -> None:
        """Let the first job's place become free."""
        aws.advance(aws.jobs(self.service)[0]["id"])

    @abstractmethod
    def job_id(self, result: dict[str, Any]) -> str:
        """Read the job's name from a task's result."""


class OneAtATime(JobCase):
    """A job type of which one job runs in a scope, such as a queue or a pipeline."""

    shares_quota = False

    @abstractmethod
    def start_another(self) -> None:
        """Start somebody else's job in the scope of the task's."""

    def small_quota(self, monkeypatch: pytest.MonkeyPatch) -> int:
        return 1

    def limit(self, aws: AwsJobs, quota: int) -> None:
        """Let one job run, or none but somebody else's."""
        assert quota in (0, 1)
        if quota == 0:
            aws.set_pace(self.service)
            self.start_another()
