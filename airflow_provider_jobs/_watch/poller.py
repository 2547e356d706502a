# SPDX-License-Identifier: Apache-2.0

"""One poll for all that wait for jobs of a connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_jobs._watch.accounts import account_of
from airflow_provider_jobs._watch.likely_ends import LikelyEnds
from airflow_provider_jobs._watch.queue import QuotaQueue
from airflow_provider_jobs._watch.shared import SharedPoll, Waiter
from airflow_provider_jobs.exceptions import JobUnavailableError
from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.job import JobStatus

__all__ = ["JobPoller", "Waiter"]

#: A poll that makes more calls than this comes later, and at most by this part of the interval.
_MANY_CALLS, _LATER = 7, 0.5
#: Seconds to collect ends that are seen together before the queue counts.
_SOON = 0.2


class JobPoller(SharedPoll):
    """Delivers each waiter its job's status, or the error from reading it."""

    gauge = "jobs_watched"

    def __init__(self, spec: HookSpec) -> None:
        super().__init__(spec)
        #: For each job, how many times in a row it could not be read.
        self._failures = Counter[str]()
        #: For each job, the poll in which it was last read.
        self._read: dict[str, int] = {}
        self._turn = 0
        self._likely_ends = LikelyEnds()
        #: What the last poll saw, while tasks queue for the account's quota.
        self._awaited: list[JobStatus] = []

    async def poll(self) -> Iterable[Exception]:
        """Ask for all jobs in as few calls as the service allows.

        Jobs that could not be read come last, the others in the order in which they were last read. So a job
        whose error ends the poll does not hide the same jobs twice.
        """
        waiters = self.waiters
        job_ids = sorted(
            dict.fromkeys(waiter.job_id for waiter in waiters),
            key=lambda job_id: (self._failures[job_id], self._read.get(job_id, 0)),
        )
        found = await self.ask(lambda hook: hook.describe_jobs([*job_ids]))
        updates = self._checked(job_ids, found)
        await self.tell(waiters, lambda waiter: updates[waiter.job_id])
        jobs = [update for update in updates.values() if isinstance(update, JobStatus)]
        self._likely_ends.learn(jobs, self.aws_time())
        queues = await self._queues()
        self._awaited = jobs if queues else []
        if any(job.state.ended for job in jobs):
            for queue in queues:
                queue.hurry(_SOON)
        errors = {id(update): update for update in updates.values() if isinstance(update, Exception)}
        return errors.values()

    def pause(self, interval: float) -> float:
        """Return the seconds until the next poll.

        They are fewer near a likely end while tasks queue, and more after a poll that made many calls. Even
        so a wait ends within two intervals of its job's end.

        :param interval: the interval that the waiters ask for.
        """
        if self._awaited:
            return self._likely_ends.pause(self._awaited, self.aws_time(), interval)
        return interval * min(max(self._calls / _MANY_CALLS, 1.0), 1.0 + _LATER)

    async def _queues(self) -> list[SharedPoll]:
        """Return the queues for the quota of these jobs' account."""
        queues = [poll for poll in QuotaQueue.all_here() if poll.spec.hook_class == self.spec.hook_class]
        if not queues:
            return []
        account = await account_of(self.spec)
        return [queue for queue in queues if queue.key in (account, self.spec)]

    def _checked(self, job_ids: list[str], found: Any) -> Mapping[str, JobStatus | Exception]:
        """Return an update for every job, whatever the hook returned."""
        known: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        updates = {job_id: self._update(job_id, known.get(job_id)) for job_id in job_ids}
        self._count(updates)
        return updates

    def _update(self, job_id: str, update: Any) -> JobStatus | Exception:
        """Return the update for a job, given what the hook returned for it; None if it was left out."""
        if isinstance(update, JobStatus):
            return update
        if isinstance(update, Exception):
            return self.as_job_error(update, concerns_all=False)
        return JobUnavailableError(
            f"{self.spec.hook_class}.describe_jobs left out {job_id}. The next poll asks again.", "LeftOut"
        )

    def _count(self, updates: Mapping[str, JobStatus | Exception]) -> None:
        """Record which jobs were read in this poll, and which could not be; forget all other jobs."""
        self._turn += 1
        failures = Counter[str]()
        read: dict[str, int] = {}
        counted: set[int] = set()
        for job_id, update in updates.items():
            if isinstance(update, JobStatus):
                read[job_id] = self._turn
                continue
            # If jobs share an error, only the first one was asked for: the poll ended there, or one call
            # asked for all of them.
            is_first = id(update) not in counted
            counted.add(id(update))
            if self._failures[job_id] or is_first:
                failures[job_id] = self._failures[job_id] + is_first
            if job_id in self._read:
                read[job_id] = self._read[job_id]
        self._failures, self._read = failures, read
