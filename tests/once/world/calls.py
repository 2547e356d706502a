# SPDX-License-Identifier: Apache-2.0

"""What AWS and the store answer to a step, well or with a fault.

A fault is named by a word or two (``FAULTS`` has those of each step). Faults come in the kinds a network
has: the call failed before it took effect, it took effect and the answer was lost, the process was killed on
either side of it.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from once.world import airflow, invariants
from once.world.aws import CALL_LIMIT, LAG, LENGTH, NAMED, OURS, SETTLING, Job, moment, stopped

from airflow_provider_jobs._once import moves
from airflow_provider_jobs._once.evidence import Marking, SeenJob, Sight
from airflow_provider_jobs._once.mark import Mark, name_prefix
from airflow_provider_jobs.job import JobState

if TYPE_CHECKING:
    from once.world.airflow import Answer, World

#: How long a name, and a token, may be.
NAME_LIMIT, TOKEN_LIMIT = 64, 256
#: The mark of another task's job.
QUOTED = "[airflow:000000000000/1aaaaaa.3.0.1-1abcdef]"

#: The faults of each step's call.
FAULTS: dict[type, tuple[str, ...]] = {
    moves.ListJobs: ("fails", "lags", "without a date"),
    moves.StoreLog: ("fails", "fails after it was written", "killed before", "killed after"),
    moves.Stop: ("fails", "answer lost", "killed after"),
    moves.Prepare: ("fails", "no room"),
    moves.Start: (
        "fails",
        "no room",
        "no room, in doubt",
        "refused",
        "request lost",
        "answer lost",
        "answer late",
        "killed after",
        "stuck 30",
        "stuck 59",
        "held up, stuck 59",
    ),
}


class CallError(Exception):
    """A call failed, with an error that ends the steps."""


class Killed(BaseException):
    """The process was killed within the call."""


def answer(world: World, step: Any, fault: str) -> Answer:
    match step:
        case moves.ListJobs():
            return _look(world, step, fault)
        case moves.StoreLog():
            return _note(world, step, fault)
        case moves.Stop():
            return _stop(world, step, fault)
        case moves.Prepare():
            return _prepare(world, fault)
        case moves.Start():
            return _start(world, step, fault)
    raise invariants.Violation("progress", f"an unknown step {step!r}")


def _look(world: World, step: moves.ListJobs, fault: str) -> Answer:
    if fault == "fails":
        raise CallError("the list could not be read")
    world.looked = world.now - 1
    lag = LAG if fault == "lags" else world.lag
    in_order = sorted(
        _shown(world, step, lag),
        key=lambda job: (job.created, job.job_id),
        reverse=world.setting.newest_first,
    )
    shown = tuple(in_order)
    states = tuple((job, _as_shown(world, job.state(world.now - lag))) for job in shown)
    at = None if fault == "without a date" else moment(world.now + world.setting.ahead)
    sight = Sight(
        at,
        tuple(_seen(world, job, state) for job, state in states if state is not None),
    )
    return airflow.Answer(("sight", at, tuple((job.job_id, state) for job, state in states)), sight)


def _as_shown(world: World, state: JobState | None) -> JobState | None:
    hidden = state is JobState.STOPPING and not world.setting.shows_stopping
    return JobState.RUNNING if hidden else state


def _shown(world: World, step: moves.ListJobs, lag: int) -> list[Job]:
    """The jobs that the calls of a look ask for, as far as AWS shows them by now."""
    assert world.run is not None
    task = world.run.task
    named = {attempt.job_id for attempt in step.log.attempts}
    there = [job for job in world.jobs if job.state(world.now - lag) is not None]
    if task.marking is Marking.NAME and task.given:
        return [job for job in there if job.job_id in named or job.key is not None]
    if task.marking in NAMED:
        prefix = name_prefix(task.identity, NAME_LIMIT)
        if task.marking is Marking.LABEL and step.log.whole and None not in named:
            # AWS may have many that have ended, and none of them is this task's that is not in the log.
            there = [job for job in there if job.job_id in named or job.live(world.now - lag)]
        return [job for job in there if job.job_id in named or (job.key or "").startswith(prefix)]
    scopes = {task.scope} | {attempt.scope for attempt in step.log.attempts}
    if task.marking is Marking.TOKEN:
        # Known jobs are described; others tell what a token's answer is.
        scopes = {task.scope} | {attempt.scope for attempt in step.log.attempts if not attempt.job_id}
    return [job for job in there if job.job_id in named or job.scope in scopes]


def _seen(world: World, job: Job, state: JobState) -> SeenJob:
    """A job as a look shows it, with the mark that its name or its description tells."""
    assert world.run is not None
    identity, created = world.run.task.identity, moment(job.created)
    if world.setting.marking not in NAMED or job.key is None:
        return SeenJob(job.job_id, state, created)
    if not world.setting.own:
        return SeenJob(job.job_id, state, created, Mark.of_name(job.key, identity, NAME_LIMIT))
    claimed = Mark.names_identity(job.text, identity)
    return SeenJob(job.job_id, state, created, Mark.of_text(job.text), _own_number(job.key), claimed)


def _own_number(key: str) -> int:
    return int(key.partition(".")[2] or 1)


def own_key(given: str, number: int) -> str:
    """A name or a token under the user's own."""
    return given if number == 1 else f"{given}.{number}"


def description(world: World, mark: Mark) -> str:
    """What the user wrote, and the mark."""
    return f"again {QUOTED} {mark.text}" if world.setting.quotes else mark.text


def _note(world: World, step: moves.StoreLog, fault: str) -> Answer:
    if world.setting.store is airflow.Store.NONE:
        return airflow.Answer("noted", None)
    if fault not in ("fails", "killed before"):
        world.store = json.dumps(step.log.to_json(), sort_keys=True)
    if fault.startswith("killed"):
        raise Killed
    if fault and step.must:
        raise CallError("the store did not take it")
    return airflow.Answer("noted", None)


def _stop(world: World, step: moves.Stop, fault: str) -> Answer:
    if fault == "fails":
        raise CallError("the job could not be stopped")
    job = world.job(step.job.job_id or "")
    running = job is not None and job.state(world.now) is JobState.RUNNING
    if running and job is not None:
        world.change(stopped(job, world.now))
    if fault == "answer lost":
        raise CallError("no answer to the stop")
    if fault == "killed after":
        raise Killed
    value = moves.Stopped.ASKED if running else moves.Stopped.NOT_RUNNING
    return airflow.Answer(("stop", value), value)


def _prepare(world: World, fault: str) -> Answer:
    if fault == "fails":
        raise CallError("the preparation failed")
    assert world.run is not None
    scope = world.run.task.scope
    full = world.setting.one_at_a_time and any(
        job.live(world.now) for job in world.jobs if job.scope == scope
    )
    value = moves.Unstarted.NO_ROOM if full or fault == "no room" else None
    return airflow.Answer(("prepared", value), value)


REFUSALS = {
    "no room": moves.Unstarted.NO_ROOM,
    "refused": moves.Unstarted.REFUSED,
    "request lost": moves.Unstarted.IN_DOUBT,
}


def _start(world: World, step: moves.Start, fault: str) -> Answer:
    if fault in REFUSALS:
        return airflow.Answer(("start", fault), REFUSALS[fault])
    if fault == "fails":
        raise CallError("the call could not be made")
    return _call(world, _asked_for(world, step), fault)


def _call(world: World, job: Job, fault: str) -> Answer:
    called = world.now - 1
    if called - world.looked > SETTLING:
        # Whoever takes the steps checks this before the call: a later try would not find the job by its time.
        return airflow.Answer(("start", "held up"), moves.Unstarted.HELD_UP)
    if "stuck" in fault:
        # The old process hangs in its call while Airflow has long begun the next try.
        late = int(fault.split()[-1])
        if fault.startswith("held up"):
            late += world.looked + SETTLING - called
        world.on_their_way = (*world.on_their_way, (world.now + late, job))
        raise Killed
    if any(job.key is not None and other.key == job.key and other.text != job.text for other in world.jobs):
        # The name is another's, which ends the task with that reason.
        world.marks |= {"name taken"}
        return airflow.Answer(("start", "refused"), moves.Unstarted.REFUSED)
    if fault == "answer late":
        airflow.pass_time(world, world.now + CALL_LIMIT - 2)
    begun = begin(world, job)
    if fault == "killed after":
        raise Killed
    if fault == "no room, in doubt":
        # A call that the client made before has taken effect; it repeated it by itself.
        return airflow.Answer(("start", fault), moves.Unstarted.NO_ROOM_IN_DOUBT)
    if fault.startswith("answer"):
        return airflow.Answer(("start", "in doubt"), moves.Unstarted.IN_DOUBT)
    if begun is None:
        return airflow.Answer(("start", "no room"), moves.Unstarted.NO_ROOM)
    state = begun.state(world.now) or JobState.RUNNING
    # StartReplay answers with the time; an ingestion's is in its description, which is asked for at once.
    created = moment(begun.created) if world.setting.marking in (Marking.NAME, Marking.TOKEN) else None
    started = moves.Started(begun.job_id, state, created, at=moment(world.now + world.setting.ahead))
    return airflow.Answer(("start", begun.job_id, state), started)


def _asked_for(world: World, step: moves.Start) -> Job:
    assert world.run is not None
    task, truth, marking = world.run.task, world.run.truth, world.setting.marking
    mark = step.attempt.mark(task.identity)
    key, text = None, ""
    if step.attempt.given:
        key = own_key(step.attempt.given, step.attempt.number)
        text = description(world, mark) if marking is Marking.NAME else ""
    elif marking in NAMED:
        key = mark.name(task.identity, NAME_LIMIT)
    elif marking is Marking.TOKEN:
        # The clear of another task must not change it.
        key = replace(mark, life=replace(mark.life, clear_number=None)).name(task.identity, TOKEN_LIMIT)
    return Job(
        "",
        OURS,
        truth.life,
        truth.values,
        truth.request,
        task.scope,
        0,
        0,
        key=key,
        text=text,
    )


def begin(world: World, asked: Job) -> Job | None:
    """AWS gets a start: the job that is there by its name or token, a new one, or None for want of room."""
    there = next((job for job in world.jobs if asked.key is not None and job.key == asked.key), None)
    if there is not None and world.setting.marking is not Marking.LABEL:
        return there
    live = [job for job in world.jobs if job.live(world.now)]
    if world.setting.marking is Marking.TOKEN and any(job.scope == asked.scope for job in live):
        return None
    world.made += 1
    ends, result = world.now + LENGTH, JobState.SUCCEEDED
    if world.doomed:
        ends, result = world.now, JobState.FAILED
    job = replace(asked, job_id=f"job-{world.made}", created=world.now, ends=ends, result=result)
    if job.owner == OURS:
        invariants.start_allowed(world, job)
    world.jobs = (*world.jobs, job)
    return job
