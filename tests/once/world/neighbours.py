# SPDX-License-Identifier: Apache-2.0

"""Others' jobs: another task's in the same scope, or a second Airflow's under the same identity."""

from __future__ import annotations

from dataclasses import replace

from once.world.airflow import HOME_BY, World
from once.world.aws import LAG, LENGTH, NAMED, THEIRS, Job, ended
from once.world.calls import NAME_LIMIT, description, own_key

from airflow_provider_jobs._once.attempt_log import Attempt
from airflow_provider_jobs._once.fingerprint import Fingerprint
from airflow_provider_jobs._once.identity import Identity, Life
from airflow_provider_jobs.job import JobState


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


def neighbour(world: World) -> None:
    """Another task starts a job in the same scope, or a second Airflow one under the same identity."""
    if world.setting.marking not in NAMED:
        _begin_theirs(world)
        return
    life = Life.of("2025-12-31T12:00:00+00:00", 2, 0)
    identity = Identity("dag", "run", "task", -1, world.site)
    number = 1
    if world.setting.own:
        keys = {job.key for job in world.jobs}
        number = next(each for each in range(1, 99) if own_key("mine", each) not in keys)
    mark = Attempt(number, life, Fingerprint.of({"window": "A"})).mark(identity)
    if world.setting.own:
        _begin_theirs(world, key=own_key("mine", number), text=description(world, mark))
    else:
        _begin_theirs(world, key=mark.name(identity, NAME_LIMIT))


def failed_neighbour(world: World) -> None:
    """The same, and the neighbour's job fails as soon as it is there."""
    neighbour(world)
    world.change(ended(world.jobs[-1], world.now, JobState.FAILED))


def busy_neighbour(world: World) -> None:
    """A neighbour from now on always has a job that runs, begun before the last one's end."""
    for begin in range(world.now, world.now + HOME_BY, LENGTH - 2 * LAG):
        world.now, now = begin, world.now
        neighbour(world)
        world.now = now


def has_neighbour(world: World) -> bool:
    return any(job.request == "theirs" for job in world.jobs)
