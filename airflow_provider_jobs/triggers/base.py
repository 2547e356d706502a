# SPDX-License-Identifier: Apache-2.0

"""What our triggers have in common: how they travel, and how soon they may end."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypedDict, Unpack

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_jobs.hooks.spec import HookSpec
from airflow_provider_jobs.watch.threads import LOG_THREAD

__all__ = ["SHORTEST", "VERSION", "LaterArguments", "WaitTrigger", "refuse_unknown", "shortest_wait"]

#: Seconds that a wait in a triggerer lasts at least, unless its looks come sooner. Where a task goes on
#: before the scheduler has read that its worker left it deferred, Airflow takes it for one that was killed,
#: and it loses a try (apache/airflow#71580, apache/airflow#72716: seen six seconds after the deferral).
SHORTEST = 10.0


#: Of what the triggers are given and tell. A release that adds to it raises this; see CONTRIBUTING.md.
VERSION = 1


class LaterArguments(TypedDict):
    """Arguments that a later release may have given a trigger: to this one, and to a type checker, none."""


def refuse_unknown(trigger: BaseTrigger, version: int, unknown: Mapping[str, Any]) -> None:
    """Refuse arguments that nobody knows; those of a later release are left aside.

    After a downgrade the waits of the later release go on: a trigger that Airflow cannot build fails its
    task, and its job runs on unwatched.

    :param version: of the arguments.
    :raises TypeError: if there are any that are not of a later release.
    """
    if unknown and version <= VERSION:
        raise TypeError(f"{type(trigger).__name__} has no arguments {', '.join(sorted(unknown))}.")


def shortest_wait(poll_interval: float) -> float:
    """Return how many seconds a wait lasts at least, with so many between its looks."""
    return min(SHORTEST, poll_interval)


class WaitTrigger(BaseTrigger):
    """Base of the triggers: waits for something to do with one job, and yields one event.

    :param hook_class: dotted path of the :class:`~airflow_provider_jobs.hooks.base.JobHook` to ask.
    :param hook_parameters: its constructor's arguments; primitives, no credentials.
    :param job_id: the job's name.
    :param poll_interval: seconds between looks.
    :param version: of these arguments.
    """

    def __init__(
        self,
        *,
        hook_class: str,
        hook_parameters: Mapping[str, Any],
        job_id: str,
        poll_interval: float = 30,
        version: int = VERSION,
        **later: Unpack[LaterArguments],
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        refuse_unknown(self, version, later)
        self.spec: HookSpec = HookSpec.named(hook_class, hook_parameters)
        self.job_id = job_id
        self.poll_interval = poll_interval

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the constructor's arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "hook_class": self.spec.hook_class,
            "hook_parameters": self.spec.parameters,
            "job_id": self.job_id,
            "poll_interval": self.poll_interval,
            "version": VERSION,
        }

    def say(self, text: str, *values: object, warning: bool = False) -> None:
        """Write a line to the task's log; in a triggerer without waiting for it, since its log is shared."""
        level = logging.WARNING if warning else logging.INFO
        if self.trigger_id is None:  # it runs with its task, in one process
            self.log.log(level, text, *values)
        else:
            LOG_THREAD.put(lambda: self.log.log(level, text, *values))

    @abstractmethod
    async def wait(self) -> dict[str, Any]:
        """Return the event's content when the wait is over."""

    async def cancelled(self) -> None:
        """Do what is to be done when the triggerer ends the trigger before its event."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when the wait is over."""
        loop = asyncio.get_running_loop()
        soonest = loop.time() + shortest_wait(self.poll_interval)
        if self.trigger_id is None:  # it runs with its task, in one process
            yield TriggerEvent(await self.wait())
            return
        try:
            event = await self.wait()
            await asyncio.sleep(max(soonest - loop.time(), 0.0))
        except asyncio.CancelledError:
            await self.cancelled()
            raise
        yield TriggerEvent(event)
