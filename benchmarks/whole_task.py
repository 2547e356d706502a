# SPDX-License-Identifier: Apache-2.0

"""What a deferred job costs over its whole task, in a real Airflow: ours beside the Amazon provider's.

``python -m benchmarks.whole_task`` prints the table; ``README.md`` says how it is measured.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from platform import python_version
from statistics import mean, median
from typing import Any

import boto3
import psutil
import requests
from postgres import postgres

from airflow_provider_jobs.testing import AwsJobsServer
from airflow_provider_jobs.testing.local_airflow import LocalAirflow

_DAGS = Path(__file__).with_name("dags")
_REGION = "us-east-1"

#: The patterns by their DAGs: what the table calls them, and the service that they call.
PATTERNS = {
    "floor": ("Airflow alone", ""),
    "ours": ("ours: EventBridge replay", "events"),
    "glue": ("Amazon provider: Glue job", "glue"),
}


@dataclass
class Cost:
    """What one job costs; the median of a run's tasks where a task has its own figure.

    :param start: CPU seconds of the process that starts the job and defers.
    :param resumption: CPU seconds of the process that takes up the job's end.
    :param triggerer: CPU seconds of the triggerer.
    :param calls: API calls.
    :param late: seconds from the job's end to the task's success, the mean.
    :param operations: the calls by operation, of all jobs.
    """

    start: float
    resumption: float
    triggerer: float
    calls: float
    late: float
    operations: Mapping[str, int] = field(default_factory=dict)

    @property
    def task(self) -> float:
        """CPU seconds of both processes of the task."""
        return self.start + self.resumption


class Bench:
    """An Airflow and a mocked AWS, and the measuring of a DAG's tasks.

    :param airflow: runs already, with ``dags``.
    :param server: the mocked AWS, which serves nobody else.
    :param notes: where the tasks' processes write what they have cost.
    :param jobs: how many jobs a DAG has.
    :param seconds: how long a job takes.
    """

    def __init__(
        self, airflow: LocalAirflow, server: AwsJobsServer, notes: Path, jobs: int, seconds: float
    ) -> None:
        self.airflow = airflow
        self.server = server
        self._notes = notes
        self._jobs = jobs
        self._seconds = seconds

    def prepare(self) -> None:
        """Make what the jobs are started on, and the connection."""
        events = self.client("events")
        bus = events.describe_event_bus()["Arn"]
        events.create_archive(ArchiveName="orders", EventSourceArn=bus)
        self.server.set_quota("events", 1_000_000)
        self.server.set_pace("events", seconds=self._seconds)
        glue = self.client("glue")
        glue.create_job(
            Name="copy",
            Role="copy",
            Command={"Name": "glueetl"},
            ExecutionProperty={"MaxConcurrentRuns": 1_000_000},
        )
        # STARTING, RUNNING, SUCCEEDED: two steps of the same length.
        pace: Any = {"progression": "time", "seconds": self._seconds / 2}
        requests.post(
            f"{self.server.url}/moto-api/state-manager/set-transition",
            json={"model_name": "glue::job_run", "transition": pace},
            timeout=30,
        ).raise_for_status()
        extra = json.dumps({"region_name": _REGION, "endpoint_url": self.server.url})
        body: dict[str, Any] = {
            "connection_id": "aws_default",
            "conn_type": "aws",
            "login": "testing",
            "password": "testing",
            "extra": extra,
        }
        self.airflow.call("POST", "connections", json=body)

    def measure(self, dag_id: str, *, first: bool = False) -> Cost:
        """Run a DAG and return what one of its jobs has cost.

        :param first: run the one that has one job, so that the triggerer has imported all that it needs.
        """
        _, service = PATTERNS[dag_id]
        dag_id = f"{dag_id}_first" if first else dag_id
        calls, busy, began = self._calls(service), self._triggerer(), time.time()
        run = self.airflow.trigger(dag_id)
        self.airflow.wait_run(dag_id, run, timeout=1800)
        used = self._triggerer() - busy
        operations = {
            name: count - calls.get(name, 0)
            for name, count in self._calls(service).items()
            if count > calls.get(name, 0)
        }
        tasks = self.airflow.task_instances(dag_id, run)
        starts, resumptions, deferred = self._processes(dag_id, len(tasks))
        ended = self._ends(service, began) or [each + self._seconds for each in deferred]
        succeeded = [datetime.fromisoformat(str(row["end_date"])).timestamp() for row in tasks]
        return Cost(
            median(starts),
            median(resumptions),
            used / len(tasks),
            sum(operations.values()) / len(tasks),
            mean(succeeded) - mean(ended),
            operations,
        )

    def client(self, service: Any) -> Any:
        """Return a client of the mocked AWS."""
        return boto3.client(
            service,
            region_name=_REGION,
            endpoint_url=self.server.url,
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    def _calls(self, service: str) -> dict[str, int]:
        return self.server.calls(service) if service else {}

    def _triggerer(self) -> float:
        """Return the CPU seconds of the triggerer and what it has started."""
        parent = psutil.Process(self.airflow.components()["triggerer"])
        times = [each.cpu_times() for each in (parent, *parent.children(recursive=True))]
        return sum(each.user + each.system for each in times)

    def _processes(self, dag_id: str, count: int) -> tuple[list[float], list[float], list[float]]:
        """Return the CPU seconds of the first and of the last processes, and when the first have ended."""

        def rows() -> list[dict[str, Any]]:
            notes = [json.loads(path.read_text() or "{}") for path in sorted(self._notes.iterdir())]
            return sorted(
                (note for note in notes if note.get("dag") == dag_id), key=lambda note: float(note["ended"])
            )

        # A task is a success a moment before its process has ended.
        self.airflow.wait_for(lambda: len(rows()) >= 2 * count, what="the end of the tasks' processes")
        of_task: dict[int, list[dict[str, Any]]] = {}
        for row in rows():
            of_task.setdefault(row["index"], []).append(row)
        pairs = list(of_task.values())
        if any(len(pair) != 2 for pair in pairs):
            raise RuntimeError(f"A task of {dag_id} did not run in two processes: {pairs}")
        return (
            [float(pair[0]["cpu"]) for pair in pairs],
            [float(pair[1]["cpu"]) for pair in pairs],
            [float(pair[0]["ended"]) for pair in pairs],
        )

    def _ends(self, service: str, began: float) -> list[float]:
        """Return when the jobs that began since have ended."""
        match service:
            case "events":
                jobs = self.server.jobs("events")
                return [float(job["ended_at"]) for job in jobs if job["started_at"] >= began]
            case "glue":
                pages = self.client("glue").get_paginator("get_job_runs").paginate(JobName="copy")
                starts = [run["StartedOn"].timestamp() for page in pages for run in page["JobRuns"]]
                return [start + self._seconds for start in starts if start >= began]
        return []


@contextmanager
def bench(arguments: argparse.Namespace, **further: str) -> Iterator[Bench]:
    """Start everything; stop it afterwards.

    :param further: environment variables of Airflow.
    """
    with ExitStack() as stack:
        notes = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="task-cpu-")))
        server = stack.enter_context(AwsJobsServer())
        env = {
            "BENCHMARK_CPU": str(notes),
            "BENCHMARK_JOBS": str(arguments.jobs),
            "BENCHMARK_SECONDS": str(arguments.seconds),
            "BENCHMARK_INTERVAL": str(arguments.interval),
            "AIRFLOW__CORE__MAX_ACTIVE_TASKS_PER_DAG": str(arguments.jobs),
            **further,
        }
        airflow = stack.enter_context(
            LocalAirflow(
                _DAGS,
                env,
                database=stack.enter_context(postgres()),
                parallelism=arguments.parallelism,
            )
        )
        made = Bench(airflow, server, notes, arguments.jobs, arguments.seconds)
        made.prepare()
        yield made


def table(costs: Mapping[str, Cost]) -> str:
    """Write the table."""
    headings = ("first start", "resumption", "both", "x floor", "triggerer", "calls", "late")
    width = max(len(name) for name, _ in PATTERNS.values())

    def line(first: str, cells: Sequence[str]) -> str:
        return f"{first:<{width}}  " + "  ".join(cell.rjust(11) for cell in cells)

    lines = [line("for one job", headings), line("", ("CPU s",) * 3 + ("", "CPU s", "", "s"))]
    for dag_id, cost in costs.items():
        times = (cost.start, cost.resumption, cost.task, cost.task / costs["floor"].task, cost.triggerer)
        cells = [*(f"{each:.2f}" for each in times), f"{cost.calls:.1f}", f"{cost.late:.1f}"]
        lines.append(line(PATTERNS[dag_id][0], cells))
    return "\n".join(lines)


def arguments_of(program: str, description: str | None) -> argparse.ArgumentParser:
    """Return a parser of what all benchmarks of a real Airflow take."""
    parser = argparse.ArgumentParser(prog=f"python -m {program}", description=description)
    parser.add_argument("--seconds", type=float, default=20, help="how long a job takes (%(default)s)")
    parser.add_argument("--interval", type=int, default=10, help="seconds between polls (%(default)s)")
    parser.add_argument("--parallelism", type=int, default=4, help="tasks on workers at once (%(default)s)")
    return parser


def conditions(arguments: argparse.Namespace, load: float) -> str:
    """Say what was measured, and on what.

    :param load: the machine's load average before.
    """
    names = ("apache-airflow", "apache-airflow-providers-amazon", "boto3")
    return (
        ", ".join(f"{name} {version(name)}" for name in names)
        + f"\n{os.cpu_count()} cores, Python {python_version()}, PostgreSQL, LocalExecutor with "
        f"{arguments.parallelism} workers; {arguments.jobs} jobs of {arguments.seconds:.0f} s, polled every "
        f"{arguments.interval} s; load average {load:.1f} at first, {os.getloadavg()[0]:.1f} at the end\n"
    )


def main() -> None:
    """Measure all patterns and print the table."""
    parser = arguments_of("benchmarks.whole_task", __doc__)
    parser.add_argument("--jobs", type=int, default=100, help="jobs of a pattern (%(default)s)")
    parser.add_argument("--patterns", default=",".join(PATTERNS), help="which to run (%(default)s)")
    arguments = parser.parse_args()
    costs: dict[str, Cost] = {}
    with bench(arguments) as made:
        patterns = arguments.patterns.split(",")
        for dag_id in patterns:
            made.measure(dag_id, first=True)
        load = os.getloadavg()[0]
        for dag_id in patterns:
            costs[dag_id] = made.measure(dag_id)
            print(f"{PATTERNS[dag_id][0]}: {costs[dag_id]}", file=sys.stderr, flush=True)
    print(conditions(arguments, load))
    print(table(costs))


if __name__ == "__main__":
    main()
