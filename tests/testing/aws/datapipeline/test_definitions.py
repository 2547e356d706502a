# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: definitions."""

from __future__ import annotations

import re
from typing import Any

import pytest

from .pipelines import DEFAULT, Pipelines, activity, by_id, error, objects

#: The two definitions that AWS publishes with PutPipelineDefinition; the second has an empty workerGroup.
SAY_HELLO = {
    "Default": {"workerGroup": "workerGroup"},
    "Schedule": {
        "startDateTime": "2012-12-12T00:00:00",
        "type": "Schedule",
        "period": "1 hour",
        "endDateTime": "2012-12-21T18:00:00",
    },
    "SayHello": {
        "type": "ShellCommandActivity",
        "command": "echo hello",
        "parent": "ref:Default",
        "schedule": "ref:Schedule",
    },
}
EMPTY_GROUP = {**SAY_HELLO, "Default": {"workerGroup": ""}}

FATAL = (
    r"Pipeline definition has errors: Could not save the pipeline definition due to FATAL errors: "
    r"\[com\.amazon\.setl\.webservice\.ValidationError@[0-9a-f]{8}\] "
    r"Please call Validate to validate your pipeline"
)


def test_definition_is_stored_whole(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create()
    definition: dict[str, Any] = {
        "pipelineObjects": [
            *objects(Default=DEFAULT),
            {
                "id": "Say",
                "name": "Say it",
                "fields": [
                    {"key": "type", "stringValue": "ShellCommandActivity"},
                    {"key": "scriptArgument", "stringValue": "b"},
                    {"key": "scriptArgument", "stringValue": "a"},
                ],
            },
        ],
        "parameterObjects": [{"id": "myWord", "attributes": [{"key": "default", "stringValue": "hi"}]}],
        "parameterValues": [{"id": "myWord", "stringValue": v} for v in ("x", "y")],
    }
    answer = pipelines.api.put_pipeline_definition(pipelineId=pipeline_id, **definition)
    answer.pop("ResponseMetadata")
    assert answer == {"errored": False, "validationErrors": [], "validationWarnings": []}
    stored = pipelines.api.get_pipeline_definition(pipelineId=pipeline_id)
    stored.pop("ResponseMetadata")
    assert stored == definition
    active = pipelines.api.get_pipeline_definition(pipelineId=pipeline_id, version="active")
    assert active["pipelineObjects"] == []
    pipelines.put(pipeline_id, Default=DEFAULT)
    assert pipelines.api.get_pipeline_definition(pipelineId=pipeline_id)["parameterValues"] == []
    assert pipelines.fields(pipeline_id)["@version"] == "2"


def test_first_published_example(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create()
    answer = pipelines.put(pipeline_id, **SAY_HELLO)
    assert not answer["errored"]
    warning = (
        "'pipelineLogUri'is missing. It is recommended to set this value on Default object "
        "for better troubleshooting."
    )
    assert answer["validationWarnings"] == [{"id": "Default", "warnings": [warning]}]
    message = "Pipeline cannot be activated: its scheduledStartTime is earlier than 1 day ago"
    refused = error(pipelines.api.activate_pipeline, pipelineId=pipeline_id)
    assert refused == ("InvalidRequestException", message)
    assert pipelines.state(pipeline_id) == "PENDING"


def test_second_published_example(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create()
    code, message = error(
        pipelines.api.put_pipeline_definition,
        pipelineId=pipeline_id,
        pipelineObjects=objects(**EMPTY_GROUP),
    )
    assert code == "InvalidRequestException"
    assert re.fullmatch(FATAL, message)
    assert pipelines.api.get_pipeline_definition(pipelineId=pipeline_id)["pipelineObjects"] == []
    answer = pipelines.api.validate_pipeline_definition(
        pipelineId=pipeline_id, pipelineObjects=objects(**EMPTY_GROUP)
    )
    assert by_id(answer) == {"Default": ["'workerGroup' is empty"]}


def test_validate_stores_nothing(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create()
    answer = pipelines.api.validate_pipeline_definition(
        pipelineId=pipeline_id, pipelineObjects=objects(**SAY_HELLO)
    )
    assert not answer["errored"]
    assert pipelines.api.get_pipeline_definition(pipelineId=pipeline_id)["pipelineObjects"] == []


@pytest.mark.parametrize(
    ("objects_", "errors"),
    [
        (objects(**{f"o{number}": {"type": "X"} for number in range(101)}), ""),
        (objects(Say={"x": "\u00e4" * 5121}), "Say"),
        (objects(Say={f"x{number}": "y" for number in range(51)}), "Say"),
        (objects(Say={"x": "y" * 8000, "z": "y" * 8000}), "Say"),
        (objects(**{"n" * 257: {"type": "X"}}), "n" * 257),
        ([{"id": "Say", "name": "Say", "fields": [{"key": "x"}]}], "Say"),
    ],
    ids=["objects", "field", "fields", "object", "name", "neither string nor ref"],
)
def test_fatal_errors(pipelines: Pipelines, objects_: list[dict[str, Any]], errors: str) -> None:
    arguments: dict[str, Any] = {"pipelineId": pipelines.create(), "pipelineObjects": objects_}
    code, message = error(pipelines.api.put_pipeline_definition, **arguments)
    assert code == "InvalidRequestException"
    assert message.startswith("Pipeline definition has errors: Could not save the pipeline definition due to")
    answer = pipelines.api.validate_pipeline_definition(**arguments)
    assert answer["errored"]
    assert next(iter(by_id(answer))) == errors


def test_errors_are_stored_and_keep_from_activation(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create()
    answer = pipelines.put(
        pipeline_id,
        Default={"pipelineLogUri": "s3://logs/"},
        A=activity(dependsOn="ref:Nobody"),
        B=activity(schedule="ref:Thing", workerGroup="wg", dependsOn="ref:C", maximumRetries="many"),
        C=activity(schedule="ref:Schedule", workerGroup="wg", dependsOn="ref:B"),
        Schedule={"type": "Schedule", "period": "5 minutes", "startDateTime": "today", "occurrences": "x"},
        Backwards={
            "type": "Schedule",
            "startDateTime": "2030-01-02T00:00:00",
            "endDateTime": "2030-01-01T00:00:00",
        },
        Thing={"x": "y"},
        Machine={"type": "Ec2Resource"},
    )
    assert answer["errored"]
    circle = "Object depends on itself through its dependencies"
    assert by_id(answer) == {
        "A": [
            "'dependsOn' references an object 'Nobody' that does not exist",
            "One of 'runsOn' or 'workerGroup' is required",
            "'schedule' is missing",
        ],
        "B": [
            "'maximumRetries' must be a number",
            circle,
            "'schedule' values must be of type 'Schedule'. Found values of type 'Default'",
        ],
        "C": [circle],
        "Schedule": [
            "'period' must be at least 15 minutes",
            "INVALID_FIELD_VALUE: 'startDateTime' value must be a literal datetime value.",
            "'occurrences' must be a number",
        ],
        "Backwards": [
            "'period' is missing or is no period",
            "'endDateTime' must be after 'startDateTime'",
        ],
        "Thing": ["'type' is missing"],
    }
    assert [warned["id"] for warned in answer["validationWarnings"]] == ["Machine"]
    stored = pipelines.api.get_pipeline_definition(pipelineId=pipeline_id)
    assert len(stored["pipelineObjects"]) == 8
    code, message = error(pipelines.api.activate_pipeline, pipelineId=pipeline_id)
    assert code == "InvalidRequestException"
    assert "Thing: 'type' is missing" in message
    assert pipelines.state(pipeline_id) == "PENDING"
    pipelines.put(pipeline_id, Default=DEFAULT, A=activity())
    pipelines.activate(pipeline_id)


def test_errors_of_ids_and_parameters(pipelines: Pipelines) -> None:
    answer = pipelines.api.put_pipeline_definition(
        pipelineId=pipelines.create(),
        pipelineObjects=objects(Default=DEFAULT, A=activity()) + objects(A=activity()),
        parameterObjects=[{"id": "word", "attributes": []}],
    )
    assert by_id(answer) == {
        "A": ["Object id is not unique"],
        "word": ["Parameter names must start with 'my'"],
    }


def test_values_that_no_parameter_declares_and_empty_ones(pipelines: Pipelines) -> None:
    """AWS's guide (dp-custom-templates) has the first; only objects' fields must not be empty."""
    pipeline_id = pipelines.create()
    answer = pipelines.api.put_pipeline_definition(
        pipelineId=pipeline_id,
        pipelineObjects=objects(Default=DEFAULT, Say=activity(command="echo #{myOther}#{myFlags}")),
        parameterObjects=[{"id": "myFlags", "attributes": []}],
        parameterValues=[{"id": "myOther", "stringValue": "x"}, {"id": "myFlags", "stringValue": ""}],
    )
    assert not answer["errored"]
    pipelines.activate(pipeline_id, parameterValues=[{"id": "myThird", "stringValue": "y"}])
    say = pipelines.object(pipeline_id, pipelines.instance(pipeline_id, "Say"), evaluateExpressions=True)
    assert say["command"] == "echo x"


def test_a_schedule_that_is_not_there_is_an_error_unless_the_pipeline_runs_on_demand(
    pipelines: Pipelines,
) -> None:
    """AWS's sample json-to-dynamodb runs on demand and refers to such a schedule."""
    pipeline_id = pipelines.create()
    nothing = {"schedule": "ref:DefaultSchedule"}
    assert not pipelines.put(pipeline_id, Default={**DEFAULT, **nothing}, A=activity())["errored"]
    pipelines.activate(pipeline_id)
    scheduled = {"workerGroup": "wg", **nothing}
    answer = pipelines.put(pipelines.create(unique_id="two"), Default=scheduled, A=activity())
    assert by_id(answer)["Default"] == [
        "'schedule' references an object 'DefaultSchedule' that does not exist"
    ]


def test_nothing_to_activate(pipelines: Pipelines) -> None:
    refused = error(pipelines.api.activate_pipeline, pipelineId=pipelines.create())
    assert refused[0] == "InvalidRequestException"
    assert "Pipeline has no activity" in refused[1]


def test_parameter_values(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create()
    pipelines.api.put_pipeline_definition(
        pipelineId=pipeline_id,
        pipelineObjects=objects(Default=DEFAULT, Say=activity(command="echo #{myWord} #{myEnd} #{node.x}")),
        parameterObjects=[
            {"id": "myWord", "attributes": [{"key": "type", "stringValue": "String"}]},
            {"id": "*myEnd", "attributes": [{"key": "default", "stringValue": "!"}]},
            {"id": "myNote", "attributes": [{"key": "optional", "stringValue": "true"}]},
        ],
    )
    code, message = error(pipelines.api.activate_pipeline, pipelineId=pipeline_id)
    assert code == "InvalidRequestException"
    assert "myWord: Parameter has no value" in message
    assert "myNote" not in message
    values = [{"id": "myWord", "stringValue": "hello"}]
    pipelines.activate(pipeline_id, parameterValues=values)
    instance = pipelines.instance(pipeline_id, "Say")
    raw, evaluated = (
        pipelines.object(pipeline_id, instance, evaluateExpressions=evaluate)["command"]
        for evaluate in (False, True)
    )
    assert raw == "echo #{myWord} #{myEnd} #{node.x}"
    assert evaluated == "echo hello ! #{node.x}"
    active = pipelines.api.get_pipeline_definition(pipelineId=pipeline_id, version="active")
    assert active["parameterValues"] == values
