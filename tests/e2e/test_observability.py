# SPDX-License-Identifier: Apache-2.0

"""What a run tells a real Airflow: window, result, link, asset event; lineage to OpenLineage's own listener,
metrics to Airflow's own OpenTelemetry client.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import job_targets
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from airflow_provider_jobs.metrics import PREFIX
from airflow_provider_jobs.testing import Fault
from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .job_types import clients

pytestmark = pytest.mark.e2e

DAY = datetime(2026, 1, 1, tzinfo=UTC)


class Collector:
    """Takes metrics by OTLP over HTTP; knows the names of all that came, and the tags of each."""

    def __init__(self) -> None:
        self.metrics: dict[str, list[dict[str, str]]] = {}
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.take(ExportMetricsServiceRequest.FromString(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def take(self, request: Any) -> None:
        for resource in request.resource_metrics:
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    data = getattr(metric, metric.WhichOneof("data"))
                    for point in data.data_points:
                        tags = {each.key: each.value.string_value for each in point.attributes}
                        self.metrics.setdefault(metric.name, []).append(tags)

    def has(self, name: str, **tags: str) -> bool:
        return any(tags.items() <= given.items() for given in self.metrics.get(f"airflow.{PREFIX}{name}", ()))


@pytest.fixture(scope="module")
def collector() -> Iterator[Collector]:
    collector = Collector()
    thread = threading.Thread(target=collector.server.serve_forever)
    thread.start()
    yield collector
    collector.server.shutdown()
    thread.join()
    collector.server.server_close()


@pytest.fixture(scope="module")
def events(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """OpenLineage's file of events."""
    return tmp_path_factory.mktemp("lineage") / "events.jsonl"


@pytest.fixture(scope="module")
def airflow_env(collector: Collector, events: Path) -> dict[str, str]:
    """Both turned on, as a deployment would."""
    return {
        "AIRFLOW__OPENLINEAGE__TRANSPORT": json.dumps(
            {"type": "file", "log_file_path": str(events), "append": True}
        ),
        "AIRFLOW__METRICS__OTEL_ON": "True",
        "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": f"{collector.url}/v1/metrics",
        "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL": "http/protobuf",
        "OTEL_METRIC_EXPORT_INTERVAL": "500",
    }


def lineage(airflow: LocalAirflow, events: Path, dag_id: str, kind: str) -> dict[str, Any]:
    """The only event of its kind of the DAG's task, which comes after the task's end."""

    def told() -> list[dict[str, Any]]:
        rows = [json.loads(line) for line in events.read_text().splitlines()]
        return [row for row in rows if row["job"]["name"] == f"{dag_id}.replay" and row["eventType"] == kind]

    (found,) = airflow.wait_for(told, what=f"OpenLineage's event {kind}")
    return found


@pytest.mark.parametrize("dag_id", ["on_worker", "one_day"])
def test_a_replay(
    airflow: LocalAirflow, aws: AwsJobsServer, collector: Collector, events: Path, dag_id: str
) -> None:
    collector.metrics.clear()
    run_id = airflow.trigger(dag_id, logical_date=datetime.now(UTC))
    airflow.wait_for(lambda: aws.jobs("events"), what="the replay")
    airflow.wait_for(lambda: collector.has("jobs_watched", service="events"), what="a task that waits")
    aws.advance(aws.jobs("events")[0]["id"])
    airflow.wait_run(dag_id, run_id)
    airflow.wait_for(
        lambda: all(
            collector.has(name, service="events")
            for name in ("job_started", "job_duration", "jobs_watched", "poll_calls")
        ),
        what="the metrics",
    )
    assert collector.has("job_duration", outcome="succeeded")
    assert not collector.has("quota_waiting")

    event = lineage(airflow, events, dag_id, "COMPLETE")
    (source,), (target,) = event["inputs"], event["outputs"]
    assert (source["namespace"], source["name"]) == (
        "arn:aws:events:us-east-1:123456789012",
        "archive/orders",
    )
    assert (target["namespace"], target["name"]) == (source["namespace"], "event-bus/default")
    job = event["run"]["facets"]["airflowProviderJobs_job"]
    assert job["jobId"] == aws.jobs("events")[0]["id"]
    result = airflow.xcom(dag_id, run_id, "replay")
    assert job["details"] == {name: value for name, value in result.items() if value is not None}


def test_a_replay_that_fails(airflow: LocalAirflow, aws: AwsJobsServer, events: Path) -> None:
    """It had ten seconds; the job's end is told with the event of the failure."""
    run_id = airflow.trigger("hurried", logical_date=datetime.now(UTC))
    airflow.wait_run("hurried", run_id, states=["failed"])
    event = lineage(airflow, events, "hurried", "FAIL")
    assert [each["name"] for each in event["inputs"]] == ["archive/orders"]
    assert event["run"]["facets"]["airflowProviderJobs_job"]["jobId"] == aws.jobs("events")[0]["id"]
    assert "job_timeout" in event["run"]["facets"]["errorMessage"]["message"]


def test_the_link(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    airflow.backfill("linked", DAY, DAY)
    airflow.wait_for(lambda: aws.jobs("events"), what="the replay")
    (run,) = [run for run in airflow.runs("linked") if run["run_type"] == "backfill"]
    run_id = run["dag_run_id"]
    airflow.wait_for(lambda: airflow.task("linked", run_id, "replay")["state"] == "deferred", what="the wait")
    path = ("dags", "linked", "dagRuns", run_id, "taskInstances", "replay", "links")
    # Airflow writes the links down when the task is deferred already.
    link = airflow.wait_for(
        lambda: airflow.call("GET", *path)["extra_links"]["EventBridge Replay"], what="the link"
    )
    assert link == "https://us-east-1.console.aws.amazon.com/events/home?region=us-east-1#/replay/there"
    aws.advance(aws.jobs("events")[0]["id"])
    airflow.wait_run("linked", run_id)
    # What was kept before the wait is enough.
    assert airflow.call("GET", *path)["extra_links"]["EventBridge Replay"] == link


def test_the_window_the_result_and_the_asset(airflow: LocalAirflow, aws: AwsJobsServer) -> None:
    airflow.backfill("one_day", DAY, DAY)
    airflow.wait_for(lambda: aws.jobs("events"), what="the replay")
    (run,) = [run for run in airflow.runs("one_day") if run["run_type"] == "backfill"]
    run_id = run["dag_run_id"]
    airflow.wait_for(
        lambda: airflow.task("one_day", run_id, "replay")["state"] == "deferred", what="the wait"
    )
    name = aws.jobs("events")[0]["id"]
    aws.advance(name)
    airflow.wait_run("one_day", run_id)
    assert airflow.xcom("one_day", run_id, "replay", key="replay_name") == name
    path = ("dags", "one_day", "dagRuns", run_id, "taskInstances", "replay", "links")
    assert not airflow.call("GET", *path)["extra_links"]["EventBridge Replay"]
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


#: What the DAG of secrets gives to a pipeline, by the variable that it comes from; nothing else is called so.
SECRETS = {
    f"load_{form}": f'{form}-of-the-"pipeline"-{form}-battery'
    for form in ("file", "nested", "broken", "mapped", "field", "default", "value", "activation")
}


def places(airflow: LocalAirflow, events: Path) -> Iterator[tuple[str, bytes]]:
    """Yield all that Airflow and OpenLineage have written: database, all logs, events."""
    yield str(events), events.read_bytes()
    for path in airflow.home.rglob("*"):
        if path.is_file():
            yield str(path.relative_to(airflow.home)), path.read_bytes()


@pytest.mark.promise("secrets")
def test_no_secret_of_a_pipeline_is_written_down(
    airflow: LocalAirflow, aws: AwsJobsServer, events: Path
) -> None:
    for key, value in SECRETS.items():
        airflow.call("POST", "variables", json={"key": key, "value": value})
    pipeline_id = job_targets.load(clients(aws.url), "load", "*myLogin")
    quoted = f"{SECRETS['load_mapped']} is refused"
    refusal = {"code": "InvalidRequestException", "message": quoted}
    aws.add_fault(Fault("PutPipelineDefinition", "error", "datapipeline", skip=1, **refusal))  # type: ignore[arg-type]
    run_id = airflow.trigger("secret_pipeline", {"pipeline_id": pipeline_id})
    (job,) = airflow.wait_for(lambda: aws.jobs("datapipeline"), what="the activation", timeout=180)
    aws.advance(job["id"])
    airflow.wait_run("secret_pipeline", run_id)
    states = {row["task_id"]: row["state"] for row in airflow.task_instances("secret_pipeline", run_id)}
    assert states == {
        "put_file": "success",
        "put_refused_before_the_call": "failed",
        "put_broken_text": "failed",
        "put_refused_by_aws": "failed",
        "put": "success",
        "activate": "success",
    }
    airflow.wait_for(lambda: "secret_pipeline.activate" in events.read_text(), what="OpenLineage's events")
    fields = airflow.task("secret_pipeline", run_id, "activate")["rendered_fields"]
    assert "***" in str(fields["parameter_values"])
    told = airflow.log("secret_pipeline", run_id, "put_refused_by_aws", map_index=0)
    assert "*** is refused" in told
    found = [
        (place, key, content[max(content.find(piece.encode()) - 200, 0) :][:400])
        for place, content in places(airflow, events)
        for key, value in SECRETS.items()
        # The quotes may be escaped in one way or another.
        for piece in (value, f"{key[5:]}-of-the-", f"-{key[5:]}-battery")
        if piece.encode() in content
    ]
    assert found == []
