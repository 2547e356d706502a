# SPDX-License-Identifier: Apache-2.0

"""How parameters are read: literals with the DAG's file, templates when they are rendered."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, BaseOperator
from job_cases import AWS
from rendering import INGEST, rendered

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineActivatePipelineOperator,
    DataPipelineCreatePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.operators.iot_analytics import (
    IotAnalyticsStartPipelineReprocessingOperator,
)
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator
from airflow_provider_jobs.parameters import handed, is_literal, text, texts
from airflow_provider_jobs.sensors.data_pipeline import DataPipelineSensor
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor

RULE = "arn:aws:events:us-east-1:123456789012:rule/"
DEFINITION: dict[str, Any] = {
    "objects": [
        {"id": "Default", "scheduleType": "ondemand"},
        {"id": "Load", "type": "ShellCommandActivity", "command": "true", "workerGroup": "wg"},
    ]
}
#: An operator, what is literal in its file, and what is told of it.
LITERALS: list[tuple[Any, dict[str, Any], str]] = [
    (EventBridgeStartReplayOperator, {"archive": "or ders"}, "archive='or ders' is neither"),
    (EventBridgeStartReplayOperator, {"archive": "a", "replay_name": "a b"}, "replay_name='a b' must be"),
    (
        EventBridgeStartReplayOperator,
        {"archive": "a", "rule_arns": ["x y"]},
        "rule_arns: 'x y' is neither a rule's name",
    ),
    (EventBridgeStartReplayOperator, {"archive": "a", "rule_arns": RULE + "a"}, "must be a list of texts"),
    (EventBridgeStartReplayOperator, {"archive": "a", "event_start_time": "2026-01-01"}, "has no time zone"),
    (EventBridgeStartReplayOperator, {"archive": 1.5}, "archive=1.5 must be a text, not float"),
    (
        EventBridgeStartReplayOperator,
        {
            "archive": "a",
            "event_start_time": datetime(2026, 1, 2, tzinfo=UTC),
            "event_end_time": "2026-01-01T00:00:00Z",
        },
        "must be at least a second after",
    ),
    (EventBridgeCancelReplayOperator, {"replay_name": "a b"}, "replay_name='a b' must be"),
    (EventBridgeReplaySensor, {"replay_name": "a b"}, "replay_name='a b' must be"),
    (IotAnalyticsStartPipelineReprocessingOperator, {"pipeline_name": "a-b"}, "pipeline_name='a-b' must be"),
    (
        IotAnalyticsStartPipelineReprocessingOperator,
        {"pipeline_name": "a", "s3_paths": ["s3://b/c"]},
        "is a URL. Name the key",
    ),
    (
        IotAnalyticsStartPipelineReprocessingOperator,
        {"pipeline_name": "a", "start_time": "2026-01-02T00:00:00Z", "end_time": "2026-01-01T00:00:00Z"},
        "must be at least a second after",
    ),
    (LookoutEquipmentStartDataIngestionJobOperator, {**INGEST, "bucket": "B"}, "bucket='B' must be"),
    (
        LookoutEquipmentStartDataIngestionJobOperator,
        {**INGEST, "prefix": "a"},
        "prefix='a' must be empty",
    ),
    (
        LookoutEquipmentStartDataIngestionJobOperator,
        {**INGEST, "key_pattern": "*"},
        "key_pattern='\\*' must name the files",
    ),
    (DataPipelineCreatePipelineOperator, {"pipeline_name": ""}, "pipeline_name='' must have 1 to 1,024"),
    (DataPipelineCreatePipelineOperator, {"pipeline_name": "a", "tags": "b"}, "tags='b' must be"),
    (DataPipelineActivatePipelineOperator, {"pipeline_id": "df 1"}, "is not a pipeline's id"),
    (
        DataPipelineActivatePipelineOperator,
        {"pipeline_id": "df-1", "wait_until": "tomorrow"},
        "wait_until='tomorrow' is not a time",
    ),
    (
        DataPipelinePutPipelineDefinitionOperator,
        {"pipeline_id": "df-1", "definition": {"objects": [{"id": "Load", "dependsOn": {"ref": ""}}]}},
        "The pipeline definition has",
    ),
    (DataPipelineSensor, {"pipeline_id": "df 1"}, "is not a pipeline's id"),
]


@pytest.mark.parametrize(("operator", "given", "told"), LITERALS)
def test_a_literal_that_cannot_work_fails_with_the_dag_s_file(
    operator: Any, given: dict[str, Any], told: str
) -> None:
    with pytest.raises(JobInputError, match=told):
        operator(task_id="it", **given)


@pytest.mark.parametrize(
    ("operator", "given"),
    [
        (EventBridgeStartReplayOperator, {"archive": "{{ a b }}", "rule_arns": ["{{ no rule }}"]}),
        (EventBridgeStartReplayOperator, {"archive": "a", "event_start_time": "{% if x %}{% endif %}"}),
        (EventBridgeCancelReplayOperator, {"replay_name": "{# a #} b"}),
        (IotAnalyticsStartPipelineReprocessingOperator, {"pipeline_name": "a-{{ b }}"}),
        (LookoutEquipmentStartDataIngestionJobOperator, {**INGEST, "prefix": "{{ ds }}"}),
        (DataPipelineCreatePipelineOperator, {"pipeline_name": "a", "tags": {"{{ a }}": "b"}}),
        (DataPipelinePutPipelineDefinitionOperator, {"pipeline_id": "df-1", "definition": "not_there.json"}),
        (
            DataPipelinePutPipelineDefinitionOperator,
            {
                "pipeline_id": "df-1",
                "definition": {"objects": [{"id": "{{ ds }}", "a": {"ref": "b"}}]},
            },
        ),
    ],
)
def test_what_holds_a_template_is_read_when_it_is_rendered(operator: Any, given: dict[str, Any]) -> None:
    assert operator(task_id="it", **given).task_id == "it"


def test_another_task_s_output_is_no_literal() -> None:
    with DAG("orders", schedule=None):
        output: Any = BaseOperator(task_id="other").output
        start = EventBridgeStartReplayOperator(task_id="start", archive=output, rule_arns=output)
        EventBridgeReplaySensor(task_id="wait", replay_name=start.output)
    assert not is_literal(output)
    assert not is_literal([{"a": output}])
    assert is_literal([{"a": (1, None, "x", datetime(2026, 1, 1))}])


@pytest.mark.parametrize("native", [False, True])
@pytest.mark.parametrize(
    ("template", "archive"),
    [
        ("{{ x }}", "20260131"),
        ("{{ y }}", "2026_01"),
        ("{{ f }}", "1.10"),
        ("{{ yes }}", "True"),
        ("42", "42"),
        ("007", "007"),
        ("orders-{{ x }}", "orders-20260131"),
    ],
)
def test_a_text_stays_the_text_that_it_is(template: str, archive: str, native: bool) -> None:
    start = rendered(EventBridgeStartReplayOperator, native, {"archive": template})
    assert start.read("archive") == archive


def test_texts_within_other_fields_stay_texts_too() -> None:
    tags = {"day": "{{ x }}", "part": "{{ y }}"}
    create = rendered(DataPipelineCreatePipelineOperator, True, {"pipeline_name": "a", "tags": tags})
    assert create.read("tags") == {"day": "20260131", "part": "2026_01"}
    objects = [*DEFINITION["objects"], {"id": "More", "name": "{{ f }}", "size": [1, "{{ y }}"]}]
    put = rendered(
        DataPipelinePutPipelineDefinitionOperator,
        True,
        {"pipeline_id": "df-1", "definition": {"objects": objects}},
    )
    assert put.definition["objects"][2] == {"id": "More", "name": "1.10", "size": [1, "2026_01"]}


def test_a_list_comes_as_it_is_or_in_text_form() -> None:
    for native in (False, True):
        given = {"pipeline_name": "a", "s3_paths": "{{ list }}"}
        start = rendered(IotAnalyticsStartPipelineReprocessingOperator, native, given)
        assert start.read("s3_paths") == ["a", "b"]
    assert texts("('a', 'b')", "x") == ["a", "b"]
    for wrong in ("[a", "[f()]", "a", 3, {"a": 1}):
        with pytest.raises(JobInputError, match=r"^x=.* must be a list of texts, not "):
            texts(wrong, "x")


def test_verify_and_botocore_s_config_keep_native_values() -> None:
    given = {"archive": "a", "verify": "{{ false }}", "botocore_config": {"max_pool_connections": "{{ 7 }}"}}
    start = rendered(EventBridgeStartReplayOperator, True, given)
    assert (start.verify, start.botocore_config) == (False, {"max_pool_connections": 7})


@pytest.mark.parametrize(("value", "kind"), [(1.0, "float"), (True, "bool")])
def test_a_number_that_may_have_been_another_text_is_refused(value: Any, kind: str) -> None:
    """As in a mapped task, whose fields Airflow renders by itself."""
    with pytest.raises(JobInputError, match=f"x={value} must be a text, not {kind}.*native_obj") as caught:
        text(value, "x")
    assert "\"'{{ … }}'\"" in str(caught.value)
    with DAG("orders", schedule=None, render_template_as_native_obj=True) as dag:
        pass
    assert dag.get_template_env().from_string("'{{ '1.10' }}'").render() == "1.10"


def test_other_values_are_named() -> None:
    assert text(42, "x") == "42"
    with pytest.raises(JobInputError, match="x=b'a' must be a text, not bytes"):
        text(b"a", "x")
    with pytest.raises(JobInputError, match="x is missing: the template or task that should"):
        text(None, "x")
    with pytest.raises(JobInputError, match=r"no 'x' \(it has a, b\)"):
        handed({"a": 1, "b": 2}, "x")
    assert handed({"x": None}, "x") is None


def test_what_is_set_after_the_operator_was_made_counts() -> None:
    make = IotAnalyticsStartPipelineReprocessingOperator
    for prepared in (False, True):
        start: Any = make(task_id="it", pipeline_name="a", **AWS)
        start.s3_paths = ["one", "two"]
        if prepared:
            start = start.prepare_for_execution()
        request = start.job_request({})
        assert (request.s3_paths, request.start, request.end) == (("one", "two"), None, None)


def test_a_window_and_objects_are_refused_at_execution_too() -> None:
    start: Any = IotAnalyticsStartPipelineReprocessingOperator(
        task_id="it", pipeline_name="a", start_time=None, end_time="2026-01-01T00:00:00Z", **AWS
    )
    start.s3_paths = ["one"]
    with pytest.raises(JobInputError, match="s3_paths cannot be combined"):
        start.job_request({})
    with pytest.raises(JobInputError, match="s3_paths cannot be combined"):
        start.prepare_for_execution()


def test_a_template_that_turns_out_to_be_none_is_not_everything() -> None:
    start: Any = IotAnalyticsStartPipelineReprocessingOperator(
        task_id="it", pipeline_name="a", start_time="{{ a }}", end_time="{{ b }}", **AWS
    ).prepare_for_execution()
    start.start_time = start.end_time = None
    with pytest.raises(JobInputError, match="start_time is empty"):
        start.job_request({})
    start = IotAnalyticsStartPipelineReprocessingOperator(
        task_id="it", pipeline_name="a", s3_paths="{{ a }}", **AWS
    ).prepare_for_execution()
    start.s3_paths = None
    with pytest.raises(JobInputError, match="s3_paths=None must be a list of texts"):
        start.job_request({})


def test_a_bound_that_is_set_to_none_is_open() -> None:
    start: Any = IotAnalyticsStartPipelineReprocessingOperator(task_id="it", pipeline_name="a", **AWS)
    start.start_time, start.end_time = None, "2026-01-01T00:00:00Z"
    request = start.prepare_for_execution().job_request({})
    assert (request.start, request.end) == (None, datetime(2026, 1, 1, tzinfo=UTC))


def test_a_definition_or_objects_is_chosen_at_execution() -> None:
    put: Any = DataPipelinePutPipelineDefinitionOperator(
        task_id="it", pipeline_id="df-1", definition=DEFINITION, **AWS
    )
    put.definition = None
    with pytest.raises(JobInputError, match="Give either definition or pipeline_objects"):
        put.execute({})


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"max_retries": 3}, "unexpected keyword argument 'max_retries'"),
        ({"retries": {"mode": "x"}}, '"mode"'),
    ],
)
def test_a_config_that_botocore_does_not_have_is_an_input_error(config: dict[str, Any], told: str) -> None:
    start = EventBridgeStartReplayOperator(task_id="it", archive="a", botocore_config=config, **AWS)
    with pytest.raises(JobInputError, match=f"botocore_config cannot be used: .*{told}"):
        assert start.hook
