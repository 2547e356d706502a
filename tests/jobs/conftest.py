# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from job_cases import CASES, JobCase
from one_task import OneTask

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs
from airflow_provider_jobs.testing.server import AwsJobsServer

#: No retries of botocore's own, so that a fault reaches the operator at once.
ONE_CALL: dict[str, Any] = {"retries": {"total_max_attempts": 1}}


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    """AWS, where jobs end at their second look."""
    with mock_aws_jobs(reads=2) as control:
        yield control


@pytest.fixture(scope="module")
def server() -> Iterator[AwsJobsServer]:
    """Another AWS, in a process of its own; it serves all Regions."""
    with AwsJobsServer() as server:
        yield server


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, aws: AwsJobs) -> Iterator[JobCase]:
    """Each job type in turn, with what its jobs need set up."""
    case: JobCase = request.param
    case.aws = aws
    case.prepare()
    yield case
    case.aws = None


@pytest.fixture(params=[False, True], ids=["sync", "deferrable"])
def deferrable(request: pytest.FixtureRequest) -> bool:
    """Both ways of waiting."""
    return bool(request.param)


def _maker(case: JobCase, deferrable: bool) -> Callable[..., OneTask]:
    def make(task: dict[str, Any] | None = None, **kwargs: Any) -> OneTask:
        given = {"deferrable": deferrable, "botocore_config": ONE_CALL, **kwargs}
        return OneTask(lambda: case.operator(**given), **(task or {}))

    return make


@pytest.fixture
def make_task(case: JobCase, deferrable: bool) -> Callable[..., OneTask]:
    """Build the job type's task, waiting in either way."""
    return _maker(case, deferrable)


@pytest.fixture
def make_sync(case: JobCase) -> Callable[..., OneTask]:
    """Build the job type's task, waiting on the worker."""
    return _maker(case, False)


@pytest.fixture
def make_deferrable(case: JobCase) -> Callable[..., OneTask]:
    """Build the job type's task, waiting in the triggerer."""
    return _maker(case, True)


@pytest.fixture
def task(make_task: Callable[..., OneTask]) -> OneTask:
    """The job type's task with nothing special about it."""
    return make_task()
