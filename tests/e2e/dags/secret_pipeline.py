# SPDX-License-Identifier: Apache-2.0

"""Tasks that give a pipeline secrets in each form; they come from variables, which Airflow keeps encrypted.

By their names Airflow does not take them for secrets itself.
"""

from __future__ import annotations

from airflow.sdk import DAG

from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineActivatePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)

PIPELINE = "{{ dag_run.conf.pipeline_id }}"
DEFAULT = {"id": "Default", "scheduleType": "ondemand", "workerGroup": "wg", "pipelineLogUri": "s3://logs/"}
LOAD = {"id": "Load", "type": "ShellCommandActivity", "command": "true"}

with DAG("secret_pipeline", schedule=None, max_active_tasks=2):
    Put = DataPipelinePutPipelineDefinitionOperator
    (
        Put(task_id="put_file", pipeline_id=PIPELINE, definition="secret_pipeline.json")
        >> Put(
            task_id="put_refused_before_the_call",
            pipeline_id=PIPELINE,
            definition={"objects": [DEFAULT, {**LOAD, "*login": {"is": "{{ var.value.load_nested }}"}}]},
        )
        >> Put(
            task_id="put_broken_text",
            pipeline_id=PIPELINE,
            definition='{"values": {"*myLogin": "{{ var.value.load_broken }}"}}',
            trigger_rule="all_done",
        )
        >> Put.partial(
            task_id="put_refused_by_aws",
            pipeline_id=PIPELINE,
            pipeline_objects=[{"id": "Default", "name": "Default", "fields": []}],
            parameter_objects=[{"id": "*myLogin", "attributes": [{"key": "type", "stringValue": "String"}]}],
            trigger_rule="all_done",
        ).expand(parameter_values=[{"*myLogin": "{{ var.value.load_mapped }}"}])
        >> Put(
            task_id="put",
            pipeline_id=PIPELINE,
            definition={
                "objects": [DEFAULT, {**LOAD, "*login": ["{{ var.value.load_field }}", "x"]}],
                "parameters": [{"id": "*myLogin", "default": "{{ var.value.load_default }}"}],
            },
            parameter_values=[{"id": "*myLogin", "stringValue": "{{ var.value.load_value }}"}],
            trigger_rule="all_done",
        )
        >> DataPipelineActivatePipelineOperator(
            task_id="activate",
            pipeline_id=PIPELINE,
            parameter_values={"*myLogin": "{{ var.value.load_activation }}"},
            deferrable=True,
            poll_interval=1,
        )
    )
