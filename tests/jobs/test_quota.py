# SPDX-License-Identifier: Apache-2.0

"""Waiting in line: as many jobs as the account allows, the others one after the other."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from job_cases import JobCase
from one_task import OneTask, json_safe, next_event

from airflow_provider_jobs._watch.queue import QuotaQueue
from airflow_provider_jobs.exceptions import JobError, JobUnavailableError
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]


@pytest.fixture
def quota(aws: AwsJobs, case: JobCase, monkeypatch: pytest.MonkeyPatch) -> int:
    """How many jobs there may be."""
    quota = case.small_quota(monkeypatch)
    case.limit(aws, quota)
    return quota


@pytest.fixture
def hurry(case: JobCase, monkeypatch: pytest.MonkeyPatch) -> None:
    """Places become free in seconds, whatever it is that frees them."""
    case.hurry_places(monkeypatch, 4)


def runs(case: JobCase, make: MakeTask, count: int, **kwargs: Any) -> list[OneTask]:
    return [
        make({"run_id": f"scheduled__2026-01-{day:02}"}, **case.apart(day), **kwargs)
        for day in range(1, count + 1)
    ]


async def triggerer(tasks: list[OneTask]) -> list[OneTask]:
    """Run all tasks to their end as a triggerer and its workers do; returns them in the order of starts."""
    started = []
    fired: asyncio.Queue[tuple[OneTask, asyncio.Future[Any]]] = asyncio.Queue()

    def defer(task: OneTask) -> None:
        waiting = asyncio.ensure_future(next_event(task.trigger()))
        # In the order in which the events come: a set of what is done would have none.
        waiting.add_done_callback(lambda event: fired.put_nowait((task, event)))

    for task in tasks:
        defer(task)
    left = len(tasks)
    while left:
        task, event = await fired.get()
        in_line = isinstance(task.trigger(), QueueTrigger)
        await asyncio.to_thread(task.resume, json_safe(event.result()))
        if task.deferred is None:
            left -= 1
        else:
            defer(task)
        if in_line and not (task.deferred and isinstance(task.trigger(), QueueTrigger)):
            started.append(task)
    return started


@pytest.mark.promise("quota-line")
def test_more_jobs_than_the_quota_all_succeed_in_order(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, quota: int, hurry: None
) -> None:
    aws.set_pace(seconds=case.shortest)
    tasks = runs(case, make_deferrable, case.most, poll_interval=0.1)
    for task in tasks:
        task.begin()
    in_line = [task for task in tasks if isinstance(task.trigger(), QueueTrigger)]
    started = asyncio.run(triggerer(tasks))
    jobs = aws.jobs(case.service)
    assert [job["state"] for job in jobs] == [case.succeeded] * case.most
    assert aws.max_active(case.service) <= quota
    assert [task.run_id for task in started] == [task.run_id for task in in_line]
    # Each task's own call, a refusal for each that had to wait, and hardly one that was called too early.
    assert aws.calls(case.service)[case.start_operation] <= case.most + len(in_line) + 2


@pytest.mark.promise("quota-line")
def test_a_task_on_the_worker_waits_in_line_too(
    aws: AwsJobs, case: JobCase, make_sync: MakeTask, hurry: None
) -> None:
    case.limit(aws, 1)
    aws.set_pace(seconds=0.5)
    make_sync({"run_id": "first"}, wait_for_completion=False).run()
    make_sync({"run_id": "second"}, poll_interval=0.1, **case.apart(1)).run()
    assert [job["state"] for job in aws.jobs(case.service)] == [case.succeeded] * 2
    assert aws.max_active(case.service) == 1


@pytest.mark.promise("place-given-up")
def test_a_task_killed_in_line_as_its_news_comes_gives_its_place_up(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, quota: int
) -> None:
    aws.set_pace()
    tasks = runs(case, make_deferrable, quota + 1, poll_interval=0.05)
    for task in tasks:
        task.begin()

    async def scenario() -> None:
        waiting = asyncio.ensure_future(next_event(tasks[-1].trigger()))
        while not (queues := QuotaQueue.all_here()) or not queues[0].waiters[0].polled:
            await asyncio.sleep(0.005)
        queues[0].waiters[0].updates.put_nowait(JobUnavailableError("no answer", "Unheard"))
        waiting.cancel()
        await asyncio.wait({waiting}, timeout=5)
        assert waiting.cancelled()
        assert not QuotaQueue.all_here()

    asyncio.run(scenario())


@pytest.mark.promise("place-given-up")
def test_a_task_killed_in_line_gives_its_place_up(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, quota: int
) -> None:
    aws.set_pace()
    tasks = runs(case, make_deferrable, quota + 3, poll_interval=0.05)
    for task in tasks:
        task.begin()
    killed, second, third = tasks[-3:]

    async def scenario() -> list[OneTask]:
        waits = {task.run_id: asyncio.ensure_future(next_event(task.trigger())) for task in tasks[-3:]}
        await asyncio.wait(waits.values(), timeout=1.5)
        waits[killed.run_id].cancel()
        await asyncio.to_thread(case.free_place, aws)
        done, _ = await asyncio.wait(
            [waits[second.run_id], waits[third.run_id]], timeout=10, return_when=asyncio.FIRST_COMPLETED
        )
        waits[third.run_id].cancel()
        return [task for task in (second, third) if waits[task.run_id] in done]

    assert asyncio.run(scenario()) == [second]


@pytest.mark.promise("quota-line")
def test_a_task_that_was_called_and_refused_keeps_its_place(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask
) -> None:
    case.limit(aws, 0)
    task = make_deferrable()
    task.begin()
    came = task.trigger()
    assert isinstance(came, QueueTrigger)
    task.resume({"since": came.since})
    again = task.trigger()
    assert isinstance(again, QueueTrigger)
    assert again.since == came.since


@pytest.mark.promise("quota-line")
@pytest.mark.promise("throttled")
def test_the_line_is_told_in_the_log_and_outlives_a_failing_look(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, quota: int, logged: Callable[[], str]
) -> None:
    aws.set_pace()
    tasks = runs(case, make_deferrable, quota + 1, poll_interval=0.1)
    for task in tasks:
        task.begin()
    aws.add_fault(Fault(case.list_operation, "throttle", skip=6))

    async def scenario() -> Any:
        waiting = asyncio.ensure_future(next_event(tasks[-1].trigger()))
        said = ""
        async with asyncio.timeout(20):
            while "the last poll failed" not in said:
                await asyncio.sleep(0.05)
                said += logged()
            case.free_place(aws)
            return said, await waiting

    said, event = asyncio.run(scenario())
    assert "position 1; " in said
    assert f"{quota} of {quota} jobs are in flight" in said
    assert event["since"] > 0


def test_a_refused_look_at_the_line_fails_the_task(aws: AwsJobs, case: JobCase, make_task: MakeTask) -> None:
    case.limit(aws, 0)
    aws.add_fault(Fault(case.list_operation, "access-denied", skip=case.lists_before_start, count=3))
    with pytest.raises(JobError, match=r"Waiting to start the .* failed: .*Check that the role"):
        make_task().run()
