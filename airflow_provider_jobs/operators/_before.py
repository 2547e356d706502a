# SPDX-License-Identifier: Apache-2.0

"""The state that a try keeps over its waits before the start."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from airflow.providers.common.compat.sdk import Context

from airflow_provider_jobs._once.steps import Carried
from airflow_provider_jobs.exceptions import JobError
from airflow_provider_jobs.operators._context import try_number

__all__ = ["Before"]


@dataclass(slots=True)
class Before:
    """The state that a try keeps over its waits before the start.

    :param carried: the state of the core.
    :param queued: when the task joined the queue, in seconds since the epoch; None if it is not in a queue.
    :param began: when the try began to wait, in seconds since the epoch.
    :param warned: when the last warning was logged that the task waits for a job that may be its own.
    """

    carried: Carried = field(default_factory=Carried)
    queued: float | None = None
    began: float = field(default_factory=time.time)
    warned: float = 0.0

    def to_json(self, context: Context) -> dict[str, Any]:
        """Return it as arguments of a deferral."""
        return {
            "try_number": try_number(context),
            "carried": self.carried.to_json(),
            "queued": self.queued,
            "began": self.began,
            "warned": self.warned,
        }

    @classmethod
    def after(cls, kept: Mapping[str, Any] | None, event: Any, context: Context) -> Before:
        """Restore the state after a wait.

        Airflow 3.0.0 to 3.1.0 resume a retry with the deferral of the previous try (apache/airflow#56704), so
        the state of another try is ignored.

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
            # It goes on although it was told to stop. If AWS still shows it as running, it is told again.
            before.carried.stopped.pop(event["job_id"], None)
        if isinstance(event, Mapping) and "job_id" not in event and (why := event.get("error")):
            raise JobError(f"Waiting to start the job failed: {why}")
        return before
