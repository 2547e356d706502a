# SPDX-License-Identifier: Apache-2.0

"""A job's state and status, the same for every AWS service, as plain data."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any

__all__ = ["JobState", "JobStatus", "one_line", "utc_text"]


#: Control characters, line and paragraph separators, and characters that change the writing direction.
_NOT_IN_A_LINE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]")
#: The most characters of a text that does not come from this package.
_LONGEST = 2_000


class JobState(StrEnum):
    """A job's state, the same for every service; ``JobStatus.service_state`` has the service's own."""

    #: In flight: it waits at AWS, or runs.
    RUNNING = "running"
    #: In flight, and asked to stop.
    STOPPING = "stopping"
    #: Ended as it should.
    SUCCEEDED = "succeeded"
    #: Ended in another way.
    FAILED = "failed"
    #: Stopped before its end.
    CANCELLED = "cancelled"

    @property
    def ended(self) -> bool:
        """Whether the job will never change again."""
        return self in (JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED)


@dataclass(frozen=True, slots=True)
class JobStatus:
    """A job's status at the time of a poll.

    :param job_id: its id in the service.
    :param state: its state.
    :param service_state: the service's own name of the state, for example ``STARTING``.
    :param reason: why the job is in this state, in the service's words.
    :param progress: the fraction that is done, from 0.0 to 1.0, if the service reports it.
    :param note: anything else about the progress that belongs in the log.
    :param started_at: when the job started, by the service's clock.
    :param details: JSON-safe values for the task's result.
    :param shared: whether it existed before the task, which then never stops it.
    :param speed: how fast it runs; this changes with the time of the poll even if the job makes no progress.
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
        """Return the status as JSON-safe data, for a trigger's event."""
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
        # Ignore keys that a later release added.
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
        """State, whole percent and reason: a change of these is logged at once."""
        percent = "" if self.progress is None else f"{int(self.progress * 100)}"
        return f"{self.service_state} {percent} {self.reason or ''}"

    def describe(self, now: datetime | None = None) -> str:
        """Return a line for the task's log: state, percentage, time left, reason, note and speed.

        Airflow's log view cuts off long lines, so the most important parts come first.

        :param now: the current time, aware, for the time left. Without it, the line leaves out the parts that
            change with the clock alone, so it stays the same as long as nothing happens.
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
    """Make a text from outside, such as AWS's, safe for use in one of our lines.

    The result starts no new line, does not change the writing direction, and is cut at 2,000 characters.
    """
    line = " ".join(_NOT_IN_A_LINE.sub(" ", text).split())
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}… ({len(line):,} characters)"


def utc_text(moment: datetime | None) -> str | None:
    """Return a time in the format of results, ISO 8601 in UTC; None if there is none.

    :param moment: an aware time.
    """
    return moment.astimezone(UTC).isoformat() if moment else None
