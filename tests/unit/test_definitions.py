# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import copy
import json
from typing import Any, ClassVar

import pytest

from airflow_provider_jobs._data_pipeline.definition import PipelineDefinition, parameter_values
from airflow_provider_jobs.exceptions import JobInputError

OBJECTS = [{"id": "Default", "name": "Default"}]


def faults(definition: Any) -> str:
    with pytest.raises(JobInputError) as caught:
        PipelineDefinition.from_file(definition)
    return str(caught.value)


def fields(definition: dict[str, Any]) -> list[dict[str, str]]:
    return list(PipelineDefinition.from_file({"objects": [definition]}).objects[0]["fields"])


def test_the_file_format_becomes_the_apis() -> None:
    data = {
        "objects": [
            {"id": "Default", "workerGroup": "wg"},
            {"id": "A", "name": "Activity", "schedule": {"ref": "Default"}, "scriptArgument": ["x", "y"]},
        ],
        "parameters": [{"id": "myDay", "type": "String", "optional": False, "allowedValues": ["a", "b"]}],
        "values": {"myDay": ["a", "b"]},
    }
    before = copy.deepcopy(data)
    read = PipelineDefinition.from_file(data)
    assert data == before
    assert read.arguments() == {
        "pipelineObjects": [
            {"id": "Default", "name": "Default", "fields": [{"key": "workerGroup", "stringValue": "wg"}]},
            {
                "id": "A",
                "name": "Activity",
                "fields": [
                    {"key": "schedule", "refValue": "Default"},
                    {"key": "scriptArgument", "stringValue": "x"},
                    {"key": "scriptArgument", "stringValue": "y"},
                ],
            },
        ],
        "parameterObjects": [
            {
                "id": "myDay",
                "attributes": [
                    {"key": "type", "stringValue": "String"},
                    {"key": "optional", "stringValue": "false"},
                    {"key": "allowedValues", "stringValue": "a"},
                    {"key": "allowedValues", "stringValue": "b"},
                ],
            }
        ],
        "parameterValues": [{"id": "myDay", "stringValue": "a"}, {"id": "myDay", "stringValue": "b"}],
    }
    assert PipelineDefinition.from_file(json.dumps(data)) == read


def test_sections_that_are_not_there_are_not_sent() -> None:
    arguments = PipelineDefinition.from_file({"objects": OBJECTS}).arguments()
    assert arguments["parameterObjects"] is arguments["parameterValues"] is None


@pytest.mark.parametrize(
    ("value", "written"),
    [(3, "3"), (-0.5, "-0.5"), (True, "true"), (False, "false"), ("3", "3"), (10**20, "1" + "0" * 20)],
)
def test_numbers_and_booleans_are_written_as_the_service_wants_them(value: Any, written: str) -> None:
    assert fields({"id": "A", "k": value}) == [{"key": "k", "stringValue": written}]


def test_an_empty_list_is_no_field() -> None:
    assert fields({"id": "A", "k": []}) == []


@pytest.mark.parametrize(
    "value", [None, {}, {"ref": 1}, {"ref": "A", "more": 1}, {"other": "A"}, [["x"]], [None], float("nan")]
)
def test_what_is_neither_text_nor_a_reference_is_a_fault(value: Any) -> None:
    assert "'k' is " in faults({"objects": [{"id": "A", "k": value}]})


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"objects": [{"id": "A", "a": "1", "a": "2"}]}', r"A\n.*'a' is there more than once"),
        ('{"objects": [], "objects": [{"id": "A"}]}', "'objects' is there more than once"),
        ('{"objects": [{"id": "A", "r": {"ref": "A", "ref": "A"}}]}', "'ref' is there more than once"),
        (
            '{"objects": [{"id": "A"}], "parameters": [{"id": "myX"}], "values": {"myX": 1, "myX": 2}}',
            "'myX' is there more than once",
        ),
        ('{"objects": [], "parameters": 3}', "the section 'parameters' must be a list"),
        ('{"objects": ["A"]}', "objects.0.\n.*must be a JSON object, not str"),
        ('{"object": []}', 'has no list "objects"'),
        ("[]", 'has no list "objects"'),
        ('{"objects": [', "is not JSON: "),
        ("pipelines/daily.json", "was not found: a file is looked for beside the DAG"),
    ],
)
def test_what_json_would_drop_or_hide_is_told(text: str, message: str) -> None:
    with pytest.raises(JobInputError, match=message):
        PipelineDefinition.from_file(text)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"objects": []}, "there are no objects in it"),
        ({"objects": [{"name": "A"}]}, "objects[0]\n  - 'id' is missing"),
        ({"objects": [{"id": "A", "name": ""}]}, "A\n  - 'name' is missing"),
        ({"objects": [{"id": "A", "k": ""}]}, "'k' is an empty string"),
        ({"objects": [{"id": "A", "k": {"ref": ""}}]}, "'k' is an empty reference"),
        ({"objects": [{"id": "A"}, {"id": "A"}]}, "A\n  - 2 objects have this id"),
        ({"objects": [{"id": f"A{n}"} for n in range(101)]}, "101 objects; AWS allows 100"),
        ({"objects": [{"id": "A", "k": ["v"] * 51}]}, "51 fields; AWS allows 50"),
        ({"objects": [{"id": "A", "k": "é" * 5121}]}, "'k' has 10,242 bytes; AWS allows 10,240"),
        (
            {"objects": [{"id": "A", "k": ["x" * 8000] * 2}]},
            "16,002 bytes in all its fields; AWS allows 15,360",
        ),
        ({"objects": [{"id": "A", "name": "x" * 257}]}, "'name' has 257 bytes; AWS allows 256"),
        ({"objects": [{"id": "A", "x" * 257: "v"}]}, "has 257 bytes; AWS allows 256"),
        ({"objects": [{"id": "A", "k": "a\x00b"}]}, "'k' holds a character that XML does not allow"),
        ({"objects": OBJECTS, "parameters": [{"id": "day"}]}, "day\n  - a parameter's name must start"),
        ({"objects": OBJECTS, "parameters": [{}]}, "parameters[0]\n  - 'id' is missing"),
        ({"objects": OBJECTS, "parameters": [{"id": "myX"}] * 2}, "2 parameters have this id"),
        ({"objects": OBJECTS, "parameters": [{"id": "myX", "k": {"ref": "A"}}]}, "'k' is a reference"),
        ({"objects": OBJECTS, "values": 3}, "values\n  - must be a dictionary or a list, not int"),
        (
            {"objects": OBJECTS, "parameters": [{"id": "myX"}], "values": {"myX": None}},
            "values\n  - 'myX' is null, which is no text",
        ),
    ],
)
def test_every_limit_of_aws_is_known_before_the_call(given: dict[str, Any], message: str) -> None:
    # The listing is indented by two.
    assert message in faults(given).replace("\n  ", "\n")


@pytest.mark.parametrize(
    "given",
    [
        {"objects": [{"id": "A", "k": "é" * 5120}]},
        {"objects": [{"id": "A", "k": ["v"] * 50}]},
        {"objects": [{"id": f"A{n}"} for n in range(100)]},
        {"objects": [{"id": "x" * 256}]},
        {"objects": OBJECTS, "parameters": [{"id": "*mySecret"}], "values": {"mySecret": "s"}},
        {"objects": [{"id": "A", "k": "tab\tline\n\U0001f600"}]},
        {"objects": OBJECTS, "parameters": [{"id": "myX", "default": ""}], "values": {"myX": ""}},
        {"objects": OBJECTS, "parameters": [{"id": "myX"}], "values": {"myX": ["", "a"]}},
    ],
)
def test_what_aws_allows_is_no_fault(given: dict[str, Any]) -> None:
    assert PipelineDefinition.from_file(given).doubts() == []


@pytest.mark.parametrize(
    ("given", "doubt"),
    [
        # In AWS's guide (dp-custom-templates), and in what its console exports.
        ({"objects": OBJECTS, "values": {"myX": 1}}, "myX: a value is given, but there is no such parameter"),
        # In a sample of AWS's (json-to-dynamodb).
        (
            {"objects": [{"id": "A", "k": {"ref": "B"}}]},
            "A: 'k' refers to 'B', which is no object of this definition",
        ),
        (
            {"objects": [{"id": "A", "*k": {"ref": "secret"}}]},
            "A: '*k' refers to *** (str), which is no object of this definition",
        ),
    ],
)
def test_what_aws_may_refuse_is_left_to_it(given: dict[str, Any], doubt: str) -> None:
    assert PipelineDefinition.from_file(given).doubts() == [doubt]


@pytest.mark.parametrize("name", ["value", "metadata", "pipelineObjects"])
def test_another_section_is_not_sent(name: str) -> None:
    """AWS's console adds ``metadata``; the AWS command line leaves out all but the three."""
    read = PipelineDefinition.from_file({"objects": OBJECTS, name: {"templateId": "x"}})
    assert read.ignored == (name,)
    assert read == PipelineDefinition.from_file({"objects": OBJECTS})


def test_a_line_break_within_a_text_of_a_file_is_one() -> None:
    """As in two samples of AWS's; JSON itself has none."""
    read = PipelineDefinition.from_file('{"objects": [{"id": "A", "command": "one\n two"}]}')
    assert read.objects[0]["fields"] == [{"key": "command", "stringValue": "one\n two"}]


class TestTheApisOwnForm:
    ANSWER: ClassVar[dict[str, Any]] = {
        "pipelineObjects": [{"id": "A", "name": "B", "fields": [{"key": "k", "stringValue": "v"}]}],
        "parameterObjects": [{"id": "myX", "attributes": [{"key": "type", "stringValue": "String"}]}],
        "parameterValues": [{"id": "myX", "stringValue": "1"}, {"id": "myX", "stringValue": "2"}],
    }

    @pytest.mark.parametrize("write", [dict, json.dumps])
    def test_what_get_pipeline_definition_answers_is_a_definition(self, write: Any) -> None:
        answer = {**self.ANSWER, "ResponseMetadata": {"HTTPStatusCode": 200}}
        read = PipelineDefinition.from_file(write(answer))
        assert read.arguments() == self.ANSWER
        assert read.ignored == ("ResponseMetadata",)

    def test_its_sections_may_be_left_out(self) -> None:
        arguments = PipelineDefinition.from_file(
            {"pipelineObjects": self.ANSWER["pipelineObjects"]}
        ).arguments()
        assert arguments["parameterObjects"] is arguments["parameterValues"] is None

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"pipelineObjects": None}, "there are no objects in it"),
            ({"pipelineObjects": "A"}, "objects must be a list, not str"),
            ({**ANSWER, "parameterValues": 3}, "must be a dictionary or a list, not int"),
            ({**ANSWER, "parameterValues": [{"id": "myX"}]}, "'myX' is null, which is no text"),
            ('{"pipelineObjects": [], "pipelineObjects": []}', "'pipelineObjects' is there more than once"),
            ('{"pipelineObjects": [{"id": "A", "id": "B"}]}', "'id' is there more than once"),
            # The file format's sections with what the API has in its own.
            ({"objects": ANSWER["pipelineObjects"]}, "A\n    - has its fields in the API's own form; give"),
            (ANSWER["pipelineObjects"], "own form is given as pipeline_objects"),
        ],
    )
    def test_what_is_neither_is_told(self, given: Any, message: str) -> None:
        assert message in faults(given)


SIX_FAULTS = """{
  "objects": [
    {"id": "Default", "scheduleType": "ondemand", "workerGroup": ""},
    {"id": "Extract", "type": "ShellCommandActivity", "command": "one", "command": "two"},
    {"id": "Load", "type": "ShellCommandActivity", "dependsOn": {"ref": ""}, "maximumRetries": null},
    {"id": "Load", "type": "ShellCommandActivity"}
  ],
  "parameters": [{"id": "day", "type": "String"}]
}"""


def test_all_faults_are_told_at_once_by_object() -> None:
    listing = faults(SIX_FAULTS)
    print(listing)
    assert listing == (
        "The pipeline definition has 6 faults and was not sent. Mend these, then clear the task:\n"
        "  Extract\n"
        "    - key 'command' is there more than once and JSON keeps only the last; write one list\n"
        "  Load\n"
        "    - 'maximumRetries' is null, which is neither text nor a ref\n"
        "    - 'dependsOn' is an empty reference; remove it or name an object\n"
        "    - 2 objects have this id; it must be unique\n"
        "  Default\n"
        "    - 'workerGroup' is an empty string; remove it or give it a value\n"
        "  day\n"
        "    - a parameter's name must start with 'my'"
    )


def test_the_apis_own_form_is_checked_too() -> None:
    fields = [{"key": "n", "stringValue": 3}, {"key": "m"}, {"stringValue": "x"}]
    with pytest.raises(
        JobInputError, match=r"'n' is 3, which is not text.*\n.*'m' has no value.*\n.*without"
    ):
        PipelineDefinition([{"id": "A", "name": "A", "fields": fields}])
    both = [{"key": "k", "stringValue": "x", "refValue": "A"}]
    with pytest.raises(JobInputError, match="has both a stringValue and a refValue"):
        PipelineDefinition([{"id": "A", "name": "A", "fields": both}])


def test_parameter_values_may_be_a_dictionary_or_the_apis_list() -> None:
    rows = [{"id": "myX", "stringValue": "1"}, {"id": "myY", "stringValue": "a"}]
    assert parameter_values({"myX": 1, "myY": "a"}) == parameter_values(rows) == rows
    assert parameter_values(None) is None
    with pytest.raises(JobInputError, match="'myX' is null, which is no text"):
        parameter_values({"myX": None})
    with pytest.raises(JobInputError, match="must be a dictionary or a list, not str"):
        parameter_values("myX=1")
