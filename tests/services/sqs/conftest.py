# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from job_cases import AWS, Sqs, client
from one_task import OneTask

from airflow_provider_jobs.hooks.sqs import SqsRedriveHook
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        Sqs().prepare()
        yield control


@pytest.fixture
def hook(aws: AwsJobs) -> SqsRedriveHook:
    return SqsRedriveHook(**AWS)


@pytest.fixture
def texts(aws: AwsJobs) -> Callable[[str], list[str]]:
    """The messages that a queue shows."""

    def read(name: str) -> list[str]:
        url = client("sqs").get_queue_url(QueueName=name)["QueueUrl"]
        answer = client("sqs").receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
        return [message["Body"] for message in answer.get("Messages", ())]

    return read


@pytest.fixture(params=[False, True], ids=["sync", "deferrable"])
def make_task(request: pytest.FixtureRequest, aws: AwsJobs) -> Callable[..., OneTask]:
    """Build a task that redrives the queue, waiting in either way."""

    def make(**kwargs: Any) -> OneTask:
        return OneTask(lambda: Sqs().operator(**{"deferrable": request.param, **kwargs}))

    return make
