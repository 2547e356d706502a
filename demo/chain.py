# SPDX-License-Identifier: Apache-2.0

"""Act two: hours of sensor files are ingested, and the plant's events of the same hours replayed."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from statistics import mean
from typing import Any

from airflow_provider_jobs.testing.airflow.api import AirflowApi, Row
from demo.act import Act, Aws, Backfill, Outcome, Progress
from demo.bus import drain, put_events, queue_events, windows_of_replays
from demo.plant import BUCKET, BUS, FANS, PUMPS, Machines
from demo.tally import Tally, Window, count

ALL = (PUMPS, FANS)
#: The DAG that assets start; its runs have no data interval.
_STARTED_BY_ASSET = "replay_pumps"
#: The DAGs with their machines and the services at work.
_DAGS: Mapping[str, tuple[Machines, tuple[str, ...]]] = {
    "ingest_pumps": (PUMPS, ("lookoutequipment",)),
    _STARTED_BY_ASSET: (PUMPS, ("events",)),
    "ingest_then_replay_fans": (FANS, ("lookoutequipment", "events")),
}


class ChainAct(Act):
    """Ingest and replay, with the DAGs of ``ingest_then_replay``: two that an asset chains, and one alone."""

    title = "Ingest hours of sensor files, replay the events of the hours that were ingested"
    name = "Ingestions and replays"
    backfills = (
        Backfill("ingest_pumps", PUMPS.windows[0].start, PUMPS.windows[-1].start),
        Backfill("ingest_then_replay_fans", FANS.windows[0].start, FANS.windows[-1].start),
    )

    def __init__(self) -> None:
        self._hours: dict[str, list[datetime]] = {}

    def seed(self, aws: Aws) -> str:
        """Fill bucket and archives, then let rules deliver to queues, which so get nothing but replays."""
        events, lookout, s3 = aws.client("events"), aws.client("lookoutequipment"), aws.client("s3")
        bus = events.create_event_bus(Name=BUS)["EventBusArn"]
        s3.create_bucket(Bucket=BUCKET)
        files = happened = 0
        for machines in ALL:
            lookout.create_dataset(DatasetName=machines.kind)
            for window in machines.windows:
                for key, body in machines.files(window).items():
                    s3.put_object(Bucket=BUCKET, Key=key, Body=body)
                    files += 1
            pattern = {"source": [f"plant.{machines.kind}"]}
            arguments = {"ArchiveName": machines.kind, "EventSourceArn": bus}
            events.create_archive(**arguments, EventPattern=json.dumps(pattern))
            put_events(aws, [event.entry() for event in machines.events()])
            happened += len(machines.events())
            queue_events(aws, machines.kind, BUS, pattern)
        spoiled = sum(sum(machines.malformed.values()) for machines in ALL)
        hours = sum(len(machines.windows) for machines in ALL)
        return (
            f"{files} sensor files of {hours} hours, {spoiled} of them malformed; archives with {happened} "
            f"events, {2 * len(ALL)} of them just outside the hours; a rule to an SQS queue for each"
        )

    def runs(self, airflow: AirflowApi) -> Sequence[Row]:
        """Return the runs, each with the ``hours`` that it is about."""
        return [
            {**run, "hours": self._hours_of(airflow, run)} for dag_id in _DAGS for run in airflow.runs(dag_id)
        ]

    def complete(self, runs: Sequence[Row]) -> bool:
        """Whether a run was started for each hour that was ingested."""
        ingested = {hour for run in runs if _succeeded(run, "ingest_pumps") for hour in run["hours"]}
        taken_up = {hour for run in runs if run["dag_id"] == _STARTED_BY_ASSET for hour in run["hours"]}
        return ingested <= taken_up

    def label(self, run: Row) -> str:
        """Name the DAG and the hours."""
        return f"{run['dag_id']:<23} {' '.join(f'{hour:%H:%M}' for hour in run['hours'])}"

    def progress(self, aws: Aws, runs: Sequence[Row]) -> Sequence[Progress]:
        """Find the jobs by their hours."""
        found: dict[tuple[str, str, datetime], Progress] = {}
        ingestions = {job["prefix"]: job for job in aws.server.jobs("lookoutequipment")}
        for machines in ALL:
            for window in machines.windows:
                if job := ingestions.get(machines.prefix(window)):
                    progress = Progress(job["fraction"], f"{job['files']} files")
                    found["lookoutequipment", machines.kind, window.start] = progress
            for job in aws.server.jobs("events"):
                if job["source_arn"].endswith(f":archive/{machines.kind}"):
                    start = datetime.fromtimestamp(job["event_start_time"], machines.windows[0].start.tzinfo)
                    number = job["events_replayed"]
                    note = f"{number} event{'' if number == 1 else 's'}"
                    found["events", machines.kind, start] = Progress(job["fraction"], note)
        return [_sum_up(found, run) for run in runs]

    def check(self, aws: Aws) -> Outcome:
        """Count what the ingestions took and what the queues received, against what was seeded."""
        problems: list[str] = []
        rows: list[tuple[str, *tuple[int, ...]]] = []
        jobs = replays = 0
        for machines in ALL:
            ingested = _ingestions(aws, machines)
            known = windows_of_replays(aws, machines.kind)
            archived = {event.id: event.time for event in machines.events()}
            for tally in count(machines.windows, archived, known, drain(aws, [machines.kind])):
                name = f"{machines.kind} {tally.window or 'no known replay'}"
                mine = ingested.pop(machines.prefix(tally.window), []) if tally.window else []
                problems += [f"{machines.kind}: {problem}" for problem in tally.problems()]
                problems += [f"{name}: {problem}" for problem in _problems(machines, tally.window, mine)]
                rows.append((name, *_file_numbers(mine), *tally.numbers()))
                jobs += len(mine)
            problems += [f"{prefix} was ingested; nobody asked for it." for prefix in ingested]
            replays += len(known)
        sums = [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]
        files, taken, discarded, events, received, missing, doubled, outside = sums
        return Outcome(
            ("Hour", "Files", "Ingested", "Discarded", *Tally.COLUMNS),
            [*rows, ("Total", *sums)],
            f"{jobs} ingestion jobs: {files} files, {taken} ingested, {discarded} discarded. "
            f"{replays} replays: {events} events archived, {received} received: {missing} missing, "
            f"{doubled} doubled, {outside} outside of their window.",
            problems,
            counts={
                "hours": (sum(len(machines.windows) for machines in ALL), jobs),
                "events": (events, received),
            },
        )

    def sample(self, airflow: AirflowApi, runs: Sequence[Row]) -> Sequence[str]:
        """Show the hour with the malformed file."""
        hour = PUMPS.windows[next(iter(PUMPS.malformed))].start
        run = next(run for run in runs if run["dag_id"] == "ingest_pumps" and run["hours"] == [hour])
        log = airflow.log(run["dag_id"], run["dag_run_id"], "ingest").splitlines()
        first = next((number for number, line in enumerate(log) if " into dataset " in line), len(log))
        table = [line for line in log[first + 1 : first + 6] if line.startswith("  ")]
        heading = f"What a user sees: the task log of the ingestion of {hour:%H:%M}, first lines of its table"
        return [heading, *log[first : first + 1], *table]

    def _hours_of(self, airflow: AirflowApi, run: Row) -> list[datetime]:
        """Return the starts of the hours that a run is about."""
        if start := run["data_interval_start"]:
            return [datetime.fromisoformat(start)]
        # What triggered a run does not change.
        path = ("dags", run["dag_id"], "dagRuns", run["dag_run_id"])
        if path[-1] not in self._hours:
            events = airflow.call("GET", *path, "upstreamAssetEvents")["asset_events"]
            starts = [datetime.fromisoformat(event["extra"]["data_interval_start"]) for event in events]
            self._hours[path[-1]] = sorted(starts)
        return self._hours[path[-1]]


def _succeeded(run: Row, dag_id: str) -> bool:
    return (run["dag_id"], run["state"]) == (dag_id, "success")


def _sum_up(found: Mapping[tuple[str, str, datetime], Progress], run: Row) -> Progress:
    machines, services = _DAGS[run["dag_id"]]
    wanted = [(service, machines.kind, hour) for service in services for hour in run["hours"]]
    parts = [found.get(each, Progress()) for each in wanted] or [Progress()]
    notes = ", ".join(part.note for part in parts if part.note)
    return Progress(mean(part.fraction for part in parts), notes)


def _ingestions(aws: Aws, machines: Machines) -> dict[str, list[dict[str, Any]]]:
    """Return the ingestion jobs into a dataset, by their prefix."""
    lookout = aws.client("lookoutequipment")
    found: dict[str, list[dict[str, Any]]] = {}
    rows = lookout.list_data_ingestion_jobs(DatasetName=machines.kind, MaxResults=500)
    for row in rows["DataIngestionJobSummaries"]:
        job = lookout.describe_data_ingestion_job(JobId=row["JobId"])
        prefix = job["IngestionInputConfiguration"]["S3InputConfiguration"]["Prefix"]
        found.setdefault(prefix, []).append(job)
    return found


def _file_numbers(jobs: Sequence[Mapping[str, Any]]) -> tuple[int, int, int]:
    """Return the files that ingestion jobs found, took and discarded, by AWS's own account."""
    summaries = [job["IngestedFilesSummary"] for job in jobs if "IngestedFilesSummary" in job]
    return (
        sum(summary["TotalNumberOfFiles"] for summary in summaries),
        sum(summary["IngestedNumberOfFiles"] for summary in summaries),
        sum(len(summary["DiscardedFiles"]) for summary in summaries),
    )


def _problems(machines: Machines, window: Window | None, jobs: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Say what is wrong with the ingestions of an hour."""
    if window is None:
        return
    states = [job["Status"] for job in jobs]
    if states != ["SUCCESS"]:
        yield f"ingested {len(jobs)} times ({', '.join(states)}), not once with success."
        return
    summary = jobs[0]["IngestedFilesSummary"]
    found = summary["TotalNumberOfFiles"], sorted(file["Key"] for file in summary["DiscardedFiles"])
    seeded = len(machines.files(window)), machines.discarded(window)
    if found != seeded:
        yield (
            f"of {found[0]} files {found[1]} were discarded; "
            f"of the {seeded[0]} that were seeded it should be {seeded[1]}."
        )
