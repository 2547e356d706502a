# SPDX-License-Identifier: Apache-2.0

"""Act five: a pipeline of Data Pipeline for each day, created, run once and deleted again."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_jobs.testing.airflow.api import AirflowApi, Row
from demo.act import Act, Aws, Backfill, Outcome, Progress

DAG = "data_pipeline_run"
#: The days that are run, by their first moments.
DAYS = tuple(datetime(2026, 3, day, tzinfo=UTC) for day in (2, 3, 4))
#: Activities in the example's definition.
ACTIVITIES = ("Extract", "Load")


class PipelineAct(Act):
    """Run the DAG ``data_pipeline_run`` for some days, at the rates that AWS allows."""

    title = "Run a day's pipeline with the day as its parameters, a run per day"
    name = "Pipelines by day"
    backfills = (Backfill(DAG, DAYS[0], DAYS[-1]),)

    def seed(self, aws: Aws) -> str:
        """Switch AWS's rate limits on; the DAG creates all else itself."""
        aws.server.set_quota("datapipeline-rate", 100)
        return "nothing: each run creates its own pipeline; AWS's rate limits are on"

    def progress(self, aws: Aws, runs: Sequence[Row]) -> Sequence[Progress]:
        """Find the activations by their parameters."""
        activations = _by_day(aws)
        return [
            _progress(activations.get(datetime.fromisoformat(r["data_interval_start"]), [])) for r in runs
        ]

    def check(self, aws: Aws) -> Outcome:
        """Count what was activated, what of it was finished, and what is left over."""
        activations = _by_day(aws)
        names = _left(aws)
        rows, problems = [], []
        for day in DAYS:
            jobs = activations.pop(day, [])
            statuses = [status for job in jobs for status in job["instances"].values()]
            left = sum(name == f"orders-{day:%Y-%m-%d}" for name in names)
            rows.append((f"{day:%a %Y-%m-%d}", len(jobs), len(statuses), statuses.count("FINISHED"), left))
            if rows[-1][1:] != (1, len(ACTIVITIES), len(ACTIVITIES), 0):
                problems.append(f"{day:%Y-%m-%d}: one activation, all finished and nothing left expected.")
        problems += [f"An activation with other parameters: {jobs}." for jobs in activations.values()]
        sums = [sum(column) for column in list(zip(*rows, strict=True))[1:]]
        calls = aws.server.calls("datapipeline")
        return Outcome(
            ("Day", "Activated", "Activities", "Finished", "Pipelines left"),
            [*rows, ("Total", *sums)],
            f"{len(DAYS)} days, {calls.get('ActivatePipeline', 0)} ActivatePipeline calls, "
            f"{sums[2]} of {sums[1]} activities finished, {sums[3]} pipelines left; "
            f"{sum(calls.values())} calls in all.",
            problems,
            counts={
                "days": (len(DAYS), sums[0]),
                "activities": (len(DAYS) * len(ACTIVITIES), sums[2]),
            },
        )

    def sample(self, airflow: AirflowApi, runs: Sequence[Row]) -> Sequence[str]:
        """Show the first day."""
        told = self.log_lines(airflow, runs[0], "activate", r"INFO (Started activation|df-\S+: [A-Z]+,)")
        return [f"What a user sees: the progress in the task log of {DAYS[0]:%a %Y-%m-%d}", *told]


def _by_day(aws: Aws) -> dict[datetime | None, list[Mapping[str, Any]]]:
    """Group the activations by the day in their parameters; None for those of no whole day."""
    found: dict[datetime | None, list[Mapping[str, Any]]] = {}
    for job in aws.server.jobs("datapipeline"):
        start, end = (datetime.fromisoformat(job["parameters"][name]) for name in ("myStart", "myEnd"))
        found.setdefault(start if end - start == timedelta(days=1) else None, []).append(job)
    return found


def _progress(jobs: Sequence[Mapping[str, Any]]) -> Progress:
    if not jobs:
        return Progress()
    statuses = list(jobs[-1]["instances"].values())
    return Progress(jobs[-1]["fraction"], f"{statuses.count('FINISHED')} of {len(statuses)} activities")


def _left(aws: Aws) -> list[str]:
    """Return the names of the pipelines that are there."""
    rows = aws.client("datapipeline").list_pipelines()["pipelineIdList"]
    return [row["name"] for row in rows]
