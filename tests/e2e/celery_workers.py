# SPDX-License-Identifier: Apache-2.0

"""Celery's workers of an Airflow, and the Redis that brings them their tasks."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path

from airflow_provider_jobs.testing.airflow.process import free_ports, poll
from airflow_provider_jobs.testing.local_airflow import LocalAirflow

PROGRAM = "redis-server"
WORKERS = tuple(f"celery worker --skip-serve-logs --celery-hostname {name}" for name in ("one", "two"))


def missing() -> str:
    """What is not here of what these tests need, in words; nothing if all is."""
    if find_spec("celery") is None:
        return "Celery is not installed: make celery installs it"
    return "" if shutil.which(PROGRAM) else f"there is no {PROGRAM} on this machine"


class Redis:
    """A Redis on a free port of this machine, which writes down what it has before it ends.

    :param home: its folder
    """

    def __init__(self, home: Path) -> None:
        (self._port,) = free_ports(1)
        self._home = home
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The broker's, for Celery."""
        return f"redis://127.0.0.1:{self._port}/0"

    def start(self) -> None:
        """Start it, with what it had, and wait until it answers."""
        options = {"--bind": "127.0.0.1", "--port": self._port, "--dir": self._home, "--appendonly": "yes"}
        command = [PROGRAM, *(str(part) for option in options.items() for part in option)]
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        if not poll(self._answers, 30, 0.05):
            raise RuntimeError(f"Redis did not start.\n{(self._home / 'log').read_text()}")

    def stop(self) -> None:
        """End it: whoever is connected loses the connection, and nobody gets another one."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()

    def _answers(self) -> bool:
        with suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(16).startswith(b"+PONG")
        return False


@contextmanager
def redis() -> Iterator[Redis]:
    """Run a Redis with a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="redis-") as folder:
        server = Redis(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


class CeleryWorkers:
    """The two workers of an Airflow with the CeleryExecutor.

    :param airflow: runs
    """

    def __init__(self, airflow: LocalAirflow) -> None:
        self._airflow = airflow

    def start(self) -> None:
        """Start those that do not run, and wait until they take tasks."""
        for name in WORKERS:
            if name in self._airflow.components():
                continue
            self._start(name)

    def _start(self, name: str) -> None:
        before = self._readied(name)
        self._airflow.start_component(name)
        self._airflow.wait_for(lambda: self._readied(name) > before, timeout=120, what=f"{name} to be ready")

    def tasks(self, name: str, dag_id: str) -> set[str]:
        """The tasks of a DAG that this worker runs now."""
        session = self._airflow.components()[name]
        found = set()
        for worker in self._airflow.workers(dag_id):
            with suppress(ProcessLookupError):
                if os.getsid(worker.pid) == session:
                    found.add(worker.task["task_id"])
        return found

    def _readied(self, name: str) -> int:
        """How often it has said so: a worker that was started again has the log of the one before it."""
        with suppress(FileNotFoundError):
            return self._airflow.component_log(name).count(" ready.")
        return 0
