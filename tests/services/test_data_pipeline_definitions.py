# SPDX-License-Identifier: Apache-2.0

"""Pipelines and their definitions: create, put, deactivate, delete."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import DAG, AirflowFailException
from job_cases import AWS
from load_pipelines import DEFAULT, STEP, activate, on_demand
from one_task import OneTask

from airflow_provider_jobs._data_pipeline.definition import PipelineDefinition
from airflow_provider_jobs._data_pipeline.file_format import DefinitionFile, written
from airflow_provider_jobs.exceptions import (
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineCreatePipelineOperator,
    DataPipelineDeactivatePipelineOperator,
    DataPipelineDeletePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.testing import AwsJobs

#: Objects of the examples on
#: https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PutPipelineDefinition.html
EXAMPLES = Path(__file__).with_name("data_pipeline_examples.json")


def put(pipeline_id: str, **kwargs: Any) -> OneTask:
    given = {"pipeline_id": pipeline_id, **AWS, **kwargs}
    return OneTask(lambda: DataPipelinePutPipelineDefinitionOperator(task_id="put", **given))


class TestCreate:
    def make(self, **kwargs: Any) -> OneTask:
        given = {"pipeline_name": "load", **AWS, **kwargs}
        return OneTask(lambda: DataPipelineCreatePipelineOperator(task_id="create", **given))

    def test_a_retry_finds_the_pipeline_and_a_clear_creates_another(self, aws: AwsJobs, client: Any) -> None:
        task = self.make()
        first = task.run()
        assert task.run() == first
        task.clear()
        assert task.run()["pipeline_id"] != first["pipeline_id"]
        assert len(client.list_pipelines()["pipelineIdList"]) == 2

    def test_a_unique_id_of_ones_own_outlives_the_run(self, aws: AwsJobs) -> None:
        task = self.make(unique_id="mine", description="orders", tags={"team": "data"})
        first = task.run()
        task.clear()
        assert task.run() == first == {**first, "pipeline_name": "load", "unique_id": "mine"}

    def test_no_room_for_another_is_an_error_that_a_retry_may_mend(self, aws: AwsJobs) -> None:
        aws.set_quota("datapipeline", 0)
        with pytest.raises(JobQuotaError, match=r"limit exceeded.*Delete pipelines that are not needed"):
            self.make().run()

    @pytest.mark.parametrize("given", [{"pipeline_name": ""}, {"unique_id": "x" * 1025}])
    @pytest.mark.promise("bad-input")
    def test_bad_names(self, aws: AwsJobs, given: dict[str, Any]) -> None:
        with pytest.raises(JobInputError, match="must have 1 to 1,024 characters"):
            self.make(**given).run()
        assert aws.calls("datapipeline") == {}


class TestPut:
    @pytest.mark.parametrize("number", [0, 1])
    def test_put_then_get_is_the_identity_on_aws_s_examples(
        self, hook: DataPipelineHook, number: int
    ) -> None:
        """The second one is AWS's example of a refusal; mended, it can be put."""
        example = json.loads(EXAMPLES.read_text())[number]
        if number == 1:
            with pytest.raises(JobInputError, match="Default\n    - 'workerGroup' is an empty string"):
                PipelineDefinition(example)
            assert DefinitionFile.read(written(example, None, None)).objects == example
            example[0]["fields"][0]["stringValue"] = "wg"
        pipeline_id = hook.create_pipeline("example", str(number))
        hook.put_definition(pipeline_id, PipelineDefinition(example))
        got = hook.get_definition(pipeline_id)
        assert PipelineDefinition.from_file(got).objects == example
        hook.put_definition(pipeline_id, PipelineDefinition.from_file(got))
        assert hook.get_definition(pipeline_id) == got

    def test_the_example_dag_s_file_comes_back_as_it_is(self, hook: DataPipelineHook) -> None:
        file = Path(__file__).parents[2] / "example_dags" / "data_pipeline_run.json"
        pipeline_id = hook.create_pipeline("example", "1")
        hook.put_definition(pipeline_id, PipelineDefinition.from_file(file.read_text()))
        data = json.loads(file.read_text())
        written = json.loads(file.read_text(), parse_int=str)
        assert data != hook.get_definition(pipeline_id) == written

    def test_the_task_checks_puts_and_logs_what_aws_warns_of(
        self, hook: DataPipelineHook, logged: Callable[[], str]
    ) -> None:
        pipeline_id = hook.create_pipeline("load", "1")
        definition = on_demand(A={})
        definition["objects"] = [{**DEFAULT}, *definition["objects"][1:]]
        del definition["objects"][0]["pipelineLogUri"]
        result = put(pipeline_id, definition=definition).run()
        assert result["objects"] == 2
        assert list(result["warnings"]) == ["Default"]
        assert "AWS warns of Default: 'pipelineLogUri'is missing" in logged()

    def test_what_is_odd_and_not_sent_is_logged(
        self, hook: DataPipelineHook, logged: Callable[[], str]
    ) -> None:
        pipeline_id = hook.create_pipeline("load", "1")
        definition = {**on_demand(A={}), "values": {"*myX": "secret"}, "metadata": {}, "parameterValues": []}
        put(pipeline_id, definition=definition).run()
        assert hook.get_definition(pipeline_id)["values"] == {"*myX": "secret"}
        lines = logged()
        assert "The definition may have a fault. *myX: a value is given, but there is no such" in lines
        assert "section 'metadata' is not sent" in lines
        assert "section 'parameterValues' is not sent" in lines
        assert "secret" not in lines

    @pytest.mark.promise("bad-input")
    def test_faults_known_before_the_call_are_never_sent(self, aws: AwsJobs) -> None:
        with pytest.raises(AirflowFailException, match=r"has 2 faults and was not sent"):
            put("df-1", definition={"objects": [{"id": "A", "k": "", "r": {"ref": ""}}]}).run()
        assert aws.calls("datapipeline") == {}

    def test_what_aws_stores_but_will_not_activate_fails_with_every_error(
        self, hook: DataPipelineHook
    ) -> None:
        pipeline_id = hook.create_pipeline("load", "1")
        definition = {"objects": [DEFAULT, {"id": "A", "k": "v"}, {"id": "B", "k": "v"}]}
        with pytest.raises(AirflowFailException) as caught:
            put(pipeline_id, definition=definition).run()
        assert re.search(
            r"stored .* cannot be activated.*\n  A\n    - 'type' is missing\n  B\n    - 'type' is missing",
            str(caught.value),
        )

    def test_what_aws_calls_fatal_is_told_in_words(
        self, hook: DataPipelineHook, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("airflow_provider_jobs._data_pipeline.definition.checked", lambda *_: [])
        pipeline_id = hook.create_pipeline("load", "1")
        definition = PipelineDefinition.from_file({"objects": [{**DEFAULT, "workerGroup": ""}]})
        with pytest.raises(
            JobInputError, match=r"FATAL errors.*These are:\n  Default\n    - 'workerGroup' is"
        ):
            hook.put_definition(pipeline_id, definition)

    def test_the_apis_own_form(self, hook: DataPipelineHook) -> None:
        read = PipelineDefinition.from_file(
            {**on_demand(A={}), "parameters": [{"id": "myX"}], "values": {"myX": "1"}}
        )
        pipeline_id = hook.create_pipeline("load", "1")
        put(
            pipeline_id,
            pipeline_objects=read.objects,
            parameter_objects=read.parameters,
            parameter_values=[{"id": "myX", "stringValue": "2"}],
        ).run()
        assert hook.get_definition(pipeline_id)["values"] == {"myX": "2"}
        put(pipeline_id, definition=read.to_file(), parameter_values={"myX": [3, 4]}).run()
        assert hook.get_definition(pipeline_id)["values"] == {"myX": ["3", "4"]}

    @pytest.mark.parametrize("given", [{}, {"definition": {}, "pipeline_objects": []}])
    def test_one_form_has_to_be_given(self, given: dict[str, Any]) -> None:
        with pytest.raises(JobInputError, match="either definition or pipeline_objects"):
            put("df-1", **given).run()

    def test_an_unknown_pipeline(self, aws: AwsJobs) -> None:
        with pytest.raises(JobNotFoundError, match=r"PipelineNotFound.*Check the pipeline's id"):
            put("df-1", definition=on_demand(A={})).run()

    def test_a_file_beside_the_dag_is_a_template_and_so_is_all_text(
        self, hook: DataPipelineHook, tmp_path: Path
    ) -> None:
        (tmp_path / "daily.json").write_text(
            json.dumps({"objects": [DEFAULT, {"id": "A", **STEP, "day": "{{ ds }}", "c": "#{myX}"}]})
        )
        with DAG("orders", schedule=None, template_searchpath=str(tmp_path)):
            operator = DataPipelinePutPipelineDefinitionOperator(
                task_id="put", pipeline_id="df-1", definition="daily.json"
            )
        operator.resolve_template_files()
        operator.render_template_fields({"ds": "2026-01-31"})
        assert json.loads(str(operator.definition))["objects"][1]["day"] == "2026-01-31"

    def test_a_text_in_a_dictionary_is_never_a_file(self) -> None:
        operator = DataPipelinePutPipelineDefinitionOperator(
            task_id="put",
            pipeline_id="df-1",
            definition={"objects": [{"id": "A", "path": "s3://bucket/{{ ds }}/config.json"}]},
        )
        operator.render_template_fields({"ds": "2026-01-31"})
        assert operator.definition == {"objects": [{"id": "A", "path": "s3://bucket/2026-01-31/config.json"}]}
        assert operator.template_ext == (".json",)


class TestDeactivateAndDelete:
    def deactivate(self, pipeline_id: str, **kwargs: Any) -> OneTask:
        given = {"pipeline_id": pipeline_id, "poll_interval": 0.02, **AWS, **kwargs}
        return OneTask(lambda: DataPipelineDeactivatePipelineOperator(task_id="deactivate", **given))

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_what_runs_is_cancelled(
        self, aws: AwsJobs, pipeline: Callable[..., str], deferrable: bool
    ) -> None:
        aws.set_pace(reads=50)
        pipeline_id = pipeline()
        activate(pipeline_id, wait_for_completion=False).run()
        result = self.deactivate(pipeline_id, deferrable=deferrable).run()
        assert result == {"pipeline_id": pipeline_id, "state": "INACTIVE"}
        assert set(aws.jobs("datapipeline")[0]["instances"].values()) == {"CANCELED"}

    def test_or_goes_on_to_its_end(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        aws.set_pace(seconds=0.5)
        pipeline_id = pipeline(on_demand(A={}))
        activate(pipeline_id, wait_for_completion=False).run()
        result = self.deactivate(pipeline_id, cancel_active=False).run()
        assert result["state"] == "INACTIVE"
        assert list(aws.jobs("datapipeline")[0]["instances"].values()) == ["FINISHED"]

    def test_one_that_is_not_active_is_as_good(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        assert self.deactivate(pipeline()).run()["state"] == "PENDING"
        assert "DeactivatePipeline" not in aws.calls("datapipeline")

    def test_delete_and_delete_again(self, hook: DataPipelineHook, pipeline: Callable[..., str]) -> None:
        pipeline_id = pipeline()
        delete = OneTask(
            lambda: DataPipelineDeletePipelineOperator(task_id="delete", pipeline_id=pipeline_id, **AWS)
        )
        delete.run()
        delete.run()
        assert hook.list_pipelines() == {}
        with pytest.raises(JobNotFoundError, match=r"PipelineDeleted.*create another pipeline"):
            hook.describe_job(pipeline_id)
