# SPDX-License-Identifier: Apache-2.0

"""Values that a pipeline keeps secret stand in nothing that the provider, Airflow or OpenLineage shows."""

from __future__ import annotations

import json
import traceback
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import BaseOperator
from job_cases import AWS, client
from job_targets import load
from load_pipelines import DEFAULT
from one_task import OneTask

from airflow_provider_jobs._data_pipeline import secrets
from airflow_provider_jobs._data_pipeline.definition import PipelineDefinition
from airflow_provider_jobs.exceptions import JobError, JobInputError
from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineActivatePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs

pytestmark = pytest.mark.promise("secrets")
#: Airflow's masker, where the package has found it.
MASKER: Any = getattr(secrets._masker(), "__globals__", {})["_secrets_masker"]()

SECRET = 'correct-"horse"-battery'
OTHER = "staple-of-the-other-kind"
OBJECT = {"id": "Load", "type": "ShellCommandActivity", "command": "true"}
API_OBJECTS = [
    {"id": "Default", "name": "Default", "fields": [{"key": "scheduleType", "stringValue": "ondemand"}]},
    {"id": "Load", "name": "Load", "fields": [{"key": "*login", "stringValue": SECRET}]},
]
API_PARAMETERS = [{"id": "*myPassword", "attributes": [{"key": "default", "stringValue": SECRET}]}]
#: Every form in which a task can be given a secret.
FORMS: dict[str, dict[str, Any]] = {
    "an object's field": {"definition": {"objects": [DEFAULT, {**OBJECT, "*login": SECRET}]}},
    "one of several": {"definition": {"objects": [DEFAULT, {**OBJECT, "*login": [OTHER, SECRET]}]}},
    "a parameter's default": {
        "definition": {"objects": [DEFAULT], "parameters": [{"id": "*myPassword", "default": SECRET}]}
    },
    "a value": {"definition": {"objects": [DEFAULT], "values": {"*myPassword": SECRET}}},
    "text": {"definition": json.dumps({"objects": [DEFAULT, {**OBJECT, "*login": SECRET}]})},
    "text that others have written": {
        "definition": '{"objects": [], "values": {"*myPassword": "correct-\\u0022horse\\u0022-battery"}}'
    },
    "one that JSON leaves out": {
        "definition": f'{{"objects": [], "values": {{"*myPassword": "{OTHER}", "*myPassword": "x"}}}}'
    },
    "text with a line break in it": {
        "definition": '{"objects": [{"id": "A", "command": "one\n two"}], '
        '"values": {"*myPassword": "correct-\\u0022horse\\u0022-battery"}}'
    },
    "the API's answer": {"definition": {"pipelineObjects": API_OBJECTS, "parameterObjects": API_PARAMETERS}},
    "the API's answer as text": {"definition": json.dumps({"pipelineObjects": API_OBJECTS})},
    "the API's objects": {"pipeline_objects": API_OBJECTS},
    "the API's parameters": {"pipeline_objects": API_OBJECTS[:1], "parameter_objects": API_PARAMETERS},
    "parameter_values": {"pipeline_objects": API_OBJECTS[:1], "parameter_values": {"*myPassword": SECRET}},
    "the API's values": {
        "pipeline_objects": API_OBJECTS[:1],
        "parameter_values": [{"id": "*myPassword", "stringValue": SECRET}],
    },
}


@pytest.fixture(autouse=True)
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        yield control


@pytest.fixture(autouse=True)
def nothing_masked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin without what earlier tests have had masked."""
    monkeypatch.setattr(MASKER, "patterns", set())
    monkeypatch.setattr(MASKER, "replacer", None)


def put(**kwargs: Any) -> DataPipelinePutPipelineDefinitionOperator:
    """Make the operator; with a template in it, or its definition would be refused in the DAG's file."""
    template = [{"key": "description", "stringValue": "{{ ds }}"}]
    given = {"parameter_objects": [{"id": "myDay", "attributes": template}], **kwargs}
    return DataPipelinePutPipelineDefinitionOperator(task_id="put", pipeline_id="df-1", **AWS_ONLY, **given)


AWS_ONLY = {"aws_conn_id": None, "region_name": AWS["region_name"]}


def is_told(text: str) -> bool:
    return "horse" in text or "staple" in text


def rendered(operator: BaseOperator) -> str:
    """What Airflow stores of an operator's templated fields."""
    operator.render_template_fields({})
    return "\n".join(str(MASKER.redact(getattr(operator, name), name)) for name in operator.template_fields)


@pytest.mark.parametrize("form", FORMS)
def test_the_rendered_fields_have_no_secret(form: str) -> None:
    assert is_told("\n".join(str(value) for value in FORMS[form].values()))
    assert not is_told(rendered(put(**FORMS[form])))


def test_secret_numbers_are_masked_as_the_text_that_aws_is_given() -> None:
    numbers = {"*myPin": 12345678, "*myPins": [87654321, 1.25e10], "myCount": 12}
    operator = put(definition={"objects": [DEFAULT]}, parameter_values=numbers)
    told = rendered(operator)
    assert not any(number in told for number in ("12345678", "87654321", "12500000000"))
    assert operator.parameter_values == {
        "*myPin": "12345678",
        "*myPins": ["87654321", "12500000000.0"],
        "myCount": 12,
    }


def test_a_mapped_task_s_secrets_are_masked() -> None:
    """Airflow renders its fields by another method than those of other tasks."""
    operator = put(definition={"objects": [DEFAULT]}, parameter_values={"*myPin": 12345678, "*myKey": SECRET})
    env = operator.get_template_env()
    operator._do_render_template_fields(operator, operator.template_fields, {}, env, set())
    told = "\n".join(str(MASKER.redact(getattr(operator, name), name)) for name in operator.template_fields)
    assert not is_told(told)
    assert "12345678" not in told
    assert operator.parameter_values == {"*myPin": "12345678", "*myKey": SECRET}


def test_what_a_callable_returns_is_masked() -> None:
    """Airflow 3.3 takes one in place of a template."""
    operator = put(definition={"objects": [DEFAULT]})
    operator.parameter_values = lambda context, jinja_env: {"*myPassword": OTHER}  # type: ignore[assignment]
    told = rendered(operator)
    assert callable(operator.parameter_values) or "***" in told
    assert not is_told(told)


def test_a_value_s_parameter_may_be_named_as_secret_in_another_field() -> None:
    given = {"pipeline_objects": API_OBJECTS[:1], "parameter_objects": API_PARAMETERS}
    assert not is_told(rendered(put(**given, parameter_values={"myPassword": OTHER})))


@pytest.mark.parametrize(
    "text",
    [
        f'{{"objects": [], "values": {{"*myPassword": "{SECRET}"}}}}',
        f'{{"objects": [], "values": {{"*myPassword": ["{OTHER}"',
        f"{{'objects': [], 'values': {{'*myPassword': '{OTHER}'}}}}",
    ],
)
def test_text_that_cannot_be_read_is_refused_before_airflow_stores_it(text: str) -> None:
    operator = put(definition="{{ text }}")
    context: Any = {"text": text}
    told = told_by(lambda: operator.render_template_fields(context))
    assert not is_told(told)
    assert operator.definition == "{{ text }}"


def test_what_aws_quotes_in_another_spelling_is_left_out(aws: AwsJobs) -> None:
    secret = 'first line\n  and\ta "second" one'
    for spelt in (json.dumps(secret), repr(secret), " ".join(secret.split())):
        fault: Any = {"code": "InvalidRequestException", "message": f"{spelt} is no password"}
        aws.add_fault(Fault("PutPipelineDefinition", "error", **fault))
        told = told_by(
            OneTask(lambda: put(definition={"objects": [DEFAULT, {**OBJECT, "*login": secret}]})).run
        )
        assert "*** is no password" in told.replace('"***"', "***").replace("'***'", "***")
        assert "second" not in told


@pytest.mark.parametrize(
    "values", [{"*myPassword": SECRET}, [{"id": "*myPassword", "stringValue": SECRET}], {"*myX": [SECRET]}]
)
def test_the_rendered_fields_of_an_activation_have_none(values: Any) -> None:
    task = DataPipelineActivatePipelineOperator(
        task_id="activate", pipeline_id="df-1", parameter_values=values, **AWS_ONLY
    )
    assert not is_told(rendered(task))


def test_what_only_names_a_secret_is_none() -> None:
    task = put(definition={"objects": [DEFAULT, {**OBJECT, "*login": "#{*myPassword}"}]})
    assert "#{*myPassword}" in rendered(task)


def told_by(run: Callable[[], Any]) -> str:
    """All that a failure tells."""
    with pytest.raises((JobError, JobInputError)) as caught:
        run()
    return "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize(
    "kwargs",
    [
        {"definition": {"objects": [DEFAULT, {**OBJECT, "*login": {"is": SECRET}}]}},
        {"definition": {"objects": [DEFAULT], "values": {"*myPassword": {"is": SECRET}}}},
        {"definition": {"objects": [DEFAULT, {**OBJECT, "*login": SECRET + "\x00"}]}},
        {"pipeline_objects": [{**API_OBJECTS[1], "fields": [{"key": "*p", "stringValue": [SECRET]}]}]},
        {"pipeline_objects": API_OBJECTS[:1], "parameter_values": {"*myPassword": {"is": SECRET}}},
        {
            "pipeline_objects": API_OBJECTS[:1],
            "parameter_objects": [
                {"id": "*myPassword", "attributes": [{"key": "default", "stringValue": [SECRET]}]}
            ],
        },
    ],
)
def test_a_definition_that_is_refused_before_the_call_quotes_none(kwargs: dict[str, Any]) -> None:
    told = told_by(OneTask(lambda: put(**kwargs)).run)
    assert "*" in told
    assert not is_told(told)


@pytest.mark.parametrize("code", ["InvalidRequestException", "InternalServiceError"])
def test_what_aws_quotes_of_a_secret_is_left_out(aws: AwsJobs, code: str) -> None:
    fault = {"code": code, "message": f"{SECRET} is no password, nor is {OTHER}"}
    values = {"*myPassword": SECRET, "*myOther": OTHER}
    pipeline_id = load(client, "load", *values)
    aws.add_fault(Fault("PutPipelineDefinition", "error", count=9, **fault))  # type: ignore[arg-type]
    told = told_by(OneTask(lambda: put(**FORMS["one of several"])).run)
    assert "*** is no password, nor is ***" in told
    assert not is_told(told)
    aws.add_fault(Fault("ActivatePipeline", "error", count=9, **fault))  # type: ignore[arg-type]
    activate = OneTask(
        lambda: DataPipelineActivatePipelineOperator(
            task_id="activate",
            pipeline_id=pipeline_id,
            parameter_values=values,
            botocore_config={"retries": {"total_max_attempts": 1}},
            **AWS_ONLY,
        )
    )
    told = told_by(activate.run)
    assert "*** is no password, nor is ***" in told
    assert not is_told(told)


def answer(**members: Any) -> Fault:
    """The answer to the next put."""
    return Fault("PutPipelineDefinition", "garbage", body=json.dumps(members))


def test_what_aws_says_of_a_definition_quotes_none(aws: AwsJobs) -> None:
    says = f"{SECRET} is no password"
    aws.add_fault(answer(errored=False, validationWarnings=[{"id": "Load", "warnings": [says]}]))
    operator = put(**FORMS["an object's field"])
    warned = str(operator.execute({})["warnings"])
    aws.add_fault(answer(errored=True, validationErrors=[{"id": "Load", "errors": [says]}]))
    for told in (warned, told_by(lambda: operator.execute({}))):
        assert "*** is no password" in told
        assert not is_told(told)


def test_representations_show_none() -> None:
    for form in FORMS.values():
        if isinstance(form.get("definition"), dict):
            given = {"parameters": [{"id": "*myPassword"}], **form["definition"]}
            definition = PipelineDefinition.from_file(given)
            assert not is_told(repr(definition))
    request = DataPipelineActivatePipelineOperator(
        task_id="activate", pipeline_id="df-1", parameter_values={"*myPassword": SECRET}, **AWS_ONLY
    ).job_request({})
    assert request.parameter_values == [{"id": "*myPassword", "stringValue": SECRET}]
    assert not is_told(repr(request))


@pytest.mark.parametrize(
    ("rows", "said"),
    [([], "AWS does not say which"), ([{"id": "Load", "errors": []}], "AWS does not say what")],
)
def test_reasons_that_aws_does_not_give_are_said_to_be_missing(
    aws: AwsJobs, rows: list[Any], said: str
) -> None:
    aws.add_fault(answer(errored=True, validationErrors=rows))
    with pytest.raises(JobInputError, match=said):
        put(definition={"objects": [DEFAULT, OBJECT]}).execute({})
