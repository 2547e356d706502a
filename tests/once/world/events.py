# SPDX-License-Identifier: Apache-2.0

"""Everything that may happen besides: faults of a call, and what Airflow, people, AWS and neighbours do.

An event is offered wherever it can happen; the exploration tries each of them at each point of a history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

from once.world.airflow import (
    Mode,
    Store,
    World,
    advance,
    come_home,
    fail_try,
    leave,
    owned,
    pass_time,
    stop_job,
)
from once.world.aws import LAG, LENGTH, THEIRS, Job, ended, moment

from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.once import steps as core
from airflow_provider_jobs.once.attempt_log import Attempt
from airflow_provider_jobs.once.evidence import Marking
from airflow_provider_jobs.once.fingerprint import Fingerprint
from airflow_provider_jobs.once.identity import Identity, Life

#: The faults of each step's call.
FAULTS: dict[type, tuple[str, ...]] = {
    core.Look: ("fails", "lags", "without a date"),
    core.Note: ("fails", "fails after it was written", "killed before", "killed after"),
    core.Stop: ("fails", "answer lost", "killed after"),
    core.Prepare: ("fails", "no room"),
    core.Start: (
        "fails",
        "no room",
        "refused",
        "request lost",
        "answer lost",
        "answer late",
        "killed after",
        "stuck 30",
        "stuck 59",
    ),
}


class Event(NamedTuple):
    name: str
    #: Whether it can happen in this world.
    can: Callable[[World], bool]
    #: Makes it happen; the world is the event's own.
    happen: Callable[[World], None]


def _active(world: World) -> bool:
    return world.mode in (Mode.STEP, Mode.WAITING)


def _alive(world: World) -> bool:
    return world.mode is not Mode.HOME


def _home(world: World) -> bool:
    return world.mode is Mode.HOME


def _always(world: World) -> bool:
    return True


# The process ends.


def _sigterm(world: World) -> None:
    stop_job(world, world.known_job())
    fail_try(world)


def _mark_failed(world: World) -> None:
    stop_job(world, world.known_job())
    come_home(world, "marked failed")


# Clears.


def _clear(world: World) -> None:
    """A person clears the task: another life begins. What becomes of the old job is the caller's."""
    leave(world)
    world.max_tries = world.try_number + world.retries
    _live_again(world)


def _clear_and_nothing_moves(world: World) -> None:
    """The same, where ``max_tries`` stays: ``retries`` was lowered, or the scheduler dropped the new
    value.
    """
    leave(world)
    _live_again(world)


def _live_again(world: World) -> None:
    world.try_number += 1
    world.clears += 1
    world.life += 1
    world.mode, world.home = Mode.BETWEEN, ""
    if world.setting.store is Store.CLEARED:
        world.store = None


def _with_stop(clear: Callable[[World], None], late: int = 0) -> Callable[[World], None]:
    """A clear, and the ``on_kill`` of what it ends: at once, or by a trigger some seconds later."""

    def happen(world: World) -> None:
        job = world.known_job()
        if not late:
            stop_job(world, job)
        elif job is not None and world.setting.may_stop:
            world.late_stops = (*world.late_stops, (world.now + late, job.job_id))
        clear(world)

    return happen


def _new_start(world: World) -> None:
    moved = int(world.start[14:16]) + 1
    world.start = f"{world.start[:14]}{moved:02}{world.start[16:]}"


def _clear_finished(clear: Callable[[World], None]) -> Callable[[World], None]:
    def happen(world: World) -> None:
        clear(world)
        _new_start(world)

    return happen


def _clear_other(world: World) -> None:
    """Another task of the run is cleared; a run that had finished begins again."""
    world.clears += 1
    if world.mode is Mode.HOME:
        _new_start(world)


def _tries_left(world: World) -> bool:
    return world.try_number < world.max_tries


# The run, the DAG file, the database.


def _edit(scope: bool) -> Callable[[World], None]:
    def happen(world: World) -> None:
        world.version += 1
        world.request = "B" if world.request == "A" else "C"
        if scope:
            world.scope = "there"

    return happen


def _edit_retries(world: World) -> None:
    world.retries -= 1


def _expire(world: World) -> None:
    world.store = None
    world.marks |= {"log lost"}


def _remake(start: bool) -> Callable[[World], None]:
    """The run is deleted and made again; ``airflow dags test`` on 2.11 gives it the same start."""

    def happen(world: World) -> None:
        leave(world)
        if start:
            _new_start(world)
        world.clears, world.try_number, world.max_tries = 0, 1, world.retries
        world.life += 1
        world.store = None
        world.mode, world.home = Mode.BETWEEN, ""
        world.marks |= {"remade"}

    return happen


def _copy(world: World) -> None:
    """From here on the world is that of a copy of the database, with a ``site`` of its own."""
    world.jobs = tuple(replace(job, owner=THEIRS) for job in world.jobs)
    world.on_their_way = tuple((at, replace(job, owner=THEIRS)) for at, job in world.on_their_way)
    world.late_stops = ()
    world.site = "copy"
    world.marks |= {"copied"}
    if _active(world):
        fail_try(world)


# AWS and neighbours.


def _begin_theirs(world: World, **of_name: object) -> None:
    world.made += 1
    job = Job(
        f"job-{world.made}",
        THEIRS,
        0,
        ("", 0, None),
        "theirs",
        world.scope,
        world.now,
        world.now + LENGTH,
    )
    world.jobs = (*world.jobs, replace(job, **of_name))  # type: ignore[arg-type]


def _neighbour(world: World) -> None:
    """Another task starts a job in the same scope, or a second Airflow one under the same identity."""
    if world.setting.marking is not Marking.NAME:
        _begin_theirs(world)
        return
    life = Life.of("2025-12-31T12:00:00+00:00", 2, 0)
    identity = Identity("dag", "run", "task", -1, world.site)
    mark = Attempt(1, life, Fingerprint.of({"window": "A"})).mark(identity)
    _begin_theirs(world, mark=mark, key=repr(mark))


def _has_neighbour(world: World) -> bool:
    return any(job.request == "theirs" for job in world.jobs)


def _current(world: World) -> Job | None:
    """The task's job that runs, the newest of several."""
    live = [job for job in owned(world) if job.live(world.now)]
    return live[-1] if live else None


def _end(result: JobState) -> Callable[[World], None]:
    def happen(world: World) -> None:
        job = _current(world)
        assert job is not None
        world.change(ended(job, world.now, result))

    return happen


def _forget(world: World) -> None:
    world.jobs = tuple(job for job in world.jobs if job.live(world.now))
    world.marks |= {"forgotten"}


def _pause(world: World) -> None:
    """The process, or what hosts it, stands still."""
    step = world.run.standing().step if world.run is not None and world.mode is Mode.STEP else None
    if isinstance(step, core.Prepare | core.Note | core.Start):
        world.marks |= {"paused before a start"}
    pass_time(world, world.now + 300)


def _lag(world: World) -> None:
    world.lag = LAG


def _may_stop_known(world: World) -> bool:
    return _active(world) and world.setting.may_stop and world.known_job() is not None


EVENTS = (
    Event("SIGKILL", _active, fail_try),
    Event("SIGTERM", _may_stop_known, _sigterm),
    Event("marked failed", _active, _mark_failed),
    Event("clear", _alive, _clear),
    Event("clear, max_tries stays", _alive, _clear_and_nothing_moves),
    Event("clear, on_kill", _may_stop_known, _with_stop(_clear)),
    Event("clear, on_kill, max_tries stays", _may_stop_known, _with_stop(_clear_and_nothing_moves)),
    Event("clear, on_kill late", _may_stop_known, _with_stop(_clear, late=20)),
    Event(
        "clear, on_kill late, max_tries stays", _may_stop_known, _with_stop(_clear_and_nothing_moves, late=20)
    ),
    Event("clear at home", _home, _clear),
    Event("clear at home, retries lowered", lambda w: _home(w) and _tries_left(w), _clear_and_nothing_moves),
    Event("clear of a finished run", _home, _clear_finished(_clear)),
    Event(
        "clear of a finished run, retries lowered",
        lambda w: _home(w) and _tries_left(w),
        _clear_finished(_clear_and_nothing_moves),
    ),
    Event("another task is cleared", _always, _clear_other),
    Event("run patched to queued", _always, _new_start),
    Event("retries edited", lambda w: w.retries == 2, _edit_retries),
    Event("DAG edited", _always, _edit(scope=False)),
    Event("DAG edited, other scope", lambda w: w.setting.marking is not Marking.NAME, _edit(scope=True)),
    Event("store emptied", lambda w: w.store is not None, _expire),
    Event("run made again", _always, _remake(start=True)),
    Event("run made again, same start", _always, _remake(start=False)),
    Event("database copied", lambda w: not w.site, _copy),
    Event("neighbour", lambda w: not _has_neighbour(w), _neighbour),
    Event("job succeeds", lambda w: _current(w) is not None, _end(JobState.SUCCEEDED)),
    Event("job fails", lambda w: _current(w) is not None, _end(JobState.FAILED)),
    Event("job cancelled by a person", lambda w: _current(w) is not None, _end(JobState.CANCELLED)),
    Event("AWS forgets", lambda w: any(not j.live(w.now) for j in w.jobs), _forget),
    Event("pause", _active, _pause),
    Event("lag begins", lambda w: not w.lag, _lag),
)


def _fault(word: str) -> Event:
    return Event(word, _always, lambda world: advance(world, word))


_FAULT_EVENTS = {step: tuple(_fault(word) for word in words) for step, words in FAULTS.items()}


def offered(world: World) -> Iterator[Event]:
    """The events that can happen now."""
    if world.mode is Mode.STEP and world.run is not None:
        step = world.run.standing().step
        if not (isinstance(step, core.Note) and world.setting.store is Store.NONE):
            yield from _FAULT_EVENTS[type(step)]
    yield from (event for event in EVENTS if event.can(world))


__all__ = ["EVENTS", "FAULTS", "Event", "moment", "offered"]
