# SPDX-License-Identifier: Apache-2.0

"""The trigger that waits in the queue while the account's quota is full."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, Unpack

from airflow_provider_jobs._watch.accounts import account_of
from airflow_provider_jobs._watch.patience import Outlook, Patience
from airflow_provider_jobs._watch.queue import QuotaQueue
from airflow_provider_jobs._watch.reservations import Position
from airflow_provider_jobs._watch.shared import Waiter
from airflow_provider_jobs.triggers.base import VERSION, LaterArguments, WaitTrigger

__all__ = ["QueueTrigger"]


class QueueTrigger(WaitTrigger):
    """Waits in the queue until there is room for the job, then lets the task try to start it.

    Its event is a dictionary with ``since``, or with ``error`` and a message.

    Takes the parameters of :class:`~airflow_provider_jobs.triggers.base.WaitTrigger`, and:

    :param scope: the resource for which AWS runs only a few jobs at once, such as a dataset; may be empty.
    :param since: when the task joined the queue, in seconds since the epoch. A task that was allowed to start
        and then refused returns to its old position.
    :param again: whether the task returns; it then stays for at least its poll interval.
    :param until: when the task resumes without a reservation, in seconds since the epoch; None for never.
    """

    def __init__(
        self,
        *,
        hook_class: str,
        hook_parameters: Mapping[str, Any],
        job_id: str,
        poll_interval: float = 30,
        scope: str = "",
        since: float | None = None,
        again: bool = False,
        until: float | None = None,
        version: int = VERSION,
        **later: Unpack[LaterArguments],
    ) -> None:
        super().__init__(
            hook_class=hook_class,
            hook_parameters=hook_parameters,
            job_id=job_id,
            poll_interval=poll_interval,
            version=version,
            **later,
        )
        self.scope = scope
        self.since: float = time.time() if since is None else since
        self.again = again
        self.until = until

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the constructor's arguments."""
        path, arguments = super().serialize()
        return path, {
            **arguments,
            "scope": self.scope,
            "since": self.since,
            "again": self.again,
            "until": self.until,
        }

    async def wait(self) -> dict[str, Any]:
        """Return the event's content when it is the task's turn, or the queue cannot be polled."""
        said = ""
        account = await account_of(self.spec)
        if account is None:
            self.say(
                "AWS does not tell the connection's account (sts:GetCallerIdentity); the queue counts the "
                "jobs of this connection alone."
            )
        loop = asyncio.get_running_loop()
        not_before = loop.time() + self.poll_interval if self.again else 0.0
        waiter = Waiter(
            self.job_id, self.poll_interval, self.since, self.scope, spec=self.spec, not_before=not_before
        )
        patience = Patience(self.job_id, seen=True)
        async with QuotaQueue.waiting(self.spec, waiter, account) as updates:
            while True:
                left = None if self.until is None else max(self.until - time.time(), 0.0)
                try:
                    # Not wait_for: in Python 3.11 it swallows a cancellation that comes at the same time.
                    async with asyncio.timeout(left):
                        update = await updates.get()
                except TimeoutError:
                    return {"since": self.since}
                if isinstance(update, Position):
                    if update.number == 0:
                        return {"since": self.since}
                    line = (
                        f"Waiting in the queue to start {self.job_id}: position {update.number}; "
                        f"{update.taken} of {update.limit:.0f} jobs are in flight."
                    )
                elif patience.hear(update, now=loop.time(), aws_now=None).outlook is Outlook.HOPELESS:
                    return {"error": str(update)}
                else:
                    line = f"Waiting in the queue to start {self.job_id}; the last poll failed: {update}"
                if line != said:
                    self.say(line)
                    said = line
