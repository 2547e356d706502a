# SPDX-License-Identifier: Apache-2.0

"""What AWS and the store answer to a step, well or with a fault.

A fault is one word (``events.py`` lists those of each step). Faults come in the kinds a network has: the call
failed before it took effect, it took effect and the answer was lost, the process was killed on either side
of it.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from once.world import airflow, invariants
from once.world.aws import CALL_LIMIT, LAG, LENGTH, OURS, Job, moment, stopped

from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.once import steps as core
from airflow_provider_jobs.once.evidence import Marking, SeenJob, Sight

if TYPE_CHECKING:
    from once.world.airflow import Answer, World


class CallError(Exception):
    """A call failed, with an error that ends the steps."""


class Killed(BaseException):
    """The process was killed within the call."""


def answer(world: World, step: Any, fault: str) -> Answer:
    match step:
        case core.Look():
            return _look(world, step, fault)
        case core.Note():
            return _note(world, step, fault)
        case core.Stop():
            return _stop(world, step, fault)
        case core.Prepare():
            return _prepare(fault)
        case core.Start():
            return _start(world, step, fault)
    raise invariants.Violation("progress", f"an unknown step {step!r}")


def _look(world: World, step: core.Look, fault: str) -> Answer:
    if fault == "fails":
        raise CallError("the list could not be read")
    lag = LAG if fault == "lags" else world.lag
    shown = tuple(sorted(_shown(world, step, lag), key=lambda job: (job.created, job.job_id), reverse=True))
    states = tuple((job, job.state(world.now - lag)) for job in shown)
    at = None if fault == "without a date" else moment(world.now)
    sight = Sight(
        at,
        tuple(
            SeenJob(job.job_id, state, moment(job.created), job.mark)
            for job, state in states
            if state is not None
        ),
    )
    return airflow.Answer(("sight", at, tuple((job.job_id, state) for job, state in states)), sight)


def _shown(world: World, step: core.Look, lag: int) -> list[Job]:
    """The jobs that the calls of a look ask for, as far as AWS shows them by now."""
    assert world.run is not None
    task = world.run.task
    named = {attempt.job_id for attempt in step.log.attempts}
    there = [job for job in world.jobs if job.state(world.now - lag) is not None]
    if task.marking is Marking.NAME:
        digest = task.identity.digest
        marks = {attempt.mark(task.identity) for attempt in step.log.attempts}
        return [
            job
            for job in there
            if job.job_id in named
            or (job.mark is not None and (job.mark.digest == digest or job.mark in marks))
        ]
    scopes = {task.scope} | {attempt.scope for attempt in step.log.attempts}
    return [job for job in there if job.job_id in named or job.scope in scopes]


def _note(world: World, step: core.Note, fault: str) -> Answer:
    if world.setting.store is airflow.Store.NONE:
        return airflow.Answer("noted", None)
    if fault not in ("fails", "killed before"):
        world.store = json.dumps(step.log.to_json(), sort_keys=True)
    if fault.startswith("killed"):
        raise Killed
    if fault and step.must:
        raise CallError("the store did not take it")
    return airflow.Answer("noted", None)


def _stop(world: World, step: core.Stop, fault: str) -> Answer:
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
    value = core.Stopped.ASKED if running else core.Stopped.NOT_RUNNING
    return airflow.Answer(("stop", value), value)


def _prepare(fault: str) -> Answer:
    if fault == "fails":
        raise CallError("the preparation failed")
    value = core.Unstarted.NO_ROOM if fault == "no room" else None
    return airflow.Answer(("prepared", value), value)


REFUSALS = {
    "no room": core.Unstarted.NO_ROOM,
    "refused": core.Unstarted.REFUSED,
    "request lost": core.Unstarted.IN_DOUBT,
}


def _start(world: World, step: core.Start, fault: str) -> Answer:
    if fault in REFUSALS:
        return airflow.Answer(("start", fault), REFUSALS[fault])
    if fault == "fails":
        raise CallError("the call could not be made")
    job = _asked_for(world, step)
    if fault.startswith("stuck"):
        # The old process hangs in its call while Airflow has long begun the next try.
        world.on_their_way = (*world.on_their_way, (world.now + int(fault.split()[1]), job))
        raise Killed
    if fault == "answer late":
        airflow.pass_time(world, world.now + CALL_LIMIT - 2)
    begun = begin(world, job)
    if fault == "killed after":
        raise Killed
    if fault.startswith("answer"):
        return airflow.Answer(("start", "in doubt"), core.Unstarted.IN_DOUBT)
    if begun is None:
        return airflow.Answer(("start", "no room"), core.Unstarted.NO_ROOM)
    state = begun.state(world.now) or JobState.RUNNING
    # StartReplay answers with the time; an ingestion's is in its description, which is asked for at once.
    created = moment(begun.created) if world.setting.marking is not Marking.NONE else None
    started = core.Started(begun.job_id, state, created, at=moment(world.now))
    return airflow.Answer(("start", begun.job_id, state), started)


def _asked_for(world: World, step: core.Start) -> Job:
    assert world.run is not None
    task, truth, marking = world.run.task, world.run.truth, world.setting.marking
    mark = step.attempt.mark(task.identity)
    key = None
    if marking is Marking.NAME:
        key = repr(mark)
    elif marking is Marking.TOKEN:
        key = repr((mark.digest, mark.life.started, mark.life.max_tries, mark.number, mark.fingerprint))
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
        mark=mark if marking is Marking.NAME else None,
    )


def begin(world: World, asked: Job) -> Job | None:
    """AWS gets a start: the job that is there by its name or token, a new one, or None for want of room."""
    there = next((job for job in world.jobs if asked.key is not None and job.key == asked.key), None)
    if there is not None:
        return there
    live = [job for job in world.jobs if job.live(world.now)]
    if world.setting.marking is Marking.TOKEN and any(job.scope == asked.scope for job in live):
        return None
    world.made += 1
    job = Job(
        f"job-{world.made}",
        asked.owner,
        asked.life,
        asked.values,
        asked.request,
        asked.scope,
        world.now,
        world.now + LENGTH,
        key=asked.key,
        mark=asked.mark,
    )
    if job.owner == OURS:
        invariants.start_allowed(world, job)
    world.jobs = (*world.jobs, job)
    return job
