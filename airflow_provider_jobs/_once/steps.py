# SPDX-License-Identifier: Apache-2.0

"""The steps from a task's start to its one job, as a generator without side effects.

:func:`steps` yields requests and is sent the answers. It makes no calls itself, so a test can run it against
any simulated AWS and stop it at any step.
"""

from __future__ import annotations

from collections.abc import Generator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.decision import Action, Decision, Evidence, KnownJob, Sighting, decide
from airflow_provider_jobs._once.evidence import Sight, Task, Weighed, weigh
from airflow_provider_jobs._once.moves import (
    Adopt,
    Failed,
    ListJobs,
    Outcome,
    Prepare,
    Refuse,
    Start,
    Started,
    Step,
    Stop,
    Stopped,
    StoreLog,
    Unstarted,
    WaitForEnd,
    WaitForRoom,
    WaitForTime,
    WaitToSettle,
)
from airflow_provider_jobs.job import JobState

__all__ = ["Carried", "steps"]

_VERSION = 1
_NOTHING_STARTED = (Unstarted.NO_ROOM, Unstarted.REFUSED, Unstarted.HELD_UP)


@dataclass(slots=True)
class Carried:
    """What a try keeps over its deferrals before the start.

    :param first_at: AWS's time when the try first asked for the jobs.
    :param stopped: the jobs that were told to stop; False if AWS said that the job is not running.
    :param log: the attempt log, if Airflow does not store one.
    """

    first_at: datetime | None = None
    stopped: dict[str, bool] = field(default_factory=dict)
    log: Any = None

    def to_json(self) -> dict[str, Any]:
        """Return it as arguments of a deferral."""
        at = self.first_at.isoformat() if self.first_at else None
        return {"version": _VERSION, "first_at": at, "stopped": dict(self.stopped), "log": self.log}

    @classmethod
    def from_json(cls, data: Mapping[str, Any] | None) -> Carried:
        """Read the value from :meth:`to_json`; one with another version counts as empty."""
        if not data or data.get("version") != _VERSION:
            return cls()
        at, stopped = data.get("first_at"), dict(data.get("stopped") or {})
        return cls(datetime.fromisoformat(at) if at else None, stopped, data.get("log"))


def steps(task: Task, log: AttemptLog, kept: bool, carried: Carried) -> Generator[Step, Any, Outcome]:
    """Find the task's job, or start it.

    The steps begin from the start in every try, and after every wait before the job's start.

    :param task: the current task instance.
    :param log: its attempt log.
    :param kept: whether Airflow's store already has this log.
    :param carried: what the try has kept; updated by the steps.
    """
    if not kept:
        # Before the first call: from now on a missing log was lost, even during a wait of this try.
        if carried.first_at is not None:
            log, carried.first_at = replace(log, whole=False), None
        yield StoreLog(log, must=True)
    # A list that is requested with a whole log shows less than the first one.
    shown: frozenset[str] = frozenset()
    while True:
        sight: Sight = yield ListJobs(log)
        shown |= {job.job_id for job in sight.jobs}
        carried.first_at = carried.first_at or sight.at
        weighed = weigh(task, log, sight, stopped=carried.stopped, first_at=carried.first_at)
        decision = decide(weighed.jobs, may_stop=task.may_stop, absence_settled=weighed.absence_settled)
        if decision.action is Action.STOP:
            yield from _stop(decision, carried)
            continue
        if decision.action in (Action.START, Action.ASK):
            done = yield from _start(task, log, decision, weighed, sight, shown)
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
    task: Task, log: AttemptLog, decision: Decision, weighed: Weighed, sight: Sight, shown: frozenset[str]
) -> Generator[Step, Any, Outcome | AttemptLog]:
    """Start a job; returns the log instead if AWS has to list the jobs again first."""
    earlier = log.get(decision.jobs[0].number) if decision.jobs else None
    attempt = earlier or Attempt(
        number=weighed.last + 1,
        life=task.life,
        fingerprint=task.fingerprint,
        dag_version=task.dag_version,
        scope=task.scope,
        given=task.given,
        place=task.place,
        asked=task.asked,
    )
    spent = _spent(weighed, None)
    # If they had the current request, their result would have been taken.
    uncounted = [job for job in _of_life(weighed) if job.sighting is Sighting.SUCCEEDED]
    ready: Unstarted | None = yield Prepare(spent, tuple(uncounted))
    if ready is not None:
        return _not_yet(ready, attempt, log)
    attempt = replace(attempt, at=sight.at, since=attempt.since or sight.at, before=attempt.before or shown)
    log = replace(log, whole=True).recorded(attempt)
    yield StoreLog(log, must=True)
    answer: Started | Unstarted = yield Start(attempt, repeated=earlier is not None)
    if isinstance(answer, Unstarted):
        if answer in _NOTHING_STARTED and earlier is None:
            # If the attempt was already in doubt, the refusal of another call proves nothing.
            log = log.without(attempt.number)
            yield StoreLog(log, must=False)
        return _not_yet(answer, attempt, log)
    attempt = replace(attempt, job_id=answer.job_id, shared=answer.shared)
    log = log.recorded(attempt)
    yield StoreLog(log, must=False)
    old = answer.job_id in shown
    if earlier is not None and answer.created and answer.at:
        old |= answer.created < answer.at.replace(microsecond=0)  # AWS may truncate its times to seconds
    if answer.state in (JobState.FAILED, JobState.CANCELLED) and old:
        return log
    return Adopt(None, attempt, answer.job_id, fresh=earlier is None and not old, spent=spent)


def _not_yet(why: Unstarted, attempt: Attempt, log: AttemptLog) -> Outcome | AttemptLog:
    match why:
        case Unstarted.NO_ROOM | Unstarted.NO_ROOM_IN_DOUBT:
            return WaitForRoom(attempt)
        case Unstarted.TOO_EARLY:
            return WaitForTime()
        case Unstarted.HELD_UP:
            return log
        case Unstarted.REFUSED | Unstarted.IN_DOUBT:
            return Failed(why)


def _spent(weighed: Weighed, but: str | None) -> float:
    """Return the seconds that the life's jobs ran, except one."""
    return sum(job.ran for job in _of_life(weighed) if job.job_id != but)


def _of_life(weighed: Weighed) -> list[KnownJob]:
    """Return this life's jobs."""
    mine = (Evidence.THIS_LIFE, Evidence.IN_DOUBT)
    return [job for job in weighed.jobs if job.evidence in mine]
