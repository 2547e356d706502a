# SPDX-License-Identifier: Apache-2.0

"""What a wait makes of what it hears of its job: only what is proven final ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from airflow_provider_jobs.error_codes import ACCESS_CODES, CREDENTIAL_CODES, NEVER_VALID_CODES
from airflow_provider_jobs.exceptions import JobApiError, JobInputError, JobNotFoundError
from airflow_provider_jobs.job import JobStatus

__all__ = ["Heard", "Outlook", "Patience"]

#: Polls in a row that are denied before access counts as taken away.
_DENIED = 3
#: Seconds in which credentials may be refused, poll after poll, before they count as taken away: AWS's own
#: troubles with them have lasted most of a day.
_REFUSED = 12 * 3600.0


class Outlook(Enum):
    """What follows for the wait."""

    ENDED = auto()
    WAITS = auto()
    HOPELESS = auto()


@dataclass(frozen=True, slots=True)
class Heard:
    """What a wait makes of an update.

    :param outlook: what follows.
    :param line: what to tell in the task's log.
    :param news: what a reader wants to know at once: a line is told when this differs.
    """

    outlook: Outlook
    line: str
    news: str


class Patience:
    """The judgement of one wait; makes no calls, and reads this machine's clock for its lines only.

    A wait ends without its job's end where the job is gone, where access to it was denied in several polls
    in a row, where credentials were refused in all polls of twelve hours, or of a job that nobody has seen
    where AWS calls its id invalid, or the credentials, in the first answer. All else passes: an answer that
    cannot be read, credentials that are renewed late, a connection that is not found, an error in a hook.

    :param job_id: the job.
    :param seen: whether AWS has shown the job before the wait.
    :param settling_time: seconds since the job's start in which "not found" means "not yet".
    :param started_at: when the job started by AWS's clock, aware; None if that is not known.
    :param began: when the wait began, in seconds of any steady clock.
    """

    def __init__(
        self,
        job_id: str,
        *,
        seen: bool = False,
        settling_time: float = 0.0,
        started_at: datetime | None = None,
        began: float = 0.0,
    ) -> None:
        self.job: JobStatus | None = None
        #: What the last poll failed with; empty after one that went well.
        self.trouble: str = ""
        self._job_id = job_id
        self._seen = seen
        self._settling_time = settling_time
        self._started_at = started_at
        self._began = began
        self._answered: datetime | None = None
        self._failures = 0
        self._denied = 0
        self._refused_since: float | None = None

    def hear(self, update: JobStatus | Exception, *, now: float, aws_now: datetime | None) -> Heard:
        """Judge what a poll says of the job.

        :param update: its status, or what went wrong.
        :param now: the steady clock's seconds.
        :param aws_now: AWS's time, aware; None if it is not known.
        """
        if isinstance(update, JobStatus):
            return self._status(update, aws_now)
        denied = _code(update) in ACCESS_CODES
        self._denied = self._denied + 1 if denied else 0
        gone = isinstance(update, JobNotFoundError) and self._settled(now, aws_now)
        first = not self._seen and self._answered is None
        invalid = first and (isinstance(update, JobInputError) or _code(update) in NEVER_VALID_CODES)
        if gone or invalid or self._denied >= _DENIED or self._refused_long(update, now):
            return Heard(Outlook.HOPELESS, str(update), str(update))
        self._failures += 1
        if isinstance(update, JobNotFoundError):
            self._answered, self._failures = aws_now or datetime.now(UTC), 0
            line = f"{self._job_id}: AWS does not show it yet"
            return Heard(Outlook.WAITS, line, line)
        self.trouble = f"; the last look failed: {update}"
        if self._failures == 1:
            line = f"{self._job_id}: the look failed, looking again later: {update}"
            return Heard(Outlook.WAITS, line, str(update))
        return Heard(Outlook.WAITS, self.silence(), str(update))

    def _refused_long(self, update: Exception, now: float) -> bool:
        """Whether the credentials have been refused for so long that they count as taken away."""
        if _code(update) not in CREDENTIAL_CODES:
            self._refused_since = None
            return False
        self._refused_since = now if self._refused_since is None else self._refused_since
        return now - self._refused_since >= _REFUSED

    def silence(self) -> str:
        """Return the line on a wait that hears nothing of its job."""
        since = (
            f"{self._answered.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC" if self._answered else "the beginning"
        )
        polls = f" in {self._failures} polls" if self._failures else ""
        return f"{self._job_id}: no answer from AWS since {since}{polls}{self.trouble}"

    def _status(self, job: JobStatus, aws_now: datetime | None) -> Heard:
        self.job, self.trouble = job, ""
        self._seen, self._failures, self._denied, self._refused_since = True, 0, 0, None
        self._answered = aws_now or datetime.now(UTC)
        self._started_at = self._started_at or job.started_at
        outlook = Outlook.ENDED if job.state.ended else Outlook.WAITS
        return Heard(outlook, f"{self._job_id}: {job.describe(aws_now)}", job.news)

    def _settled(self, now: float, aws_now: datetime | None) -> bool:
        """Whether "not found" means that there is no such job."""
        if aws_now is not None and self._started_at is not None:
            return (aws_now - self._started_at).total_seconds() >= self._settling_time
        return now - self._began >= self._settling_time


def _code(update: Exception) -> str:
    return update.code if isinstance(update, JobApiError) else ""
