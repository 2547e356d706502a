# SPDX-License-Identifier: Apache-2.0

"""What must hold in every history, told from the truth that only the world knows.

1. *alone*: when AWS begins a job of the task, no other job of the task is live: running, being stopped, or
   begun by a call that was still on its way.
2. *own success*: the task succeeds with a job of its own, of the present request, that succeeded in this
   life.
3. *others' jobs*: no job of another task, of another Airflow, or of the database that this one was copied
   from, is stopped, or taken for the task's own; nothing is stopped that the task may not stop.
4. *progress*: once nothing goes wrong any more, the task succeeds within a bounded time; it is refused only
   when its job has gone from AWS.
5. *errors count*: after a call that failed, the same run of the steps asks for nothing more.
6. *no waste*: a healthy job of this life and request is not stopped, and one that succeeded is not repeated.

Where less is promised, ``weaker`` says so, one reason a line; everything else is held to the full promise.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from once.world.aws import CALL_LIMIT, OURS, SETTLING, Job

from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.once import steps as core
from airflow_provider_jobs.once.evidence import Marking

if TYPE_CHECKING:
    from once.world.airflow import Truth, World
    from once.world.runs import Live


class Violation(AssertionError):
    """An invariant does not hold; ``invariant`` is its name in this module's list."""

    def __init__(self, invariant: str, what: str) -> None:
        super().__init__(invariant, what)
        self.invariant, self.what = invariant, what

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def start_allowed(world: World, job: Job) -> None:
    """AWS is about to begin ``job`` of the task; the others are those that it has."""
    for other in world.jobs:
        if other.owner != OURS:
            continue
        if other.live(world.now):
            if not weaker("alone", world, other, job):
                raise Violation(
                    "alone", f"{job.job_id} begins while {other.job_id} is {other.state(world.now)}"
                )
        elif (
            other.result is JobState.SUCCEEDED
            and (other.life, other.request) == (job.life, job.request)
            and not weaker("no waste", world, other, job)
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
    if (
        healthy
        and (job.life, job.request) == (truth.life, truth.request)
        and not weaker("no waste", world, job)
    ):
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
    if job.request != truth.request:
        raise Violation("own success", f"success with {job.job_id}, which is of request {job.request}")
    # Only the clear number differs, or would if Airflow told it: the old success may be taken.
    told = truth.values[:2] if world.setting.clear_numbers else truth.values[1:2]
    same = job.values[:2] if world.setting.clear_numbers else job.values[1:2]
    if job.life != truth.life and same != told:
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
    # A clear that moves only the clear number may take a job up that the old wait is about to stop.
    if world.home == "failed" and "stopped late" not in world.marks:
        raise Violation("progress", "all tries are used up")


def weaker(invariant: str, world: World, job: Job, new: Job | None = None) -> bool:
    """Whether less than the invariant is promised of ``job``, beside or after which ``new`` begins."""
    return any(excused(world, job, new) for excused in _WEAKER[invariant])


def _nothing_marks_it(world: World, job: Job, new: Job | None) -> bool:
    """Neither a name nor a token, and the log does not have its id: at least once, never two at a time."""
    return world.setting.marking is Marking.NONE and not _in_log(world, job)


def _begun_after_a_pause(world: World, job: Job, new: Job | None) -> bool:
    """The process stood still between its look and its call, for longer than a call's limit.

    What is on its way is told from what is absent by AWS's times: the look's, a call's limit, the settling
    time. A call that leaves after that is covered only where it meets its own name or token again.
    """
    if "paused before a start" not in world.marks or new is None:
        return False
    if world.setting.marking is Marking.NAME:
        return world.setting.unstable or (job.life, job.request) != (new.life, new.request)
    return _nothing_marks_it(world, job, new) or _nothing_marks_it(world, new, None)


def _of_a_deleted_run(world: World, job: Job, new: Job | None) -> bool:
    """The log went with the run that was deleted, and the first try of a run does not wait.

    Names tell of it once a list shows it: not of a job that was begun within the settling time and a call's
    limit, or comes later still. Tokens tell of it in the same scope. Where there is neither, nothing does.
    """
    if "remade" not in world.marks or new is None or job.life == new.life:
        return False
    if world.setting.marking is Marking.NAME:
        return abs(job.created - new.created) < SETTLING + 2 * CALL_LIMIT
    return world.setting.marking is Marking.NONE or job.scope != new.scope


def _in_another_scope(world: World, job: Job, new: Job | None) -> bool:
    """The log that knew of the job's scope is gone, and the request is for another scope now."""
    named = world.setting.marking is Marking.NAME
    return not named and new is not None and job.scope != new.scope and not _in_log(world, job)


def _of_another_start(world: World, job: Job, new: Job | None) -> bool:
    """Without the log, a mark with another start may be a second Airflow's: its success is not taken."""
    return job.values[0] != world.values[0] and not _in_log(world, job)


def _of_an_unclear_request(world: World, job: Job, new: Job | None) -> bool:
    """The template renders another request each time, and no version or log tells it from an edited DAG.

    The job is waited for, its success does not count, and another follows.
    """
    return world.setting.unstable and (not world.setting.versions or not _in_log(world, job))


_WEAKER = {
    "alone": (_of_a_deleted_run, _in_another_scope, _begun_after_a_pause),
    "no waste": (_nothing_marks_it, _of_another_start, _of_an_unclear_request),
}


def _in_log(world: World, job: Job) -> bool:
    rows = (world.run.rows if world.run else None) or world.store
    return rows is not None and f'"job_id": "{job.job_id}"' in rows
