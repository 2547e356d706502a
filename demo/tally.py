# SPDX-License-Identifier: Apache-2.0

"""Counts what was received, window by window, against what an archive or a channel holds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, ClassVar, NamedTuple

_DAY = timedelta(days=1)


class Window(NamedTuple):
    """A span of event times; the demo's own, so that the provider's cannot hide its own mistakes.

    :param start: inclusive, aware
    :param end: exclusive, aware
    """

    start: datetime
    end: datetime

    def holds(self, time: datetime) -> bool:
        """Whether the time is in the window."""
        return self.start <= time < self.end

    def __str__(self) -> str:
        days = f"{self.start:%a %Y-%m-%d}"
        return days if self.end - self.start >= _DAY else f"{days} {self.start:%H:%M}"


@dataclass
class Tally:
    """The count of a window, or of a step.

    :param window: None for messages that belong to no window that was asked for
    :param archived: events that the archive holds for it
    :param received: messages that its replays have delivered
    :param missing: ids of events that no message brought
    :param doubled: ids of events, once for each message too many
    :param outside: ids of events that its replays should not have delivered
    :param step: what is counted, if not a window
    """

    COLUMNS: ClassVar = ("Archived", "Received", "Missing", "Doubled", "Outside")

    window: Window | None
    archived: int
    received: int
    missing: list[str]
    doubled: list[str]
    outside: list[str]
    step: str = ""

    def numbers(self) -> tuple[int, int, int, int, int]:
        """Return the numbers of the ``COLUMNS``."""
        return self.archived, self.received, len(self.missing), len(self.doubled), len(self.outside)

    @property
    def name(self) -> str:
        """The window or the step, for a table."""
        return self.step or str(self.window or "no known job")

    def problems(self) -> Iterator[str]:
        """Say what is wrong."""
        strays = "unwanted" if self.step else "outside of the window"
        for what, found in (("missing", self.missing), ("doubled", self.doubled), (strays, self.outside)):
            if found:
                some = ", ".join(found[:3]) + (", …" if len(found) > 3 else "")
                yield f"{self.name[0].upper()}{self.name[1:]}: {len(found):,} {what} ({some})."


def table(tallies: Sequence[Tally]) -> tuple[list[tuple[str | int, ...]], list[int], list[str]]:
    """Put tallies into a table.

    :returns: its rows, the last of which is the total; the total's numbers; what is wrong
    """
    rows = [(tally.name, *tally.numbers()) for tally in tallies]
    sums = [sum(column) for column in zip(*(tally.numbers() for tally in tallies), strict=True)]
    problems = [problem for tally in tallies for problem in tally.problems()]
    return [*rows, ("Total", *sums)], sums, problems


def count(
    windows: Sequence[Window],
    archived: Mapping[str, datetime],
    replays: Mapping[str, Window],
    messages: Iterable[Mapping[str, Any]],
) -> list[Tally]:
    """Compare what was received with what the archive holds.

    :param windows: what was to be replayed
    :param archived: time by event id
    :param replays: window by replay name, as AWS tells it
    :param messages: bodies; an event counts for the window of the replay that it names
    :returns: a tally for each window, and one more for messages that belong to none of them, if any
    """
    received: dict[Window | None, Counter[str]] = {window: Counter() for window in (*windows, None)}
    outside: dict[Window | None, list[str]] = {window: [] for window in (*windows, None)}
    for message in messages:
        window = replays.get(message.get("replay-name", ""))
        if window not in windows:
            window = None
        event, time = message["detail"]["event"], datetime.fromisoformat(message["time"])
        if window and window.holds(time) and archived.get(event) == time:
            received[window][event] += 1
        else:
            outside[window].append(event)
    tallies = []
    for window in (*windows, None):
        expected = [event for event, time in archived.items() if window and window.holds(time)]
        got, strays = received[window], outside[window]
        tallies.append(_tally(window, expected, got, strays))
    return tallies if tallies[-1].received else tallies[:-1]


def compare(
    step: str, expected: Sequence[str], replays: Collection[str], messages: Sequence[Mapping[str, Any]]
) -> Tally:
    """Compare what one step of several has brought with what it should have.

    :param step: its name
    :param expected: ids of events
    :param replays: the names of the replays that are to have brought them
    :param messages: bodies; one of another replay, or of none, is unwanted
    """
    received: Counter[str] = Counter()
    outside = []
    for message in messages:
        event = message["detail"]["event"]
        if message.get("replay-name") in replays and event in expected:
            received[event] += 1
        else:
            outside.append(event)
    return _tally(None, expected, received, outside, step)


def _tally(
    window: Window | None, expected: Sequence[str], got: Counter[str], strays: list[str], step: str = ""
) -> Tally:
    missing = [event for event in expected if event not in got]
    doubled = list((got - Counter(dict.fromkeys(got, 1))).elements())
    return Tally(window, len(expected), got.total() + len(strays), missing, doubled, strays, step)
