# SPDX-License-Identifier: Apache-2.0

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

pytestmark = pytest.mark.e2e

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


def test_demo(tmp_path: Path) -> None:
    with demo(tmp_path) as running:
        assert running.process.wait(DEADLINE) == 0, running.output

        assert re.search(
            r"^6 windows, (\d,\d{3}) events archived, \1 received: 0 missing, 0 doubled, "
            r"0 outside of their window\. 6 StartReplay calls, 6 replays\.$",
            running.output,
            re.MULTILINE,
        ), running.output
        assert re.search(
            r"^5 ingestion jobs: 20 files, 19 ingested, 1 discarded\. 5 replays: (\d+) events archived, "
            r"\1 received: 0 missing, 0 doubled, 0 outside of their window\.$",
            running.output,
            re.MULTILINE,
        ), running.output
        assert re.search(
            r"^3 days, 3 ActivatePipeline calls, 6 of 6 activities finished, 0 pipelines left",
            running.output,
            re.MULTILINE,
        ), running.output
        assert "deferred, holds no worker" in running.output
        assert re.search(r"INFO eventbridge_replay\.replay-\S+: COMPLETED, 100%", running.output)
        hours = (
            r"^10 hours, (\d,\d{3}) messages in the channel, \1 reprocessed: 0 missing, 0 doubled, "
            r"0 outside of their hour\. 10 StartPipelineReprocessing calls, 10 reprocessings\.$"
        )
        # A backfill, and the same one again.
        assert len(re.findall(hours, running.output, re.MULTILINE)) == 2, running.output
        assert "The demo succeeded in" in running.output


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_demo_stops_all_that_it_started(tmp_path: Path, signum: signal.Signals) -> None:
    with demo(tmp_path) as running:
        running.until(lambda: "running, on a worker" in running.output)
        started = psutil.Process(running.process.pid).children(recursive=True)
        assert len(started) > 5

        running.process.send_signal(signum)

        assert running.process.wait(60) == 128 + signum, running.output
        assert running.output.endswith("Everything that was started has been stopped.\n")
        assert [each for each in started if alive(each)] == []
