# SPDX-License-Identifier: Apache-2.0

"""What our triggers have in common: how they travel, and how soon they may end."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_jobs.hooks.spec import HookSpec

__all__ = ["SHORTEST", "WaitTrigger", "shortest_wait"]

#: Seconds that a wait in a triggerer lasts at least, unless its looks come sooner. Where a task goes on
#: before the scheduler has read that its worker left it deferred, Airflow takes it for one that was killed,
#: and it loses a try (apache/airflow#71580, apache/airflow#72716: seen six seconds after the deferral).
SHORTEST = 10.0


def shortest_wait(poll_interval: float) -> float:
    """Return how many seconds a wait lasts at least, with so many between its looks."""
    return min(SHORTEST, poll_interval)


class WaitTrigger(BaseTrigger):
    """Base of the triggers: waits for something to do with one job, and yields one event.

    :param hook_class: dotted path of the :class:`~airflow_provider_jobs.hooks.base.JobHook` to ask.
    :param hook_parameters: its constructor's arguments, as JSON; primitives, no credentials.
    :param job_id: the job's name.
    :param poll_interval: seconds between looks.
    """

    def __init__(
        self, *, hook_class: str, hook_parameters: str, job_id: str, poll_interval: float = 30
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.spec = HookSpec(hook_class, hook_parameters)
        self.job_id = job_id
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the constructor's arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "hook_class": self.spec.hook_class,
            "hook_parameters": self.spec.parameters,
            "job_id": self.job_id,
            "poll_interval": self.poll_interval,
        }

    async def say(self, text: str, *values: object, warning: bool = False) -> None:
        """Write a line to the task's log: in a thread, since the triggerer's log takes it when it can."""
        await asyncio.to_thread(self.log.warning if warning else self.log.info, text, *values)

    @abstractmethod
    async def wait(self) -> dict[str, Any]:
        """Return the event's content when the wait is over."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when the wait is over."""
        loop = asyncio.get_running_loop()
        soonest = loop.time() + shortest_wait(self.poll_interval)
        event = await self.wait()
        if self.trigger_id is not None:  # else it runs with its task, in one process
            await asyncio.sleep(max(soonest - loop.time(), 0.0))
        yield TriggerEvent(event)
