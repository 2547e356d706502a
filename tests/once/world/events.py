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
from once.world.aws import LAG, NAMED, SETTLING, THEIRS, Job, ended
from once.world.calls import FAULTS
from once.world.neighbours import busy_neighbour, failed_neighbour, has_neighbour, neighbour

from airflow_provider_jobs._once import moves
from airflow_provider_jobs._once.evidence import Marking
from airflow_provider_jobs.job import JobState

#: Events that leave the task's own process and its memory alone, and give it no doubt.
HARMLESS = frozenset(
    {
        "neighbour",
        "busy neighbour",
        "neighbour has failed",
        "job fails",
        "lag begins",
        "lags",
        "another task is cleared",
    }
)


#: From a look to the start, with a second for each step: the settling time.
HOLD_UP = SETTLING - 3


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


def _own_token(world: World) -> bool:
    """A user's own token: with it goes one request, and whoever repeats that gets the same job."""
    return world.setting.own and world.setting.marking is Marking.TOKEN


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
    world.marks |= {"retries edited"}


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


def _upgrade(world: World) -> None:
    """The package is another release, which digests requests in another way."""
    world.digest = "2"
    world.marks |= {"upgraded"}


def _copy(world: World) -> None:
    """From here on the world is that of a copy of the database, with a ``site`` of its own."""
    world.jobs = tuple(replace(job, owner=THEIRS) for job in world.jobs)
    world.on_their_way = tuple((at, replace(job, owner=THEIRS)) for at, job in world.on_their_way)
    world.late_stops = ()
    world.site = "copy"
    # The copied rows are another task instance's: the store's key has the site's identity.
    world.store = None
    world.marks |= {"copied"}
    if _active(world):
        fail_try(world)


# AWS.


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
    world.forgotten += tuple(job for job in world.jobs if job.ends <= world.now)
    world.jobs = tuple(job for job in world.jobs if world.now < job.ends)
    world.marks |= {"forgotten"}


def _pause(world: World) -> None:
    """The process, or what hosts it, stands still."""
    pass_time(world, world.now + 300)


def _about_to_start(world: World) -> bool:
    step = world.run.standing().step if world.run is not None and world.mode is Mode.STEP else None
    return isinstance(step, moves.Prepare | moves.StoreLog | moves.Start)


def _hold_up(world: World) -> None:
    """The process stands still before its start, for as long as it may and start all the same."""
    pass_time(world, world.now + HOLD_UP)


def _doom(world: World) -> None:
    """From now on every job fails at once, as with a role that may not read the data."""
    world.doomed = True
    world.marks |= {"doomed"}


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
    Event("DAG edited", lambda w: not _own_token(w), _edit(scope=False)),
    Event(
        "DAG edited, other scope",
        lambda w: w.setting.marking not in NAMED and not _own_token(w),
        _edit(scope=True),
    ),
    Event("store emptied", lambda w: w.store is not None, _expire),
    Event("run made again", lambda w: not _own_token(w), _remake(start=True)),
    Event("run made again, same start", lambda w: not _own_token(w), _remake(start=False)),
    Event("package upgraded", lambda w: w.digest == "1", _upgrade),
    Event("database copied", lambda w: not w.site and not w.setting.own, _copy),
    Event("neighbour", lambda w: not has_neighbour(w), neighbour),
    Event(
        "busy neighbour",
        lambda w: w.setting.marking is not Marking.TOKEN and not w.setting.own and not has_neighbour(w),
        busy_neighbour,
    ),
    Event("neighbour has failed", lambda w: not has_neighbour(w), failed_neighbour),
    Event("job succeeds", lambda w: _current(w) is not None, _end(JobState.SUCCEEDED)),
    Event("job fails", lambda w: _current(w) is not None, _end(JobState.FAILED)),
    Event("job cancelled by a person", lambda w: _current(w) is not None, _end(JobState.CANCELLED)),
    Event("AWS forgets", lambda w: any(j.ends <= w.now for j in w.jobs), _forget),
    Event("pause", _active, _pause),
    Event("held up", _about_to_start, _hold_up),
    Event("jobs fail at once", lambda w: not w.doomed, _doom),
    Event("lag begins", lambda w: not w.lag, _lag),
)


def _fault(word: str) -> Event:
    return Event(word, _always, lambda world: advance(world, word))


_FAULT_EVENTS = {step: tuple(_fault(word) for word in words) for step, words in FAULTS.items()}


def offered(world: World) -> Iterator[Event]:
    """The events that can happen now."""
    if world.mode is Mode.STEP and world.run is not None:
        step = world.run.standing().step
        if not (isinstance(step, moves.StoreLog) and world.setting.store is Store.NONE):
            yield from _FAULT_EVENTS[type(step)]
    yield from (event for event in EVENTS if event.can(world))


__all__ = ["EVENTS", "FAULTS", "HARMLESS", "Event", "offered"]
