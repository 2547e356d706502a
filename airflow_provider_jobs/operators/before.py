# SPDX-License-Identifier: Apache-2.0

"""What a try keeps over its waits before the start."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.providers.common.compat.sdk import Context

from airflow_provider_jobs.exceptions import JobError
from airflow_provider_jobs.once.steps import Carried
from airflow_provider_jobs.operators.context import try_number

__all__ = ["Before"]


@dataclass(slots=True)
class Before:
    """What a try keeps over its waits before the start.

    :param carried: what the core keeps.
    :param queued: when the task came to the queue, in seconds since the epoch; None if it is in none.
    :param began: when the try began to wait, in seconds since the epoch.
    :param warned: when it was said last that the task waits for a job that may be its own.
    """

    carried: Carried = field(default_factory=Carried)
    queued: float | None = None
    began: float = field(default_factory=time.time)
    warned: float = 0.0

    def to_json(self, context: Context) -> dict[str, Any]:
        """Return it for a deferral's arguments."""
        return {
            "try_number": try_number(context),
            "carried": self.carried.to_json(),
            "queued": self.queued,
            "began": self.began,
            "warned": self.warned,
        }

    @classmethod
    def after(cls, kept: Mapping[str, Any] | None, event: Any, context: Context) -> Before:
        """Read what was kept, after a wait.

        Airflow 3.0.0 to 3.1.0 resume a retry with the deferral of the try before (apache/airflow#56704): what
        another try has kept counts as nothing.

        :raises JobError: if the wait failed for good.
        """
        if not kept or kept.get("try_number") != try_number(context):
            return cls()
        before = cls(
            Carried.from_json(kept.get("carried")),
            kept.get("queued"),
            kept.get("began", time.time()),
            kept.get("warned", 0.0),
        )
        if isinstance(event, Mapping) and "since" in event:
            before.queued = event["since"]
        if isinstance(event, Mapping) and event.get("timeout"):
            # It goes on although it was told to stop: if AWS says so too, it is told again.
            before.carried.stopped.pop(event["job_id"], None)
        if isinstance(event, Mapping) and "job_id" not in event and (why := event.get("error")):
            raise JobError(f"Waiting to start the job failed: {why}")
        return before
