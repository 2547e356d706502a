# SPDX-License-Identifier: Apache-2.0

"""Act three: machines' messages are reprocessed hour by hour by a backfill, and by the same one again."""

from __future__ import annotations

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from boto3.session import Session

from airflow_provider_jobs.service_models import use_service_models
from airflow_provider_jobs.testing.airflow.api import AirflowApi, ApiError, Row
from airflow_provider_jobs.testing.aws.iotanalytics.storage import channel_object
from demo.act import ACCOUNT, Act, Aws, Backfill, Outcome, Progress
from demo.tally import Window, count, table

# As in the example DAG.
DAG_ID, PIPELINE, POOL = "backfill_reprocessing", "cleaning", "iot_reprocessing"
RAW, CLEAN = "raw-messages", "clean-messages"
_ROLE = f"arn:aws:iam::{ACCOUNT}:role/iot-analytics"
_HOUR, _SECOND = timedelta(hours=1), timedelta(seconds=1)
_FIRST = datetime(2026, 1, 8, 19, tzinfo=UTC)
#: Messages of each hour from the first on; the machines stand still for an hour after midnight.
COUNTS = (310, 290, 280, 260, 150, 0, 120, 240, 300, 330)
WINDOWS = [Window(_FIRST + n * _HOUR, _FIRST + (n + 1) * _HOUR) for n in range(len(COUNTS))]
#: Reprocessings side by side, and runs that are open.
SIDE_BY_SIDE, RUNS = 4, 6


class ReprocessingAct(Act):
    """Reprocess some hours of a pipeline, with the DAG ``backfill_reprocessing``."""

    title = "Reprocess machines' messages by a backfill, a run per hour"
    name = "Reprocessings by hour"
    backfills: Sequence[Backfill] = (Backfill(DAG_ID, WINDOWS[0].start, WINDOWS[-1].start, RUNS),)

    def __init__(self) -> None:
        self._sent: dict[str, datetime] = {message["id"]: message["sent"] for message in _messages()}
        self._jobs_before: set[str] = set()
        self._calls_before = 0

    def seed(self, aws: Aws) -> str:
        """Fill the channel as if the messages had arrived in the past."""
        s3, api = aws.client("s3"), iot_client(aws)
        for bucket in (RAW, CLEAN):
            s3.create_bucket(Bucket=bucket)
        parts = 0
        for window in (None, *WINDOWS):
            mine = [each for each in _messages() if _window(each["sent"]) == window]
            # An object for every half of an hour; those outside of all hours have one each.
            size = len(mine) // 2 or 1
            for first in range(0, len(mine), size):
                part = [
                    {**each, "sent": None, "time": each["sent"].isoformat()} for each in mine[first:][:size]
                ]
                s3.put_object(Bucket=RAW, **channel_object("raw", mine[first]["sent"], part))
                parts += 1
        for create, kind, name, bucket in (
            (api.create_channel, "channel", "raw", RAW),
            (api.create_datastore, "datastore", "clean", CLEAN),
        ):
            storage = {"customerManagedS3": {"bucket": bucket, "roleArn": _ROLE}}
            create(**{f"{kind}Name": name, f"{kind}Storage": storage})
        activities = [
            {"channel": {"name": "from", "channelName": "raw", "next": "select"}},
            {"selectAttributes": {"name": "select", "attributes": ["id", "time", "heat"], "next": "to"}},
            {"datastore": {"name": "to", "datastoreName": "clean"}},
        ]
        api.create_pipeline(pipelineName=PIPELINE, pipelineActivities=activities)
        self._note(aws)
        seeded = (
            f"channel with {len(self._sent):,} messages in {parts} objects, 2 of them just outside the hours"
        )
        return f"{seeded}; pipeline {PIPELINE!r}"

    def prepare(self, airflow: AirflowApi) -> None:
        """Create the pool; a deferred task keeps its slot."""
        pool = {"name": POOL, "slots": SIDE_BY_SIDE, "include_deferred": True}

        def create() -> bool:
            try:
                airflow.call("POST", "pools", json=pool)
            except ApiError as error:
                if error.status != 409:  # it exists
                    raise
            return True

        airflow.wait_for(create, what=f"pool {POOL}")

    def progress(self, aws: Aws, runs: Sequence[Row]) -> Sequence[Progress]:
        """Find the reprocessings by their windows."""
        jobs = {
            job["start_time"]: Progress(job["fraction"], f"{job['stored']:,} messages in the data store")
            for job in self._jobs(aws)
        }
        starts = [datetime.fromisoformat(run["data_interval_start"]).timestamp() for run in runs]
        return [jobs.get(start, Progress()) for start in starts]

    def check(self, aws: Aws) -> Outcome:
        """Count what this act's reprocessings have brought into the data store."""
        jobs = self._jobs(aws)
        windows = {
            job["id"]: Window(
                *(datetime.fromtimestamp(job[f"{bound}_time"], UTC) for bound in ("start", "end"))
            )
            for job in jobs
        }
        tallies = count(WINDOWS, self._sent, windows, _landed(aws, windows))
        rows, sums, problems = table(tallies)
        held, landed, missing, doubled, outside = (f"{number:,}" for number in sums)
        calls = aws.server.calls("iotanalytics").get("StartPipelineReprocessing", 0) - self._calls_before
        if len(jobs) != len(WINDOWS):
            problems.append(f"There were {len(jobs)} reprocessings for {len(WINDOWS)} hours.")
        return Outcome(
            ("Hour", "In the channel", "Reprocessed", "Missing", "Doubled", "Outside"),
            rows,
            f"{len(WINDOWS)} hours, {held} messages in the channel, {landed} reprocessed: {missing} missing, "
            f"{doubled} doubled, {outside} outside of their hour. "
            f"{calls} StartPipelineReprocessing calls, {len(jobs)} reprocessings.",
            problems,
            counts={"messages": (sums[0], sums[1]), "jobs": (len(WINDOWS), len(jobs))},
        )

    def sample(self, airflow: AirflowApi, runs: Sequence[Row]) -> Sequence[str]:
        """Show the busiest hour."""
        busiest = WINDOWS[COUNTS.index(max(COUNTS))]
        run = next(run for run in runs if datetime.fromisoformat(run["data_interval_start"]) == busiest.start)
        told = self.log_lines(airflow, run, "reprocess", r"WARNING|INFO (Started reproc|\S+: [A-Z]+)")
        return [f"What a user sees: the task log of {busiest}", *told]

    def _note(self, aws: Aws) -> None:
        """Remember what there was before this act."""
        self._jobs_before = {job["id"] for job in aws.server.jobs("iotanalytics")}
        self._calls_before = aws.server.calls("iotanalytics").get("StartPipelineReprocessing", 0)

    def _jobs(self, aws: Aws) -> list[dict[str, Any]]:
        return [job for job in aws.server.jobs("iotanalytics") if job["id"] not in self._jobs_before]


class AgainAct(ReprocessingAct):
    """Run the same backfill again: each interval is reprocessed exactly once more."""

    title = "The same backfill again, with reprocess=completed: each hour exactly once more"
    name = "The same hours again"
    backfills = (Backfill(DAG_ID, WINDOWS[0].start, WINDOWS[-1].start, RUNS, reprocess="completed"),)

    def seed(self, aws: Aws) -> str:
        """Leave everything as it is."""
        self._note(aws)
        return f"nothing; there have been {len(self._jobs_before)} reprocessings"


def _messages() -> Iterator[dict[str, Any]]:
    """Give the same messages every time: each hour that has any has one in its first and its last second."""
    chance = random.Random(20260108)
    times = [_FIRST - _SECOND]
    for window, number in zip(WINDOWS, COUNTS, strict=True):
        if number:
            inside = sorted(chance.randrange(1, 3599) for _ in range(number - 2))
            times += [window.start, *(window.start + each * _SECOND for each in inside), window.end - _SECOND]
    times.append(WINDOWS[-1].end)
    for number, sent in enumerate(times, start=1):
        yield {
            "id": f"message-{number:04}",
            "sent": sent,
            "heat": chance.randrange(20, 90),
            "firmware": "1.4",
        }


def _window(sent: datetime) -> Window | None:
    return next((window for window in WINDOWS if window.holds(sent)), None)


def _landed(aws: Aws, jobs: dict[str, Window]) -> Iterator[dict[str, Any]]:
    """Read what is in the data store; an object there has the name of the reprocessing that made it."""
    s3 = aws.client("s3")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=CLEAN):
        for item in page.get("Contents", ()):
            job = item["Key"].rpartition("/")[2].partition(".")[0]
            if job in jobs:
                body = s3.get_object(Bucket=CLEAN, Key=item["Key"])["Body"].read()
                for message in map(json.loads, gzip.decompress(body).splitlines()):
                    yield {"replay-name": job, "time": message["time"], "detail": {"event": message["id"]}}


def iot_client(aws: Aws) -> Any:
    """Return a client of the service that botocore no longer has."""
    s3 = aws.client("s3")
    session = Session(aws_access_key_id="simulated", aws_secret_access_key="simulated")
    use_service_models(session)
    return session.client(  # type: ignore[call-overload] # not among the services of boto3-stubs
        "iotanalytics", region_name=s3.meta.region_name, endpoint_url=aws.server.url
    )
