# SPDX-License-Identifier: Apache-2.0

"""The system tests for a real AWS account, which are not run here: they parse, and are as Airflow's are."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import boto3
import pytest
from airflow_features import needs
from one_task import OneTask

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.testing import AwsJobs

pytestmark = needs("sdk_timetables")

FOLDER = Path(__file__).parents[1] / "system_tests" / "aws"


def read(name: str) -> Any:
    """The module, read as the DAG processor reads it."""
    spec = importlib.util.spec_from_file_location(name, FOLDER / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def example(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setenv("SYSTEM_TESTS_ENV_ID", "abc")
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://?region_name=us-east-1")
    return read("example_eventbridge_replay")


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.py")), ids=lambda file: str(file.name))
def test_each_is_a_dag_of_its_file_s_name_with_a_setup_and_a_teardown(file: Path) -> None:
    dag = read(file.stem).dag
    assert dag.dag_id == file.stem
    assert len([each for each in dag.tasks if each.is_setup]) == 1
    (teardown,) = [each for each in dag.tasks if each.is_teardown]
    assert teardown.trigger_rule in ("all_done", "all_done_setup_success")
    assert dag.schedule is None


def test_it_names_all_by_its_environment(example: Any) -> None:
    assert example.dag.get_task("replay").archive == example.NAME == "airflow-system-test-abc"


def test_what_it_sets_up_it_takes_down(example: Any, aws_jobs: AwsJobs) -> None:
    events = boto3.client("events", region_name="us-east-1")
    example.create_archive.function()
    window = example.put_events.function()
    assert window["start"] < window["end"]
    assert [each["ArchiveName"] for each in events.list_archives()["Archives"]] == [example.NAME]
    example.delete_archive.function()
    assert events.list_archives()["Archives"] == []
    assert [each["Name"] for each in events.list_event_buses()["EventBuses"]] == ["default"]


def test_its_check_reads_the_result_of_a_replay(example: Any, aws_jobs: AwsJobs) -> None:
    """Of one without events, by the operator that the DAG has."""
    events = boto3.client("events", region_name="us-east-1")
    events.create_archive(ArchiveName="orders", EventSourceArn=events.describe_event_bus()["Arn"])
    result = OneTask(
        lambda: EventBridgeStartReplayOperator(
            task_id="replay",
            archive="orders",
            event_start_time="2026-01-01T00:00:00+00:00",
            event_end_time="2026-01-02T00:00:00+00:00",
            poll_interval=0.02,
        )
    ).run()
    with pytest.raises(ValueError, match="Nothing was replayed"):
        example.check.function({**result, "event_last_replayed_time": None})
    assert "event_last_replayed_time" in result
    example.check.function({**result, "event_last_replayed_time": "2026-01-01T12:00:00+00:00"})
