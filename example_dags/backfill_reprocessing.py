# SPDX-License-Identifier: Apache-2.0

"""Reprocess an IoT Analytics pipeline's messages interval by interval, and check what landed.

Made for backfills. A pool that counts deferred tasks bounds how many reprocessings run side by side, and
``--max-active-runs`` how many runs are open:

    airflow pools set iot_reprocessing 4 "Reprocessings at a time" --include-deferred
    airflow backfill create --dag-id backfill_reprocessing --from-date 2026-01-08 --to-date 2026-01-10 \
        --max-active-runs 6

With ``--reprocess-behavior completed`` the same command reprocesses each interval exactly once more.
AWS starts 1,000 reprocessings of a pipeline in 24 hours: for a long time use ``backfill_reprocessing_wide``.
"""

from __future__ import annotations

import gzip
import json
from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from airflow.providers.amazon.aws.hooks.s3 import S3Hook
from airflow.sdk import DAG, CronDataIntervalTimetable, task

from airflow_provider_jobs.operators.iot_analytics import IotAnalyticsStartPipelineReprocessingOperator
from airflow_provider_jobs.windows import split_window

PIPELINE = "cleaning"
POOL = "iot_reprocessing"
# Where the channel and the data store keep their messages: buckets of your own, as gzipped lines of JSON.
CHANNEL = ("raw-messages", "channel/raw/")
DATASTORE = ("clean-messages", "datastore/clean/")

DEFAULTS: dict[str, Any] = {"retries": 2, "retry_delay": timedelta(seconds=10)}


def messages(place: tuple[str, str], since: datetime | None = None) -> Iterator[dict[str, Any]]:
    """Read the messages of all objects that were written since."""
    bucket, prefix = place
    s3: Any = S3Hook().get_conn()
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", ()):
            if since is None or item["LastModified"] >= since:
                body = s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                yield from map(json.loads, gzip.decompress(body).splitlines())


@task
def check(reprocessing: Any) -> dict[str, int]:
    """Compare what the reprocessing brought into the data store with what the channel has."""
    start, end, began = (
        datetime.fromisoformat(reprocessing[name]) for name in ("start_time", "end_time", "created_at")
    )

    def count(found: Iterator[dict[str, Any]]) -> Counter[str]:
        return Counter(each["id"] for each in found if start <= datetime.fromisoformat(each["time"]) < end)

    expected = count(messages(CHANNEL))
    landed = count(messages(DATASTORE, since=began.replace(microsecond=0)))
    if landed != expected:
        missing, doubled = (expected - landed).total(), (landed - expected).total()
        raise ValueError(
            f"{start} to {end}: {missing} messages are missing and {doubled} are there too often."
        )
    return {"messages": landed.total()}


with DAG(
    "backfill_reprocessing",
    start_date=datetime(2026, 1, 1),
    # A plain "@hourly" has an empty data interval in Airflow 3; this one spans the hour.
    schedule=CronDataIntervalTimetable("@hourly", timezone="UTC"),
    catchup=False,
    max_active_runs=6,  # of scheduled runs; a backfill has a limit of its own
    default_args=DEFAULTS,
    doc_md=__doc__,
):
    reprocess = IotAnalyticsStartPipelineReprocessingOperator(
        task_id="reprocess",
        pipeline_name=PIPELINE,  # the window is the run's data interval
        deferrable=True,
        pool=POOL,
    )
    check(reprocess.output)


with DAG(
    "backfill_reprocessing_wide",
    start_date=datetime(2026, 1, 1),
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
    max_active_runs=2,
    default_args=DEFAULTS,
    doc_md="A run per day, and in it a mapped task for each six hours; for few starts over a long time.",
):

    @task
    def parts(data_interval_start: Any = None, data_interval_end: Any = None) -> list[dict[str, str]]:
        """Cut the run's data interval."""
        names = ("start_time", "end_time")
        return split_window(data_interval_start, data_interval_end, timedelta(hours=6), names=names)

    each = IotAnalyticsStartPipelineReprocessingOperator.partial(
        task_id="reprocess",
        pipeline_name=PIPELINE,
        deferrable=True,
        pool=POOL,
    ).expand_kwargs(parts())
    check.expand(reprocessing=each.output)
