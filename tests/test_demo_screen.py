# SPDX-License-Identifier: Apache-2.0

"""What the demo shows, in a terminal and elsewhere; its own words, with no Airflow and no AWS behind them."""

from __future__ import annotations

import io
import os
import pty
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

# The demo is no part of the package; at the end of the path, the checkout does not hide what is installed.
sys.path.append(str(Path(__file__).parents[1]))

from demo.__main__ import ACTS
from demo.act import Progress
from demo.screen import Line, Screen, Sum

SUMS = [
    Sum(act.name, {"messages": (12_280, 12_280), "jobs": (10, 10)}, []) for group in ACTS for act in group
]


class Terminal:
    """A pseudo-terminal of 80 columns and 24 lines, with what was written to it."""

    def __init__(self) -> None:
        self._master, slave = pty.openpty()
        self.file = os.fdopen(slave, "w")

    def read(self) -> str:
        """Return what was written since the last time."""
        mark = "\0end"
        self.file.write(mark)
        self.file.flush()
        found = b""
        while not found.endswith(mark.encode()):
            found += os.read(self._master, 65536)
        return found.decode().removesuffix(mark).replace("\r\n", "\n")

    def close(self) -> None:
        self.file.close()
        os.close(self._master)


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[Terminal]:
    for name, value in {"TERM": "xterm-256color", "COLUMNS": "80", "LINES": "24"}.items():
        monkeypatch.setenv(name, value)
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    terminal = Terminal()
    yield terminal
    terminal.close()


def play(screen: Screen) -> None:
    """A run that is waited for, then another."""
    with screen.watching():
        for state, fraction in (("running", 0.0), ("deferred", 0.1), ("deferred", 0.2), ("success", 1.0)):
            first = Line("Thu 2026-01-08", state, Progress(fraction, f"{fraction * 100:.0f} events"))
            screen.runs([first, Line("Fri 2026-01-09", "queued", Progress())], workers=4)


def drawn(text: str) -> list[str]:
    """What is on the screen in the end: rich goes up by lines and clears them; colours are left out."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\n|\r|[^\x1b\n\r]+", text):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[1A":
            row -= 1
        elif part == "\x1b[2K":
            lines[row] = ""
        elif not part.startswith(("\x1b", "\r")):
            lines[row] += part
    return lines


def test_a_terminal_has_a_table_that_changes_in_place(terminal: Terminal) -> None:
    play(Screen(terminal.file))
    text = terminal.read()
    assert "\x1b[35m" in text, "the colour of what is deferred"
    first, second, summary, end, *_ = drawn(text)
    assert re.fullmatch(r"Thu 2026-01-08 success +━+ 100% +100 events *", first)
    assert re.fullmatch(r"Fri 2026-01-09 queued +━* +0% *", second)
    assert "workers busy: 0 of 4   waiting without a worker: 0" in summary
    assert end.startswith("Runs ")


def test_nothing_of_a_run_is_cut_in_80_columns(terminal: Terminal) -> None:
    screen = Screen(terminal.file)
    with screen.watching():
        screen.runs([Line("Mon 2026-03-02", "running", Progress(0.5, "1 of 2 activities"))], workers=4)
    first, *_ = drawn(terminal.read())
    assert re.fullmatch(r"Mon 2026-03-02 running, on a worker +[━╸╺]+ +50% +1 of 2 activities *", first)


@pytest.mark.parametrize("colours", ["asked for", "left alone"])
def test_elsewhere_there_is_a_line_for_each_change(colours: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where colours are asked for, as some CIs do."""
    if colours == "asked for":
        monkeypatch.setenv("FORCE_COLOR", "1")
    else:
        monkeypatch.delenv("FORCE_COLOR", raising=False)
    file = io.StringIO()
    play(Screen(file))
    lines = [re.sub(r"^ +[0-9.]+ s  ", "", line) for line in file.getvalue().splitlines()]
    assert lines[:-1] == [
        "Thu 2026-01-08  running, on a worker         0% 0 events",
        "Fri 2026-01-09  queued                       0%",
        "Thu 2026-01-08  deferred, holds no worker   10% 10 events",
        "Thu 2026-01-08  success                    100% 100 events",
    ]
    assert "\x1b[1A" not in file.getvalue()


def test_a_terminal_without_colours_has_lines(terminal: Terminal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")
    play(Screen(terminal.file))
    text = terminal.read()
    assert "\x1b" not in text
    assert "Thu 2026-01-08  deferred, holds no worker   10% 10 events\n" in text


def test_the_summary_has_a_line_for_each_act_on_one_screen(terminal: Terminal) -> None:
    Screen(terminal.file).summary(SUMS)
    lines = [line.rstrip() for line in drawn(terminal.read())]
    heading = lines.index("All acts")
    assert re.fullmatch(r"Act +Expected +Counted", lines[heading + 1])
    told = r"12,280 messages, 10 jobs"
    for line, each in zip(lines[heading + 2 :], SUMS, strict=False):
        assert re.fullmatch(rf"{each.name} +{told} +{told} +ok", line)
    assert heading + 2 + len(SUMS) < 24


def test_the_summary_tells_what_is_wrong() -> None:
    file = io.StringIO()
    sums = [*SUMS[1:], Sum("Replays by day", {"events": (3, 2)}, ["Thu 2026-01-08: 1 missing (a)."])]
    Screen(file).summary(sums)
    assert re.search(r"^Replays by day +3 events +2 events +FAILED *$", file.getvalue(), re.MULTILINE)
    assert file.getvalue().count("ok") == len(sums) - 1


def test_the_programme_names_each_act() -> None:
    file = io.StringIO()
    titles = [act.title for group in ACTS for act in group]
    Screen(file).programme(titles)
    first, *acts = file.getvalue().splitlines()
    assert first.startswith(f"{len(titles)} acts in a real Airflow, against a simulated AWS")
    assert acts[: len(titles)] == [f"  {number}. {title}" for number, title in enumerate(titles, start=1)]
