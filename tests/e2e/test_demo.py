# SPDX-License-Identifier: Apache-2.0

"""The demo, given up in the middle, and one of its acts. That all come to their ends is what CI runs."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.e2e, pytest.mark.extended]

ROOT = Path(__file__).parents[2]
#: Seconds; long enough for a machine that is busy with other things.
DEADLINE = 900


class Demo:
    """The demo as a process, which writes to a file."""

    def __init__(self, process: subprocess.Popen[bytes], output: Path) -> None:
        self.process = process
        self._output = output

    @property
    def output(self) -> str:
        return self._output.read_text()

    def until(self, condition: Callable[[], object]) -> None:
        deadline = time.monotonic() + DEADLINE
        while not condition():
            assert self.process.poll() is None, self.output
            assert time.monotonic() < deadline, self.output
            time.sleep(0.2)


@contextmanager
def demo(folder: Path, *arguments: str) -> Iterator[Demo]:
    file = folder / "output.txt"
    with file.open("wb") as stream:
        command = [sys.executable, "-m", "demo", *arguments]
        process = subprocess.Popen(command, cwd=ROOT, stdout=stream, stderr=subprocess.STDOUT)
    try:
        yield Demo(process, file)
    finally:
        # Not SIGKILL, which would leave Airflow running.
        process.terminate()
        process.wait(60)


def alive(process: psutil.Process) -> bool:
    """Whether it runs; the dead whose parent has not asked for their exit code do not."""
    try:
        return process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_demo_stops_all_that_it_started(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        running.until(lambda: "running, on a worker" in running.output)
        started = psutil.Process(running.process.pid).children(recursive=True)
        assert len(started) > 5

        running.process.send_signal(signal.SIGINT)

        assert running.process.wait(60) == 128 + signal.SIGINT, running.output
        assert running.output.endswith("Everything that was started has been stopped.\n")
        assert [each for each in started if alive(each)] == []


def test_a_safe_replay_is_counted_from_the_archive_to_the_redrive(tmp_path: Path) -> None:
    with demo(tmp_path, "--act", "SafelyAct") as running:
        code = running.process.wait(DEADLINE)
    output = running.output
    assert code == 0, output
    assert output.startswith("1 act in a real Airflow, against a simulated AWS")
    expected = "120 payments, 24 redriven"
    assert re.search(rf"^Trial, replay, redrive +{expected} +{expected} +ok *$", output, re.MULTILINE)
    assert (
        "122 payments archived, 50 of them tried, 0 seen by others then; 120 replayed, 24 failed, "
        "24 redriven, 120 taken: 0 missing, 0 doubled, 0 unwanted. 3 replays, 1 redrive.\n"
    ) in output
    warning, started, error = output.partition("a trial of the day before the archive\n")[2].splitlines()[:3]
    assert re.search(r"WARNING Archive payments was created at \S+, after all of the window: ", warning)
    assert re.search(r"INFO Started replay try_payments\.try-\S+: STARTING\.", started)
    assert re.search(
        r"JobEndedError: Replay try_payments\.try-\S+ has completed and replayed no event", error
    )
