# SPDX-License-Identifier: Apache-2.0

"""Runs for partitions in a real Airflow: backfilled, triggered by hand, and following another DAG's."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import job_targets
import pytest

from airflow_provider_jobs.testing.airflow.api import Row
from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .conftest import PRELOADED, TRIES_TO_LOSE
from .gateway import Gateway
from .job_types import REGION, clients, empty

pytestmark = [pytest.mark.e2e, pytest.mark.extended]

EXAMPLE = Path(__file__).parents[2] / "example_dags" / "partitioned_replay.py"
#: What is done to the example's asset, and what follows it otherwise.
OTHERS = Path(__file__).parent / "partition_dags.py"
DAY = timedelta(days=1)


@pytest.fixture(scope="module")
def aws(server: AwsJobsServer) -> AwsJobsServer:
    """AWS with two archives; its jobs take a second."""
    empty(server)
    job_targets.archive(clients(server.url), "invoices")
    server.set_pace(seconds=1)
    return server


@pytest.fixture(scope="module")
def airflow(
    aws: AwsJobsServer, gateway: Gateway, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[LocalAirflow]:
    """An Airflow with the example, in which assets and timetables start runs."""
    dags = tmp_path_factory.mktemp("dags")
    for file in (EXAMPLE, OTHERS):
        shutil.copy(file, dags)
    extra = {"region_name": REGION, "endpoint_url": gateway.url}
    # In the environment: the timetables start runs before the API can be told of a connection.
    connection = {"conn_type": "aws", "login": "testing", "password": "testing", "extra": extra}
    env = {
        **PRELOADED,
        **TRIES_TO_LOSE,
        "AIRFLOW_CONN_AWS_DEFAULT": json.dumps(connection),
        "AIRFLOW__AIRFLOW_PROVIDER_JOBS__POLL_INTERVAL": "2",
    }
    with LocalAirflow(dags, env, parallelism=10, schedules=True) as airflow:
        yield airflow


def midnight(month: int, day: int) -> datetime:
    return datetime(2026, month, day, tzinfo=UTC)


def of_dates(rows: list[Row], *dates: datetime) -> list[Row]:
    wanted = {f"{date:%Y-%m-%dT%H:%M:%SZ}" for date in dates}
    return [row for row in rows if row["partition_date"] in wanted]


def succeed(airflow: LocalAirflow, dag_id: str, count: int, *dates: datetime) -> list[Row]:
    """Wait until a DAG has so many runs for partitions with these dates, and for their success."""

    def found() -> list[Row] | None:
        rows = of_dates(airflow.runs(dag_id), *dates)
        return rows if len(rows) >= count else None

    rows = airflow.wait_for(found, what=f"{count} runs of {dag_id}")
    return [airflow.wait_run(dag_id, row["dag_run_id"]) for row in rows]


def windows(airflow: LocalAirflow, rows: list[Row]) -> list[tuple[str, str]]:
    """The windows that the runs' tasks have replayed, in order."""
    results = [airflow.xcom(row["dag_id"], row["dag_run_id"], "replay") for row in rows]
    return sorted((each["event_start_time"], each["event_end_time"]) for each in results)


def days(*dates: datetime) -> list[tuple[str, str]]:
    return [(date.isoformat(), (date + DAY).isoformat()) for date in dates]


def test_a_backfill_replays_each_partition_and_the_follower_the_same_ones(airflow: LocalAirflow) -> None:
    dates = [midnight(1, day) for day in (8, 9, 10)]
    airflow.backfill("replay_order_days", dates[0], dates[-1])

    first = succeed(airflow, "replay_order_days", 3, *dates)
    second = succeed(airflow, "replay_invoice_days", 3, *dates)

    assert {row["run_type"] for row in first} == {"backfill"}
    assert {row["run_type"] for row in second} == {"asset_triggered"}
    assert windows(airflow, first) == windows(airflow, second) == days(*dates)
    for row in first:
        (event,) = airflow.call("GET", "assets", "events", params={"source_run_id": row["dag_run_id"]})[
            "asset_events"
        ]
        assert event["partition_key"] == event["extra"]["partition_key"] == row["partition_key"]
        assert event["extra"]["partition_date"] == row["partition_date"].replace("Z", "+00:00")
        assert event["extra"]["data_interval_start"] is None
    # A DAG that is scheduled on the asset itself does not hear of partitions.
    assert airflow.runs("follows_the_asset") == []


def test_reprocessing_makes_another_run_beside_the_old_one(airflow: LocalAirflow) -> None:
    date = midnight(1, 15)
    airflow.backfill("days_once_more", date, date)
    (old,) = succeed(airflow, "days_once_more", 1, date)

    airflow.backfill("days_once_more", date, date, reprocess="completed")

    both = succeed(airflow, "days_once_more", 2, date)
    assert old["dag_run_id"] in {row["dag_run_id"] for row in both}
    assert windows(airflow, both) == days(date) * 2
    assert len(succeed(airflow, "replay_invoice_days", 2, date)) == 2


def test_days_are_those_of_the_timetables_zone(airflow: LocalAirflow) -> None:
    airflow.backfill("days_of_berlin", midnight(3, 28), midnight(3, 30))
    dates = [datetime(2026, 3, day, 23 if day < 29 else 22, tzinfo=UTC) for day in (27, 28, 29)]
    assert windows(airflow, succeed(airflow, "days_of_berlin", 3, *dates)) == [
        ("2026-03-27T23:00:00+00:00", "2026-03-28T23:00:00+00:00"),
        ("2026-03-28T23:00:00+00:00", "2026-03-29T22:00:00+00:00"),
        ("2026-03-29T22:00:00+00:00", "2026-03-30T22:00:00+00:00"),
    ]
    # Its end_date is past: only the backfill made runs.
    assert {row["run_type"] for row in airflow.runs("days_of_berlin")} == {"backfill"}


@pytest.mark.parametrize("logical_date", [None, "now"])
def test_a_run_that_is_triggered_with_a_key_has_its_partition(
    airflow: LocalAirflow, logical_date: None
) -> None:
    date = midnight(2, 1 if logical_date is None else 2)
    key = f"{date:%Y-%m-%dT%H:%M:%S}"
    run = airflow.trigger("replay_order_days", logical_date=logical_date, partition_key=key)
    assert windows(airflow, [airflow.wait_run("replay_order_days", run)]) == days(date)


def test_a_key_that_is_made_at_run_time_reaches_a_follower_whose_mapper_reads_it(
    airflow: LocalAirflow,
) -> None:
    key = "2026-02-05T07:00:00"
    airflow.wait_run("adds_a_partition", airflow.trigger("adds_a_partition", {"key": key}))

    rows = succeed(airflow, "follows_days", 1, midnight(2, 5))
    assert windows(airflow, rows) == days(midnight(2, 5))

    def undated() -> list[Row]:
        return [row for row in airflow.runs("replay_invoice_days") if row["partition_key"] == key]

    (row,) = airflow.wait_for(undated, what="the run of the follower without such a mapper")
    airflow.wait_run("replay_invoice_days", row["dag_run_id"], {"failed"})
    assert row["partition_date"] is None
    assert f"it is for the partition '{key}', which has no date" in airflow.log(
        "replay_invoice_days", row["dag_run_id"], "replay"
    )
