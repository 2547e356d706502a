# SPDX-License-Identifier: Apache-2.0

"""A real Airflow in a folder of its own, for end-to-end tests and demonstrations.

Its components are processes, so that what befalls a deployment (a killed worker, a triggerer that
hangs) can be done to them one by one.
"""

from __future__ import annotations

import shutil
import signal
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager, suppress
from importlib import metadata
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self

import psutil

from airflow_provider_jobs.testing.airflow.api import AirflowApi, ApiError, Row
from airflow_provider_jobs.testing.airflow.process import (
    Component,
    LocalAirflowError,
    environment,
    free_ports,
    poll,
    write_config,
)

__all__ = ["ApiError", "LocalAirflow", "LocalAirflowError", "Worker"]

_ENDING = (signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGQUIT)
# An empty, migrated database per set of AIRFLOW__ variables: every start but the first of one Python
# process saves the migration.
_migrated: dict[frozenset[tuple[str, str]], bytes] = {}


class Worker(NamedTuple):
    """The two processes behind a running task.

    :param pid: runs the task's code
    :param supervisor: its parent, which sends its heartbeats and reports its end; None once that is lost
    :param task: the REST API's row of the task instance
    """

    pid: int
    supervisor: int | None
    task: Row


class LocalAirflow(AirflowApi):
    """Airflow 3 with the LocalExecutor, running between ``__enter__`` and ``__exit__``.

    Without ``schedules`` only the runs that are asked for exist: DAGs are unpaused, but their schedules start
    nothing. Intervals are short, so that a lost worker or triggerer is noticed in seconds. No login is asked
    for.

    :param dags_folder: the folder with the DAG files
    :param env: environment variables for all components, over those of this process, of which none that
        begins with ``AIRFLOW__`` is passed on; ``AIRFLOW__SECTION__KEY`` sets an option
    :param home: AIRFLOW_HOME, kept afterwards; a temporary folder if not given
    :param keep: leave the temporary folder in place
    :param database: SQLAlchemy URL of an empty database; SQLite in the home if not given
    :param parallelism: how many tasks run at once, deferred ones not counted
    :param schedules: whether assets and timetables start runs, as in production: a DAG that is scheduled by
        time gets its last period's run at once, with ``catchup`` all since its start date
    :raises LocalAirflowError: if Airflow 2 is installed; on entry, if a component does not start, with its
        log's last lines
    """

    #: AIRFLOW_HOME, from ``__enter__`` on; each component logs to ``<name>.log`` in it.
    home: Path
    #: What is started. A second instance of one can be started under a name like ``triggerer.2``.
    COMPONENTS = ("api-server", "scheduler", "triggerer", "dag-processor")

    def __init__(
        self,
        dags_folder: str | Path,
        env: Mapping[str, str] | None = None,
        home: str | Path | None = None,
        keep: bool = False,
        *,
        database: str | None = None,
        parallelism: int = 4,
        schedules: bool = False,
    ) -> None:
        if (version := metadata.version("apache-airflow")).startswith("2."):
            raise LocalAirflowError(f"LocalAirflow needs Airflow 3; Airflow {version} is installed.")
        self._ports = free_ports(3)
        super().__init__(f"http://127.0.0.1:{self._ports[0]}")
        self.dags_folder = Path(dags_folder).resolve()
        self._given_home = home
        self._keep = keep
        self._env = dict(env or {})
        self._database = database or self._env.get("AIRFLOW__DATABASE__SQL_ALCHEMY_CONN")
        self._parallelism = parallelism
        self._schedules = schedules
        self._components: dict[str, Component] = {}

    def __enter__(self) -> Self:
        if not self.dags_folder.is_dir():
            raise LocalAirflowError(f"There is no DAG folder {self.dags_folder}.")
        self.home = Path(self._given_home or tempfile.mkdtemp(prefix="airflow-")).resolve()
        try:
            self._start()
        except BaseException:
            self._stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stop()

    def _start(self) -> None:
        (self.home / "logs").mkdir(parents=True, exist_ok=True)
        # A writer that finds SQLite busy waits up to 30 s instead of failing.
        database = self._database or f"sqlite:///{self.home / 'airflow.db'}?timeout=30"
        write_config(
            self.home,
            self.dags_folder,
            database,
            self._parallelism,
            self._ports,
            schedules=self._schedules,
        )
        self._migrate()
        for name in self.COMPONENTS:
            self._components[name] = self._run(name)
        self.wait_for(self._healthy, timeout=120, what="all components to be healthy")

    def _stop(self) -> None:
        # SIGKILL at once: there is nothing to save, and an `on_kill` on the way out would reach for
        # services that the caller may have stopped.
        with ExitStack() as stack:
            if not (self._keep or self._given_home):
                stack.callback(shutil.rmtree, self.home, ignore_errors=True)
            stack.callback(self.close)
            for component in self._components.values():
                stack.callback(component.destroy)

    def _run(self, name: str) -> Component:
        kind, _, instance = name.partition(".")
        command = kind.split()
        if instance and kind in ("scheduler", "triggerer"):
            # The log server's port is taken by the first instance, whose server has the same files.
            command.append("--skip-serve-logs")
        return Component(command, environment(self.home, self._env), self._log(name))

    def _log(self, name: str) -> Path:
        return self.home / f"{name.replace(' ', '-')}.log"

    def _migrate(self) -> None:
        file = self.home / "airflow.db"
        settings = frozenset(item for item in self._env.items() if item[0].startswith("AIRFLOW__"))
        fresh = not (self._database or file.exists())
        if fresh and settings in _migrated:
            file.write_bytes(_migrated[settings])
            return
        if fresh:
            with closing(sqlite3.connect(file)) as connection:
                # Lasts as long as the file: readers do not hold up the writer.
                connection.execute("PRAGMA journal_mode=WAL")
        migration = self._run("db migrate")
        try:
            ended = poll(lambda: migration.ended, 300)
        finally:
            code = migration.destroy()
        if code or not ended:
            raise LocalAirflowError(f"The database could not be set up.\n{migration.tail(40)}")
        if fresh:
            with closing(sqlite3.connect(file)) as connection:
                _migrated[settings] = connection.serialize()

    def _healthy(self) -> bool:
        health = self.call("GET", "monitor", "health")
        return all(part["status"] == "healthy" for part in health.values())

    def _check(self, what: str) -> None:
        for name, each in self._components.items():
            if each.ended and not each.may_end:
                raise LocalAirflowError(f"{name} ended while waiting for {what}.\n{each.tail(40)}")

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """On SQLite, hold still all components but the API server.

        When Airflow finds SQLite locked in the middle of creating a backfill, it deletes all runs that it
        has given to the backfill by then, earlier ones that are to run again included, and the scheduler
        ends if it has taken one up.
        """
        sqlite = not self._database or self._database.startswith("sqlite")
        others = [name for name in self.components() if sqlite and not name.startswith("api-server")]
        try:
            for name in others:
                self.kill(name, signal.SIGSTOP)
            yield
        finally:
            for name in others:
                self.kill(name, signal.SIGCONT)

    def _diagnosis(self) -> str:
        asked = self._schedules or "AIRFLOW__SCHEDULER__USE_JOB_SCHEDULE" in self._env
        off = "" if asked else "LocalAirflow(schedules=False): no asset and no timetable starts a run."
        return "\n".join(filter(None, [off, *(each.tail() for each in self._components.values())]))

    def components(self) -> dict[str, int]:
        """The process id of every component that is alive, by name."""
        return {name: each.pid for name, each in self._components.items() if not each.ended}

    def component_log(self, name: str) -> str:
        """All that the component of this name has printed, earlier incarnations included."""
        return self._log(name).read_text(errors="replace")

    def kill(self, name: str, sig: int = signal.SIGKILL, *, children: bool | None = None) -> None:
        """Send a signal to a component.

        :param name: one of :meth:`components`
        :param sig: e.g. ``signal.SIGSTOP`` for a component that hangs
        :param children: whether the processes it started (the scheduler's: the workers) get it too. If
            not given: with SIGKILL, as when a machine is lost, and then all are dead on return; else
            not, as when a service is stopped, and nothing is waited for.
        """
        component = self._components[name]
        component.may_end = component.may_end or sig in _ENDING
        if sig == signal.SIGKILL and children is None:
            component.destroy()
        else:
            component.signal(sig, children=bool(children))

    def start_component(self, name: str) -> int:
        """Start a component that has ended, or a further instance, and return its process id.

        Of the API server the first answer is waited for, of others nothing.

        :raises LocalAirflowError: if the component of this name is running
        """
        if previous := self._components.get(name):
            if not previous.ended:
                raise LocalAirflowError(f"{name} is running: end it first, or start {name}.2 beside it.")
            previous.destroy()
        component = self._components[name] = self._run(name)
        if name == "api-server":
            self.wait_for(lambda: self.call("GET", "monitor", "health"), what="the API server")
        return component.pid

    def workers(self, dag_id: str | None = None) -> list[Worker]:
        """The processes behind the tasks that run now, of one DAG or of all."""
        alive = {pid for component in self._components.values() for pid in component.members()}
        found = []
        for row in self.task_instances(dag_id or "~", state="running"):
            if row["pid"] in alive:
                with suppress(psutil.NoSuchProcess):
                    parent = psutil.Process(row["pid"]).ppid()
                    found.append(Worker(row["pid"], parent if parent in alive else None, row))
        return found

    def worker_pids(self, dag_id: str | None = None) -> list[int]:
        """The ids of :meth:`workers`, supervisors first: killed in this order, none reports the loss."""
        workers = self.workers(dag_id)
        supervisors = [each.supervisor for each in workers if each.supervisor]
        return supervisors + [each.pid for each in workers]
