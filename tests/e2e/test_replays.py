# SPDX-License-Identifier: Apache-2.0

"""What is particular to replays: the window of the run, the link to the console."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

pytestmark = pytest.mark.e2e

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def test_the_window_the_result_the_link_and_the_asset(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    airflow.backfill("one_day", DAY, DAY)
    airflow.wait_for(lambda: aws.jobs("events"), what="the replay")
    (run,) = [run for run in airflow.runs("one_day") if run["run_type"] == "backfill"]
    run_id = run["dag_run_id"]
    airflow.wait_for(
        lambda: airflow.task("one_day", run_id, "replay")["state"] == "deferred", what="the wait"
    )
    links = airflow.call("GET", "dags", "one_day", "dagRuns", run_id, "taskInstances", "replay", "links")
    name = aws.jobs("events")[0]["id"]
    console = f"https://us-east-1.console.aws.amazon.com/events/home?region=us-east-1#/replay/{name}"
    assert links["extra_links"] == {"EventBridge Replay": console}
    aws.advance(name)
    airflow.wait_run("one_day", run_id)
    result = airflow.xcom("one_day", run_id, "replay")
    assert result["event_start_time"] == "2026-01-01T00:00:00+00:00"
    assert result["event_end_time"] == "2026-01-02T00:00:00+00:00"
    events = airflow.call(
        "GET", "assets", "events", params={"source_run_id": run_id, "source_dag_id": "one_day"}
    )
    interval = {
        "data_interval_start": result["event_start_time"],
        "data_interval_end": result["event_end_time"],
    }
    assert events["asset_events"][0]["extra"] == {**interval, **result}
    fields = airflow.task("one_day", run_id, "replay")["rendered_fields"]
    assert fields["event_start_time"].startswith("2026-01-01 00:00:00")
