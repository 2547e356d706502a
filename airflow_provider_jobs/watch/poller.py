# SPDX-License-Identifier: Apache-2.0

"""One poll for all who wait for jobs of a connection."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from airflow_provider_jobs.exceptions import JobApiError
from airflow_provider_jobs.hooks.spec import HookSpec
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.watch.accounts import account_of
from airflow_provider_jobs.watch.likely_ends import LikelyEnds
from airflow_provider_jobs.watch.queue import QuotaQueue
from airflow_provider_jobs.watch.shared import SharedPoll, Waiter

__all__ = ["JobPoller", "Waiter"]

#: Seconds in which ends that are seen together are gathered before the queue is told.
_SOON = 0.2


class JobPoller(SharedPoll):
    """Tells every waiter its job's status, or the error that concerns it."""

    gauge = "jobs_watched"

    def __init__(self, spec: HookSpec) -> None:
        super().__init__(spec)
        #: For each job how often it could not be read in a row.
        self._failures = Counter[str]()
        #: For each job in which poll it was read last.
        self._read: dict[str, int] = {}
        self._turn = 0
        self._likely_ends = LikelyEnds()
        #: What the last poll has seen, while somebody queues for a place in the account.
        self._awaited: list[JobStatus] = []

    async def poll(self) -> Iterable[Exception]:
        """Ask for all jobs in as few calls as the service allows.

        Those that could not be read before are asked for last, and else those first that were read longest
        ago: a job that ends the round hides no other twice.
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
        """Return the seconds until the next poll: fewer near a likely end, while somebody queues.

        :param interval: what the waiters ask for.
        """
        return self._likely_ends.pause(self._awaited, self.aws_time(), interval)

    async def _queues(self) -> list[SharedPoll]:
        """Return the queues for a place in the account of these jobs."""
        queues = [poll for poll in QuotaQueue.all_here() if poll.spec.hook_class == self.spec.hook_class]
        if not queues:
            return []
        account = await account_of(self.spec)
        return [queue for queue in queues if queue.key in (account, self.spec)]

    def _checked(self, job_ids: list[str], found: Any) -> Mapping[str, JobStatus | Exception]:
        """Return an update for every job, whatever the hook has returned."""
        self._turn += 1
        known: Mapping[str, Any] = found if isinstance(found, Mapping) else {}
        updates: dict[str, JobStatus | Exception] = {}
        counted: set[int] = set()
        for job_id in job_ids:
            update = known.get(job_id)
            if isinstance(update, JobStatus):
                self._failures.pop(job_id, None)
                self._read[job_id] = self._turn
            elif isinstance(update, Exception):
                update = self.as_job_error(update, concerns_all=False)
                # Only the first of those that share an error was asked for; the round ended there, or it is
                # the answer to one call for all of them.
                if id(update) not in counted:
                    self._failures[job_id] += 1
                counted.add(id(update))
            else:
                update = JobApiError(
                    f"{self.spec.hook_class}.describe_jobs left out {job_id}. The next poll asks again.",
                    "LeftOut",
                    transient=True,
                )
                self._failures[job_id] += 1
            updates[job_id] = update
        self._failures = Counter(
            {job_id: self._failures[job_id] for job_id in job_ids if self._failures[job_id]}
        )
        self._read = {job_id: self._read[job_id] for job_id in job_ids if job_id in self._read}
        return updates
