# SPDX-License-Identifier: Apache-2.0

"""Histories that are taken out of the exploration to be replayed: a fixed sample, spread over the events."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from random import Random
from typing import NamedTuple

from once.world.airflow import Mode, Setting, World, advance
from once.world.events import Event, offered

#: What the mocked AWS has no means for.
_MODEL_ONLY = frozenset({"busy neighbour", "neighbour has failed", "jobs fail at once"})


class Point(NamedTuple):
    """An event, after how many further things that happen by themselves it happens, and in which phase."""

    advances: int
    event: str
    phase: str


class History(NamedTuple):
    """The events of a history; besides, what happens by itself happens."""

    setting: Setting
    points: tuple[Point, ...]

    def __str__(self) -> str:
        told = " | ".join(f"{point.event} after {point.advances}, {point.phase}" for point in self.points)
        return f"[{self.setting}] {told or 'nothing'}"


def event_of(world: World, name: str) -> Event:
    """Return the event that can happen now, by its name."""
    return next(event for event in offered(world) if event.name == name)


def sample(setting: Setting, count: int) -> list[History]:
    """Take histories of one and of two events, each half of the sample.

    Each event in each phase is taken about as often; what else is free is left to a chance that is the same
    every time.
    """
    chance = Random(str(setting))
    singles = list(_points(World(setting)))
    firsts, seconds = Counter[tuple[str, str]](), Counter[tuple[str, str]]()
    chosen: dict[History, None] = {}
    for _ in range(count * 4):
        if len(chosen) == count:
            break
        first, world = _rarest(singles, firsts, chance)
        points: tuple[Point, ...] = (first,)
        if len(chosen) % 2:
            world = world.branch()
            world.marks |= {"disturbed"}
            event_of(world, first.event).happen(world)
            second, _ = _rarest(list(_points(world)), seconds, chance)
            points = (first, second)
        chosen[History(setting, points)] = None
    return list(chosen)


def _points(world: World) -> Iterator[tuple[Point, World]]:
    """Yield each event at each point of what the world comes to by itself, with the world at that point."""
    advances = 0
    world = world.branch()
    while True:
        for event in offered(world):
            if event.name in _MODEL_ONLY:
                continue
            yield Point(advances, event.name, world.phase), world.branch()
        if world.mode is Mode.HOME:
            return
        advance(world)
        advances += 1


def _rarest(
    points: list[tuple[Point, World]], taken: Counter[tuple[str, str]], chance: Random
) -> tuple[Point, World]:
    least = min(taken[point[1:]] for point, _ in points)
    point, world = chance.choice([each for each in points if taken[each[0][1:]] == least])
    taken[point[1:]] += 1
    return point, world
