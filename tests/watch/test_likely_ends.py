# SPDX-License-Identifier: Apache-2.0

"""Polls come sooner near a likely end, while somebody queues for the place."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from job_cases import CASES
from one_task import next_event
from watch.waits import Wait, end_jobs, ended, run, spec_of, start_jobs, until

from airflow_provider_jobs._watch.likely_ends import LikelyEnds
from airflow_provider_jobs._watch.poller import JobPoller
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.triggers.queue import QueueTrigger

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def job(name: str, age: float | None, state: JobState = JobState.RUNNING) -> JobStatus:
    started_at = None if age is None else NOW - timedelta(seconds=age)
    return JobStatus(name, state, state.name, started_at=started_at)


def learnt(*lengths: float) -> LikelyEnds:
    ends = LikelyEnds()
    ends.learn(
        [job(f"old-{number}", length, JobState.SUCCEEDED) for number, length in enumerate(lengths)], NOW
    )
    return ends


@pytest.mark.parametrize(
    ("ages", "pause"),
    [
        # Jobs have run for 60 seconds, and there is a poll every 20.
        ([], 20.0),
        ([10.0], 20.0),
        ([39.0], 20.0),
        ([41.0], 19.0),
        ([50.0], 10.0),
        ([50.0, 53.0, 10.0], 7.0),
        ([58.0], 5.0),
        ([60.0], 5.0),
        ([79.0], 5.0),
        # It takes longer than others; the likely end tells nothing of it any more.
        ([81.0], 20.0),
        ([None], 20.0),
    ],
)
def test_the_pause_is_shorter_near_a_likely_end(ages: list[float | None], pause: float) -> None:
    jobs = [job(f"job-{number}", age) for number, age in enumerate(ages)]
    assert learnt(50.0, 60.0, 600.0).pause(jobs, NOW, 20.0) == pause


def test_nothing_is_likely_before_an_end_was_seen_or_without_a_time() -> None:
    assert LikelyEnds().pause([job("job", 60.0)], NOW, 20.0) == 20.0
    assert learnt(60.0).pause([job("job", 60.0)], None, 20.0) == 20.0
    ends = LikelyEnds()
    ends.learn([job("old", 60.0, JobState.SUCCEEDED)], None)
    ends.learn([job("older", None, JobState.SUCCEEDED), job("runs", 60.0)], NOW)
    assert ends.pause([job("job", 60.0)], NOW, 20.0) == 20.0


def test_a_jobs_first_end_counts_and_old_ones_are_forgotten() -> None:
    ends = learnt(60.0)
    ends.learn([job("old-0", 600.0, JobState.SUCCEEDED)], NOW)
    assert ends.pause([job("job", 50.0)], NOW, 20.0) == 10.0
    ends.learn([job(f"new-{number}", 100.0, JobState.FAILED) for number in range(20)], NOW)
    assert ends.pause([job("job", 50.0)], NOW, 20.0) == 20.0
    assert ends.pause([job("job", 90.0)], NOW, 20.0) == 10.0


@pytest.mark.parametrize("queued", [True, False])
def test_only_while_somebody_queues(aws: AwsJobs, queued: bool) -> None:
    case = CASES[0]
    first, second = start_jobs(case.service, 2)
    spec = spec_of(case.hook_class)

    async def test() -> None:
        waits = [Wait(first, spec, poll_interval=0.2), Wait(second, spec, poll_interval=0.2)]
        polls: Any = JobPoller._of_loop
        trigger = QueueTrigger(
            hook_class=spec.hook_class, hook_parameters=spec.parameters, job_id="third", poll_interval=600
        )
        queue = asyncio.create_task(next_event(trigger)) if queued else None
        aws.advance(aws.jobs("events")[0]["id"])
        await until(lambda: waits[0].over)
        (poll,) = [each for each in polls[asyncio.get_running_loop()].values() if type(each) is JobPoller]
        if queue is not None:
            # The second began with the first: it is about to end, too.
            await until(lambda: poll.pause(600.0) == 150.0)
            queue.cancel()
            await asyncio.wait({queue})
        seen = aws.calls("events")["DescribeReplay"]
        await until(lambda: aws.calls("events")["DescribeReplay"] >= seen + 2)
        assert poll.pause(600.0) == 600.0
        end_jobs(aws, case.service)
        await ended(waits[1])

    run(test)
