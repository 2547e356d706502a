# SPDX-License-Identifier: Apache-2.0

"""What happened in the plant: sensor files and events of some hours, made up, always the same."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from demo.bus import entry
from demo.tally import Window

BUS = "plant"
BUCKET = "plant-sensors"  # as in the example DAGs

_HOUR, _SECOND = timedelta(hours=1), timedelta(seconds=1)
_FIRST = datetime(2026, 1, 12, 6, tzinfo=UTC)
_MACHINES = 2


@dataclass(frozen=True)
class PlantEvent:
    """Something that a machine reported.

    :param id: the plant's own
    :param kind: of machines
    :param time: aware, in whole seconds
    """

    id: str
    kind: str
    time: datetime

    def entry(self) -> dict[str, Any]:
        """Return the event as PutEvents takes it."""
        return entry(BUS, f"plant.{self.kind}", "Alarm", self.time, event=self.id)


@dataclass(frozen=True)
class Machines:
    """Machines of one kind, in their hours.

    :param kind: the name of their dataset, archive and queue
    :param counts: events in each hour from six o'clock on
    :param malformed: how many of an hour's files cannot be read, by the hour's number
    """

    kind: str
    counts: tuple[int, ...]
    malformed: dict[int, int]

    @property
    def windows(self) -> list[Window]:
        """The hours."""
        return [Window(_FIRST + n * _HOUR, _FIRST + (n + 1) * _HOUR) for n in range(len(self.counts))]

    def prefix(self, window: Window) -> str:
        """Where in the bucket the files of an hour are."""
        return f"{self.kind}/{window.start:%Y/%m/%d/%H}/"

    def files(self, window: Window) -> dict[str, bytes]:
        """The files of an hour by their keys, two for each machine; the malformed ones last."""
        chance = random.Random(f"{self.kind} {window.start}")
        spoiled = self.malformed.get(self.windows.index(window), 0)
        keys = [
            f"{self.prefix(window)}{self.kind[:-1]}-{machine}/{minute:02}.csv"
            for machine in range(1, _MACHINES + 1)
            for minute in (0, 30)
        ]
        files = {}
        for number, key in enumerate(keys, start=1):
            since = window.start + timedelta(minutes=int(key[-6:-4]))
            text = "".join(["time,speed,heat\n", *_rows(chance, since)])
            # As a file that was cut off while it was written: its last row lacks a column.
            whole = number <= len(keys) - spoiled
            files[key] = (text if whole else text[: text.rindex(",")]).encode()
        return files

    def discarded(self, window: Window) -> list[str]:
        """The keys of an hour's files that cannot be read."""
        spoiled = self.malformed.get(self.windows.index(window), 0)
        keys = list(self.files(window))
        return keys[len(keys) - spoiled :]

    def events(self) -> list[PlantEvent]:
        """All events, in order: those of the hours, and one just before and just after them.

        Each hour has an event in its first and one in its last second: a window that is off by a second,
        at either end, is found out.
        """
        return [
            PlantEvent(f"{self.kind}-{number:03}", self.kind, time)
            for number, time in enumerate(self._times(random.Random(self.kind)), start=1)
        ]

    def _times(self, chance: random.Random) -> Iterator[datetime]:
        yield _FIRST - _SECOND
        for window, count in zip(self.windows, self.counts, strict=True):
            yield window.start
            yield from (window.start + n * _SECOND for n in sorted(chance.sample(range(1, 3599), count - 2)))
            yield window.end - _SECOND
        yield self.windows[-1].end


def _rows(chance: random.Random, since: datetime) -> Iterator[str]:
    for minute in range(30):
        time = since + timedelta(minutes=minute)
        yield f"{time:%Y-%m-%dT%H:%M:%S},{chance.gauss(1450, 20):.1f},{chance.gauss(61, 2):.2f}\n"


PUMPS = Machines("pumps", (40, 25, 60), malformed={1: 1})
FANS = Machines("fans", (30, 35), malformed={})
