# SPDX-License-Identifier: Apache-2.0

"""When a replay counts as delivered: never before it is, and soon after; with figures of every kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from replay_timelines import CREATED, END, MINUTE, Event, Replay, seen, watch

from airflow_provider_jobs._event_bus.figures import Figures
from airflow_provider_jobs._event_bus.judgement import judge
from airflow_provider_jobs.job import JobState


def events(
    *reads: float, tries: Sequence[float] = (), takes: float = 0.0, record: bool = False
) -> tuple[Event, ...]:
    """One event for each of these minutes, delivered so many minutes later."""
    return tuple(
        Event(at=number, read=read, ended=read + takes, tries=tuple(tries), record=record)
        for number, read in enumerate(reads)
    )


PLAIN = events(0, 1, 2, 3)
#: Each case: the replay, and how many minutes after its end it may be told at most.
CASES = {
    "all at once": (Replay(PLAIN), 8),
    "no age when nothing is left": (Replay(PLAIN, zero=False), 22),
    "a consumer that fails for four minutes": (
        Replay((*PLAIN, *events(1, tries=(1, 2, 3, 4), takes=4.5))),
        8,
    ),
    "the same, retried at ever longer intervals": (
        Replay((*PLAIN, *events(1, tries=(1, 2, 4, 8, 16), takes=31)), zero=False),
        22,
    ),
    "metrics six minutes late": (Replay(PLAIN, late=6), 14),
    "metrics six minutes late, a consumer that fails for four": (
        Replay((*PLAIN, *events(1, tries=(1, 2, 3, 4), takes=4.5)), late=6, zero=False),
        28,
    ),
    "a startup delay of three minutes": (Replay(events(3, 4, 5)), 8),
    "a startup delay of three minutes, metrics six minutes late": (Replay(events(3, 4, 5), late=6), 14),
    "a quiet hour inside the window, replayed as it was": (Replay(events(3, 4, 65, 66)), 8),
    "the same, metrics six minutes late": (Replay(events(3, 4, 65, 66), late=6), 14),
    "a batch in one dead-letter record": (
        Replay((*PLAIN, *(Event(5, 2, 7, (2, 3, 5), record=True) for _ in range(10)))),
        8,
    ),
    "the same without an age when nothing is left": (
        Replay((*PLAIN, *(Event(5, 2, 7, (2, 3, 5), record=True) for _ in range(10))), zero=False),
        28,
    ),
    "paused and resumed": (Replay(events(0, 1, 32, 33), paused=(2, 30), zero=False), 22),
    "no event at all": (Replay(()), 15),
}


@pytest.mark.parametrize("name", CASES)
def test_a_replay_is_told_once_it_is_delivered(name: str) -> None:
    replay, most = CASES[name]
    told, judgement, _ = watch(replay)
    assert judgement.state is JobState.SUCCEEDED
    assert told is not None
    assert replay.true_at is not None
    assert replay.true_at <= told <= replay.true_at + most


@pytest.mark.parametrize(
    ("replay", "waits_for"),
    [
        (Replay((*PLAIN, Event(9, 2, None, (2, 3, 4)))), "1 matched events are not delivered yet"),
        (Replay((*PLAIN, Event(9, 2, None, (2, 3, 4))), late=6, zero=False), "1 matched events"),
        (Replay(PLAIN, paused=(2, 1000)), "paused by somebody"),
    ],
)
def test_what_is_not_certain_is_waited_for(replay: Replay, waits_for: str) -> None:
    told, judgement, figures = watch(replay)
    assert told is None
    assert waits_for in judgement.note
    assert figures.events_delivered == 4


def test_what_is_final_needs_no_figures() -> None:
    known = seen(Replay(()), 0, Figures(), CREATED)
    assert judge(replace(known, revoked=True)).state is JobState.FAILED
    stopped = judge(replace(known, state="STOPPED", stopped=True))
    assert stopped.state is JobState.CANCELLED


def test_a_window_that_has_not_ended_is_waited_for() -> None:
    known = seen(Replay(()), 100, Figures(), CREATED)
    assert judge(known).state is JobState.SUCCEEDED
    later = judge(replace(known, end=known.now + MINUTE))
    assert (later.state, later.note) == (
        JobState.RUNNING,
        f"its window ends at {(known.now + MINUTE).isoformat()}",
    )


@pytest.mark.parametrize(("minutes", "ended"), [(9, False), (19, False), (30, True)])
def test_a_process_that_sees_figures_for_the_first_time_goes_by_their_times(
    minutes: int, ended: bool
) -> None:
    """As a sensor that is rescheduled does, or the try after a worker's death."""
    figures = Replay(PLAIN).shown(minutes)
    known = seen(Replay(PLAIN), minutes, figures, CREATED + minutes * MINUTE)
    assert judge(known).state.ended is ended
    assert judge(replace(known, quiet=timedelta(0), startup=timedelta(0))).state.ended
    assert judge(replace(known, end=END, startup=timedelta(hours=9))).state is JobState.RUNNING


def table() -> list[str]:
    """The rows of the guide's table."""
    found = []
    for name, (replay, _) in CASES.items():
        told, _, _ = watch(replay)
        found.append(f"| {name} | {replay.true_at:g} | {told} |")
    return found


def test_the_guide_has_the_cases() -> None:
    page = (Path(__file__).parents[3] / "docs/guides/event_bus.md").read_text()
    block = page.partition("<!-- judged: ")[2].partition("<!-- judged end")[0]
    assert [line for line in block.split("\n") if line.startswith("|")][2:] == table()
