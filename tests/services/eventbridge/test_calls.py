# SPDX-License-Identifier: Apache-2.0

"""The calls that deferred replays make over their whole lives: none that is not needed."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from typing import Any

import pytest
from job_cases import AWS
from one_task import OneTask, json_safe, next_event

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.testing import AwsJobs

#: So many jobs share a poll.
JOBS = 40
#: What one job takes beside the polls: the list before the start, the archive, the start, the end.
OF_A_JOB = ("ListReplays", "DescribeArchive", "StartReplay", "DescribeReplay")


def task(number: int) -> OneTask:
    return OneTask(
        lambda: EventBridgeStartReplayOperator(
            task_id="replay",
            archive="orders",
            event_start_time="2026-01-01T00:00:00+00:00",
            event_end_time="2026-01-02T00:00:00+00:00",
            deferrable=True,
            poll_interval=1,
            **AWS,
        ),
        map_index=number,
    )


def test_a_jobs_life_takes_four_calls_and_its_part_of_the_polls(
    aws: AwsJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine holds none of so many starts up for too long.
    monkeypatch.setenv("AIRFLOW__AIRFLOW_PROVIDER_JOBS__SETTLING_TIME", "60")
    aws.set_pace()
    aws.set_quota("events", JOBS)
    prepared = Counter(aws.calls("events"))

    def calls() -> Counter[str]:
        return Counter(aws.calls("events")) - prepared

    tasks = [task(number) for number in range(JOBS)]
    for each in tasks:
        each.begin()
    jobs = [job["id"] for job in aws.jobs("events")]
    assert len(jobs) == JOBS
    assert calls() == dict.fromkeys(OF_A_JOB[:3], JOBS)
    for job in jobs:
        aws.advance(job, to=0.5)

    async def wait() -> list[Any]:
        waits = [asyncio.create_task(next_event(each.trigger())) for each in tasks]
        until = time.monotonic() + 60
        while calls()["ListReplays"] < JOBS + 2 and time.monotonic() < until:
            await asyncio.sleep(0.05)
        # All run: a poll of them all is one call.
        assert set(calls()) == set(OF_A_JOB[:3])
        for job in jobs:
            aws.advance(job)
        return await asyncio.gather(*waits)

    events = asyncio.run(wait())
    ended = calls()
    assert {name: ended[name] for name in OF_A_JOB[1:]} == dict.fromkeys(OF_A_JOB[1:], JOBS)
    for each, event in zip(tasks, events, strict=True):
        assert each.resume(json_safe(event))["state"] == "COMPLETED"
    # The event says everything: who takes up the task asks AWS nothing.
    assert calls() == ended
