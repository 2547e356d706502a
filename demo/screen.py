# SPDX-License-Identifier: Apache-2.0

"""What the demo shows: a moving picture in a terminal, a line per change elsewhere (as in a CI log)."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from demo.act import Outcome, Progress

_STYLES = {"running": "cyan", "deferred": "magenta", "success": "green", "failed": "bold red"}
_REMARKS = {"running": "on a worker", "deferred": "holds no worker"}
_QUARTERS = 4


@dataclass(frozen=True)
class Line:
    """A run.

    :param label: its window
    :param state: of its current task, in Airflow's words
    :param progress: of its job in AWS
    """

    label: str
    state: str
    progress: Progress

    @property
    def state_and_remark(self) -> str:
        """The state, and what it means for the workers."""
        remark = _REMARKS.get(self.state)
        return f"{self.state}, {remark}" if remark else self.state


@dataclass(frozen=True)
class Sum:
    """An act, as the summary at the end has it.

    :param name: the act's
    :param counts: how many were expected, and how many were counted, by what they are
    :param problems: what is wrong, a sentence each
    """

    name: str
    counts: Mapping[str, tuple[int, int]]
    problems: Sequence[str]

    def number(self, column: int) -> str:
        """Tell what was expected (0), or what was counted (1)."""
        return ", ".join(f"{numbers[column]:,} {what}" for what, numbers in self.counts.items())


class Screen:
    """The terminal, or the log that stands in for it.

    :param file: where it writes; standard output if not given
    """

    def __init__(self, file: TextIO | None = None) -> None:
        file = file or sys.stdout
        self.console = Console(file=file, highlight=False)
        # A log that is asked for colours is no terminal all the same, and nobody resizes it; lines are not to
        # be broken at the 80 columns of no terminal.
        self._in_place = file.isatty() and self.console.color_system is not None
        if not file.isatty():
            self.console = Console(file=file, highlight=False, width=120)
        self._began = self._watch_began = time.monotonic()
        self._live: Live | None = None
        self._said: dict[str, str] = {}

    def say(self, text: str, style: str = "") -> None:
        """Print a line, unbroken."""
        self.console.print(Text(text, style), soft_wrap=True)

    def programme(self, titles: Sequence[str]) -> None:
        """Say what is going to happen."""
        acts = "1 act" if len(titles) == 1 else f"{len(titles)} acts"
        self.say(f"{acts} in a real Airflow, against a simulated AWS; what comes of each is counted:", "bold")
        for number, title in enumerate(titles, start=1):
            self.say(f"  {number}. {title}")
        self.say("First both are started, which takes about half a minute.\n")

    @contextmanager
    def phase(self, name: str) -> Iterator[list[str]]:
        """Show that something is being done, and then how long it took, with what is put into the list."""
        began = time.monotonic()
        remarks: list[str] = []
        with self.console.status(f"{name} …"):
            yield remarks
        self.say(f"{name:<15}{time.monotonic() - began:6.1f} s   {' '.join(remarks)}".rstrip())

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Show what :meth:`runs` is given, in place if this is a terminal, and then how long it took."""
        self._watch_began = time.monotonic()
        self._said = {}
        with ExitStack() as stack:
            if self._in_place:
                self._live = stack.enter_context(Live(console=self.console, auto_refresh=False))
            yield
        self._live = None
        self.say(f"{'Runs':<15}{self._watched:6.1f} s")

    @property
    def _watched(self) -> float:
        return time.monotonic() - self._watch_began

    def runs(self, lines: Sequence[Line], workers: int) -> None:
        """Show the runs as they are now.

        :param workers: how many tasks Airflow can run at once
        """
        if self._live is not None:
            self._live.update(self._picture(lines, workers), refresh=True)
            return
        for line in lines:
            # A line for each quarter of the way is enough for a log.
            quarter = int(line.progress.fraction * _QUARTERS)
            if self._said.get(line.label) == (said := f"{line.state} {quarter}"):
                continue
            self._said[line.label] = said
            words = [line.state_and_remark, f"{line.progress.fraction:4.0%}", line.progress.note]
            self.say(f"{self._watched:6.1f} s  {line.label}  {words[0]:<26} {' '.join(words[1:])}".rstrip())

    def _picture(self, lines: Sequence[Line], workers: int) -> RenderableType:
        table = Table.grid(padding=(0, 1))
        # The names of the runs are to be whole in a terminal of 80 columns, too.
        bar = 20 if self.console.width >= 100 else 6
        for justify in ("left", "left", "left", "right", "right"):
            table.add_column(justify=justify, no_wrap=True)
        for line in lines:
            fraction = line.progress.fraction
            table.add_row(
                line.label,
                Text(f"{line.state_and_remark:<25}", _STYLES.get(line.state, "dim")),
                ProgressBar(total=1, completed=fraction, width=bar),
                f"{fraction:.0%}",
                line.progress.note,
            )
        states = [line.state for line in lines]
        busy, waiting = states.count("running"), states.count("deferred")
        summary = f"workers busy: {busy} of {workers}   waiting without a worker: {waiting}"
        return Group(table, Text(f"{self._watched:5.1f} s   {summary}", "dim"))

    def outcome(self, outcome: Outcome) -> None:
        """Show what was counted."""
        table = Table(header_style="bold")
        for column in outcome.columns:
            table.add_column(column, justify="left" if column == outcome.columns[0] else "right")
        for number, row in enumerate(outcome.rows, start=1):
            total = number == len(outcome.rows)
            if total:
                table.add_section()
            cells = [f"{cell:,}" if isinstance(cell, int) else cell for cell in row]
            table.add_row(*cells, style="bold" if total else None)
        self.console.print(table)
        self.say(outcome.totals)

    def sample(self, lines: Sequence[str]) -> None:
        """Show lines of a task's log under their heading."""
        self.say(lines[0], "bold")
        for line in lines[1:]:
            self.say(f"  {line}", "dim")

    def summary(self, sums: Sequence[Sum]) -> None:
        """Show all acts on one screen, a line each."""
        table = Table(box=None, header_style="bold", pad_edge=False)
        for column in ("Act", "Expected", "Counted", ""):
            table.add_column(column, no_wrap=True)
        for each in sums:
            held = Text("FAILED", "bold red") if each.problems else Text("ok", "green")
            table.add_row(each.name, each.number(0), each.number(1), held)
        self.say("\nAll acts", "bold")
        self.console.print(table)

    def verdict(self, problems: Sequence[str]) -> None:
        """Say whether all went well."""
        for problem in problems:
            self.say(f"PROBLEM: {problem}", "bold red")
        elapsed = time.monotonic() - self._began
        if problems:
            self.say(f"The demo FAILED after {elapsed:.0f} s.", "bold red")
        else:
            self.say(f"The demo succeeded in {elapsed:.0f} s.", "bold green")
