# SPDX-License-Identifier: Apache-2.0

"""What is given and comes to nothing, is set later, is no template, or is a task instead of its output."""

from __future__ import annotations

import copy
import inspect
import pickle
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator
from job_cases import AWS
from rendering import INGEST, mapped, rendered

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineActivatePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeCreateArchiveOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.operators.iot_analytics import (
    IotAnalyticsCancelPipelineReprocessingOperator,
)
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator
from airflow_provider_jobs.parameters import handed
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor
from airflow_provider_jobs.sensors.iot_analytics import IotAnalyticsPipelineReprocessingSensor
from airflow_provider_jobs.windows import split_window


@pytest.mark.parametrize("native", [False, True])
def test_a_mapped_task_s_texts_stay_texts(native: bool) -> None:
    start = mapped(native, {"archive": "{{ y }}"}, replay_name=["{{ f }}"])
    assert (start.read("archive"), start.read("replay_name")) == ("2026_01", "1.10")


def test_airflow_renders_mapped_tasks_by_the_method_that_is_overridden() -> None:
    """If it does no longer, see ``ReadsParameters`` and ``MasksSecrets``: what else renders a mapped task?"""
    with DAG("orders", schedule=None):
        task: Any = EventBridgeStartReplayOperator.partial(task_id="it", archive="a").expand(
            replay_name=["b"]
        )
    assert "_do_render_template_fields(" in inspect.getsource(type(task).render_template_fields)
    assert "_do_render_template_fields(" in inspect.getsource(BaseOperator.render_template_fields)


def test_tuples_of_templates_stay_texts() -> None:
    given = {"pipeline_id": "df-1", "parameter_values": {"myS": ("{{ y }}", "x")}}
    activate = rendered(DataPipelineActivatePipelineOperator, True, given)
    assert activate.parameter_values == {"myS": ("2026_01", "x")}


@pytest.mark.parametrize(
    ("operator", "given", "narrow"),
    [
        (EventBridgeStartReplayOperator, {"archive": "a"}, "rule_arns"),
        (EventBridgeCreateArchiveOperator, {"archive_name": "a"}, "event_pattern"),
        (LookoutEquipmentStartDataIngestionJobOperator, INGEST, "prefix"),
        (DataPipelineActivatePipelineOperator, {"pipeline_id": "df-1"}, "wait_until"),
        (DataPipelineActivatePipelineOperator, {"pipeline_id": "df-1"}, "parameter_values"),
    ],
)
def test_what_comes_to_nothing_does_not_widen_the_job(
    operator: Any, given: dict[str, Any], narrow: str
) -> None:
    start = operator(task_id="it", **given, **{narrow: "{{ x }}"}, **AWS)
    setattr(start, narrow, None)
    with pytest.raises(JobInputError, match=f"{narrow} is set but empty"):
        start.read(narrow)
    assert operator(task_id="it", **given, **AWS).read(narrow) is None


def test_no_rules_are_not_all_rules() -> None:
    with pytest.raises(JobInputError, match=r"Task 'it': rule_arns is empty\. Leave it out"):
        EventBridgeStartReplayOperator(task_id="it", archive="a", rule_arns=[])


def test_a_cluster_policy_may_set_what_a_constructor_takes() -> None:
    start = EventBridgeStartReplayOperator(task_id="it", archive="a")
    set_by_policy: Any = start
    set_by_policy.poll_interval = timedelta(minutes=1)
    set_by_policy.job_timeout = 3600
    set_by_policy.archive_delay = 60
    set_by_policy.start_timeout = None
    assert (start.poll_interval, start.job_timeout) == (60.0, timedelta(hours=1))
    assert (start.archive_delay, start.start_timeout) == (timedelta(minutes=1), None)
    with pytest.raises(JobInputError, match="job_timeout='1h' must be a positive number of seconds"):
        set_by_policy.job_timeout = "1h"
    assert copy.deepcopy(start).job_timeout == timedelta(hours=1)
    assert pickle.loads(pickle.dumps(start.job_timeout)) == timedelta(hours=1)


@pytest.mark.parametrize("name", ["deferrable", "wait_for_completion", "cancel_on_kill"])
@pytest.mark.parametrize("value", ["False", None, "{{ x }}", 1])
def test_truth_values_are_no_templates(name: str, value: Any) -> None:
    with pytest.raises(JobInputError, match=f"^{name}=.* must be True or False; it cannot be a template"):
        EventBridgeStartReplayOperator(task_id="it", archive="a", **{name: value})


def test_a_dag_may_have_delimiters_of_its_own() -> None:
    own = {"variable_start_string": "[[", "variable_end_string": "]]"}
    with DAG("orders", schedule=None, jinja_environment_kwargs=own):
        start = EventBridgeStartReplayOperator(task_id="it", archive="[[ y ]]", **AWS)
    start.render_template_fields({"y": "orders"})  # type: ignore[typeddict-unknown-key]
    assert start.read("archive") == "orders"
    context: Any = {
        "data_interval_start": datetime(2026, 1, 1, tzinfo=UTC),
        "data_interval_end": datetime(2026, 1, 2, tzinfo=UTC),
        "dag_run": None,
    }
    assert start._window(context).to_json() == {
        "start": "2026-01-01T00:00:00+00:00",
        "end": "2026-01-02T00:00:00+00:00",
    }


def test_a_task_is_no_output() -> None:
    with DAG("orders", schedule=None):
        start = EventBridgeStartReplayOperator(task_id="start", archive="a")
        with pytest.raises(JobInputError, match=r"replay_name is the task 'start' itself. Give its output"):
            EventBridgeReplaySensor(task_id="wait", replay_name=start)  # type: ignore[arg-type]


def test_a_task_without_xcoms_hands_nothing_on() -> None:
    with DAG("orders", schedule=None):
        start = EventBridgeStartReplayOperator(task_id="start", archive="a", do_xcom_push=False)
        for number, output in enumerate((start.output, start.output["replay_name"])):
            with pytest.raises(JobInputError, match="a task with do_xcom_push=False, which has no output"):
                EventBridgeCancelReplayOperator(task_id=f"cancel_{number}", replay_name=output)


def test_a_result_as_text_is_named() -> None:
    with pytest.raises(
        JobInputError, match=r"a whole result as text\. Instead of a template, give the task's \.output"
    ):
        handed("{'x': 1}", "x")


def test_a_reprocessing_needs_its_pipeline() -> None:
    for operator in (
        IotAnalyticsCancelPipelineReprocessingOperator,
        IotAnalyticsPipelineReprocessingSensor,
    ):
        with pytest.raises(JobInputError, match="pipeline_name is missing"):
            operator(task_id="it", reprocessing_id="abc")


def test_a_definition_may_be_named_by_a_path() -> None:
    put = DataPipelinePutPipelineDefinitionOperator(
        task_id="put", pipeline_id="df-1", definition=Path("folder/load.json")
    )
    assert put.definition == "folder/load.json"


def test_windows_are_split_by_seconds_too() -> None:
    day = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
    assert split_window(*day, 43200) == split_window(*day, timedelta(hours=12))
    with pytest.raises(JobInputError, match="every='1d' must be a positive number of seconds"):
        split_window(*day, "1d")  # type: ignore[arg-type]
    with pytest.raises(JobInputError, match=r"names=.* must be two"):
        split_window(*day, 60, names=("start_time",))  # type: ignore[arg-type]
