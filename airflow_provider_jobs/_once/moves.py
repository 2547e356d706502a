# SPDX-License-Identifier: Apache-2.0

"""The requests that the steps yield, the answers that they receive, and how they can end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.decision import KnownJob
from airflow_provider_jobs.job import JobState

__all__ = [
    "Adopt",
    "Failed",
    "ListJobs",
    "Outcome",
    "Prepare",
    "Refuse",
    "Start",
    "Started",
    "Step",
    "Stop",
    "Stopped",
    "StoreLog",
    "Unstarted",
    "WaitForEnd",
    "WaitForRoom",
    "WaitForTime",
    "WaitToSettle",
]


@dataclass(frozen=True, slots=True)
class ListJobs:
    """Ask AWS for every job that may be the task's. Answered with a
    :class:`~airflow_provider_jobs._once.evidence.Sight`.

    An answer that cannot be parsed is an error, which ends the steps, so that nothing is started after it.

    :param log: the attempts. Their jobs are requested by id or mark, and so are the jobs of their scopes.
    """

    log: AttemptLog


@dataclass(frozen=True, slots=True)
class StoreLog:
    """Store the attempt log. Answered with None.

    :param log: the log to store.
    :param must: whether an error has to end the steps; otherwise it is only logged as a warning.
    """

    log: AttemptLog
    must: bool


@dataclass(frozen=True, slots=True)
class Stop:
    """Ask AWS to stop a job. Answered with :class:`Stopped`; an error ends the steps.

    :param job: the job.
    """

    job: KnownJob


class Stopped(StrEnum):
    """AWS's answer to a stop."""

    ASKED = "it is being stopped"
    NOT_RUNNING = "it does not run"


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the checks before a start, with calls that start nothing.

    Answered with None, :attr:`Unstarted.NO_ROOM` or :attr:`Unstarted.TOO_EARLY`; an error ends the steps.

    :param spent: seconds that this life's jobs ran so far, as far as is known.
    :param uncounted: jobs of this life that succeeded but do not count, since their request was another one.
    """

    spent: float = 0.0
    uncounted: tuple[KnownJob, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Call AWS to start a job, once. Answered with :class:`Started` or :class:`Unstarted`.

    :param attempt: the attempt, which has been recorded; its mark goes into the call.
    :param repeated: whether the call repeats that of an earlier attempt.
    """

    attempt: Attempt
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """AWS's answer to a start: the job.

    :param job_id: its id in the service.
    :param state: its state, as far as is known.
    :param created: when AWS created it, if known.
    :param at: AWS's time of the call, if known.
    :param shared: whether it existed before the task, which then never stops it.
    """

    job_id: str
    state: JobState = JobState.RUNNING
    created: datetime | None = None
    shared: bool = False
    at: datetime | None = None


class Unstarted(StrEnum):
    """Why a start returned no job."""

    NO_ROOM = "the service has no room for it now"
    #: The same, but an earlier call by botocore may have taken effect.
    NO_ROOM_IN_DOUBT = "the service has no room for another one now"
    TOO_EARLY = "its time has not come"
    #: No call was made: it would be too late after the list for a later try to find its job by the time.
    HELD_UP = "the process was held up after AWS had listed the jobs"
    REFUSED = "AWS refused, and has certainly started nothing"
    IN_DOUBT = "the call may have taken effect"


@dataclass(frozen=True, slots=True)
class Adopt:
    """The steps end: the job is the task's.

    :param job: the job.
    :param attempt: its attempt, if it has one.
    :param job_id: its id in the service.
    :param fresh: whether this try started it.
    :param spent: seconds that this life's other jobs ran, as far as is known.
    """

    job: KnownJob | None
    attempt: Attempt | None
    job_id: str
    fresh: bool = False
    spent: float = 0.0


@dataclass(frozen=True, slots=True)
class WaitForEnd:
    """Wait for a job's end, then repeat the steps.

    :param job: the job.
    """

    job: KnownJob


@dataclass(frozen=True, slots=True)
class WaitToSettle:
    """Wait, then repeat the steps.

    :param until: AWS's time at which the doubt is over; None if AWS's time is unknown.
    :param at: AWS's current time.
    """

    until: datetime | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitForRoom:
    """Wait in the queue, then repeat the steps.

    :param attempt: the attempt to start; it is only recorded if it is in doubt.
    """

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class WaitForTime:
    """Wait until the job may start, then repeat the steps."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Fail; a person has to decide.

    :param job: the job that AWS no longer shows.
    """

    job: KnownJob


@dataclass(frozen=True, slots=True)
class Failed:
    """Fail with the error of the start call.

    :param why: whether it may have taken effect.
    """

    why: Unstarted


Step: TypeAlias = ListJobs | StoreLog | Stop | Prepare | Start
Outcome: TypeAlias = Adopt | WaitForEnd | WaitToSettle | WaitForRoom | WaitForTime | Refuse | Failed
