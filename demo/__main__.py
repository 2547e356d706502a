# SPDX-License-Identifier: Apache-2.0

"""Plays the demo: ``python -m demo [--keep]``."""

from __future__ import annotations

import argparse
import os
import re
import signal
import sys
from collections.abc import Collection, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from types import FrameType

from airflow_provider_jobs.testing import AwsJobsServer
from airflow_provider_jobs.testing.airflow.api import AirflowApi, Row
from airflow_provider_jobs.testing.local_airflow import LocalAirflow, LocalAirflowError
from demo.act import Act, Aws, Progress
from demo.chain import ChainAct
from demo.pipeline import PipelineAct
from demo.reprocessing import AgainAct, ReprocessingAct
from demo.safely import SafelyAct
from demo.screen import Line, Screen, Sum
from demo.shop import ShopAct

#: One group of acts after another; those of a group at the same time.
ACTS: tuple[tuple[type[Act], ...], ...] = (
    (ShopAct,),
    (ChainAct,),
    (ReprocessingAct, SafelyAct),
    (AgainAct,),
    (PipelineAct,),
)

DAGS = Path(__file__).resolve().parent.parent / "example_dags"

#: Tasks that run at once; deferred ones are not counted.
WORKERS = 4

#: Seconds that a replay takes here; on AWS it is minutes.
JOB_SECONDS = 6.0

#: Seconds that the runs of an act may take on a very busy machine.
DEADLINE = 600.0

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_NOT_SAID = re.compile(r"^  File |::(end)?group::")
_ENDED = ("success", "failed")
# The task that says most about a run comes first.
_TELLING = ("failed", "running", "deferred", "queued", "up_for_retry")


def main() -> int:
    """Play all acts; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m demo", description="Show the provider at work.")
    keep = os.environ.get("KEEP", "") not in ("", "0")
    help_ = "leave Airflow's UI up at the end, until Ctrl-C; KEEP=1 does the same"
    parser.add_argument("--keep", action="store_true", default=keep, help=help_)
    names = [act.__name__ for group in ACTS for act in group]
    help_ = "play this act alone; may be given several times"
    parser.add_argument("--act", action="append", choices=names, default=[], help=help_)
    arguments = parser.parse_args()
    for number in _SIGNALS:
        signal.signal(number, _stop)
    _leave_environment()
    screen = Screen()
    try:
        return play(screen, arguments.keep, arguments.act)
    except (LocalAirflowError, RuntimeError) as error:  # the latter if the moto server does not start
        screen.verdict([str(error)])
        return 1


def play(screen: Screen, keep: bool, only: Collection[str] = ()) -> int:
    """Start AWS and Airflow, play the acts one after another, and stop everything again.

    :param keep: wait for a signal before stopping
    :param only: the names of the acts that are played; all if there are none
    """
    groups = [[act() for act in group if not only or act.__name__ in only] for group in ACTS]
    screen.programme([act.title for acts in groups for act in acts])
    sums: list[Sum] = []
    with ExitStack() as stack:
        stack.callback(screen.say, "Everything that was started has been stopped.", "dim")
        with screen.phase("Simulated AWS") as remarks:
            server = stack.enter_context(AwsJobsServer(seconds=JOB_SECONDS))
            remarks.append(f"moto server at {server.url}")
        aws = Aws(server)
        with screen.phase("Airflow") as remarks:
            env = {"AIRFLOW_CONN_AWS_DEFAULT": aws.connection(), **_settings()}
            airflow = stack.enter_context(LocalAirflow(DAGS, env, parallelism=WORKERS, schedules=True))
            remarks.append(f"scheduler, triggerer, DAG processor, API server at {airflow.url}")
        for acts in filter(None, groups):
            sums += _play(acts, aws, airflow, screen)
        screen.summary(sums)
        problems = [problem for each in sums for problem in each.problems]
        screen.verdict(problems)
        if keep:
            with suppress(SystemExit):
                screen.say(f"Airflow is at {airflow.url} (no login). Ctrl-C stops everything.", "bold")
                signal.pause()
    return 1 if problems else 0


def _play(acts: Sequence[Act], aws: Aws, airflow: LocalAirflow, screen: Screen) -> list[Sum]:
    for act in acts:
        screen.say(f"\n{act.title}", "bold")
        with screen.phase("Seed") as remarks:
            remarks.append(act.seed(aws))
            act.prepare(airflow)
        if act.backfills:
            _backfill(act, airflow, screen)
    with screen.watching():
        runs = _watch(acts, aws, airflow, screen)
    sums: list[Sum] = []
    for act, mine in zip(acts, runs, strict=True):
        if len(acts) > 1:
            screen.say(f"\n{act.title}", "bold")
        with screen.phase("Count"):
            outcome = act.check(aws)
        screen.outcome(outcome)
        screen.sample(act.sample(airflow, mine))
        failed = [run for run in mine if run["state"] != act.expected(run)]
        problems = [*(_failure(act, airflow, run) for run in failed), *outcome.problems]
        sums.append(Sum(act.name, outcome.counts, problems))
    return sums


def _backfill(act: Act, airflow: LocalAirflow, screen: Screen) -> None:
    with screen.phase("Backfill") as remarks:
        for each in act.backfills:
            airflow.backfill(
                each.dag_id,
                each.first,
                each.last,
                max_active_runs=each.max_active_runs,
                reprocess=each.reprocess,
            )
        remarks.append("; ".join(map(str, act.backfills)))


def _watch(acts: Sequence[Act], aws: Aws, airflow: LocalAirflow, screen: Screen) -> Sequence[Sequence[Row]]:
    """Show the runs until all have ended and no more are to come; returns those of each act."""

    def ended() -> Sequence[Sequence[Row]]:
        found, lines, over = [], [], True
        for act in acts:
            runs = act.runs(airflow)
            act.go_on(aws, airflow, runs)
            tasks = [
                task for dag_id in {run["dag_id"] for run in runs} for task in airflow.task_instances(dag_id)
            ]
            progress = act.progress(aws, runs)
            lines += [_line(act, run, tasks, each) for run, each in zip(runs, progress, strict=True)]
            over &= all(run["state"] in _ENDED for run in runs) and act.complete(runs)
            found.append(runs)
        screen.runs(lines, WORKERS)
        return found if over else ()

    return airflow.wait_for(ended, timeout=DEADLINE, what="the end of all runs")


def _line(act: Act, run: Row, tasks: Sequence[Row], progress: Progress) -> Line:
    label = act.label(run)
    if run["state"] in _ENDED:
        return Line(label, run["state"], progress)
    mine = (run["dag_id"], run["dag_run_id"])
    states = {task["state"] for task in tasks if (task["dag_id"], task["dag_run_id"]) == mine}
    if states == {"success"}:  # the scheduler has yet to end the run
        return Line(label, "success", progress)
    return Line(label, next((state for state in _TELLING if state in states), "queued"), progress)


def _failure(act: Act, airflow: AirflowApi, run: Row) -> str:
    lines = [f"Run {run['dag_run_id']} ({act.label(run)}) of {run['dag_id']} ended: {run['state']}."]
    for task in airflow.task_instances(run["dag_id"], run["dag_run_id"], state="failed"):
        lines.append(f"What the log of {task['task_id']} says, its last lines without stack frames:")
        log = airflow.log(run["dag_id"], run["dag_run_id"], task["task_id"], map_index=task["map_index"])
        lines += [line for line in log.splitlines() if not _NOT_SAID.search(line)][-5:]
    return "\n  ".join(lines)


def _settings() -> dict[str, str]:
    """End the schedules before today: only assets are to start runs.

    The jobs here take seconds, so they are looked at more often than AWS's own.
    """
    settings = Path(__file__).resolve().parent / "settings"
    return {
        "AIRFLOW__AIRFLOW_PROVIDER_JOBS__POLL_INTERVAL": "2",
        "DEMO_ENDS": max(each.last for group in ACTS for act in group for each in act.backfills).isoformat(),
        "PYTHONPATH": os.pathsep.join(filter(None, (str(settings), os.environ.get("PYTHONPATH")))),
    }


def _stop(number: int, frame: FrameType | None) -> None:
    """Turn a signal into SystemExit, which lets all context managers stop what they have started."""
    for each in _SIGNALS:
        signal.signal(each, signal.SIG_IGN)
    sys.exit(128 + number)


def _leave_environment() -> None:
    """Drop what this machine knows of a real AWS, and keep calls on the machine past any proxy."""
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        del os.environ[name]
    os.environ.update(AWS_CONFIG_FILE=os.devnull, AWS_SHARED_CREDENTIALS_FILE=os.devnull)
    os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost"


if __name__ == "__main__":
    sys.exit(main())
