# SPDX-License-Identifier: Apache-2.0

"""The steps from a task's start to its one job: pure, and carried out by whoever runs them.

:func:`steps` yields what is to be done and is sent the answer. It makes no call itself, so a test can run it
against any world, and stop it at any step.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, TypeAlias

from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs.once.decision import Action, Decision, Evidence, KnownJob, decide
from airflow_provider_jobs.once.evidence import Sight, Task, Weighed, weigh

__all__ = [
    "Adopt",
    "Carried",
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
    "steps",
]

_VERSION = 1


@dataclass(slots=True)
class Carried:
    """What a try keeps over its deferrals before the start.

    :param first_at: AWS's time when the try first looked.
    :param stopped: the jobs that were told to stop; False where AWS said that it does not run.
    :param log: the attempt log, where Airflow keeps none.
    """

    first_at: datetime | None = None
    stopped: dict[str, bool] = field(default_factory=dict)
    log: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return it for a deferral's arguments."""
        at = self.first_at.isoformat() if self.first_at else None
        return {"version": _VERSION, "first_at": at, "stopped": dict(self.stopped), "log": self.log}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Carried:
        """Read what :meth:`to_json` gave; what another release has written counts as nothing."""
        if not data or data.get("version") != _VERSION:
            return cls()
        at = data.get("first_at")
        return cls(
            datetime.fromisoformat(at) if at else None, dict(data.get("stopped") or {}), data.get("log")
        )


@dataclass(frozen=True, slots=True)
class Look:
    """Ask AWS for every job that may be the task's. Answered with a :class:`Sight`.

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
    """

    spent: float = 0.0


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


def steps(task: Task, log: AttemptLog, kept: bool, carried: Carried) -> Generator[Step, Any, Outcome]:
    """Find the task's job, or start it.

    The steps are taken from the beginning in every try, and after every wait before the start.

    :param task: the task instance as it is now.
    :param log: its attempt log.
    :param kept: whether the log is in Airflow's store already, as it is given.
    :param carried: what the try has kept; changed as the steps are taken.
    """
    if not kept:
        # Before the first call: from now on a log that is not there was lost.
        yield Note(log, must=True)
    while True:
        sight: Sight = yield Look(log)
        carried.first_at = carried.first_at or sight.at
        weighed = weigh(task, log, sight, stopped=carried.stopped, first_at=carried.first_at)
        decision = decide(weighed.jobs, may_stop=task.may_stop, absence_settled=weighed.absence_settled)
        if decision.action is Action.STOP:
            yield from _stop(decision, carried)
            continue
        if decision.action in (Action.START, Action.ASK):
            done = yield from _start(task, log, decision, weighed, sight)
            if isinstance(done, AttemptLog):
                log = done
                continue
            return done
        return _end(decision, log, weighed, sight)


def _end(decision: Decision, log: AttemptLog, weighed: Weighed, sight: Sight) -> Outcome:
    job = decision.jobs[0] if decision.jobs else None
    match decision.action:
        case Action.ADOPT | Action.TAKE if job is not None and job.job_id:
            return Adopt(job, log.get(job.number), job.job_id, spent=_spent(weighed, job.job_id))
        case Action.WAIT if job is not None:
            return WaitForEnd(job)
        case Action.REFUSE if job is not None:
            return Refuse(job)
    return WaitToSettle(weighed.settled_at, sight.at)


def _stop(decision: Decision, carried: Carried) -> Generator[Step, Any, None]:
    for job in decision.jobs:
        if job.job_id:
            answer: Stopped = yield Stop(job)
            carried.stopped[job.job_id] = answer is Stopped.ASKED


def _start(
    task: Task, log: AttemptLog, decision: Decision, weighed: Weighed, sight: Sight
) -> Generator[Step, Any, Outcome | AttemptLog]:
    """Start a job; returns the log instead where what AWS answered has to be weighed."""
    asked = decision.jobs[0] if decision.jobs else None
    earlier = log.get(asked.number) if asked else None
    attempt = earlier or Attempt(
        number=weighed.last + 1,
        life=task.life,
        fingerprint=task.fingerprint,
        dag_version=task.dag_version,
        scope=task.scope,
        given=task.given,
    )
    spent = _spent(weighed, None)
    ready: Unstarted | None = yield Prepare(spent)
    if ready is not None:
        return _not_yet(ready, attempt)
    before = attempt.before or frozenset(job.job_id for job in sight.jobs)
    attempt = replace(attempt, at=sight.at, since=attempt.since or sight.at, before=before)
    log = replace(log, whole=True).noted(attempt)
    yield Note(log, must=True)
    answer: Started | Unstarted = yield Start(attempt, repeated=earlier is not None)
    if isinstance(answer, Unstarted):
        if answer in (Unstarted.NO_ROOM, Unstarted.REFUSED) and earlier is None:
            # Of an attempt that was in doubt before, another call's refusal says nothing.
            yield Note(log.without(attempt.number), must=False)
        return _not_yet(answer, attempt)
    attempt = replace(attempt, job_id=answer.job_id, shared=answer.shared)
    log = log.noted(attempt)
    yield Note(log, must=False)
    at = answer.at or sight.at
    # AWS's times may be cut to whole seconds.
    fresh = answer.created is None or at is None or answer.created >= at.replace(microsecond=0)
    if answer.state in (JobState.FAILED, JobState.CANCELLED) and not fresh:
        return log
    return Adopt(None, attempt, answer.job_id, fresh=fresh and earlier is None, spent=spent)


def _not_yet(why: Unstarted, attempt: Attempt) -> Outcome:
    match why:
        case Unstarted.NO_ROOM | Unstarted.NO_ROOM_IN_DOUBT:
            return WaitForRoom(attempt)
        case Unstarted.TOO_EARLY:
            return WaitForTime()
        case Unstarted.REFUSED | Unstarted.IN_DOUBT:
            return Failed(why)


def _spent(weighed: Weighed, but: str | None) -> float:
    """Return the seconds that the life's jobs ran, without one."""
    mine = (Evidence.THIS_LIFE, Evidence.IN_DOUBT)
    return sum(job.ran for job in weighed.jobs if job.evidence in mine and job.job_id != but)
