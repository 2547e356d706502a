# SPDX-License-Identifier: Apache-2.0

"""A task's way through the queue to its export, by the times in Airflow's log files."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

__all__ = ["Turn", "Turns"]

_STARTED = re.compile(r"Started export (\S+):")


@dataclass(frozen=True)
class Turn:
    """How a task came from the queue.

    :param joined: it was first deferred to the queue; all times in seconds since the epoch.
    :param told: the triggerer last told it to start; None if ``gather`` came too late for that.
    :param resumed: its process then began to run the operator: Airflow had read the event, started the
        process and parsed the DAG.
    """

    joined: float
    told: float | None
    resumed: float


class Turns:
    """Gathers the tasks' turns while a DAG runs.

    Airflow overwrites the log of a task's trigger when the same triggerer gets the task's next one. So
    ``gather`` has to be called often: between two triggers there are a task's process and its calls.

    :param folder: the logs of the DAG.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._read: dict[Path, int] = {}
        self._told: dict[Path, set[float]] = {}

    def gather(self) -> None:
        """Read what triggers have logged since."""
        for path in self._folder.rglob("attempt=*.trigger.*.log"):
            changed = path.stat().st_mtime_ns
            if self._read.get(path) != changed:
                self._read[path] = changed
                fired = [moment for moment, event in _rows(path) if event == "Trigger fired event"]
                self._told.setdefault(path.parent, set()).update(fired)

    def by_export(self) -> Mapping[str, Turn | None]:
        """Return each task's turn by the id of its export; None if its first call started that."""
        self.gather()
        files: dict[Path, list[Path]] = {}
        for path in self._folder.rglob("attempt=*.log"):
            if ".trigger." not in path.name:
                files.setdefault(path.parent, []).append(path)
        return {
            found: turn
            for folder, tries in files.items()
            for found, turn in self._turns(folder, sorted(row for path in tries for row in _rows(path)))
        }

    def _turns(self, folder: Path, rows: Iterable[tuple[float, str]]) -> Iterator[tuple[str, Turn | None]]:
        joined: float | None = None
        deferred = resumed = 0.0
        for moment, event in rows:
            if found := _STARTED.search(event):
                told = [each for each in self._told.get(folder, ()) if deferred < each < resumed]
                turn = None if joined is None else Turn(joined, max(told, default=None), resumed)
                yield found[1], turn
                return
            if event.startswith("Pausing task as DEFERRED"):
                joined, deferred = joined or moment, moment
            elif event == "::endgroup::":
                resumed = moment


def _rows(path: Path) -> Iterator[tuple[float, str]]:
    """Read a log's lines, of which the last may be half written."""
    for line in path.read_text().split("\n")[:-1]:
        row = json.loads(line)
        yield datetime.fromisoformat(row["timestamp"]).timestamp(), str(row["event"])
