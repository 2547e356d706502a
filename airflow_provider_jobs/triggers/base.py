# SPDX-License-Identifier: Apache-2.0

"""What the triggers have in common: their serialization, and how soon they may end."""

from __future__ import annotations

import asyncio
import logging
from abc import abstractmethod
from collections.abc import AsyncIterator, Mapping
from typing import Any, TypedDict, Unpack

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_jobs._watch.threads import LOG_THREAD
from airflow_provider_jobs.hooks._spec import HookSpec

__all__ = ["SHORTEST", "VERSION", "LaterArguments", "WaitTrigger", "refuse_unknown", "shortest_wait"]

#: The least number of seconds that a wait in a triggerer lasts, unless its poll interval is shorter. If a
#: task resumes before the scheduler has read that its worker deferred it, Airflow takes the task for killed,
#: and it loses a try (apache/airflow#71580, apache/airflow#72716: seen six seconds after the deferral).
SHORTEST = 10.0


#: The version of the triggers' arguments and events. A release that adds to them raises this; see
#: CONTRIBUTING.md.
VERSION = 1


class LaterArguments(TypedDict):
    """Arguments that a later release may have given a trigger; there are none for type checkers."""


def refuse_unknown(trigger: BaseTrigger, version: int, unknown: Mapping[str, Any]) -> None:
    """Reject unknown arguments, but ignore those of a later release.

    So the waits of a later release survive a downgrade. Otherwise Airflow could not build the trigger, and
    would fail its task, while the job would go on unwatched.

    :param version: the version of the arguments.
    :raises TypeError: if there are unknown arguments that are not from a later release.
    """
    if unknown and version <= VERSION:
        raise TypeError(f"{type(trigger).__name__} has no arguments {', '.join(sorted(unknown))}.")


def shortest_wait(poll_interval: float) -> float:
    """Return the least number of seconds that a wait with this poll interval lasts."""
    return min(SHORTEST, poll_interval)


class WaitTrigger(BaseTrigger):
    """Base class of triggers that wait for something about one job, and yield one event.

    :param hook_class: dotted path of the :class:`~airflow_provider_jobs.hooks.base.JobHook` to use.
    :param hook_parameters: its constructor's arguments; primitives, no credentials.
    :param job_id: the job's id or name.
    :param poll_interval: seconds between polls.
    :param version: the version of these arguments.
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
        """Write a line to the task's log; in a triggerer, whose log is shared, without waiting for that."""
        level = logging.WARNING if warning else logging.INFO
        if self.trigger_id is None:  # it runs in the task's own process
            self.log.log(level, text, *values)
        else:
            LOG_THREAD.put(lambda: self.log.log(level, text, *values))

    @abstractmethod
    async def wait(self) -> dict[str, Any]:
        """Return the event's content when the wait is over."""

    async def cancelled(self) -> None:
        """Clean up when the triggerer cancels the trigger before its event."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when the wait is over."""
        loop = asyncio.get_running_loop()
        soonest = loop.time() + shortest_wait(self.poll_interval)
        if self.trigger_id is None:  # it runs in the task's own process
            yield TriggerEvent(await self.wait())
            return
        try:
            event = await self.wait()
            await asyncio.sleep(max(soonest - loop.time(), 0.0))
        except asyncio.CancelledError:
            await self.cancelled()
            raise
        yield TriggerEvent(event)
