# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator

import pytest

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    """AWS, where jobs end by hand only, and any number may run."""
    with mock_aws_jobs(reads=None) as control:
        for service in ("events", "lookoutequipment"):
            control.set_quota(service, 10_000)
        yield control
