# SPDX-License-Identifier: Apache-2.0

"""What every AWS job has in common, as plain data: a state, a status, and the key it is started under."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

__all__ = ["Attempt", "JobKey", "JobState", "JobStatus", "StartedJob", "one_line", "utc_text"]


class JobState(StrEnum):
    """Where a job is, in words that fit every service; ``JobStatus.service_state`` has AWS's own."""

    RUNNING = "running"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the job will never change again."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """One look at a job.

    :param job_id: the service's own name for the job.
    :param state: where the job is.
    :param service_state: the state in AWS's own words, for example ``STARTING``.
    :param reason: why the job is in this state, as the service says it.
    :param progress: the part that is done, from 0.0 to 1.0, where the service tells.
    :param note: what else a reader of the log wants to know about the progress.
    :param started_at: when the job started, as the service says.
    :param details: JSON-safe facts for the task's result.
    :param speed: how fast it goes, which changes with the time of the look even where the job stands still.
    """

    job_id: str
    state: JobState
    service_state: str
    reason: str | None = None
    progress: float | None = None
    note: str | None = None
    started_at: datetime | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    speed: str | None = None

    def to_json(self) -> dict[str, Any]:
        """Return the status as JSON-safe data, to travel in a trigger's event."""
        return {
            "job_id": self.job_id,
            "state": self.state.value,
            "service_state": self.service_state,
            "reason": self.reason,
            "progress": self.progress,
            "note": self.note,
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "details": dict(self.details),
            "speed": self.speed,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JobStatus:
        """Rebuild a status from :meth:`to_json`."""
        started_at = data["started_at"]
        return cls(
            **{
                **data,
                "state": JobState(data["state"]),
                "started_at": datetime.fromisoformat(started_at) if started_at else None,
            }
        )

    def describe(self, now: datetime | None = None) -> str:
        """Return a line for the task's log: state, percentage, time left, reason, note and speed.

        The log view cuts lines off at the window's edge, so what a reader looks for comes first.

        :param now: an aware time, from which the time left is reckoned; without it the line leaves out what
            the clock alone moves, and is the same as long as nothing has happened.
        """
        parts = [self.service_state]
        if self.progress is not None:
            parts.append(f"{self.progress:.0%}")
        if now and (left := self._time_left(now)):
            parts.append(f"about {left} left")
        if self.reason:
            parts.append(f"reason: {self.reason}")
        if self.note:
            parts.append(self.note)
        if now and self.speed:
            parts.append(self.speed)
        return one_line(", ".join(parts))

    def _time_left(self, now: datetime) -> timedelta | None:
        if not self.progress or self.progress >= 1 or self.started_at is None or self.state.ended:
            return None
        elapsed = max((now - self.started_at).total_seconds(), 0)
        return timedelta(seconds=round(elapsed * (1 - self.progress) / self.progress)) or None


@dataclass(frozen=True, slots=True)
class JobKey:
    """The identity that one task instance's jobs are started under.

    A *generation* is one run of the task with its retries; clearing the task begins the next. Within a
    generation there is never more than one live job; each further *attempt* follows one that failed.

    The key holds the time the DAG run began besides its id, so that neither a run that was deleted and
    made again nor a second Airflow with the same DAGs takes a foreign job for its own.

    :param task: the task in words, for whoever reads the job's name in AWS.
    :param digest: twelve hexadecimal digits of the task instance's identity.
    :param generation: which run of the task this is; constant over its retries.
    """

    task: str
    digest: str
    generation: int

    @classmethod
    def from_context(cls, context: Mapping[str, Any]) -> JobKey:
        """Derive the key of the running task instance from its Airflow context."""
        ti, run = context["ti"], context["dag_run"]
        # A clear sets max_tries to the tries so far plus the retries; nothing else changes the difference.
        generation = (ti.max_tries or 0) - (context["task"].retries or 0)
        map_index = -1 if ti.map_index is None else ti.map_index
        began = run.start_date.isoformat() if run.start_date else ""
        identity = "\0".join([ti.dag_id, ti.run_id, ti.task_id, str(map_index), began])
        task = f"{ti.dag_id}.{ti.task_id}" + (f".{map_index}" if map_index >= 0 else "")
        return cls(task, hashlib.sha256(identity.encode()).hexdigest()[:12], generation)

    def prefix(self, longest: int) -> str:
        """Return what the names of all this task instance's jobs begin with.

        :param longest: how many characters the service allows in a name.
        """
        readable = re.sub(r"[^._A-Za-z0-9-]", "_", self.task)
        room = longest - len(self.digest) - len("--0000.0000")
        return f"{readable[:room]}-{self.digest}-"

    @property
    def mark(self) -> str:
        """A short text that tells this generation's jobs from all others."""
        return f"airflow:{self.digest}/{self.generation}"


@dataclass(frozen=True, slots=True)
class Attempt:
    """One job of a task instance, from before it is started.

    :param key: the task instance and its generation.
    :param number: the job's number among the task instance's jobs, from 1.
    :param since: when it was first meant to start; it did not start before.
    :param job_id: the service's own name of the job, once that is known.
    :param before: what the service showed before the start, where a job is told from others by that.
    :param others: the task instance's jobs of other attempts, as far as they are known: none is this one.
    """

    key: JobKey
    number: int
    since: datetime
    job_id: str | None = None
    before: str | None = None
    others: frozenset[str] = field(default=frozenset(), compare=False)

    def name(self, longest: int) -> str:
        """Return a name for the job.

        :param longest: how many characters the service allows in a name.
        """
        return f"{self.key.prefix(longest)}{self.key.generation}.{self.number}"


@dataclass(frozen=True, slots=True)
class StartedJob:
    """A job that was found under a key.

    :param generation: the generation it was started in.
    :param number: its number among the task instance's jobs, from 1.
    :param status: how it is.
    """

    generation: int
    number: int
    status: JobStatus


def one_line(text: str) -> str:
    """Return a text of somebody else's for a line of ours: nothing in it begins another line."""
    return " ".join(re.sub(r"[\x00-\x1f\x7f-\x9f]", " ", text).split())


def utc_text(moment: datetime | None) -> str | None:
    """Return a time as results carry it: ISO 8601 in UTC; None where there is none.

    :param moment: an aware time.
    """
    return moment.astimezone(UTC).isoformat() if moment else None
