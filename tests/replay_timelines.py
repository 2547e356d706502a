# SPDX-License-Identifier: Apache-2.0

"""Replays as timelines: what is true at each time, what CloudWatch shows of it, and what is concluded."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from airflow_provider_jobs._event_bus.figures import COUNTS, Figures, figures_of, metrics_of
from airflow_provider_jobs._event_bus.judgement import Judgement, Seen, judge
from airflow_provider_jobs._metric import Point
from airflow_provider_jobs.job import JobState

CREATED = datetime(2026, 11, 1, 12, tzinfo=UTC)
START, END = CREATED - timedelta(hours=4), CREATED - timedelta(hours=2)
MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Event:
    """An event of the window.

    :param at: minutes after the window's start at which it was published
    :param read: minutes after the subscriber's creation at which it is evaluated
    :param tries: minutes of its deliveries that fail
    :param ended: minutes at which it is delivered; None if that never happens
    :param record: whether it then goes to the dead-letter queue; a record may hold several events
    """

    at: float
    read: float
    ended: float | None
    tries: tuple[float, ...] = ()
    record: bool = False


@dataclass(frozen=True)
class Replay:
    """A replay, and how CloudWatch shows it.

    :param events: its events
    :param late: minutes until CloudWatch shows a figure
    :param zero: whether the age of the backlog is shown once more, as 0, when there is none
    :param paused: minutes between which somebody has paused it
    """

    events: tuple[Event, ...]
    late: float = 1.0
    zero: bool = True
    paused: tuple[float, float] | None = None
    _points: dict[str, list[Point]] = field(default_factory=dict)

    @property
    def true_at(self) -> float | None:
        """Minutes at which all events were delivered or given up; None if that never happens."""
        ends = [event.ended for event in self.events]
        return None if None in ends else max((end for end in ends if end is not None), default=0.0)

    def shown(self, now: float) -> Figures:
        """Return what CloudWatch shows."""
        metrics = metrics_of("bus", "subscriber", MINUTE, by_arn=True)
        points = [self._seen(name, now) for name in ("backlog", *COUNTS)]
        return figures_of(metrics, points)

    def _seen(self, name: str, now: float) -> list[Point]:
        if not self._points:
            self._points.update(self._all())
        return [(at, value) for at, value in self._points[name] if at <= CREATED + (now - self.late) * MINUTE]

    def _all(self) -> dict[str, list[Point]]:
        sums: dict[str, Counter[int]] = {name: Counter() for name in COUNTS}
        for event in self.events:
            sums["events_evaluated"][int(event.read)] += 1
            sums["events_matched"][int(event.read)] += 1
            for tried in event.tries:
                sums["delivery_attempts"][int(tried)] += 1
            if event.ended is not None and not event.record:
                sums["delivery_attempts"][int(event.ended)] += 1
                sums["events_delivered"][int(event.ended)] += 1
        for ended in {event.ended for event in self.events if event.record and event.ended is not None}:
            sums["dead_letter_records"][int(ended)] += 1
        points = {
            name: [(_at(minute), float(n)) for minute, n in each.items()] for name, each in sums.items()
        }
        points["backlog"] = [(_at(minute), age) for minute, age in self._backlog()]
        return points

    def _backlog(self) -> Iterator[tuple[int, float]]:
        had = False
        for minute in range(int(min((each.read for each in self.events), default=0.0)), 200):
            left = [each.at for each in self.events if each.ended is None or each.ended > minute]
            if left:
                age = CREATED + minute * MINUTE - (START + min(left) * MINUTE)
                yield minute, age / timedelta(milliseconds=1)
            elif had and self.zero:
                yield minute, 0.0
            had = bool(left)


def _at(minute: int) -> datetime:
    return CREATED + minute * MINUTE


def watch(replay: Replay, minutes: int = 200) -> tuple[float | None, Judgement, Figures]:
    """Read the figures every minute, as the shared poll does.

    :return: the minute at which the replay was judged to have ended, if it was, with the last judgement.
    """
    before, since = None, CREATED
    judgement, figures = Judgement(JobState.RUNNING, ""), Figures()
    for now in range(minutes):
        figures = replay.shown(now)
        since = since if figures == before else CREATED + now * MINUTE
        before = figures
        judgement = judge(seen(replay, now, figures, since))
        if judgement.state.ended:
            return now, judgement, figures
    return None, judgement, figures


def seen(replay: Replay, now: float, figures: Figures, since: datetime) -> Seen:
    """Return what a poll knows."""
    modified, state = CREATED, "RUNNING"
    if replay.paused and replay.paused[0] <= now:
        over = replay.paused[1] <= now
        modified = CREATED + replay.paused[over] * MINUTE
        state = "RUNNING" if over else "STOPPED"
    return Seen(
        now=CREATED + now * MINUTE,
        created=CREATED,
        modified=modified,
        start=START,
        end=END,
        state=state,
        figures=figures,
        since=since,
    )
