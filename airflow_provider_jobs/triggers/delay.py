# SPDX-License-Identifier: Apache-2.0

"""The trigger that waits for a number of seconds; it makes no calls."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Unpack

from airflow.triggers.base import BaseTrigger, TriggerEvent

from airflow_provider_jobs.triggers import base

__all__ = ["DelayTrigger"]


class DelayTrigger(BaseTrigger):
    """Waits for a number of seconds, then lets the task decide again.

    After a triggerer's restart the wait begins again. Its event is an empty dictionary.

    :param seconds: how long to wait.
    :param version: the version of these arguments.
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
        # In a triggerer, wait until Airflow knows that the task is deferred; see SHORTEST.
        await asyncio.sleep(self.seconds if self.trigger_id is None else max(self.seconds, base.SHORTEST))
        yield TriggerEvent({})
