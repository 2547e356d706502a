# SPDX-License-Identifier: Apache-2.0

"""The link to the queue in the console."""

from __future__ import annotations

from typing import Any

import pytest
from job_cases import AWS, Sqs
from one_task import OneTask

from airflow_provider_jobs.links.sqs import SqsQueueLink
from airflow_provider_jobs.operators.sqs import SqsCancelMessageMoveTaskOperator
from airflow_provider_jobs.testing import AwsJobs

LINK = SqsQueueLink()
QUEUE = "123456789012%2Forders-dead"


@pytest.mark.parametrize("deferrable", [False, True])
def test_start_cancel_and_sensor_lead_to_the_dead_letter_queue(aws: AwsJobs, deferrable: bool) -> None:
    case: Any = Sqs()
    start = OneTask(lambda: case.operator(deferrable=deferrable))
    result = start.run()
    wait = OneTask(lambda: case.sensor(case.job_id(result), deferrable=deferrable))
    stop = OneTask(
        lambda: SqsCancelMessageMoveTaskOperator(task_id="stop", source_arn=case.source_arn, **AWS)
    )
    for task in (start, wait, stop):
        if task is not start:
            task.run()
        assert LINK.format_link(**task.xcoms[LINK.key]) == (
            "https://us-east-1.console.aws.amazon.com/sqs/v3/home?region=us-east-1#/queues/"
            f"https%3A%2F%2Fsqs.us-east-1.amazonaws.com%2F{QUEUE}"
        )


@pytest.mark.parametrize(
    ("partition", "region", "domain", "host"),
    [
        ("aws-cn", "cn-north-1", "amazonaws.cn", "sqs.cn-north-1.amazonaws.com.cn"),
        (
            "aws-us-gov",
            "us-gov-west-1",
            "amazonaws-us-gov.com",
            "sqs.us-gov-west-1.amazonaws.com",
        ),
    ],
)
def test_other_partitions_have_their_own_console(partition: str, region: str, domain: str, host: str) -> None:
    arn = f"arn:{partition}:sqs:{region}:123456789012:orders-dead"
    url = LINK.format_link(region_name=region, aws_domain=domain, job_id=f"{arn}@1767225600000")
    assert url == (
        f"https://{region}.console.{domain}/sqs/v3/home?region={region}#/queues/https%3A%2F%2F{host}%2F{QUEUE}"
    )


@pytest.mark.parametrize("job_id", ["", "orders", "a:b"])
def test_what_is_no_queue_has_no_link(job_id: str) -> None:
    assert LINK.format_link(region_name="us-east-1", aws_domain="aws.amazon.com", job_id=job_id) == ""
    arn = "arn:aws-iso:sqs:us-iso-east-1:123456789012:orders-dead"
    assert LINK.format_link(region_name="us-iso-east-1", aws_domain=None, job_id=arn) == ""
