# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from airflow_provider_jobs.testing import AwsJobs, AwsJobsServer, mock_aws_jobs

from .table import World


@pytest.fixture(scope="session")
def server() -> Iterator[AwsJobsServer]:
    with AwsJobsServer() as running:
        yield running


@pytest.fixture(params=["in process", "server"])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    """AWS's mock, whose jobs move only when a row says so."""
    with ExitStack() as stack:
        aws: AwsJobs
        if request.param == "server":
            aws = server = request.getfixturevalue("server")
            aws.reset()
            made = World(aws, server.url)
        else:
            made = World(stack.enter_context(mock_aws_jobs()), None)
        aws = made.aws
        aws.set_pace()
        stack.push(made.closing)
        yield made
