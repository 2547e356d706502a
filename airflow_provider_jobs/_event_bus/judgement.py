# SPDX-License-Identifier: Apache-2.0

"""Judges from AWS's figures whether a replay has ended, since AWS gives a subscriber no end state."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_jobs._event_bus.figures import Figures
from airflow_provider_jobs.job import JobState, utc_text

__all__ = ["Judgement", "Seen", "judge", "progress"]

#: The states of a replay that AWS has no name for.
_DELIVERED, _REVOKED = "DELIVERED", "REVOKED"


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of a replay at the time of a poll.

    :param now: AWS's time, aware.
    :param created: when its subscriber was created.
    :param modified: when that was last changed, for example paused or resumed.
    :param start: the window's start.
    :param end: the window's end.
    :param state: AWS's state of the subscriber.
    :param revoked: whether the bus's owner has revoked it.
    :param stopped: whether this package has stopped it.
    :param quiet: for how long nothing must have moved.
    :param startup: how long it may take until AWS shows the first figures, or a resumed subscriber's next.
    :param figures: CloudWatch's figures.
    :param since: when these figures were first seen.
    :param expected: how many events match, if the author knows.
    :param retried: for how long AWS goes on to try an event.
    """

    now: datetime
    created: datetime
    modified: datetime
    start: datetime
    end: datetime
    state: str
    figures: Figures
    since: datetime
    quiet: timedelta = timedelta(minutes=5)
    startup: timedelta = timedelta(minutes=15)
    expected: int | None = None
    retried: timedelta = timedelta(minutes=5)
    revoked: bool = False
    stopped: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """What is concluded.

    :param state: the job's state.
    :param service_state: AWS's state, or this package's name of one that AWS has not.
    :param note: what it still waits for, for the log.
    :param reason: why it has ended, if AWS says so.
    """

    state: JobState
    service_state: str
    note: str = ""
    reason: str | None = None


def judge(seen: Seen) -> Judgement:
    """Return what is certain of a replay. What is not certain is waited for, and the note says what it is."""
    if seen.stopped:
        return Judgement(JobState.CANCELLED, seen.state)
    if seen.revoked:
        reason = "the owner of the event bus has revoked the subscriber, which is final"
        return Judgement(JobState.FAILED, _REVOKED, reason=reason)
    if seen.state != "RUNNING":
        note = f"paused by somebody at {utc_text(seen.modified)}; resume it, or cancel it"
        return Judgement(JobState.RUNNING, seen.state, note)
    waits = _waits_for(seen)
    if waits:
        return Judgement(JobState.RUNNING, seen.state, waits)
    return Judgement(JobState.SUCCEEDED, _DELIVERED)


def _waits_for(seen: Seen) -> str:
    """Return what keeps the replay from having ended; empty if nothing does."""
    figures, now = seen.figures, seen.now
    if now < seen.end:
        return f"its window ends at {utc_text(seen.end)}"
    if figures.events_matched < (seen.expected or 0):
        return f"{figures.events_matched:,} of {seen.expected:,} expected events have matched"
    if not figures.any:
        # An empty window looks like a slow start, and like figures that are late.
        return "" if now - seen.modified >= seen.startup else "no figures yet"
    if figures.unaccounted and not _in_records(seen):
        return f"{figures.unaccounted:,} matched events are not delivered yet"
    if not seen.expected and not _backlog_gone(seen, seen.quiet + seen.startup):
        return "AWS shows a backlog, or has not shown yet that it is gone"
    if not _quiet(seen):
        return f"nothing must move for {seen.quiet}"
    return ""


def _in_records(seen: Seen) -> bool:
    """Whether the events that are unaccounted for must be in the dead-letter queue.

    AWS counts records there, not events, and a record may hold a batch. So without a record, they are still
    tried. With one, they are in it if AWS shows that nothing is left, or if no try can come any more.
    """
    figures = seen.figures
    if not figures.dead_letter_records + figures.dead_letter_failures:
        return False
    return _backlog_gone(seen, seen.retried + seen.startup)


def _backlog_gone(seen: Seen, silence: timedelta) -> bool:
    """Whether nothing is left to deliver.

    :param silence: AWS does not say whether it goes on to show the age when nothing is left. If it shows
        none for so long, there is none.
    """
    figures = seen.figures
    shown = figures.backlog_at
    if shown is not None and figures.backlog == timedelta(0) and shown > seen.modified:
        return True
    return _silent(seen, silence)


def _quiet(seen: Seen) -> bool:
    """Whether nothing has moved for long enough.

    It counts from when the present figures were first seen: however late CloudWatch is, they change as long
    as the replay moves. A process that sees them for the first time goes by their own times, with allowance.
    """
    if seen.now - max(seen.since, seen.modified) >= seen.quiet:
        return True
    return _silent(seen, seen.quiet + seen.startup)


def _silent(seen: Seen, silence: timedelta) -> bool:
    """Whether CloudWatch shows nothing for so long, by the times of its figures."""
    last = max(filter(None, (seen.figures.backlog_at, seen.figures.moved_at, seen.modified)))
    # The period of the newest figures may not be over.
    return seen.now - min(last, seen.now) >= silence


def progress(seen: Seen, judgement: Judgement) -> float | None:
    """Return the part of the window up to the oldest event that is not delivered; None if unknown."""
    if judgement.state is JobState.SUCCEEDED:
        return 1.0
    figures = seen.figures
    if not figures.backlog or figures.backlog_at is None:
        return None
    reached = figures.backlog_at - figures.backlog
    return min(max((reached - seen.start) / (seen.end - seen.start), 0.0), 0.99)
