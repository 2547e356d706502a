# SPDX-License-Identifier: Apache-2.0

"""What a task instance remembers of its jobs over its tries, where AWS gives a job no name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from airflow_provider_jobs.job import Attempt, JobKey, StartedJob

__all__ = ["Ledger"]


class Ledger:
    """The attempts of one task instance: noted before a job is started, with the job's id after.

    They are kept in Airflow's ``task_state_store``, which retries and clears leave alone. It came with
    Airflow 3.3; before that the ledger is empty in every try.

    :param context: the running task instance's Airflow context.
    :param key: its key.
    """

    def __init__(self, context: Mapping[str, Any], key: JobKey) -> None:
        self._store = context.get("task_state_store")
        self._name = f"airflow_provider_jobs.{key.digest}"
        self._key = key
        rows = (self._store.get(self._name) or []) if self._store is not None else []
        self.attempts = [
            Attempt(
                replace(key, generation=row["generation"]),
                row["number"],
                datetime.fromisoformat(row["since"]),
                row["job_id"],
                row.get("before"),
            )
            for row in rows
        ]

    def note(self, attempt: Attempt) -> None:
        """Write an attempt down, in place of what was known of it."""
        if attempt not in self.attempts:
            self._write([*self._others(attempt), attempt])

    def forget(self, attempt: Attempt) -> None:
        """Strike an attempt that is known to have started nothing."""
        self._write(self._others(attempt))

    def learn(self, jobs: Iterable[StartedJob]) -> None:
        """Write down the names of jobs whose start was noted, but not what came of it."""
        names = {(job.generation, job.number): job.status.job_id for job in jobs}
        for attempt in self.attempts:
            if attempt.job_id is None and (name := names.get((attempt.key.generation, attempt.number))):
                self.note(replace(attempt, job_id=name))

    def begun(self, number: int, now: datetime) -> Attempt:
        """Return this generation's attempt of that number, begun now unless it was begun before."""
        known = (a for a in self.attempts if (a.key, a.number) == (self._key, number))
        return next(known, Attempt(self._key, number, now))

    def _others(self, attempt: Attempt) -> list[Attempt]:
        return [a for a in self.attempts if (a.key, a.number) != (attempt.key, attempt.number)]

    def _write(self, attempts: list[Attempt]) -> None:
        self.attempts = attempts
        if self._store is not None:
            rows = [
                {
                    "generation": attempt.key.generation,
                    "number": attempt.number,
                    "since": attempt.since.isoformat(),
                    "job_id": attempt.job_id,
                    "before": attempt.before,
                }
                for attempt in attempts
            ]
            self._store.set(self._name, rows)
