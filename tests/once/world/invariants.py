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
6. *no waste*: a healthy job of this life and request is not stopped, and one that succeeded is not repeated,
   nor one of which the log knows and AWS does not any more.
7. *memory*: what AWS answered to a start is noted before anything else, and the task outlives a note that
   fails then.
8. *no idle wait*: nothing but neighbours happened, and the task waits for none of them.

Where less is promised, ``weaker`` says so, one reason a line; everything else is held to the full promise.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from once.world.aws import CALL_LIMIT, NAMED, OURS, SETTLING, Job
from once.world.situation import Store

from airflow_provider_jobs._once import moves
from airflow_provider_jobs._once.evidence import Marking, Sight
from airflow_provider_jobs.job import JobState

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
    for other in (*world.jobs, *world.forgotten):
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


def _start_follows(answers: Iterable[Any]) -> None:
    """A start follows these answers of its run."""
    held_up = False
    for answer in answers:
        if answer is moves.Unstarted.HELD_UP:
            # No call was made.
            held_up = True
        elif isinstance(answer, moves.Unstarted):
            raise Violation("errors count", "a start follows after the answer that there is no room")
        held_up = held_up and not isinstance(answer, Sight)
    if held_up:
        raise Violation("errors count", "a start follows a list that is too old")


def step_allowed(world: World, step: object) -> None:
    """The steps ask for ``step``."""
    assert world.run is not None
    if isinstance(step, moves.Start):
        _start_follows(answer.value for answer in world.run.answers)
    if not isinstance(step, moves.Stop):
        return
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


def answer_noted(world: World, live: Live) -> None:
    """The steps go on after an answer."""
    answer = world.run.answers[-1].value if world.run and world.run.answers else None
    if not isinstance(answer, moves.Started):
        return
    note = live.step
    if not isinstance(note, moves.StoreLog) or not _tells(json.dumps(note.log.to_json()), answer.job_id):
        raise Violation("memory", f"{answer.job_id} is not noted")
    if note.must:
        raise Violation("memory", f"{answer.job_id} runs, and a note that fails would end its task")


def wait_allowed(world: World, outcome: moves.WaitForEnd) -> None:
    """The task waits for a job's end before it starts one."""
    job = world.job(outcome.job.job_id or "")
    # A job that carries the task's own mark may be its own, whatever happened.
    marked = world.setting.marking in NAMED
    calm = world.setting.store is not Store.NONE and "disturbed" not in world.marks
    if job is not None and job.owner != OURS and not marked and calm:
        raise Violation("no idle wait", f"the task waits for {job.job_id}, which is another's")


def adopt_allowed(world: World, outcome: moves.Adopt) -> None:
    """The task takes a job for its own."""
    job = world.job(outcome.job_id)
    if job is not None and job.owner != OURS:
        raise Violation("others' jobs", f"{job.job_id} is another's and is taken")
    sights = [a.value for a in world.run.answers if isinstance(a.value, Sight)] if world.run else []
    shown = [seen.state for seen in (sights[-1].jobs if sights else ()) if seen.job_id == outcome.job_id]
    if outcome.job is not None and JobState.STOPPING in shown:
        raise Violation("progress", f"{outcome.job_id} is being stopped, and is taken")
    failed = job is not None and job.ends <= world.looked and job.result is not JobState.SUCCEEDED
    # Without the log, a list that lags does not tell it.
    told = _log_is_whole(world) or (job is not None and job.created < world.looked - SETTLING - 9)
    if outcome.job is None and failed and told:
        raise Violation("progress", f"{outcome.job_id} had failed before the start that it answers")


def refusal_allowed(world: World, outcome: moves.Refuse) -> None:
    """The task is refused: its job has to be gone from AWS, and would count."""
    gone = next((job for job in world.forgotten if job.job_id == outcome.job.job_id), None)
    if gone is None:
        raise Violation("progress", f"refused for {outcome.job.job_id}, which AWS still has")
    assert world.run is not None
    if not _of_this_life(world, gone, world.run.truth):
        raise Violation("progress", f"refused for {gone.job_id}, which is of life {gone.life}")


def success_allowed(world: World, job: Job, truth: Truth) -> None:
    """The task succeeds, since ``job`` did."""
    # A request that another release has digested counts as equal.
    if job.request != truth.request and "upgraded" not in world.marks:
        raise Violation("own success", f"success with {job.job_id}, which is of request {job.request}")
    if not _of_this_life(world, job, truth):
        raise Violation("own success", f"success with {job.job_id}, which is of life {job.life}")


def _of_this_life(world: World, job: Job, truth: Truth) -> bool:
    # Only the clear number differs, or would if Airflow told it: the old success may be taken.
    # Without the log, max_tries alone makes another token of the user's own.
    own = world.setting.own and world.setting.marking is Marking.TOKEN and not _log_is_whole(world)
    first = 0 if world.setting.clear_numbers and not own else 1
    return job.life == truth.life or job.values[first:2] == truth.values[first:2]


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
    if world.home == "failed" and not world.marks & {"stopped late", "doomed", "name taken"}:
        raise Violation("progress", "all tries are used up")


def weaker(invariant: str, world: World, job: Job, new: Job | None = None) -> bool:
    """Whether less than the invariant is promised of ``job``, beside or after which ``new`` begins."""
    return any(excused(world, job, new) for excused in _WEAKER[invariant])


def _nothing_marks_it(world: World, job: Job, new: Job | None) -> bool:
    """Neither a name nor a token, and the log does not have its id: at least once, never two at a time."""
    return world.setting.marking is Marking.NONE and not _in_log(world, job)


def _of_a_deleted_run(world: World, job: Job, new: Job | None) -> bool:
    """The log went with the run that was deleted, and the first try of a run does not wait.

    Names tell of it once a list shows it: not of a job that was begun within the settling time and a call's
    limit, or comes later still. Tokens tell of it in the same scope. Where there is neither, nothing does.
    """
    if "remade" not in world.marks or new is None or job.life == new.life:
        return False
    if world.setting.marking in NAMED:
        return abs(job.created - new.created) < SETTLING + 2 * CALL_LIMIT
    return world.setting.marking is Marking.NONE or job.scope != new.scope


def _forgotten_by_all(world: World, job: Job, new: Job | None) -> bool:
    """Neither AWS nor the log knows of it."""
    return job in world.forgotten and not _in_log(world, job)


def _in_another_scope(world: World, job: Job, new: Job | None) -> bool:
    """The log that knew of the job's scope is gone, and the request is for another scope now."""
    named = world.setting.marking in NAMED
    return not named and new is not None and job.scope != new.scope and not _log_is_whole(world)


def _of_another_start(world: World, job: Job, new: Job | None) -> bool:
    """Without the log, a mark with another start may be a second Airflow's: its success is not taken."""
    return job.values[0] != world.values[0] and not _known(world, job)


def _of_an_unclear_request(world: World, job: Job, new: Job | None) -> bool:
    """The template renders another request each time, and no version or log tells it from an edited DAG.

    The job is waited for, its success does not count, and another follows.
    """
    unclear = not world.setting.versions or not _known(world, job)
    return new is not None and world.setting.unstable and unclear


def _digested_by_another_release(world: World, job: Job, new: Job | None) -> bool:
    """Without the log only its token finds the job, and the request's digest is a part of the token."""
    return "upgraded" in world.marks and world.setting.marking is Marking.TOKEN and not _in_log(world, job)


def _under_another_token_of_the_user_s(world: World, job: Job, new: Job | None) -> bool:
    """Without the log, a token of the user's own changes with ``retries``, by which clears are told."""
    own = world.setting.own and world.setting.marking is Marking.TOKEN
    return own and "retries edited" in world.marks and not _in_log(world, job)


_WEAKER = {
    "alone": (_of_a_deleted_run, _in_another_scope),
    "no waste": (
        _forgotten_by_all,
        _nothing_marks_it,
        _of_another_start,
        _of_an_unclear_request,
        _digested_by_another_release,
        _under_another_token_of_the_user_s,
    ),
}


def _in_log(world: World, job: Job) -> bool:
    rows = (world.run.rows if world.run else None) or world.store
    return rows is not None and _tells(rows, job.job_id)


def _tells(rows: str, job_id: str) -> bool:
    return f'"job_id": "{job_id}"' in rows


def _log_is_whole(world: World) -> bool:
    """Nothing that was noted is gone."""
    return world.setting.store is Store.KEPT and not world.marks & {"log lost", "remade", "copied"}


def _known(world: World, job: Job) -> bool:
    """The log has the job's id, or the attempt whose mark its name carries."""
    return _in_log(world, job) or (world.setting.marking in NAMED and _log_is_whole(world))
