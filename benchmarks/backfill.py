# SPDX-License-Identifier: Apache-2.0

"""How well a quota of one is used: a backfill of CloudWatch Logs exports, in a real Airflow.

``python -m benchmarks.backfill`` prints the figures; ``README.md`` says how they are measured.
"""

from __future__ import annotations

import argparse
import os
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from statistics import mean
from typing import Any

import job_targets

from benchmarks.from_logs import Turn, Turns
from benchmarks.whole_task import Bench, arguments_of, bench, conditions

_FIRST = datetime(2026, 1, 1, tzinfo=UTC)


def of_slot(jobs: list[dict[str, Any]], found: Mapping[str, Turn | None]) -> str:
    """Return how well the account's only slot was used, as text.

    :param jobs: the exports in the order of their starts; no two of them ran at once.
    :param found: how each export's task came from the queue, by the export's id.
    """
    took = [float(job["ended_at"]) - float(job["started_at"]) for job in jobs]
    whole = float(jobs[-1]["ended_at"]) - float(jobs[0]["started_at"])
    lost, parts = [], []
    for before, job in pairwise(jobs):
        end, start = float(before["ended_at"]), float(job["started_at"])
        lost.append(start - end)
        if (turn := found[job["id"]]) and turn.told is not None:
            # A task that was told while the export before its own ran has lost no time with that.
            told = min(max(turn.told, end), start)
            resumed = min(max(turn.resumed, told), start)
            parts.append((told - end, resumed - told, start - resumed))
    busy = sum(took[:-1])
    text = (
        f"makespan {whole:.0f} s, the exports' own times {sum(took):.0f} s; "
        f"slot busy between first and last start: {busy / (busy + sum(lost)):.1%}\n"
        f"lost per start: {mean(lost):.1f} s, at most {max(lost):.1f} s\n"
    )
    if not parts:
        return f"{text}no start is known in parts"
    until_told, by_airflow, until_started = (mean(each) for each in zip(*parts, strict=True))
    ours = (until_told + until_started) * len(lost)
    return (
        f"{text}in parts, known of {len(parts)} of {len(lost)} starts: {until_told:.1f} s until the "
        f"triggerer tells the task, {by_airflow:.1f} s until Airflow runs the operator again, "
        f"{until_started:.1f} s until AWS has started the export\n"
        f"slot busy, Airflow's part left out: {busy / (busy + ours):.1%}"
    )


def of_queue(jobs: list[dict[str, Any]], found: Mapping[str, Turn | None]) -> str:
    """Return how long tasks waited and whether one was overtaken, as text; takes the same."""
    starts = [float(job["started_at"]) for job in jobs]
    turns = [found[job["id"]] for job in jobs]
    # A task whose first call starts its export overtakes all that queue by then.
    joined = [turn.joined if turn else start for turn, start in zip(turns, starts, strict=True)]
    waits = [start - since for turn, since, start in zip(turns, joined, starts, strict=True) if turn]
    before = [sum(since < joined[place] for since in joined[place + 1 :]) for place in range(len(jobs))]
    first = [count for turn, count in zip(turns, before, strict=True) if not turn]
    queued = [count for turn, count in zip(turns, before, strict=True) if turn]
    return (
        f"{len(queued)} tasks queued; of these {sum(map(bool, queued))} started before one that had joined "
        f"earlier, {max(queued, default=0)} of them at most; of {len(first)} whose first call started the "
        f"export {sum(map(bool, first))} did, before {max(first, default=0)} at most; "
        f"wait: {mean(waits):.0f} s, at most {max(waits):.0f} s"
    )


def of_calls(calls: Mapping[str, int], jobs: int) -> str:
    """Return how many calls were made, as text."""
    told = ", ".join(f"{count} {name} ({count / jobs:.1f} per export)" for name, count in calls.items())
    return f"calls: {told}; CreateExportTask refused {calls['CreateExportTask'] - jobs} times"


def told(
    made: Bench, jobs: list[dict[str, Any]], turns: Mapping[str, Turn | None], calls: Mapping[str, int]
) -> str:
    """Return all figures as text.

    :raises RuntimeError: if two exports ran at once.
    """
    ordered = sorted(jobs, key=lambda job: float(job["started_at"]))
    overlaps = [job["id"] for before, job in pairwise(ordered) if job["started_at"] < before["ended_at"]]
    if made.server.max_active("logs") != 1 or overlaps:
        raise RuntimeError(f"{made.server.max_active('logs')} exports ran at once: {overlaps}")
    tries = Counter(int(row["try_number"]) for row in made.airflow.task_instances("exports"))
    return "\n".join(
        [
            of_slot(ordered, turns),
            of_queue(ordered, turns),
            of_calls(calls, len(jobs)),
            f"never two exports at once; tasks by tries: {dict(tries)}",
        ]
    )


def run(made: Bench, arguments: argparse.Namespace) -> str:
    """Backfill the exports and return the figures."""
    airflow, server = made.airflow, made.server
    for number in range(arguments.groups):
        job_targets.log_group(made.client, f"/shop/{number}")
    server.set_pace("logs", seconds=arguments.seconds)
    for number in range(2, arguments.triggerers + 1):
        airflow.start_component(f"triggerer.{number}")
    alive = {"job_type": "TriggererJob", "is_alive": True}
    airflow.wait_for(
        lambda: airflow.call("GET", "jobs", params=alive)["total_entries"] == arguments.triggerers,
        timeout=120,
        what="the triggerers",
    )
    before = Counter(server.calls("logs"))
    turns = Turns(airflow.home / "logs" / "dag_id=exports")
    last = _FIRST + timedelta(days=arguments.days - 1)
    airflow.backfill("exports", _FIRST, last, max_active_runs=arguments.days)

    def over() -> bool:
        turns.gather()
        states = Counter(each["state"] for each in airflow.runs("exports"))
        if states["failed"]:
            failed = airflow.task_instances("exports", state="failed")
            logs = [
                airflow.log("exports", row["dag_run_id"], "export", map_index=row["map_index"])
                for row in failed
            ]
            raise RuntimeError("\n".join([f"Runs failed: {states}", *logs]))
        return states["success"] == int(arguments.days)

    longest = 2 * arguments.jobs * (arguments.seconds + 10) + 600
    airflow.wait_for(over, timeout=longest, what="the backfill")
    jobs = server.jobs("logs")
    if len(jobs) != arguments.jobs:
        raise RuntimeError(f"{len(jobs)} exports were started instead of {arguments.jobs}.")
    return told(made, jobs, turns.by_export(), Counter(server.calls("logs")) - before)


def main() -> None:
    """Run the backfill and print the figures."""
    parser = arguments_of("benchmarks.backfill", __doc__)
    parser.add_argument("--days", type=int, default=6, help="days to backfill (%(default)s)")
    parser.add_argument("--groups", type=int, default=5, help="log groups (%(default)s)")
    parser.add_argument("--triggerers", type=int, default=1, help="triggerers (%(default)s)")
    parser.set_defaults(interval=5)
    arguments = parser.parse_args()
    arguments.jobs = arguments.days * arguments.groups
    env = {
        "BENCHMARK_GROUPS": str(arguments.groups),
        # All runs at once.
        "AIRFLOW__SCHEDULER__MAX_DAGRUNS_PER_LOOP_TO_SCHEDULE": str(max(20, arguments.days)),
        # Each triggerer has its part of the waits; by default the first may take a thousand.
        "AIRFLOW__TRIGGERER__CAPACITY": str(-(-arguments.jobs // arguments.triggerers) + 2),
    }
    with bench(arguments, **env) as made:
        load = os.getloadavg()[0]
        figures = run(made, arguments)
    print(conditions(arguments, load))
    print(f"{arguments.days} days of {arguments.groups} log groups, {arguments.triggerers} triggerer(s)")
    print(figures)


if __name__ == "__main__":
    main()
