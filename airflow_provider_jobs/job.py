# SPDX-License-Identifier: Apache-2.0

"""What every AWS job has in common, as plain data: a state and a status."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

__all__ = ["JobState", "JobStatus", "one_line", "utc_text"]


#: Control characters, ends of lines and of paragraphs, and marks of direction.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
#: Characters of a text of somebody else's.
_LONGEST = 2_000


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
    :param shared: whether it was there before the task, which then never stops it.
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
    shared: bool = False

    def to_json(self) -> dict[str, Any]:
        """Return the status as JSON-safe data, to travel in a trigger's event."""
        return {
            "job_id": self.job_id,
            "state": self.state.value,
            "service_state": self.service_state,
            "reason": self.reason and one_line(self.reason),
            "progress": self.progress,
            "note": self.note,
            "started_at": self.started_at.isoformat() if self.started_at else None,
            "details": dict(self.details),
            "speed": self.speed,
            "shared": self.shared,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> JobStatus:
        """Rebuild a status from :meth:`to_json`."""
        started_at = data.get("started_at")
        # Keys that a later release has added are left out.
        known = {each.name: data[each.name] for each in fields(cls) if each.name in data}
        return cls(
            **{
                **known,
                "state": JobState(data["state"]),
                "started_at": datetime.fromisoformat(started_at) if started_at else None,
            }
        )

    @property
    def news(self) -> str:
        """What a reader of the log wants to know at once: state, whole percent and reason."""
        percent = "" if self.progress is None else f"{int(self.progress * 100)}"
        return f"{self.service_state} {percent} {self.reason or ''}"

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


def one_line(text: str) -> str:
    """Return a text of somebody else's for a line of ours.

    Nothing in it begins another line or turns the direction of writing, and it is no longer than some lines.
    """
    line = " ".join(_NOT_IN_A_LINE.sub(" ", text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}… ({len(line):,} characters)"


def utc_text(moment: datetime | None) -> str | None:
    """Return a time as results carry it: ISO 8601 in UTC; None where there is none.

    :param moment: an aware time.
    """
    return moment.astimezone(UTC).isoformat() if moment else None
