# SPDX-License-Identifier: Apache-2.0

"""Definitions with text that looks like Jinja: a shell's ``${#names[@]}``, Go's ``{{.Names}}``."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG
from load_pipelines import DEFAULT, STEP, on_demand

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.operators.data_pipeline import DataPipelinePutPipelineDefinitionOperator

#: What a shell may be given, and what Jinja would make of it.
LENGTH = "echo ${#names[@]}"
TEMPLATE_OF_GO = "docker ps --format '{{.Names}}'"
TWO_LENGTHS = "echo ${#first[@]} and ${last#}"
COMMAND_FORMS = {
    "length": (LENGTH, "Jinja cannot read it: Missing end of comment tag"),
    "go": (TEMPLATE_OF_GO, "Jinja cannot read it: unexpected '.'"),
    "comment": (TWO_LENGTHS, r"Jinja would drop all from '{#' on as a comment"),
}


def rendered(definition: Any, **kwargs: Any) -> Any:
    """Render a definition as Airflow does before the task runs."""
    with DAG("orders", schedule=None):
        operator = DataPipelinePutPipelineDefinitionOperator(
            task_id="put", pipeline_id="df-1", definition=definition, **kwargs
        )
    operator.render_template_fields({"ds": "2026-01-31"})
    return operator


@pytest.mark.parametrize("write", [dict, json.dumps], ids=["dictionary", "text"])
@pytest.mark.parametrize("command", COMMAND_FORMS)
def test_the_object_and_the_field_are_named(command: str, write: Callable[..., Any]) -> None:
    text, message = COMMAND_FORMS[command]
    with pytest.raises(JobInputError) as caught:
        rendered(write(on_demand(Run={"command": text}, Next={})))
    assert str(caught.value).startswith("definition, 'Run', field 'command': Jinja ")
    assert message in str(caught.value)
    assert "{% raw %}" in str(caught.value)
    assert "render_definition=False" in str(caught.value)


def test_the_apis_own_form() -> None:
    objects = [{"id": "Run", "name": "Run", "fields": [{"key": "command", "stringValue": LENGTH}]}]
    with pytest.raises(JobInputError, match="definition, 'Run', field 'command': Jinja cannot read it"):
        rendered({"pipelineObjects": objects})
    with pytest.raises(JobInputError, match="pipeline_objects, 'Run', field 'command': Jinja cannot"):
        rendered(None, pipeline_objects=objects)


def test_a_value_is_named_and_its_templates_cannot_be_switched_off() -> None:
    with pytest.raises(JobInputError, match=r"parameter_values, 'myNames'.*: Jinja cannot read it") as caught:
        rendered(on_demand(Run={}), parameter_values={"myNames": LENGTH})
    assert "render_definition" not in str(caught.value)
    with pytest.raises(JobInputError, match="definition, 'values', field 'myNames': Jinja cannot read it"):
        rendered({**on_demand(Run={}), "values": {"myNames": LENGTH}})


def test_a_comment_that_ends_in_another_object_is_not_dropped() -> None:
    text = json.dumps(on_demand(Run={"command": LENGTH}, Next={"command": "echo ${last#}"}))
    with pytest.raises(JobInputError, match="'Run', field 'command': Jinja cannot read it: Missing end"):
        rendered(text)


def test_a_comment_beside_the_texts_of_a_file_is_one() -> None:
    text = json.dumps(on_demand(Run={}))
    operator = rendered("{# what runs\n every day #}" + text.replace("true", r"say \"{{ ds }}\""))
    assert json.loads(str(operator.definition))["objects"][1]["command"] == 'say "2026-01-31"'


def test_of_a_text_that_is_no_json_before_it_is_rendered_the_line_is_named() -> None:
    text = '{"objects": [\n{"id": "A", "days": {{ days }}, "command": "' + LENGTH + '"}\n]}'
    with pytest.raises(JobInputError, match="definition, line 2: Jinja cannot read it: Missing end of"):
        rendered(text)
    with pytest.raises(JobInputError, match=r"definition, line 2: Jinja would drop all from '\{#' on"):
        rendered(text.replace(LENGTH, TWO_LENGTHS))


def test_text_between_raw_marks_stays() -> None:
    operator = rendered(on_demand(Run={"command": f"{{% raw %}}{TWO_LENGTHS}{{% endraw %}} {{{{ ds }}}}"}))
    assert operator.definition["objects"][1]["command"] == f"{TWO_LENGTHS} 2026-01-31"


@pytest.mark.parametrize("write", [dict, json.dumps], ids=["dictionary", "text"])
def test_a_definition_that_is_not_rendered_stays_as_it_is(
    hook: DataPipelineHook, write: Callable[..., Any]
) -> None:
    commands = [LENGTH, TEMPLATE_OF_GO, TWO_LENGTHS, "{{ ds }}"]
    definition = {
        **on_demand(**{f"Run{number}": {"command": command} for number, command in enumerate(commands)}),
        "parameters": [{"id": "myDay"}],
    }
    operator = rendered(
        write(definition), parameter_values={"myDay": "{{ ds }}"}, render_definition=False, aws_conn_id=None
    )
    assert operator.definition == write(definition)
    assert operator.parameter_values == {"myDay": "2026-01-31"}


def test_nor_is_a_file_beside_the_dag(tmp_path: Path) -> None:
    text = json.dumps({"objects": [DEFAULT, {"id": "A", **STEP, "command": LENGTH}]})
    (tmp_path / "daily.json").write_text(text)
    with DAG("orders", schedule=None, template_searchpath=str(tmp_path)):
        operator = DataPipelinePutPipelineDefinitionOperator(
            task_id="put", pipeline_id="df-1", definition="daily.json", render_definition=False
        )
    operator.resolve_template_files()
    operator.render_template_fields({})
    assert operator.definition == text


def test_what_is_not_rendered_is_checked_with_the_dag_s_file() -> None:
    definition = on_demand(Run={"command": LENGTH, "workerGroup": ""})
    with pytest.raises(JobInputError, match="'workerGroup' is an empty string"):
        rendered(definition, render_definition=False)
    with pytest.raises(JobInputError, match="render_definition='no' must be True or False"):
        rendered(definition, render_definition="no")


@pytest.mark.promise("secrets")
@pytest.mark.parametrize(
    "given",
    [
        {"definition": {"objects": [{"id": "A", "*login": "{{ hunter two }}"}]}},
        {"definition": '{"objects": [{"id": "A", "*login": "{{ hunter two }}"}]}'},
        {"definition": '{"objects": [{"id": "A", "days": {{ 1 }}, "*login": "{{ hunter two }}"}]}'},
        {"definition": {"objects": []}, "parameter_values": {"*myLogin": "{{ hunter two }}"}},
        {
            "definition": {"objects": []},
            "parameter_values": [{"id": "*myLogin", "stringValue": "{{ hunter two }}"}],
        },
    ],
)
def test_no_message_quotes_a_part_of_a_secret(given: dict[str, Any]) -> None:
    with pytest.raises(JobInputError, match="Jinja cannot read it") as caught:
        rendered(**given)
    assert "hunter" not in str(caught.value)
    assert "two" not in str(caught.value)
