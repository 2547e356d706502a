# SPDX-License-Identifier: Apache-2.0

"""A start and a wait in each of AWS's partitions.

Of the job types here only EventBridge is in all of them.
"""

from __future__ import annotations

import json
from collections.abc import Callable

import boto3
import pytest
from job_cases import EventBridge, JobCase
from one_task import OneTask
from served import use_server

from airflow_provider_jobs.testing.server import AwsJobsServer

MakeTask = Callable[..., OneTask]
#: A Region of each partition.
REGIONS = {
    "aws": "us-east-1",
    "aws-us-gov": "us-gov-west-1",
    "aws-cn": "cn-north-1",
    "aws-iso": "us-iso-east-1",
    "aws-iso-b": "us-isob-east-1",
    "aws-iso-e": "eu-isoe-west-1",
    "aws-iso-f": "us-isof-south-1",
    "aws-eusc": "eusc-de-east-1",
}
#: Those whose names the mocked AWS takes for those of the first partition.
UNKNOWN = {"aws-iso-e", "aws-iso-f"}


@pytest.fixture(params=REGIONS)
def partition(request: pytest.FixtureRequest) -> str:
    """Each partition whose EventBridge the installed botocore knows: moto serves no other Region."""
    partition = str(request.param)
    if REGIONS[partition] not in boto3.Session().get_available_regions("events", partition_name=partition):
        pytest.skip(f"this botocore knows no EventBridge in {partition}")
    return partition


@pytest.fixture
def aws(server: AwsJobsServer, partition: str, monkeypatch: pytest.MonkeyPatch) -> AwsJobsServer:
    """That AWS, empty, and a connection that leads to the partition's Region."""
    region = REGIONS[partition]
    keys = {"conn_type": "aws", "login": "testing", "password": "testing"}
    extra = {"region_name": region, "endpoint_url": server.url}
    monkeypatch.setenv("AIRFLOW_CONN_THERE", json.dumps({**keys, "extra": extra}))
    return use_server(server, monkeypatch, region)


@pytest.fixture
def case(aws: AwsJobsServer) -> JobCase:
    """EventBridge, with an archive there."""
    case = EventBridge()
    case.prepare()
    return case


def test_a_job_is_started_and_watched(
    aws: AwsJobsServer, case: JobCase, make_task: MakeTask, partition: str
) -> None:
    task = make_task(aws_conn_id="there", region_name=None)
    result = task.run()
    (job,) = aws.jobs(case.service)
    assert (case.job_id(result), job["state"]) == (job["id"], case.succeeded)
    told = "aws" if partition in UNKNOWN else partition
    assert result["replay_arn"].startswith(f"arn:{told}:events:{REGIONS[partition]}:")
