# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
from collections.abc import Callable
from time import monotonic

import pytest
from job_cases import EventBridge
from one_task import OneTask, next_event

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs
from airflow_provider_jobs.triggers.base import SHORTEST
from airflow_provider_jobs.triggers.delay import DelayTrigger

CASE = EventBridge()
INTERVAL = 2.0


def end_the_job(aws: AwsJobs) -> None:
    aws.advance(aws.jobs("events")[0]["id"])


def free_a_place(aws: AwsJobs) -> None:
    aws.set_quota("events", 1)


@pytest.mark.parametrize("trigger_id", [7, None])
@pytest.mark.parametrize(("quota", "over"), [(10, end_the_job), (0, free_a_place)])
def test_a_wait_that_is_over_at_the_first_look_lasts_until_airflow_knows_of_it(
    quota: int, over: Callable[[AwsJobs], None], trigger_id: int | None
) -> None:
    """In a triggerer. A look comes within a second, when the scheduler may not have read of the deferral."""
    assert INTERVAL < SHORTEST
    with mock_aws_jobs(reads=None) as aws:
        CASE.prepare()
        aws.set_quota("events", quota)
        task = OneTask(lambda: CASE.operator(deferrable=True, poll_interval=INTERVAL))
        task.begin()
        over(aws)

        async def first() -> float:
            began = monotonic()
            trigger = task.trigger()
            trigger.trigger_id = trigger_id
            async with asyncio.timeout(30):
                await next_event(trigger)
            return monotonic() - began

        assert (asyncio.run(first()) >= INTERVAL) is (trigger_id is not None)


@pytest.mark.parametrize("trigger_id", [7, None], ids=["triggerer", "worker"])
def test_a_delay_lasts_until_airflow_knows_of_it(
    trigger_id: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("airflow_provider_jobs.triggers.base.SHORTEST", 0.5)

    async def delayed() -> float:
        began = monotonic()
        trigger = DelayTrigger(seconds=0.0)
        trigger.trigger_id = trigger_id
        await next_event(trigger)
        return monotonic() - began

    assert (asyncio.run(delayed()) >= 0.5) is (trigger_id is not None)
