# SPDX-License-Identifier: Apache-2.0

"""Who may start, of those who queue for a quota: makes no calls and reads no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import inf

__all__ = ["Position", "Queued", "Reservations"]

#: Seconds that a place is reserved for a task that may start: Airflow has to schedule it first. One that gets
#: no worker meanwhile (a paused DAG, a full pool) gives its place to the next; refused later, it comes back.
RESERVED = 45.0
#: Seconds after a refusal before one more than the limit that it taught is tried; twice as many after each
#: trial that fails, up to the second number.
_TRIAL, _LONGEST_TRIAL = 30.0, 600.0
#: Refusals in a row that teach a lower limit: the place of one may have been taken by somebody else.
_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Queued:
    """A task in the queue.

    :param job_id: the name of the job that it wants to start.
    :param scope: what the job shares with others of which few may run.
    :param not_before: the time before which it may not start: it was refused a moment ago.
    """

    job_id: str
    scope: str = ""
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Position:
    """What a task in the queue is told.

    :param number: its position; 0 means that it may start.
    :param taken: how many jobs are in flight, of the account or of its scope.
    :param limit: how many may be.
    """

    number: int
    taken: int
    limit: float


@dataclass(frozen=True, slots=True)
class _Reservation:
    job_id: str
    scope: str
    until: float


class Reservations:
    """The places of a quota: those taken, those reserved, and those that are free.

    The limit is AWS's default quota, or more where more jobs were seen in flight. Two tasks in a row that may
    start and are refused all the same teach a lower one. That may come from others' jobs or from a list that
    lags, so one more is tried again later.
    """

    def __init__(self) -> None:
        self._reservations: list[_Reservation] = []
        self._active: Mapping[str, str] = {}
        self._quota = self._scope_quota = inf
        self._most = 0
        self._most_of = Counter[str]()
        self._learnt = inf
        #: How many tasks were refused since one started its job in the place that was reserved for it.
        self._refused = 0
        self._trial_at, self._trial_after = 0.0, _TRIAL

    @property
    def idle(self) -> bool:
        """Whether there is nothing to remember."""
        return not self._reservations and self._learnt == inf

    @property
    def scopes(self) -> set[str]:
        """The scopes of the places that are reserved."""
        return {each.scope for each in self._reservations}

    def unseen(self) -> list[str]:
        """Return the jobs that a place is reserved for, and that the last count has not shown."""
        return [each.job_id for each in self._reservations if each.job_id not in self._active]

    def count(
        self,
        active: Mapping[str, str],
        *,
        quota: float,
        scope_quota: float,
        back: Collection[str],
        now: float,
        named: bool,
    ) -> None:
        """Take up how many jobs are in flight.

        :param active: the jobs in flight, each with its scope.
        :param quota: how many there may be by AWS's default quota.
        :param scope_quota: how many of them may share a scope.
        :param back: the jobs whose tasks queue now: no place is reserved for these.
        :param now: seconds by a steady clock.
        :param named: whether a job has the name that its place is reserved for.
        """
        before, self._active = self._active, active
        self._quota, self._scope_quota = quota, scope_quota
        self._most = max(self._most, len(active))
        self._most_of |= Counter(active.values())
        refused = [each for each in self._reservations if each.job_id in back]
        self._reservations = [
            each for each in self._reservations if each.until > now and each.job_id not in back
        ]
        if named:
            self.drop(active.keys())
        else:
            # A new job does not show which reservation it used, so the oldest of its scope is dropped.
            for scope in (active[job_id] for job_id in active.keys() - before.keys()):
                found = next((each for each in self._reservations if each.scope == scope), None)
                if found:
                    self._reservations.remove(found)
                    self._refused = 0
        self._learn(refused, len(before), now)

    def drop(self, job_ids: Collection[str]) -> None:
        """Reserve no place for these jobs any longer: they are in flight, or have ended already."""
        left = [each for each in self._reservations if each.job_id not in job_ids]
        if len(left) < len(self._reservations):
            self._refused = 0
        self._reservations = left

    def assign(self, queue: Iterable[Queued], now: float) -> list[Position]:
        """Return what each task in the queue is told, and reserve a place for those that may start.

        :param queue: the tasks, the first of them first.
        :param now: seconds by a steady clock.
        """
        running = Counter(self._active.values())
        taken = running + Counter(each.scope for each in self._reservations)
        limit = self._limit(now)
        places: list[Position] = []
        waiting = 0
        for task in queue:
            scope_limit = max(self._scope_quota, self._most_of[task.scope])
            full = taken.total() >= limit
            free = not full and taken[task.scope] < scope_limit
            if not free or task.not_before > now:
                # One that may not start yet keeps its position: the place is not the next one's.
                taken[task.scope] += free
                waiting += 1
                counts = (running[task.scope], scope_limit)
                if full or scope_limit == inf:
                    counts = (len(self._active), limit)
                places.append(Position(waiting, *counts))
            else:
                taken[task.scope] += 1
                self._reservations.append(_Reservation(task.job_id, task.scope, now + RESERVED))
                places.append(Position(0, 0, 0))
        return places

    def _limit(self, now: float) -> float:
        """Return how many jobs there may be, as far as is known."""
        limit = max(self._quota, self._most)
        if self._learnt < limit and now >= self._trial_at:
            self._learnt += 1
            self._trial_at = now + self._trial_after
        if self._learnt >= limit:
            self._learnt, self._trial_after = inf, _TRIAL
        return min(limit, self._learnt)

    def _learn(self, refused: Iterable[_Reservation], before: int, now: float) -> None:
        """Take from refusals that AWS's limit is lower than it was believed to be.

        :param refused: the reservations of those that were refused.
        :param before: how many jobs were in flight at the count before; one may have ended since.
        """
        taken = Counter(self._active.values()) + Counter(each.scope for each in self._reservations)
        total = max(taken.total(), before)
        for each in refused:
            # What is full may be the scope: then the account's limit is none the wiser.
            if self._quota == inf or taken[each.scope] >= self._scope_quota:
                continue
            self._refused += 1
            if self._refused >= _ENOUGH:
                self._learnt = max(min(self._learnt, total), 1)
                self._trial_at = now + self._trial_after
                self._trial_after = min(2 * self._trial_after, _LONGEST_TRIAL)
