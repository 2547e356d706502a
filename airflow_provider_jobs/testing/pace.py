# SPDX-License-Identifier: Apache-2.0

"""How fast a mocked job goes: every job is a fraction from 0.0 to 1.0, and its state follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

#: The part of ``Pace.seconds`` that a job takes to stop after it was cancelled.
STOP_FRACTION = 0.1


@dataclass(frozen=True)
class Pace:
    """How jobs move from their start to their end. With neither field set, only by ``AwsJobs.advance``.

    :param seconds: wall-clock seconds from start to end; 0 means that a job ends as it starts
    :param reads: the job is at its end at its n-th read, a describe call or a list call that shows it
    """

    seconds: float | None = None
    reads: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and self.reads is not None:
            raise ValueError("A pace goes by seconds or by reads, not by both.")
        if self.seconds is not None and self.seconds < 0:
            raise ValueError(f"seconds must not be negative, got {self.seconds}.")
        if self.reads is not None and self.reads < 1:
            raise ValueError(f"reads must be at least 1, got {self.reads}.")


def checked_fraction(value: float) -> float:
    """Return the value, or raise ValueError if it is no fraction of a job's way."""
    if not 0.0 <= value <= 1.0:
        raise ValueError(f"A job's way goes from 0.0 to 1.0, got {value}.")
    return value


class Phase(StrEnum):
    """Where a job is in its life; each backend maps these to its service's own states."""

    STARTING = "starting"  # it has not moved yet
    RUNNING = "running"
    STOPPING = "stopping"  # a cancel was asked for and has not taken effect
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    STOPPED = "stopped"


class Lifecycle:
    """One job's way from its start to its end. ``JobControl.start`` makes them.

    ``read``, ``peek`` and ``advance`` move it; ``fraction`` and what follows from it hold still in between.

    :param service: the service's name as in ``boto3.client(name)``
    :param job_id: the service's own id or name of the job
    :param pace: how the job moves, fixed for its life
    :param now: the clock
    :param skew: how far AWS's clock, by which the job's times are told, is before this one
    :param stopping_reads: at which read after it was asked to stop it is stopped, if it goes by reads
    :param held: tells whether it has to wait at its end, with work that is not done; None is never
    """

    def __init__(
        self,
        service: str,
        job_id: str,
        pace: Pace,
        now: Callable[[], datetime],
        skew: Callable[[], timedelta] = timedelta,
        stopping_reads: int = 1,
        held: Callable[[], bool] | None = None,
    ) -> None:
        self.service = service
        self.job_id = job_id
        self._skew = skew
        self._skew_at_start = skew()
        self._started_at = now()
        self._pace = pace
        self._now = now
        self.fraction = 0.0
        #: Statuses set by hand for parts of the job that have one of their own; its backend takes them out.
        self.statuses: dict[str, str] = {}
        self._reads = 0
        self._by_hand = 0.0
        self._limit = 1.0
        self._reason: str | None = None
        self._stops_at: datetime | None = None
        self._stopping_reads = stopping_reads
        self._held, self._was_held = held, False
        #: Since when it is paused, if it is; it then takes up nobody's place.
        self.idle: datetime | None = None
        #: By AWS's clock, as it was then: what has happened stays when the clock is set.
        self._stop_asked_at: datetime | None = None
        self._end: tuple[Phase, datetime] | None = None

    def read(self) -> float:
        """Count a read of the job by an API call, move it on, and return the fraction reached."""
        self._reads += 1
        if self._stop_asked_at and self._pace.reads is not None:
            self._stopping_reads -= 1
            self._stops_at = None if self._stopping_reads > 0 else self._now()
        return self.peek()

    def peek(self) -> float:
        """Move the job on by the clock, without counting a read, and return the fraction reached."""
        if self._end is None:
            self._move(self._now())
        return self.fraction

    def advance(self, to: float = 1.0) -> None:
        """Move the job by hand, whatever its pace. It never goes back; a stopping job is stopped.

        :param to: the fraction to reach, 0.0 to 1.0
        """
        self._by_hand = max(self._by_hand, checked_fraction(to))
        if self._stop_asked_at:
            self._stops_at = self._now()
        self.peek()

    def fail(self, reason: str, at: float = 1.0) -> None:
        """Let the job fail when it reaches a fraction, or at once if it is past that.

        :param reason: what the service will give as the reason
        :param at: the fraction, 0.0 to 1.0
        """
        if not self.active:
            raise ValueError(f"{self.service} job {self.job_id!r} has already ended: {self.phase}.")
        self._limit, self._reason = max(checked_fraction(at), self.fraction), reason

    def stop(self) -> None:
        """Ask the job to stop. It keeps its fraction, and is stopped at its next read, or the one that
        ``stopping_reads`` says (pace ``reads``), after a tenth of its time (pace ``seconds``) or at the next
        ``advance``.
        """
        self.peek()
        self._stop_asked_at = self._stop_asked_at or self._now() + self._skew()
        if self._pace.seconds is not None:
            self._stops_at = self._now() + timedelta(seconds=self._pace.seconds * STOP_FRACTION)

    def slow_down(self, seconds: float) -> None:
        """Let the job take so many seconds, if it goes by the clock and would take less."""
        if self._pace.seconds and self._pace.seconds < seconds:
            self._pace = Pace(seconds=seconds)

    @property
    def phase(self) -> Phase:
        """Where the job is."""
        if self._end is not None:
            return self._end[0]
        if self.idle:
            return Phase.STOPPED
        if self._stop_asked_at:
            return Phase.STOPPING
        return Phase.RUNNING if self.fraction > 0 else Phase.STARTING

    @property
    def active(self) -> bool:
        """Whether the job is in flight, which includes stopping."""
        return self._end is None

    @property
    def failure(self) -> str | None:
        """The reason of the failure, once the job has failed."""
        return self._reason if self.phase is Phase.FAILED else None

    @property
    def started_at(self) -> datetime:
        """When the job started."""
        return self._started_at + self._skew_at_start

    @started_at.setter
    def started_at(self, time: datetime) -> None:
        self._started_at = time - self._skew_at_start

    @property
    def stop_asked_at(self) -> datetime | None:
        """When somebody asked it to stop."""
        return self._stop_asked_at or self.idle

    @property
    def ended_at(self) -> datetime | None:
        """When the job ended, by the clock if that is its pace, and not when somebody looked."""
        return None if self._end is None else self._end[1]

    def _move(self, now: datetime) -> None:
        if self._stop_asked_at:
            if self._stops_at is not None and now >= self._stops_at:
                self._end = (Phase.STOPPED, self._stops_at + self._skew())
            return
        reached = max(self._by_hand, self._paced(now))
        if reached < self._limit:
            self.fraction = reached
            return
        self.fraction = self._limit
        if self._reason is None and self._held is not None and self._held():
            self._was_held = True
            return
        ended_at = self._reached_limit(now) + self._skew()
        self._end = (Phase.FAILED if self._reason is not None else Phase.SUCCEEDED, ended_at)

    def _paced(self, now: datetime) -> float:
        if self._pace.reads is not None:
            return self._reads / self._pace.reads
        if self._pace.seconds is None:
            return 0.0
        elapsed = (now - self._started_at).total_seconds()
        return elapsed / self._pace.seconds if self._pace.seconds else 1.0

    def _reached_limit(self, now: datetime) -> datetime:
        if self._pace.seconds is None or self._was_held:
            return now
        return min(now, self._started_at + timedelta(seconds=self._pace.seconds * self._limit))
