# SPDX-License-Identifier: Apache-2.0

"""What a thousand deferred waits cost: ours beside the Amazon provider's own pattern.

``python -m benchmarks.waits`` prints the table; ``README.md`` says how it is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from importlib.util import find_spec
from platform import python_version
from statistics import median
from typing import TypeVar

import boto3

from airflow_provider_jobs.testing import AwsJobsServer
from benchmarks.cell import MARK, Ended, Order, Started

#: The patterns by what the table calls them.
PATTERNS = {"shared": "ours", "amazon": "Amazon provider"}

_REGION = "us-east-1"
_ACCOUNT = "123456789012"
_BUS = f"arn:aws:events:{_REGION}:{_ACCOUNT}:event-bus/default"
_ARCHIVE = f"arn:aws:events:{_REGION}:{_ACCOUNT}:archive/orders"
#: Calls per minute are given for this interval, the operators' default, in seconds.
_USUAL_INTERVAL = 30

#: What the project promises of ours: at so many waits, at most so much of each.
_PROMISED_AT = 1000
_PROMISED = {"cpu": 1.0, "blocked": 100.0, "memory": 25.0, "calls": 4.0}

_Result = TypeVar("_Result", Started, Ended)


@dataclass(frozen=True)
class Cell:
    """A pattern at a number of waits.

    :param cpu: seconds to start.
    :param blocked: the event loop's longest block in milliseconds.
    :param memory: MB held.
    :param calls: API calls in one interval; None where they were not counted.
    """

    cpu: float
    blocked: float
    memory: float
    calls: float | None


#: The table's columns: heading, value, how many decimals.
_COLUMNS: tuple[tuple[str, Callable[[Cell], float], int], ...] = (
    ("CPU to start, s", lambda cell: cell.cpu, 2),
    ("worst block, ms", lambda cell: cell.blocked, 0),
    ("memory held, MB", lambda cell: cell.memory, 1),
    ("calls/interval", lambda cell: cell.calls or 0, 0),
    (f"calls/min at {_USUAL_INTERVAL} s", lambda cell: (cell.calls or 0) * 60 / _USUAL_INTERVAL, 0),
)


class Bench:
    """A server with replays that never end, and the measuring of waits for them.

    :param server: runs already, and serves nobody else.
    :param interval: seconds between looks.
    :param most: how many replays there are at most, which the waits then share; 0 is one each.
    """

    def __init__(self, server: AwsJobsServer, interval: int, most: int = 0) -> None:
        self._server = server
        self._interval = interval
        self._most = most
        self._replays: list[str] = []
        self._home = tempfile.TemporaryDirectory(prefix="airflow-home-")
        self.idle: list[float] = []
        server.set_pace()
        server.set_quota("events", 1_000_000)
        self._events = boto3.client(
            "events",
            region_name=_REGION,
            endpoint_url=server.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )
        self._events.create_archive(ArchiveName="orders", EventSourceArn=_BUS)

    def close(self) -> None:
        """Remove what was made outside the server."""
        self._events.close()
        self._home.cleanup()

    def seed(self, count: int) -> list[str]:
        """Start replays until there are so many; return their names."""
        start = datetime(2026, 1, 1, tzinfo=UTC)
        for number in range(len(self._replays), count):
            name = f"replay-{number:05}"
            self._events.start_replay(
                ReplayName=name,
                EventSourceArn=_ARCHIVE,
                EventStartTime=start,
                EventEndTime=start + timedelta(days=1),
                Destination={"Arn": _BUS},
            )
            self._replays.append(name)
        return self._replays[:count]

    def measure(self, pattern: str, count: int, window: int) -> Cell:
        """Wait in a fresh process, and measure.

        :param pattern: one of ``PATTERNS``.
        :param count: how many waits.
        :param window: for how many intervals to go on after the start and count calls.
        """
        replays = self.seed(min(count, self._most or count))
        order = Order(pattern, [replays[number % len(replays)] for number in range(count)], self._interval)
        with self._process(order) as process:
            started = _result(process, Started)
            calls = self._count_calls(window) if window else None
            assert process.stdin is not None
            process.stdin.write("\n")
            process.stdin.flush()
            ended = _result(process, Ended)
        self.idle.append(ended.idle * 1000)
        return Cell(started.cpu, ended.blocked * 1000, started.memory / 1e6, calls)

    def _count_calls(self, window: int) -> float:
        # Waits that look together do so about one interval after the start: begin and end between two looks.
        time.sleep(self._interval / 2)
        before = sum(self._server.calls("events").values())
        time.sleep(self._interval * window)
        return (sum(self._server.calls("events").values()) - before) / window

    @contextmanager
    def _process(self, order: Order) -> Iterator[subprocess.Popen[str]]:
        # Nothing of the developer's own Airflow or AWS settings.
        mine = {k: v for k, v in os.environ.items() if not k.startswith(("AIRFLOW_", "AWS_"))}
        connection = {
            "conn_type": "aws",
            "login": "testing",
            "password": "testing",
            "extra": {"region_name": _REGION, "endpoint_url": self._server.url},
        }
        environment = {
            **mine,
            "AIRFLOW_HOME": self._home.name,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        }
        command = [sys.executable, "-m", "benchmarks.cell", json.dumps(asdict(order))]
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        try:
            yield process
            process.communicate(timeout=60)
        finally:
            process.kill()
            process.communicate()


def _result(process: subprocess.Popen[str], kind: type[_Result]) -> _Result:
    assert process.stdout is not None
    for line in process.stdout:
        if line.startswith(MARK):
            return kind(**json.loads(line.removeprefix(MARK)))
    raise RuntimeError(f"The measuring process ended early, with exit code {process.wait()}.")


def _median(cells: Sequence[Cell]) -> Cell:
    counted = [cell.calls for cell in cells if cell.calls is not None]
    return Cell(
        median(cell.cpu for cell in cells),
        median(cell.blocked for cell in cells),
        median(cell.memory for cell in cells),
        median(counted) if counted else None,
    )


def table(results: Mapping[int, Mapping[str, Cell]]) -> str:
    """Write the table.

    :param results: by number of waits, then by pattern.
    """
    widths = [max(len(heading), 10) for heading, _, _ in _COLUMNS]

    def line(first: str, second: str, values: Sequence[str]) -> str:
        cells = "  ".join(value.rjust(width) for value, width in zip(values, widths, strict=True))
        return f"{first:>6}  {second:<{max(map(len, PATTERNS.values()))}}  {cells}"

    lines = [line("waits", "", [heading for heading, _, _ in _COLUMNS])]
    for count, cells in results.items():
        lines.append("-" * len(lines[0]))
        for number, (pattern, cell) in enumerate(cells.items()):
            values = [f"{value(cell):,.{decimals}f}" for _, value, decimals in _COLUMNS]
            lines.append(line(f"{count:,}" if number == 0 else "", PATTERNS[pattern], values))
        lines.append(line("", "ratio", [_ratio(value, cells) for _, value, _ in _COLUMNS]))
    return "\n".join(lines)


def _ratio(value: Callable[[Cell], float], cells: Mapping[str, Cell]) -> str:
    ours, theirs = value(cells["shared"]), value(cells["amazon"])
    return f"{theirs / ours:,.1f} x" if ours > 0 else "-"


def promises(cell: Cell) -> str:
    """Set what was promised of ours beside what was measured."""
    measured = asdict(cell)
    pairs = [f"{name} {measured[name]:.3g} of {most:g}" for name, most in _PROMISED.items()]
    broken = [name for name, most in _PROMISED.items() if measured[name] > most]
    verdict = f"not kept: {', '.join(broken)}" if broken else "all kept"
    return (
        f"Promised at {_PROMISED_AT:,} waits (s, ms, MB, calls an interval): {'; '.join(pairs)}; {verdict}."
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.waits", description=__doc__)
    parser.add_argument("--counts", default="1,10,100,1000", help="numbers of waits (%(default)s)")
    parser.add_argument("--interval", type=int, default=10, help="seconds between looks (%(default)s)")
    parser.add_argument("--window", type=int, default=1, help="intervals to count calls in (%(default)s)")
    parser.add_argument(
        "--repeats", type=int, default=1, help="show medians of so many runs; only the first counts calls"
    )
    parser.add_argument(
        "--replays", type=int, default=0, help="let the waits share so many replays; by default one each"
    )
    return parser.parse_args()


def main() -> None:
    """Measure all cells and print the table."""
    arguments = _arguments()
    if find_spec("aiobotocore") is None:
        sys.exit(
            "The Amazon provider's deferrable waits need aiobotocore, which pins an older boto3. Install it "
            "in an environment of its own: pip install '.[testing]' psutil aiobotocore"
        )
    results: dict[int, dict[str, Cell]] = {}
    with AwsJobsServer() as server, closing(Bench(server, arguments.interval, arguments.replays)) as bench:
        for count in sorted(map(int, arguments.counts.split(","))):
            cells: dict[str, list[Cell]] = {pattern: [] for pattern in PATTERNS}
            for repeat in range(arguments.repeats):
                for pattern, runs in cells.items():
                    runs.append(bench.measure(pattern, count, 0 if repeat else arguments.window))
                    print(f"{PATTERNS[pattern]}, {count:,} waits: {runs[-1]}", file=sys.stderr, flush=True)
            results[count] = {pattern: _median(runs) for pattern, runs in cells.items()}
        idle = median(bench.idle)
    names = ("apache-airflow", "apache-airflow-providers-amazon", "aiobotocore", "boto3")
    print(", ".join(f"{name} {version(name)}" for name in names))
    print(
        f"{os.cpu_count()} cores, Python {python_version()}, interval {arguments.interval} s, "
        f"runs per cell {arguments.repeats}, loop late by {idle:.0f} ms when idle\n"
    )
    print(table(results))
    if _PROMISED_AT in results:
        print(f"\n{promises(results[_PROMISED_AT]['shared'])}")


if __name__ == "__main__":
    main()
