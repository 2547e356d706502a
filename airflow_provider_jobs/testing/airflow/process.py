# SPDX-License-Identifier: Apache-2.0

"""The processes of a local Airflow and the configuration they share."""

from __future__ import annotations

import atexit
import base64
import configparser
import functools
import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import TypeVar

import psutil

T = TypeVar("T")


class LocalAirflowError(Exception):
    """Airflow did not do what was asked or waited for; the message carries the logs that may say why."""


def poll(predicate: Callable[[], T], timeout: float, interval: float = 0.25) -> T:
    """Call until the result is truthy or the time is over, and return the last result.

    :param predicate: called once at least
    :param timeout: seconds
    :param interval: seconds between two calls, at least; as many as a call took if that is more, so that
        what is waited for gets its share of a busy machine
    """
    began = time.monotonic()
    deadline = began + timeout
    while not (result := predicate()) and (now := time.monotonic()) < deadline:
        time.sleep(max(interval, now - began))
        began = time.monotonic()
    return result


def free_ports(count: int) -> list[int]:
    """Different TCP ports of 127.0.0.1 that nothing listens on now."""
    with ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _is_compiled() -> bool:
    """Whether Airflow was installed with its bytecode, as pip does it and uv by itself does not."""
    spec = importlib.util.find_spec("airflow")
    return spec is not None and spec.cached is not None and Path(spec.cached).exists()


@functools.cache
def _bytecode_folder() -> str:
    """A folder for compiled modules that lasts as long as this Python process."""
    folder = tempfile.mkdtemp(prefix="airflow-bytecode-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def environment(home: Path, extra: Mapping[str, str]) -> dict[str, str]:
    """The environment of a component: this process's, without its Airflow, plus ours, plus ``extra``.

    :param home: AIRFLOW_HOME
    """
    env = {key: value for key, value in os.environ.items() if not key.startswith("AIRFLOW__")}
    # It would win over the configuration file in the home.
    env.pop("AIRFLOW_CONFIG", None)
    if env.get("PYTHONDONTWRITEBYTECODE") and not _is_compiled():
        # Without bytecode every component compiles Airflow again, which doubles the time to start.
        del env["PYTHONDONTWRITEBYTECODE"]
        env.setdefault("PYTHONPYCACHEPREFIX", _bytecode_folder())
    # The components talk to each other directly, whatever proxy leads to the world.
    direct = ",".join(filter(None, (env.get("NO_PROXY"), "127.0.0.1,localhost")))
    return {
        **env,
        "AIRFLOW_HOME": str(home),
        "NO_PROXY": direct,
        "no_proxy": direct,
        "PYTHONUNBUFFERED": "1",
        **extra,
    }


def loopback() -> str:
    """The host name of every component: needs no DNS, which may be slow or absent on a test machine."""
    return "127.0.0.1"


class Component:
    """One Airflow command, running in a session of its own.

    The session holds whatever the command starts; its process group would not, as Airflow gives every
    task a group of its own. The ended command stays a zombie until :meth:`destroy` has emptied the
    session, so that its id, which names the session, cannot pass to a stranger meanwhile.

    :param command: the arguments of ``airflow``
    :param env: the whole environment
    :param log: the file that takes the output, appended to
    """

    def __init__(self, command: Sequence[str], env: Mapping[str, str], log: Path) -> None:
        self.log = log
        #: Whether somebody asked it to end; if not, its end is an error.
        self.may_end = False
        with log.open("ab") as stream:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "airflow", *command],
                env=dict(env),
                cwd=log.parent,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.pid = self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the command itself is over; what it started may be alive."""
        if self._process.returncode is not None:
            return True
        return os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is not None

    def members(self) -> list[int]:
        """The ids of the session's live processes, the command's own first."""
        found = []
        for pid in psutil.pids():
            with suppress(OSError, psutil.Error):
                if os.getsid(pid) == self.pid and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                    found.append(pid)
        return sorted(found, key=lambda pid: pid != self.pid)

    def signal(self, sig: int, *, children: bool) -> list[int]:
        """Send a signal to the command, or to the whole session, and return the ids addressed."""
        targets = self.members() if children else [self.pid]
        for pid in targets:
            with suppress(ProcessLookupError):
                os.kill(pid, sig)
        return targets

    def destroy(self) -> int:
        """SIGKILL the session until nothing is left of it, and return the command's exit code."""
        if self._process.returncode is None:
            # Repeated, because a process that forks may be missed.
            if not poll(lambda: not self.signal(signal.SIGKILL, children=True), 10, 0.02):
                raise LocalAirflowError(f"Processes {self.members()} outlive SIGKILL; end them by hand.")
            self._process.wait()
        return self._process.returncode

    def tail(self, lines: int = 12) -> str:
        """The last lines of the output under a heading."""
        text = self.log.read_text(errors="replace").splitlines()[-lines:]
        return "\n".join([f"--- {self.log.name}, last lines", *text])


def write_config(
    home: Path,
    dags_folder: Path,
    database: str,
    parallelism: int,
    ports: Sequence[int],
    *,
    schedules: bool = False,
) -> None:
    """Write ``airflow.cfg``: what a test needs to be isolated and quick, all else as Airflow has it.

    One file for all components (and for ``airflow`` typed by hand with this AIRFLOW_HOME) is what makes
    their secrets agree.

    :param home: AIRFLOW_HOME
    :param dags_folder: the folder with the DAG files
    :param database: SQLAlchemy URL
    :param parallelism: tasks that run at once
    :param ports: of the API server, the workers' and the triggerer's log server
    :param schedules: whether the scheduler makes runs by the DAGs' schedules
    """
    url = f"http://127.0.0.1:{ports[0]}"
    options: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": dags_folder,
            "load_examples": False,
            "dags_are_paused_at_creation": False,
            "executor": "LocalExecutor",
            "parallelism": parallelism,
            "hostname_callable": f"{loopback.__module__}.{loopback.__qualname__}",
            "execution_api_server_url": f"{url}/execution/",
            "fernet_key": base64.urlsafe_b64encode(secrets.token_bytes(32)).decode(),
            "simple_auth_manager_all_admins": True,
            "min_serialized_dag_update_interval": 1,
        },
        "api": {
            "host": "127.0.0.1",
            "port": ports[0],
            "base_url": url,
            "workers": 1,
            "secret_key": secrets.token_hex(32),
        },
        "api_auth": {"jwt_secret": secrets.token_hex(32)},
        "database": {"sql_alchemy_conn": database, "load_default_connections": False},
        "scheduler": {
            "use_job_schedule": schedules,
            "job_heartbeat_sec": 1,
            "scheduler_heartbeat_sec": 1,
            "scheduler_idle_sleep_time": 0.5,
            # On a busy machine a loop of the scheduler may take more than ten seconds. One that takes itself
            # for dead by then starts again what its workers are at.
            "scheduler_health_check_threshold": 30,
            "orphaned_tasks_check_interval": 10,
            "trigger_timeout_check_interval": 2,
            # Long enough for a busy machine, short enough for a test that kills a worker.
            "task_instance_heartbeat_timeout": 20,
            "task_instance_heartbeat_timeout_detection_interval": 2,
        },
        "workers": {"min_heartbeat_interval": 2},
        "triggerer": {"job_heartbeat_sec": 1, "triggerer_health_check_threshold": 10},
        "dag_processor": {
            "parsing_processes": 1,
            "refresh_interval": 3,
            "bundle_refresh_check_interval": 1,
            "dag_bundle_storage_path": home / "bundles",
        },
        "logging": {
            "base_log_folder": home / "logs",
            "logging_level": "INFO",
            "colored_console_log": False,
            "worker_log_server_port": ports[1],
            "trigger_log_server_port": ports[2],
        },
        "usage_data_collection": {"enabled": False},
    }
    config = configparser.RawConfigParser()
    for section, values in options.items():
        # Airflow interpolates what it reads: a percent sign stands for itself only if doubled.
        config[section] = {key: str(value).replace("%", "%%") for key, value in values.items()}
    path = home / "airflow.cfg"
    path.touch(mode=0o600)
    with path.open("w") as stream:
        config.write(stream)
