# SPDX-License-Identifier: Apache-2.0

"""A model of Airflow around one task: tries and clears, the store, and the process that takes the steps.

``advance`` does the next thing that happens by itself; ``events.py`` has what happens besides. A world is
copied for each branch of the exploration: all its values are immutable but the running generator, which
belongs to one world at a time and is built again, from the answers that were given, for the others.
"""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from once.world import calls, invariants
from once.world.aws import CALL_LIMIT, NAMED, OURS, SETTLING, Job, seconds, stopped
from once.world.invariants import Violation
from once.world.runs import Run
from once.world.situation import Answer as Answer
from once.world.situation import Mode as Mode
from once.world.situation import Setting as Setting
from once.world.situation import Store as Store
from once.world.situation import Truth as Truth
from once.world.situation import Wait as Wait

from airflow_provider_jobs._once import moves
from airflow_provider_jobs._once.attempt_log import AttemptLog
from airflow_provider_jobs._once.evidence import Marking, Task
from airflow_provider_jobs._once.fingerprint import Fingerprint
from airflow_provider_jobs._once.identity import Identity, Life
from airflow_provider_jobs.job import JobState

#: From a try that failed to the next: less than a call may still be on its way.
RETRY_DELAY = 5
#: How long a task queues before it asks for room again.
QUEUE = 400
#: By when a history without further events has come home.
HOME_BY = 12_000
#: How many steps one run of the steps may take; a token for each job that has failed is asked with.
LONGEST_RUN = 48


@dataclass(slots=True)
class World:
    setting: Setting
    now: int = 0
    # AWS
    jobs: tuple[Job, ...] = ()
    #: Jobs that AWS does not show any more, as they ended.
    forgotten: tuple[Job, ...] = ()
    made: int = 0
    lag: int = 0
    on_their_way: tuple[tuple[int, Job], ...] = ()
    late_stops: tuple[tuple[int, str], ...] = ()
    # Airflow
    site: str = ""
    start: str = "2026-01-01T00:00:00+00:00"
    clears: int = 0
    retries: int = 2
    max_tries: int = 2
    try_number: int = 1
    life: int = 1
    request: str = "A"
    scope: str = "here"
    version: int = 1
    renders: int = 0
    #: The version of the way in which the package digests requests.
    digest: str = "1"
    store: str | None = None
    carried: str | None = None
    # The process
    mode: Mode = Mode.BETWEEN
    run: Run | None = None
    wait: Wait | None = None
    home: str = ""
    #: When the process last asked AWS what there is.
    looked: int = 0
    #: Whether AWS lets every job fail as soon as it is there.
    doomed: bool = False
    #: What was lost or in doubt so far, for ``invariants.weaker``.
    marks: frozenset[str] = frozenset()

    def branch(self) -> World:
        other = copy.copy(self)
        if other.run is not None:
            # The branch builds a generator of its own; the trunk goes on with the one that stands.
            run = other.run
            other.run = Run(run.task, run.rows, run.carried, run.truth, run.answers)
        return other

    def key(self) -> Any:
        return (
            self.now,
            self.jobs,
            self.forgotten,
            self.lag,
            self.on_their_way,
            self.late_stops,
            self.site,
            self.start,
            self.clears,
            self.retries,
            self.max_tries,
            self.try_number,
            self.life,
            self.request,
            self.scope,
            self.version,
            self.renders if self.setting.unstable else 0,
            self.digest,
            self.store,
            self.carried,
            self.mode,
            self.wait,
            self.home,
            self.looked if self.mode is Mode.STEP else 0,
            self.doomed,
            self.marks,
            None if self.run is None else self.run.key(),
        )

    @property
    def values(self) -> tuple[str, int, int | None]:
        return self.start, self.max_tries, self.clears if self.setting.clear_numbers else None

    def job(self, job_id: str) -> Job | None:
        return next((job for job in self.jobs if job.job_id == job_id), None)

    def change(self, job: Job) -> None:
        self.jobs = tuple(job if other.job_id == job.job_id else other for other in self.jobs)

    def known_job(self) -> Job | None:
        """The job that ``on_kill`` knows: the one that is waited for, or that AWS has just answered with."""
        if self.wait is not None and self.wait.kind == "adopt":
            return self.job(self.wait.job_id)
        for answer in reversed(self.run.answers if self.run else ()):
            if isinstance(answer.value, moves.Started):
                return self.job(answer.value.job_id)
        return None

    def saved(self) -> str | None:
        return None if self.setting.store is Store.NONE else self.store

    @property
    def phase(self) -> str:
        if self.mode is Mode.STEP and self.run is not None:
            return f"before {type(self.run.standing().step).__name__}"
        if self.mode is Mode.WAITING and self.wait is not None:
            return f"waiting ({self.wait.kind})"
        return self.home or str(self.mode)


def pass_time(world: World, to: float) -> None:
    """Let AWS's time go on to ``to``; late calls and late stops arrive on the way."""
    due = sorted([(at, "call", job) for at, job in world.on_their_way if at <= to], key=lambda d: d[0])
    world.on_their_way = tuple((at, job) for at, job in world.on_their_way if at > to)
    stops = [(at, job_id) for at, job_id in world.late_stops if at <= to]
    world.late_stops = tuple((at, job_id) for at, job_id in world.late_stops if at > to)
    for at, job_id in stops:
        world.now = max(world.now, at)
        stop_job(world, world.job(job_id))
        world.marks |= {"stopped late"}
    for at, _, job in due:
        world.now = max(world.now, at)
        calls.begin(world, job)
    world.now = max(world.now, int(to))


def stop_job(world: World, job: Job | None) -> None:
    """What ``on_kill`` does: ask AWS to stop the job, if it runs."""
    if job is not None and world.setting.may_stop and job.state(world.now) is JobState.RUNNING:
        world.change(stopped(job, world.now))


def leave(world: World) -> None:
    """The process is gone."""
    world.run, world.wait, world.carried = None, None, None


def come_home(world: World, how: str) -> None:
    leave(world)
    world.mode, world.home = Mode.HOME, how


def fail_try(world: World) -> None:
    """A try failed: the next begins after the delay, if there is one."""
    if world.try_number > world.max_tries:
        come_home(world, "failed")
        return
    leave(world)
    world.try_number += 1
    world.mode = Mode.BETWEEN


def begin_run(world: World) -> None:
    """A worker takes the task up: it reads the store and Airflow's values, renders, and takes the
    first step.
    """
    world.renders += 1
    setting = world.setting
    rows = world.saved()
    if setting.store is Store.NONE and world.carried is not None:
        log = json.loads(world.carried).get("log")
        rows = None if log is None else json.dumps(log, sort_keys=True)
    window = f"{world.request}@{world.renders}" if setting.unstable else world.request
    identity = Identity("dag", "run", "task", -1, world.site)
    task = Task(
        identity=identity,
        life=Life.of(*world.values),
        try_number=world.try_number,
        fingerprint=Fingerprint(world.digest + Fingerprint.of({"window": window}).text[1:]),
        marking=setting.marking,
        scope="" if setting.marking in NAMED else world.scope,
        given=_given(world, rows, identity),
        dag_version=f"version-{world.version}" if setting.versions else None,
        may_stop=setting.may_stop,
        settling=timedelta(seconds=SETTLING),
        call_limit=timedelta(seconds=CALL_LIMIT),
    )
    truth = Truth(world.life, world.values, world.request, world.try_number)
    world.run = Run(task, rows, world.carried, truth)
    world.wait, world.mode = None, Mode.STEP
    _go_on(world)


def _given(world: World, rows: str | None, identity: Identity) -> str:
    """The user's own name or token."""
    if not world.setting.own:
        return ""
    if world.setting.marking is not Marking.TOKEN:
        return "mine"
    log = AttemptLog.open(None if rows is None else json.loads(rows), False, identity.digest)
    return log.own_token("mine", world.max_tries - world.retries)


def advance(world: World, fault: str = "") -> None:
    """The next thing happens: a call is answered, a wait goes on, or the next try begins."""
    if world.now > HOME_BY:
        raise Violation("progress", f"not home by {HOME_BY} s, {world.phase}")
    if world.mode is Mode.BETWEEN:
        pass_time(world, world.now + RETRY_DELAY)
        begin_run(world)
    elif world.mode is Mode.WAITING:
        _wait(world)
    else:
        _step(world, fault)


def _step(world: World, fault: str) -> None:
    run = world.run
    assert run is not None
    live = run.standing()
    run.live = None
    # Whatever a call takes, the answer is of a later time than the question.
    pass_time(world, world.now + 1)
    try:
        answer = calls.answer(world, live.step, fault)
    except calls.Killed:
        fail_try(world)
        return
    except calls.CallError as error:
        invariants.after_error(live, error)
        fail_try(world)
        return
    if len(run.answers) >= LONGEST_RUN:
        raise Violation("progress", f"a run of more than {LONGEST_RUN} steps")
    if answer.log is None and isinstance(live.step, moves.StoreLog) and world.setting.store is Store.NONE:
        answer = answer._replace(log=live.step.log.to_json())
    world.run = replace(run, answers=(*run.answers, answer), live=live)
    live.send(answer)
    _go_on(world)


def _go_on(world: World) -> None:
    assert world.run is not None
    live = world.run.standing()
    invariants.answer_noted(world, live)
    if live.step is not None:
        invariants.step_allowed(world, live.step)
        return
    world.carried = json.dumps(live.carried.to_json(), sort_keys=True)
    _settle_for(world, live.outcome)


def _settle_for(world: World, outcome: Any) -> None:
    """Do what the steps came to."""
    match outcome:
        case moves.Adopt():
            invariants.adopt_allowed(world, outcome)
            _begin_wait(world, Wait("adopt", outcome.job_id))
        case moves.WaitForEnd():
            invariants.wait_allowed(world, outcome)
            _begin_wait(world, Wait("end", outcome.job.job_id or ""))
        case moves.WaitToSettle():
            until = world.now + 60.0
            if outcome.until is not None and outcome.at is not None:
                until = seconds(outcome.until) - world.setting.ahead
            _begin_wait(world, Wait("settle", until=until))
        case moves.WaitForRoom():
            _begin_wait(world, Wait("room", until=world.now + QUEUE))
        case moves.Refuse():
            invariants.refusal_allowed(world, outcome)
            come_home(world, "refused")
        case moves.Failed():
            fail_try(world)
        case _:
            raise Violation("progress", f"an unknown outcome {outcome!r}")


def _begin_wait(world: World, wait: Wait) -> None:
    # The truth of the run is needed at the job's end: the wait belongs to the try that began it.
    world.wait, world.mode = wait, Mode.WAITING
    if world.run is not None:
        world.run = replace(world.run, answers=(), rows=None, carried=None, live=None)


def _wait(world: World) -> None:
    wait = world.wait
    assert wait is not None
    assert world.run is not None
    job = world.job(wait.job_id)
    end = wait.until if not wait.job_id else (job.ends + world.lag if job else world.now + 1)
    if not wait.half and end > world.now + 2:
        world.wait = wait._replace(half=True)
        pass_time(world, (world.now + end) // 2)
        return
    pass_time(world, max(end, world.now) + 1)
    job = world.job(wait.job_id)
    if wait.job_id and job is not None and job.ends > world.now:
        return  # another event gave the job another end
    if wait.kind != "adopt":
        begin_run(world)
    elif job is not None and job.state(world.now) is JobState.SUCCEEDED:
        invariants.success_allowed(world, job, world.run.truth)
        if world.setting.clears_on_success and world.store is not None:
            world.store = None
            world.marks |= {"log lost"}
        come_home(world, "success")
    else:
        fail_try(world)


def owned(world: World) -> tuple[Job, ...]:
    return tuple(job for job in world.jobs if job.owner == OURS)
