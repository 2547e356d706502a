# SPDX-License-Identifier: Apache-2.0

"""How a wait judges each update about its job: only what is proven final ends the wait."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum, auto

from airflow_provider_jobs.error_codes import ACCESS_CODES, CREDENTIAL_CODES, NEVER_VALID_CODES
from airflow_provider_jobs.exceptions import JobApiError, JobInputError, JobNotFoundError
from airflow_provider_jobs.job import JobStatus

__all__ = ["Heard", "Outlook", "Patience"]

#: Number of denied polls in a row after which access counts as revoked.
_DENIED = 3
#: Seconds during which credentials may be refused, poll after poll, before they count as revoked: AWS's own
#: incidents with credentials have lasted most of a day.
_REFUSED = 12 * 3600.0


class Outlook(Enum):
    """What happens to the wait."""

    ENDED = auto()
    WAITS = auto()
    HOPELESS = auto()


@dataclass(frozen=True, slots=True)
class Heard:
    """A wait's judgement of an update.

    :param outlook: what happens to the wait.
    :param line: the line for the task's log.
    :param news: what a reader wants to know at once; the line is logged when this changes.
    """

    outlook: Outlook
    line: str
    news: str


class Patience:
    """Judges the updates of one wait; makes no calls, and uses this machine's clock only for log lines.

    A wait ends before its job in these cases: the job is gone; access to it was denied in several polls in a
    row; credentials were refused in every poll of twelve hours; or AWS's first answer, about a job that
    nobody has seen, calls the id or the credentials invalid. Everything else is transient: an answer that
    cannot be parsed, credentials that are renewed late, a connection that is not found, an error in a hook.

    :param job_id: the job.
    :param seen: whether AWS has shown the job before the wait.
    :param settling_time: seconds since the job's start during which "not found" means "not yet".
    :param started_at: when the job started by AWS's clock, aware; None if unknown.
    :param began: when the wait began, in seconds of any monotonic clock.
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
        #: The error of the last poll; empty if it succeeded.
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
        """Judge what a poll says about the job.

        :param update: its status, or the error.
        :param now: the monotonic clock's seconds.
        :param aws_now: AWS's time, aware; None if unknown.
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
        self.trouble = f"; the last poll failed: {update}"
        if self._failures == 1:
            line = f"{self._job_id}: the poll failed; polling again later: {update}"
            return Heard(Outlook.WAITS, line, str(update))
        return Heard(Outlook.WAITS, self.silence(), str(update))

    def _refused_long(self, update: Exception, now: float) -> bool:
        """Whether the credentials have been refused for so long that they count as revoked."""
        if _code(update) not in CREDENTIAL_CODES:
            self._refused_since = None
            return False
        self._refused_since = now if self._refused_since is None else self._refused_since
        return now - self._refused_since >= _REFUSED

    def silence(self) -> str:
        """Return the log line of a wait that gets no answer about its job."""
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
