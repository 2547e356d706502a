# SPDX-License-Identifier: Apache-2.0

"""The queue of tasks that wait for the quota: which reservations there are."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import boto3
import job_targets
from job_cases import REGION, EventBridge
from one_task import OneTask, next_event

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs
from airflow_provider_jobs.triggers.queue import QueueTrigger

CASE = EventBridge()


def replays(count: int, prefix: str) -> None:
    """Start replays as anybody else would."""
    clients = partial(boto3.client, region_name=REGION)
    job_targets.replays(clients, [f"{prefix}-{number}" for number in range(count)])


async def called(task: OneTask) -> Any:
    """Wait until a queued task may start, as the triggerer does."""
    trigger = task.trigger()
    assert isinstance(trigger, QueueTrigger)
    async with asyncio.timeout(30):
        return await next_event(trigger)


def test_no_place_is_kept_for_a_task_that_was_called_refused_and_is_back_in_line() -> None:
    with mock_aws_jobs() as aws:
        aws.set_pace()
        CASE.prepare()
        replays(10, "theirs")
        first, second = (
            OneTask(lambda: CASE.operator(deferrable=True, poll_interval=0.1), run_id=f"run {number}")
            for number in (1, 2)
        )
        first.begin()
        second.begin()
        asyncio.run(_called_twice(aws, first, second))


async def _called_twice(aws: AwsJobs, first: OneTask, second: OneTask) -> None:
    behind = asyncio.ensure_future(called(second))
    aws.advance("theirs-0")
    event = await called(first)
    replays(1, "quicker")
    assert await asyncio.to_thread(first.resume, event) is None
    aws.advance("theirs-1")
    assert await called(first) == event
    assert not behind.done()
    behind.cancel()
