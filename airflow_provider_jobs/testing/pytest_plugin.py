# SPDX-License-Identifier: Apache-2.0

"""The pytest fixture ``aws_jobs``.

pytest finds this plugin by itself where the package is installed. Until a test asks for the fixture
nothing is imported, neither Airflow nor boto3 nor moto.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from airflow_provider_jobs.testing import AwsJobs

__all__ = ["aws_jobs"]


@pytest.fixture
def aws_jobs() -> Iterator[AwsJobs]:
    """Mock AWS during the test; jobs are half-way at their first read, and at their end at the second.

    Yields the control object. Without the extra ``testing`` the test errs with a line that names it.
    """
    try:
        from airflow_provider_jobs.testing import mock_aws_jobs
    except ModuleNotFoundError as error:
        pytest.fail(str(error), pytrace=False)
    with mock_aws_jobs() as aws:
        yield aws
