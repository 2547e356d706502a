# SPDX-License-Identifier: Apache-2.0

"""What must hold in every history, told from the truth that only the world knows.

1. *alone*: when AWS begins a job of the task, no other job of the task is live: running, being stopped, or begun
   by a call that was still on its way.
2. *own success*: the task succeeds with a job of its own, of the present request, that succeeded in this life.
3. *others' jobs*: no job of another task, of another Airflow, or of the database that this one was copied from,
   is stopped, or taken for the task's own; nothing is stopped that the task may not stop.
4. *progress*: once nothing goes wrong any more, the task succeeds within a bounded time; it is refused only when
   its job has gone from AWS.
5. *errors count*: after a call that failed, the same run of the steps asks for nothing more.
6. *no waste*: a healthy job of this life and request is not stopped, and one that succeeded is not repeated.

Where less is promised, ``weaker`` says so, one reason a line; everything else is held to the full promise.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.once import steps as core
from airflow_provider_jobs.once.evidence import Marking

from once.world.aws import OURS, SETTLING, Job

if TYPE_CHECKING:
    from once.world.airflow import Live, Truth, World


class Violation(AssertionError):
    """An invariant does not hold; ``invariant`` is its name in this module's list."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(f"{invariant}: {what}")
        self.invariant = invariant


def start_allowed(world: World, job: Job) -> None:
    """AWS is about to begin ``job`` of the task; the others are those that it has."""
    for other in world.jobs:
        if other.owner != OURS:
            continue
        if other.live(world.now):
            if not weaker("alone", world, other):
                raise Violation("alone", f"{job.job_id} begins while {other.job_id} is {other.state(world.now)}")
        elif (
            other.result is JobState.SUCCEEDED
            and (other.life, other.request) == (job.life, job.request)
            and not weaker("no waste", world, other)
        ):
            raise Violation("no waste", f"{job.job_id} repeats {other.job_id}, which succeeded")


def step_allowed(world: World, step: object) -> None:
    """The steps ask for ``step``."""
    if not isinstance(step, core.Stop):
        return
    assert world.run is not None
    job = world.job(step.job.job_id or "")
    if not world.setting.may_stop:
        raise Violation("others' jobs", "a stop is asked for that the task may not make")
    if job is None:
        return
    if job.owner != OURS:
        raise Violation("others' jobs", f"{job.job_id} is another's and is stopped")
    truth = world.run.truth
    healthy = job.state(world.now) is JobState.RUNNING
    if healthy and (job.life, job.request) == (truth.life, truth.request) and not weaker("no waste", world, job):
        raise Violation("no waste", f"{job.job_id} is healthy, of this life and request, and is stopped")


def adopt_allowed(world: World, outcome: core.Adopt) -> None:
    """The task takes a job for its own."""
    job = world.job(outcome.job_id)
    if job is not None and job.owner != OURS:
        raise Violation("others' jobs", f"{job.job_id} is another's and is taken")


def refusal_allowed(world: World, outcome: core.Refuse) -> None:
    """The task is refused: its job has to be gone from AWS."""
    if "forgotten" not in world.marks or world.job(outcome.job.job_id or "") is not None:
        raise Violation("progress", f"refused for {outcome.job.job_id}, which AWS still has")


def success_allowed(world: World, job: Job, truth: Truth) -> None:
    """The task succeeds, since ``job`` did."""
    if job.request != truth.request and not weaker("request", world, job):
        raise Violation("own success", f"success with {job.job_id}, which is of request {job.request}")
    # Only the clear number differs: the old success may be taken.
    if job.life != truth.life and job.values[:2] != truth.values[:2]:
        raise Violation("own success", f"success with {job.job_id}, which is of life {job.life}")


def after_error(live: Live, error: Exception) -> None:
    """A call failed: the steps end with its error."""
    try:
        step = live.steps.throw(error)
    except type(error):
        return
    except StopIteration as stop:
        raise Violation("errors count", f"a failed call is followed by {stop.value!r}") from None
    raise Violation("errors count", f"a failed call is followed by {step!r}")


def home_allowed(world: World) -> None:
    """A history ends. More tries are left than events can use up."""
    if world.home == "failed":
        raise Violation("progress", "all tries are used up")


def weaker(invariant: str, world: World, job: Job) -> bool:
    """Whether less than the invariant is promised of ``job`` here."""
    return any(job_excused(world, job) for job_excused in _WEAKER[invariant])


def _nothing_marks_it(world: World, job: Job) -> bool:
    """Neither a name nor a token, and the run's log does not have its id: at least once, never two at a time."""
    rows = world.run.rows if world.run else None
    return world.setting.marking is Marking.NONE and job.job_id not in _ids(rows)


def _of_a_deleted_run(world: World, job: Job) -> bool:
    """Neither a name nor a token, and the log went with the run: nothing tells that there was a job."""
    return world.setting.marking is Marking.NONE and "remade" in world.marks and _nothing_marks_it(world, job)


_WEAKER = {
    "alone": (_of_a_deleted_run,),
    "no waste": (_nothing_marks_it,),
    "request": (),
}


def _ids(rows: str | None) -> set[str]:
    return set() if rows is None else set(re.findall(r"job-[0-9]+", rows))
