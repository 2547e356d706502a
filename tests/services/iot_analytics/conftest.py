# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator

import pytest
from job_cases import REGION, IotAnalytics

from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        IotAnalytics().prepare()
        yield control


@pytest.fixture
def hook(aws: AwsJobs) -> IotAnalyticsHook:
    return IotAnalyticsHook(aws_conn_id=None, region_name=REGION)
