# SPDX-License-Identifier: Apache-2.0

"""Explores all histories: every event at every point, then every further event at every point after it.

A point is a world between two steps or waits. From each, one branch goes on by itself, and one goes through
each event that can happen, as long as events are left. Worlds that were met before are not entered again,
so the number of states is far below that of histories. Nothing is random.
"""

from __future__ import annotations

import time
import zlib
from collections.abc import Collection
from dataclasses import dataclass, field

from once.world import invariants
from once.world.airflow import Mode, Setting, World, advance
from once.world.events import HARMLESS, Event, offered
from once.world.invariants import Violation


@dataclass(slots=True)
class Counterexample:
    setting: Setting
    history: tuple[str, ...]
    violation: Violation

    def __str__(self) -> str:
        return f"[{self.setting}] {' | '.join(self.history)} => {self.violation}"


@dataclass(slots=True)
class Result:
    """What an exploration came to. ``histories``: event sequences that were tried, each to its end."""

    states: int = 0
    histories: int = 0
    seconds: float = 0.0
    found: list[Counterexample] = field(default_factory=list)

    def __str__(self) -> str:
        found = f", {len(self.found)} counterexamples" if self.found else ""
        return f"{self.histories} histories, {self.states} states, {self.seconds:.1f} s of a core{found}"


def explore(
    setting: Setting, events: int, *, every: int = 1, enough: int = 1, only: Collection[str] = ()
) -> Result:
    """Explore all histories of up to ``events`` events.

    :param every: of the histories of two events and more, take one in so many; which, follows from the
    history. :param enough: end with so many counterexamples. :param only: the events that happen, if not all.
    """
    result, began = Result(), time.perf_counter()
    seen: dict[object, int] = {}
    stack: list[tuple[World, int, tuple[str, ...]]] = [
        (World(setting, retries=2 + max(events - 2, 0)), events, ())
    ]
    stack[0][0].max_tries = stack[0][0].retries
    while stack and len(result.found) < enough:
        world, left, history = stack.pop()
        key = world.key()
        if seen.get(key, -1) >= left:
            continue
        seen[key] = left
        result.states += 1
        if left:
            for event in offered(world):
                if not only or event.name in only:
                    _branch(result, stack, world, left, history, event, every)
        if world.mode is Mode.HOME:
            _try(result, world, history, invariants.home_allowed)
        elif _try(result, world, history, advance):
            stack.append((world, left, history))
    result.seconds = time.perf_counter() - began
    return result


def _branch(
    result: Result,
    stack: list[tuple[World, int, tuple[str, ...]]],
    world: World,
    left: int,
    history: tuple[str, ...],
    event: Event,
    every: int,
) -> None:
    further = (*history, f"{event.name} at {world.now} s {world.phase}")
    if every > 1 and history and zlib.crc32(" | ".join(further).encode()) % every:
        return
    branch = world.branch()
    if event.name not in HARMLESS:
        branch.marks |= {"disturbed"}
    result.histories += 1
    if _try(result, branch, further, event.happen):
        stack.append((branch, left - 1, further))


def _try(result: Result, world: World, history: tuple[str, ...], do: object) -> bool:
    """Let something happen in the world; False if an invariant broke by it."""
    try:
        do(world)  # type: ignore[operator]
    except Violation as violation:
        result.found.append(Counterexample(world.setting, history, violation))
        return False
    return True
