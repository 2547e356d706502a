# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_jobs.testing.pace import Lifecycle, Pace, Phase

T0 = datetime(2026, 11, 1, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.time = T0

    def __call__(self) -> datetime:
        return self.time

    def at(self, seconds: float) -> datetime:
        self.time = T0 + timedelta(seconds=seconds)
        return self.time


@pytest.fixture
def clock() -> Clock:
    return Clock()


def phase(life: Lifecycle) -> Phase:
    return life.phase


def job(pace: Pace, clock: Clock) -> Lifecycle:
    return Lifecycle("events", "a", pace, clock)


@pytest.mark.parametrize(
    ("seconds", "reads", "message"),
    [
        (1.0, 1, "A pace goes by seconds or by reads, not by both."),
        (-1.0, None, "seconds must not be negative, got -1.0."),
        (None, 0, "reads must be at least 1, got 0."),
    ],
)
def test_impossible_pace(seconds: float | None, reads: int | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Pace(seconds=seconds, reads=reads)


def test_reads(clock: Clock) -> None:
    life = job(Pace(reads=4), clock)
    assert life.peek() == 0.0
    assert phase(life) is Phase.STARTING
    assert [life.read() for _ in range(5)] == [0.25, 0.5, 0.75, 1.0, 1.0]
    assert phase(life) is Phase.SUCCEEDED
    assert not life.active


def test_one_that_is_held_ends_once_it_is_not(clock: Clock) -> None:
    held = [True]
    life = Lifecycle("events", "a", Pace(seconds=10), clock, held=lambda: held[0])
    clock.at(12)
    assert life.peek() == 1.0
    assert (phase(life), life.ended_at) == (Phase.RUNNING, None)
    held[0] = False
    ends = clock.at(15)
    life.peek()
    assert (phase(life), life.ended_at) == (Phase.SUCCEEDED, ends)


def test_reads_show_half_way_and_then_the_end(clock: Clock) -> None:
    life = job(Pace(reads=2), clock)
    phases = []
    for _ in range(2):
        life.read()
        phases.append(phase(life))
    assert phases == [Phase.RUNNING, Phase.SUCCEEDED]


def test_seconds(clock: Clock) -> None:
    life = job(Pace(seconds=10), clock)
    clock.at(2.5)
    assert life.peek() == 0.25
    assert phase(life) is Phase.RUNNING
    assert life.ended_at is None
    clock.at(100)
    assert life.read() == 1.0
    assert life.ended_at == T0 + timedelta(seconds=10)


def test_no_seconds_at_all(clock: Clock) -> None:
    life = job(Pace(seconds=0), clock)
    assert life.active
    assert life.peek() == 1.0
    assert life.ended_at == T0


def test_by_hand(clock: Clock) -> None:
    life = job(Pace(), clock)
    clock.at(1000)
    assert life.read() == 0.0
    life.advance(0.5)
    life.advance(0.25)
    assert life.peek() == 0.5, "a job never goes back"
    clock.at(2000)
    life.advance()
    assert phase(life) is Phase.SUCCEEDED
    assert life.ended_at == T0 + timedelta(seconds=2000)


def test_by_hand_goes_with_any_pace(clock: Clock) -> None:
    life = job(Pace(seconds=10), clock)
    clock.at(1)
    life.advance(0.5)
    assert life.fraction == 0.5
    clock.at(6)
    assert life.peek() == 0.6
    life.advance(1.0)
    assert life.ended_at == T0 + timedelta(seconds=6)


@pytest.mark.parametrize("to", [-0.1, 1.1])
def test_by_hand_out_of_range(clock: Clock, to: float) -> None:
    with pytest.raises(ValueError, match=r"A job's way goes from 0\.0 to 1\.0, got"):
        job(Pace(), clock).advance(to)


def test_failure_at_a_fraction(clock: Clock) -> None:
    life = job(Pace(seconds=10), clock)
    life.fail("no disk", at=0.4)
    clock.at(3)
    assert life.peek() == 0.3
    assert phase(life) is Phase.RUNNING
    clock.at(9)
    assert life.peek() == 0.4
    assert phase(life) is Phase.FAILED
    assert life.failure == "no disk"
    assert life.ended_at == T0 + timedelta(seconds=4)


def test_failure_at_a_fraction_that_is_past(clock: Clock) -> None:
    life = job(Pace(reads=2), clock)
    life.read()
    life.fail("no disk", at=0.1)
    assert life.peek() == 0.5
    assert life.failure == "no disk"


def test_failure_of_an_ended_job(clock: Clock) -> None:
    life = job(Pace(reads=1), clock)
    life.read()
    with pytest.raises(ValueError, match="events job 'a' has already ended: succeeded"):
        life.fail("no disk")


def test_stop_by_reads(clock: Clock) -> None:
    life = job(Pace(reads=4), clock)
    life.read()
    life.stop()
    assert life.peek() == 0.25
    assert (phase(life), life.active) == (Phase.STOPPING, True)
    assert life.read() == 0.25
    assert (phase(life), life.active) == (Phase.STOPPED, False)


def test_stop_by_seconds(clock: Clock) -> None:
    life = job(Pace(seconds=10), clock)
    clock.at(5)
    life.stop()
    clock.at(5.9)
    assert life.read() == 0.5
    assert phase(life) is Phase.STOPPING
    clock.at(60)
    assert life.peek() == 0.5
    assert phase(life) is Phase.STOPPED
    assert life.ended_at == T0 + timedelta(seconds=6)


def test_stop_by_hand(clock: Clock) -> None:
    life = job(Pace(), clock)
    life.advance(0.5)
    life.stop()
    life.read()
    assert phase(life) is Phase.STOPPING
    life.advance()
    assert (phase(life), life.fraction) == (Phase.STOPPED, 0.5)


def test_stop_comes_too_late(clock: Clock) -> None:
    life = job(Pace(seconds=10), clock)
    clock.at(10)
    life.stop()
    assert phase(life) is Phase.SUCCEEDED
