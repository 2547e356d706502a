# SPDX-License-Identifier: Apache-2.0

"""Waiting in line while the account runs as many jobs as it may."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from math import inf
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs.exceptions import is_passing
from airflow_provider_jobs.hooks.spec import HookSpec
from airflow_provider_jobs.once.evidence import Marking
from airflow_provider_jobs.triggers.base import WaitTrigger
from airflow_provider_jobs.triggers.poller import SharedLook, Waiter

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.base import JobHook

__all__ = ["SlotTrigger"]

#: Seconds that a free place is kept for a task that was called: Airflow has to schedule it first.
_KEPT = 120.0


@dataclass(frozen=True, slots=True)
class _Place:
    """How the line looks to one who waits in it; ``position`` 0 means: your turn."""

    position: int
    taken: int
    limit: float


@dataclass(frozen=True, slots=True)
class _Call:
    """A place that is kept for a task which was called."""

    job_id: str
    scope: str
    until: float


class _SlotQueue(SharedLook):
    """The line: first come, first served, and only as many are called as there are places."""

    gauge = "quota_waiting"

    def __init__(self, spec: HookSpec) -> None:
        super().__init__(spec)
        self._limit = 0.0
        self._scope_limit = inf
        self._most = Counter[str]()
        self._calls: list[_Call] = []
        self._seen: set[str] = set()

    async def look(self) -> bool:
        """Count the free places and call as many waiters."""
        scopes = {waiter.scope for waiter in self.waiters} | {call.scope for call in self._calls}
        active = await self.ask(lambda hook: self._count(hook, scopes))
        running = Counter(active.values())
        # Where more jobs run than the default quota allows, the account has a higher one.
        self._limit = max(self._limit, len(active))
        self._most |= running
        taken = running + Counter(call.scope for call in self._calls)
        line = sorted(self.waiters, key=lambda waiter: waiter.since)
        until = time.monotonic() + _KEPT
        places: dict[int, _Place] = {}
        waiting = 0
        for waiter in line:
            scope, scope_limit = waiter.scope, max(self._scope_limit, self._most[waiter.scope])
            if taken.total() < self._limit and taken[scope] < scope_limit:
                taken[scope] += 1
                self._calls.append(_Call(waiter.job_id, scope, until))
                places[id(waiter)] = _Place(0, 0, 0)
            else:
                waiting += 1
                full = taken.total() >= self._limit
                counts = (len(active), self._limit) if full else (running[scope], scope_limit)
                places[id(waiter)] = _Place(waiting, *counts)
        await self.tell(line, lambda waiter: places[id(waiter)])
        return True

    def _count(self, hook: JobHook, scopes: Collection[str]) -> dict[str, str]:
        """Look at the jobs in flight, and drop the calls that have been answered or have expired."""
        active = hook.active_jobs(scopes)
        self._limit = max(self._limit, inf if hook.quota is None else hook.quota)
        self._scope_limit = inf if hook.scope_quota is None else hook.scope_quota
        # A task that was called and refused after all is in line again: no place is kept for it.
        back = {waiter.job_id for waiter in self.waiters}
        calls = [call for call in self._calls if call.until > time.monotonic() and call.job_id not in back]
        if hook.marking is Marking.NAME:
            # A called task's job may have ended between two looks; its place is free then.
            unseen = [call.job_id for call in calls if call.job_id not in active]
            found = hook.describe_jobs(unseen) if unseen else {}
            self._calls = [call for call in calls if isinstance(found.get(call.job_id), Exception)]
        else:
            # Which call a new job answers cannot be told; the oldest of its scope is as good as any.
            for scope in (active[job_id] for job_id in active.keys() - self._seen):
                answered = next((call for call in calls if call.scope == scope), None)
                if answered:
                    calls.remove(answered)
            self._calls, self._seen = calls, set(active)
        return active


class SlotTrigger(WaitTrigger):
    """Waits in line for a free place, then lets the task try to start its job.

    Its event is a dictionary with ``since``, or with ``error`` and a message.

    Takes the parameters of :class:`~airflow_provider_jobs.triggers.base.WaitTrigger`, and:

    :param scope: what the job shares with others of which few may run, such as a dataset.
    :param since: when the task came to the line, in seconds since the epoch; a task that was called and
        refused after all comes back to its old place.
    """

    def __init__(self, *, scope: str = "", since: float | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.scope = scope
        self.since = time.time() if since is None else since

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the constructor's arguments."""
        path, arguments = super().serialize()
        return path, {**arguments, "scope": self.scope, "since": self.since}

    async def wait(self) -> dict[str, Any]:
        """Return the event's content when it is the task's turn, or the line cannot be looked at."""
        said = ""
        waiter = Waiter(self.job_id, self.poll_interval, self.since, self.scope)
        async with _SlotQueue.waiting(self.spec, waiter) as updates:
            while True:
                update = await updates.get()
                if isinstance(update, _Place):
                    if update.position == 0:
                        return {"since": self.since}
                    line = (
                        f"Waiting in line to start {self.job_id}: number {update.position}, "
                        f"{update.taken} of {update.limit:.0f} places are taken."
                    )
                elif is_passing(update):
                    line = f"Waiting in line to start {self.job_id}; the last look failed: {update}"
                else:
                    return {"error": str(update)}
                if line != said:
                    await self.say(line)
                    said = line
