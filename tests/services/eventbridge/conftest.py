# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator

import boto3
import pytest
from job_cases import REGION

from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

from .replays import BUS


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        boto3.client("events", region_name=REGION).create_archive(ArchiveName="orders", EventSourceArn=BUS)
        yield control


@pytest.fixture
def hook(aws: AwsJobs) -> EventBridgeReplayHook:
    return EventBridgeReplayHook(aws_conn_id=None, region_name=REGION)
