# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator

import pytest
from testing.conftest import Cloud

from airflow_provider_jobs.testing import mock_aws_jobs
from airflow_provider_jobs.testing.aws.constraints import service_model

from .orders import Orders


@pytest.fixture(autouse=True)
def known() -> None:
    """Skip what needs a boto3 that knows the service."""
    if service_model("eventbridgev2") is None:
        pytest.skip("This boto3 does not know the Custom Event Bus.")


@pytest.fixture
def orders() -> Iterator[Orders]:
    """A bus with five events, in this process."""
    with mock_aws_jobs() as aws:
        cloud = Cloud(aws, None)
        with cloud.closing:
            yield Orders(cloud)


@pytest.fixture
def either(cloud: Cloud) -> Orders:
    """A bus with five events, in this process or behind the server."""
    return Orders(cloud)
