# SPDX-License-Identifier: Apache-2.0

"""Decides what a task does next, from what is known of its jobs. A pure function, on one page."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from airflow_provider_jobs._once.fingerprint import Likeness
from airflow_provider_jobs._once.identity import Place

__all__ = ["Action", "Decision", "Evidence", "KnownJob", "Sighting", "action_for", "decide"]


class Evidence(StrEnum):
    """Whose job it is."""

    THIS_LIFE = "ours, this life"
    IN_DOUBT = "ours, this life or an earlier one"
    EARLIER_LIFE = "ours, an earlier life"
    COULD_BE = "could be ours"
    NOT_OURS = "not ours"


class Sighting(StrEnum):
    """What AWS shows of a job."""

    IN_FLIGHT = "in flight"
    STOPPING = "stopping"
    SUCCEEDED = "succeeded"
    #: It failed, was cancelled, or is known not to run.
    ENDED = "ended otherwise"
    #: Its start call got no answer, and AWS does not show it yet.
    UNANSWERED = "start in doubt"
    #: AWS confirmed its start, and does not show it yet.
    UNSEEN = "not shown yet"
    #: AWS confirmed its start, and does not show it after the settling time.
    GONE = "gone"


class Action(StrEnum):
    """What to do next."""

    ADOPT = "adopt it"
    TAKE = "take its result"
    STOP = "stop it, decide again"
    WAIT = "wait for its end, decide again"
    SETTLE = "wait for the settling time, decide again"
    REFUSE = "fail and say why"
    ASK = "repeat its start, which AWS answers with the same job"
    START = "start the next"


@dataclass(frozen=True, slots=True)
class KnownJob:
    """A job, or an attempt at one, that may affect the decision.

    :param number: its number among the task's attempts; 0 if it has none.
    :param job_id: its id in the service; None if unknown.
    :param evidence: whose it is.
    :param sighting: what AWS shows of it.
    :param likeness: how its request compares with the current request.
    :param repeatable: whether repeating its start returns the same job, thanks to a name or token.
    :param ran: seconds that it ran, as far as is known.
    :param place: where it is; None if that is where the task starts its jobs now.
    """

    number: int
    job_id: str | None
    evidence: Evidence
    sighting: Sighting
    likeness: Likeness
    repeatable: bool = False
    ran: float = 0.0
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do next, and with which jobs.

    :param action: what to do.
    :param jobs: the jobs concerned, the latest first; empty for a start.
    """

    action: Action
    jobs: tuple[KnownJob, ...] = ()


def decide(jobs: Collection[KnownJob], *, may_stop: bool, absence_settled: bool) -> Decision:
    """Decide what a task does next.

    :param jobs: every job that may be the task's.
    :param may_stop: whether the task's jobs can be stopped, and should be.
    :param absence_settled: whether it is certain that there is no other job, because the attempt log is whole
        or the settling time is over.
    """
    wanted: dict[Action, list[KnownJob]] = {}
    for job in sorted(jobs, key=lambda job: -job.number):
        if action := action_for(job, may_stop=may_stop):
            wanted.setdefault(action, []).append(job)
    if may_stop and (doubles := wanted.get(Action.ADOPT, [])[1:]):
        # If two are running, keep the later one.
        wanted.setdefault(Action.STOP, []).extend(doubles)
    # Stopping and adopting start nothing, so they need not wait until doubt about other jobs is resolved.
    # A start waits for everything else.
    for action in (Action.STOP, Action.ADOPT, Action.TAKE, Action.WAIT, Action.SETTLE, Action.REFUSE):
        if concerned := wanted.get(action):
            return Decision(action, tuple(concerned))
    if not absence_settled:
        return Decision(Action.SETTLE)
    asked = tuple(wanted.get(Action.ASK, ()))
    return Decision(Action.ASK if asked else Action.START, asked)


def action_for(job: KnownJob, *, may_stop: bool) -> Action | None:
    """Return the action that one job requires; None if it requires nothing."""
    match job.evidence:
        case Evidence.NOT_OURS:
            return None
        case Evidence.COULD_BE:
            # Neither adopted, nor stopped, nor ignored.
            return Action.WAIT if job.sighting in (Sighting.IN_FLIGHT, Sighting.STOPPING) else None
        case Evidence.EARLIER_LIFE:
            return _leave(job, may_stop)
        case Evidence.THIS_LIFE | Evidence.IN_DOUBT:
            match job.likeness:
                case Likeness.SAME | Likeness.UNSTABLE:
                    return _keep(job)
                case Likeness.CHANGED:
                    return _leave(job, may_stop)
                case Likeness.UNCLEAR:
                    return _leave(job, may_stop=False)


def _keep(job: KnownJob) -> Action | None:
    """Return the action for a job that does what the task wants."""
    match job.sighting:
        case Sighting.IN_FLIGHT:
            return Action.ADOPT
        case Sighting.STOPPING:
            return Action.WAIT
        case Sighting.SUCCEEDED:
            return Action.TAKE
        case Sighting.ENDED:
            return None
        case Sighting.UNANSWERED:
            same = job.repeatable and job.likeness is Likeness.SAME
            return Action.ASK if same else Action.SETTLE
        case Sighting.UNSEEN:
            return Action.SETTLE
        case Sighting.GONE:
            # There is no way to know whether it succeeded.
            return Action.REFUSE


def _leave(job: KnownJob, may_stop: bool) -> Action | None:
    """Return the action for a job that is no longer wanted."""
    match job.sighting:
        case Sighting.IN_FLIGHT:
            return Action.STOP if may_stop else Action.WAIT
        case Sighting.STOPPING:
            return Action.WAIT
        case Sighting.UNANSWERED | Sighting.UNSEEN:
            return Action.SETTLE
        case Sighting.SUCCEEDED | Sighting.ENDED | Sighting.GONE:
            return None
