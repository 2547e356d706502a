# SPDX-License-Identifier: Apache-2.0

"""The trigger that waits for some seconds, by no clock but its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Unpack

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_jobs.triggers import base

__all__ = ["DelayTrigger"]


class DelayTrigger(BaseTrigger):
    """Waits for some seconds, then lets the task decide again; after a triggerer's restart, once more.

    Its event is an empty dictionary.

    :param seconds: how long.
    :param version: of these arguments.
    """

    def __init__(
        self, *, seconds: float, version: int = base.VERSION, **later: Unpack[base.LaterArguments]
    ) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        base.refuse_unknown(self, version, later)
        self.seconds = seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the constructor's arguments."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {
            "seconds": self.seconds,
            "version": base.VERSION,
        }

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Yield one event when the time is over."""
        # In a triggerer no shorter than Airflow needs to know that its task waits; else with the task.
        await asyncio.sleep(self.seconds if self.trigger_id is None else max(self.seconds, base.SHORTEST))
        yield TriggerEvent({})
