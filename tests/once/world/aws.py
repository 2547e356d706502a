# SPDX-License-Identifier: Apache-2.0

"""A model of AWS: jobs that start, end and are stopped, and readings of them that lag.

Written from the API references and from what is known of Airflow and AWS, not from the package. Times are
whole seconds of AWS's own clock; there is no other clock in the world. A job is immutable and knows its whole
course, so what a reading that lags shows is the job as it was some seconds ago.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from airflow_provider_jobs._once.evidence import Marking
from airflow_provider_jobs.job import JobState

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
#: How long a job runs if nothing happens to it.
LENGTH = 1000
#: From a stop that AWS took until the job has ended: longer than the settling time.
STOPPING = 90
#: How far a reading may lag: less than the settling time.
LAG = 58
#: The settling time and the limit of a call, as the task has them.
SETTLING = CALL_LIMIT = 60

#: Where a job's name shows whose it is.
NAMED = (Marking.NAME, Marking.LABEL)

OURS, THEIRS = "ours", "theirs"


def moment(at: int) -> datetime:
    return EPOCH + timedelta(seconds=at)


def seconds(at: datetime) -> float:
    return (at - EPOCH).total_seconds()


@dataclass(frozen=True, slots=True)
class Job:
    """A job at AWS, with what only the world knows of it.

    ``owner``, ``life``, ``values`` and ``request`` are the truth that the package has to find out: whose job
    it is, in which life of the task it was started, what Airflow said of that life, and what was asked for.
    """

    job_id: str
    owner: str
    life: int
    values: tuple[str, int, int | None]
    request: str
    scope: str
    created: int
    ends: int
    result: JobState = JobState.SUCCEEDED
    stopped: int | None = None
    #: The name or the token, which makes a second start the same start; None where there is neither.
    key: str | None = None
    #: The description.
    text: str = ""

    def state(self, at: int) -> JobState | None:
        """The state that a reading as of ``at`` shows; None before the job is there."""
        if at < self.created:
            return None
        if at >= self.ends:
            return self.result
        return JobState.STOPPING if self.stopped is not None and at >= self.stopped else JobState.RUNNING

    def live(self, at: int) -> bool:
        return self.created <= at < self.ends


def stopped(job: Job, at: int) -> Job:
    """The job after a stop that AWS took at ``at``."""
    return _changed(job, at + STOPPING, JobState.CANCELLED, at)


def ended(job: Job, at: int, result: JobState) -> Job:
    """The job as it is when it ends at ``at``, whatever was planned for it."""
    return _changed(job, at, result, job.stopped)


def _changed(job: Job, ends: int, result: JobState, stop: int | None) -> Job:
    return replace(job, ends=ends, result=result, stopped=stop)
