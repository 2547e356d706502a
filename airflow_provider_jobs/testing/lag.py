# SPDX-License-Identifier: Apache-2.0

"""Lag: what AWS shows of a job may be late, in lists and in descriptions apart."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

#: Which kind of call shows a job late.
LagIn: TypeAlias = Literal["lists", "descriptions"]

Row: TypeAlias = Mapping[str, Any]


@dataclass(frozen=True)
class Lag:
    """How late a start or a change shows. With neither field set, at once.

    :param seconds: seconds by AWS's clock
    :param reads: how many calls that could show it still do not
    """

    seconds: float | None = None
    reads: int | None = None

    def __post_init__(self) -> None:
        if self.seconds is not None and self.reads is not None:
            raise ValueError("A lag goes by seconds or by reads, not by both.")
        if self.seconds is not None and self.seconds < 0:
            raise ValueError(f"seconds must not be negative, got {self.seconds}.")
        if self.reads is not None and self.reads < 0:
            raise ValueError(f"reads must not be negative, got {self.reads}.")


class Replica:
    """What one kind of call shows of a job. ``JobControl.replica`` makes them.

    A backend calls ``look`` for what is shown, once for each call that could show the job, and then ``read``
    if it is to be shown, which moves the job on.

    :param row: gives the truth as the call would show it, without a read
    :param move: counts a read of the job
    :param active: tells whether the job may still change
    :param now: AWS's clock, in seconds
    :param lag: how late it is
    :param shown: whether the row as it is now shows at once, and only what comes after is late
    """

    def __init__(
        self,
        row: Callable[[], Row],
        move: Callable[[], object],
        active: Callable[[], bool],
        now: Callable[[], float],
        lag: Lag,
        shown: bool = False,
    ) -> None:
        self._row, self._move, self._active, self._now = row, move, active, now
        self._history: list[tuple[float, Row]] = []
        self._looks: deque[Row | None] = deque()
        self._noted_end = False
        self._seen: Row | None = None
        self._begin(lag, shown)

    def set_lag(self, lag: Lag) -> None:
        """Let what comes from now on be so late; what shows already stays."""
        self._begin(lag, shown=True)

    def note(self) -> None:
        """Remember the truth of now, if the lag goes by the clock and there may be news."""
        if self._lag.seconds is None or self._noted_end:
            return
        self._noted_end = not self._active()
        self._remember(self._now())

    def look(self) -> Row | None:
        """Return what a call shows of the job before it is read; None if it does not show it."""
        if self._lag.reads:
            self._looks.append(self._row())
            self._seen = self._looks.popleft()
            return self._seen
        return self._shown()

    def read(self) -> Row | None:
        """Move the job on by a read, and return what the call shows now."""
        self._move()
        if self._lag.reads:
            self._looks[-1] = self._row()
            return self._seen
        return self._shown()

    def _begin(self, lag: Lag, shown: bool) -> None:
        self._lag, self._noted_end = lag, False
        self._history.clear()
        self._looks.clear()
        self._seen = None
        if lag.reads:
            self._looks.extend([self._row() if shown else None] * lag.reads)
        if lag.seconds is not None:
            now = self._now()
            self._remember(now - lag.seconds if shown else now)

    def _remember(self, time: float) -> None:
        row = self._row()
        if not self._history or self._history[-1][1] != row:
            self._history.append((time, row))

    def _shown(self) -> Row | None:
        if self._lag.seconds is None:
            return self._row()
        now = self._now()
        self._remember(now)
        due = [at for at, (time, _) in enumerate(self._history) if time <= now - self._lag.seconds]
        if not due:
            return None
        del self._history[: due[-1]]
        return self._history[0][1]
