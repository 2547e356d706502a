# SPDX-License-Identifier: Apache-2.0

"""The pytest fixture ``aws_jobs``.

Put ``pytest_plugins = ["airflow_provider_jobs.testing.pytest_plugin"]`` into the topmost ``conftest.py``.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_jobs.testing.control import AwsJobs


@pytest.fixture
def aws_jobs() -> Iterator[AwsJobs]:
    """Mock AWS during the test; jobs are half-way at their first read, and at their end at the second."""
    from airflow_provider_jobs.testing.mock import mock_aws_jobs

    with mock_aws_jobs() as aws:
        yield aws
