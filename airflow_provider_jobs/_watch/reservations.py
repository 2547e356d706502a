# SPDX-License-Identifier: Apache-2.0

"""Decides which of the queued tasks may start; makes no calls and reads no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from math import inf

__all__ = ["Position", "Queued", "Reservations"]

#: Seconds that a task's reservation is valid after it was told to start, since Airflow has to schedule it
#: first. If it gets no worker in that time (a paused DAG, a full pool), the next task may start; if AWS
#: refuses this one later, it returns to the queue.
RESERVED = 45.0
#: Seconds after a refusal before one job more than the learnt limit is tried; doubled after each trial that
#: fails, up to the second number.
_TRIAL, _LONGEST_TRIAL = 30.0, 600.0
#: Refusals in a row after which the limit is lowered; a single one may be due to another user's job.
_ENOUGH = 2


@dataclass(frozen=True, slots=True)
class Queued:
    """A task in the queue.

    :param job_id: the name of the job that it wants to start.
    :param scope: the resource for which AWS runs only a few jobs at once, such as a dataset; may be empty.
    :param not_before: the earliest time at which it may start, after a refusal.
    """

    job_id: str
    scope: str = ""
    not_before: float = 0.0


@dataclass(frozen=True, slots=True)
class Position:
    """A task's position in the queue.

    :param number: the position; 0 means that it may start.
    :param taken: how many jobs are in flight, in the account or in its scope.
    :param limit: how many there may be.
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
    """The jobs that count against a quota: those in flight, and those that tasks have a reservation for.

    The limit is AWS's default quota, or more if more jobs were seen in flight. If two tasks in a row that had
    a reservation are refused, the limit is lower. The cause may be other people's jobs or a list that lags,
    so one more job is tried again later.
    """

    def __init__(self) -> None:
        self._reservations: list[_Reservation] = []
        self._active: Mapping[str, str] = {}
        self._quota = self._scope_quota = inf
        self._most = 0
        self._most_of = Counter[str]()
        self._learnt = inf
        #: How many tasks were refused since one last started its job with its reservation.
        self._refused = 0
        self._trial_at, self._trial_after = 0.0, _TRIAL

    @property
    def idle(self) -> bool:
        """Whether there are no reservations and nothing was learnt."""
        return not self._reservations and self._learnt == inf

    @property
    def scopes(self) -> set[str]:
        """The scopes of the reservations."""
        return {each.scope for each in self._reservations}

    def unseen(self) -> list[str]:
        """Return the jobs with a reservation that the last count did not show."""
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
        """Update the number of jobs in flight.

        :param active: the jobs in flight, each with its scope.
        :param quota: how many there may be by AWS's default quota.
        :param scope_quota: how many of them may share a scope.
        :param back: the jobs whose tasks are in the queue now; they lose their reservations.
        :param now: seconds by a monotonic clock.
        :param named: whether a job has the name that its reservation is for.
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
        """Drop the reservations of these jobs: they are in flight, or have already ended."""
        left = [each for each in self._reservations if each.job_id not in job_ids]
        if len(left) < len(self._reservations):
            self._refused = 0
        self._reservations = left

    def assign(self, queue: Iterable[Queued], now: float) -> list[Position]:
        """Return the position of each task in the queue, and make a reservation for those that may start.

        :param queue: the tasks, in order.
        :param now: seconds by a monotonic clock.
        """
        running = Counter(self._active.values())
        taken = running + Counter(each.scope for each in self._reservations)
        limit = self._limit(now)
        positions: list[Position] = []
        waiting = 0
        for task in queue:
            scope_limit = max(self._scope_quota, self._most_of[task.scope])
            full = taken.total() >= limit
            free = not full and taken[task.scope] < scope_limit
            if not free or task.not_before > now:
                # A task that may not start yet keeps its position: the next task does not overtake it.
                taken[task.scope] += free
                waiting += 1
                counts = (running[task.scope], scope_limit)
                if full or scope_limit == inf:
                    counts = (len(self._active), limit)
                positions.append(Position(waiting, *counts))
            else:
                taken[task.scope] += 1
                self._reservations.append(_Reservation(task.job_id, task.scope, now + RESERVED))
                positions.append(Position(0, 0, 0))
        return positions

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
        """Lower the limit after refusals.

        :param refused: the reservations of the refused tasks.
        :param before: how many jobs were in flight at the previous count; one may have ended since.
        """
        taken = Counter(self._active.values()) + Counter(each.scope for each in self._reservations)
        total = max(taken.total(), before)
        for each in refused:
            # The scope may be full; then the refusal says nothing about the account's limit.
            if self._quota == inf or taken[each.scope] >= self._scope_quota:
                continue
            self._refused += 1
            if self._refused >= _ENOUGH:
                self._learnt = max(min(self._learnt, total), 1)
                self._trial_at = now + self._trial_after
                self._trial_after = min(2 * self._trial_after, _LONGEST_TRIAL)
