# SPDX-License-Identifier: Apache-2.0

"""What the steps from a task's start to its one job ask for, what they are answered, and how they end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import TypeAlias

from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs.once.decision import KnownJob

__all__ = [
    "Adopt",
    "Failed",
    "Look",
    "Note",
    "Outcome",
    "Prepare",
    "Refuse",
    "Start",
    "Started",
    "Step",
    "Stop",
    "Stopped",
    "Unstarted",
    "WaitForEnd",
    "WaitForRoom",
    "WaitForTime",
    "WaitToSettle",
]


@dataclass(frozen=True, slots=True)
class Look:
    """Ask AWS for every job that may be the task's. Answered with a
    :class:`~airflow_provider_jobs.once.evidence.Sight`.

    An answer that cannot be read is an error, which ends the steps: nothing is started after it.

    :param log: the attempts: their jobs are wanted by id or mark, and the jobs of their scopes.
    """

    log: AttemptLog


@dataclass(frozen=True, slots=True)
class Note:
    """Keep the attempt log. Answered with None.

    :param log: what is kept.
    :param must: whether an error has to end the steps; else it is only warned of.
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
    """What AWS said to a stop."""

    ASKED = "it is being stopped"
    NOT_RUNNING = "it does not run"


@dataclass(frozen=True, slots=True)
class Prepare:
    """Make the checks before a start, by calls that start nothing.

    Answered with None, :attr:`Unstarted.NO_ROOM` or :attr:`Unstarted.TOO_EARLY`; an error ends the steps.

    :param spent: seconds that this life's jobs ran so far, as far as they are known.
    :param uncounted: jobs of this life that have succeeded, and do not count: their request was another one.
    """

    spent: float = 0.0
    uncounted: tuple[KnownJob, ...] = ()


@dataclass(frozen=True, slots=True)
class Start:
    """Call AWS to start a job, once. Answered with :class:`Started` or :class:`Unstarted`.

    :param attempt: the attempt, which has been noted; its mark goes into the call.
    :param repeated: whether the call is an earlier attempt's, made again.
    """

    attempt: Attempt
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class Started:
    """AWS's answer to a start: the job.

    :param job_id: the service's id of it.
    :param state: its state, as far as it is known.
    :param created: when AWS made it, if that is known.
    :param at: AWS's time when it was called, if that is known.
    :param shared: whether it was there before the task, which then never stops it.
    """

    job_id: str
    state: JobState = JobState.RUNNING
    created: datetime | None = None
    shared: bool = False
    at: datetime | None = None


class Unstarted(StrEnum):
    """Why a start gave no job."""

    NO_ROOM = "the service has no room for it now"
    #: As before, but a call that botocore made before may have taken effect.
    NO_ROOM_IN_DOUBT = "the service has no room for another one now"
    TOO_EARLY = "its time has not come"
    REFUSED = "AWS refused, and has certainly started nothing"
    IN_DOUBT = "the call may have taken effect"


@dataclass(frozen=True, slots=True)
class Adopt:
    """The end of the steps: the job is the task's.

    :param job: the job.
    :param attempt: its attempt, where it has one.
    :param job_id: the service's id of it.
    :param fresh: whether this try has started it.
    :param spent: seconds that this life's other jobs ran, as far as they are known.
    """

    job: KnownJob | None
    attempt: Attempt | None
    job_id: str
    fresh: bool = False
    spent: float = 0.0


@dataclass(frozen=True, slots=True)
class WaitForEnd:
    """Wait for a job's end, then take the steps again.

    :param job: the job.
    """

    job: KnownJob


@dataclass(frozen=True, slots=True)
class WaitToSettle:
    """Wait, then take the steps again.

    :param until: AWS's time at which the doubt is over; None if AWS did not tell its time.
    :param at: AWS's time of now.
    """

    until: datetime | None
    at: datetime | None


@dataclass(frozen=True, slots=True)
class WaitForRoom:
    """Queue for a place, then take the steps again.

    :param attempt: the attempt that wants it; it is not noted unless it is in doubt.
    """

    attempt: Attempt


@dataclass(frozen=True, slots=True)
class WaitForTime:
    """Wait until the job's time has come, then take the steps again."""


@dataclass(frozen=True, slots=True)
class Refuse:
    """Fail; a person has to decide.

    :param job: the job that AWS does not show any more.
    """

    job: KnownJob


@dataclass(frozen=True, slots=True)
class Failed:
    """Fail with the error of the start call.

    :param why: whether it may have taken effect.
    """

    why: Unstarted


Step: TypeAlias = Look | Note | Stop | Prepare | Start
Outcome: TypeAlias = Adopt | WaitForEnd | WaitToSettle | WaitForRoom | WaitForTime | Refuse | Failed
