# SPDX-License-Identifier: Apache-2.0

"""The queue of tasks that wait for room in a quota, one per account and Region."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Collection, Hashable, Iterable
from math import inf
from typing import TYPE_CHECKING, ClassVar

from airflow_provider_jobs._once.evidence import Marking
from airflow_provider_jobs._watch.reservations import Queued, Reservations
from airflow_provider_jobs._watch.shared import SharedPoll
from airflow_provider_jobs.hooks._spec import HookSpec

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.base import JobHook

__all__ = ["QuotaQueue"]


class QuotaQueue(SharedPoll):
    """Tells each waiter its position; as far as there is room, waiters may start in the order of arrival.

    Its ``key`` is the account and Region, or the connection if AWS does not tell the account. What it learnt
    about the quota, and its reservations, outlive its last waiter.
    """

    gauge = "quota_waiting"
    _kept: ClassVar[dict[tuple[str, Hashable], Reservations]] = {}

    async def poll(self) -> Iterable[Exception]:
        """Count the jobs in flight and tell each waiter its position."""
        waiters = self.waiters
        # Any of the connections will do; use the next one if this one has failed or is no longer in use.
        specs = list(dict.fromkeys(waiter.spec or self.spec for waiter in waiters))
        if self.spec not in specs:
            self._use(specs[0])
        elif self._hook is None:
            self._use(specs[(specs.index(self.spec) + 1) % len(specs)])
        reservations = self._kept.setdefault((self.spec.hook_class, self.key), Reservations())
        scopes = {waiter.scope for waiter in waiters} | reservations.scopes
        back = {waiter.job_id for waiter in waiters}
        await self.ask(lambda hook: self._count(hook, reservations, scopes, back))
        now, clock = asyncio.get_running_loop().time(), time.monotonic()
        queue = sorted(self.waiters, key=lambda waiter: waiter.since)
        told = reservations.assign(
            [Queued(each.job_id, each.scope, clock + max(each.not_before - now, 0.0)) for each in queue],
            clock,
        )
        by_waiter = dict(zip(queue, told, strict=True))
        await self.tell(queue, lambda waiter: by_waiter[waiter])
        return ()

    def _use(self, spec: HookSpec) -> None:
        if spec != self.spec:
            if self._thread is not None:
                self._thread.give_back()
            self._thread, self._hook, self._memory = None, None, {}
            self.spec: HookSpec = spec

    def _end(self) -> None:
        super()._end()
        kept = self._kept.get((self.spec.hook_class, self.key))
        if kept is not None and kept.idle:
            del self._kept[self.spec.hook_class, self.key]

    def _count(
        self, hook: JobHook, reservations: Reservations, scopes: Collection[str], back: Collection[str]
    ) -> None:
        """Count the jobs in flight, and drop reservations whose job has started or that have expired."""
        named = hook.marking is Marking.NAME
        reservations.count(
            hook.active_jobs(scopes),
            quota=inf if hook.quota is None else hook.quota,
            scope_quota=inf if hook.scope_quota is None else hook.scope_quota,
            back=back,
            now=time.monotonic(),
            named=named,
        )
        if named and (unseen := reservations.unseen()):
            # A job with a reservation may have started and ended between two polls.
            found = hook.describe_jobs(unseen)
            reservations.drop([job_id for job_id, job in found.items() if not isinstance(job, Exception)])
