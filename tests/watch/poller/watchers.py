# SPDX-License-Identifier: Apache-2.0

"""Watchers of replays, and the polls that they share."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
import job_targets
from job_cases import REGION

from airflow_provider_jobs._watch.poller import JobPoller, Waiter
from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.job import JobStatus

ELSEWHERE = "eu-west-1"

#: Seconds; short, so that the tests take no time. None of them depends on it.
INTERVAL = 0.02

#: Seconds after which a test that waits for something gives up.
PATIENCE = 60.0


def spec(region: str = REGION, connection: str | None = None) -> HookSpec:
    """A hook without retries of botocore's own, so that every fault reaches the poller."""
    config = {"retries": {"total_max_attempts": 1}}
    return HookSpec.of(
        EventBridgeReplayHook, {"aws_conn_id": connection, "region_name": region, "config": config}
    )


def replays(count: int, region: str = REGION) -> list[str]:
    """Start so many replays, which end by hand only."""
    clients = partial(boto3.client, region_name=region)
    names = [f"{region}-{number}" for number in range(count)]
    job_targets.archive(clients, "orders")
    job_targets.replays(clients, names)
    return names


class Watch:
    """A watcher in a task of its own; it stays until its job has ended.

    :ivar seen: what it was told.
    """

    def __init__(self, job_id: str, where: HookSpec | None = None, interval: float = INTERVAL) -> None:
        self.seen: list[Any] = []
        self.task = asyncio.create_task(self._run(where or spec(), Waiter(job_id, interval)))

    async def _run(self, where: HookSpec, waiter: Waiter) -> None:
        async with JobPoller.waiting(where, waiter) as updates:
            while not self.ended:
                self.seen.append(await updates.get())

    @property
    def ended(self) -> bool:
        """Whether it saw its job's end."""
        return any(isinstance(update, JobStatus) and update.state.ended for update in self.seen)

    async def leave(self) -> None:
        """Be cancelled, and be gone."""
        self.task.cancel()
        await asyncio.wait({self.task})
        assert self.task.cancelled()


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.002)


async def leave(*watches: Watch) -> None:
    for watch in watches:
        await watch.leave()


def pollers() -> list[Any]:
    """The pollers of the running event loop."""
    return [*JobPoller._of_loop.get(asyncio.get_running_loop(), {}).values()]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in an event loop, and see that no task is left when its watchers are gone."""

    async def watched() -> None:
        own = asyncio.all_tasks()
        await test()
        assert pollers() == []
        await until(lambda: asyncio.all_tasks() == own)

    asyncio.run(watched())


@dataclass(frozen=True)
class Poll:
    """A finished poll of AWS, whether it succeeded or not."""

    region: str | None
    calls: Counter[str]
