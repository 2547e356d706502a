# SPDX-License-Identifier: Apache-2.0

"""Create a pipeline of Data Pipeline for each day, run it, and take it away again."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable

from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineActivatePipelineOperator,
    DataPipelineCreatePipelineOperator,
    DataPipelineDeactivatePipelineOperator,
    DataPipelineDeletePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)

with DAG(
    "data_pipeline_run",
    start_date=datetime(2026, 1, 1),
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
    default_args={"retries": 2, "retry_delay": timedelta(seconds=10)},
    doc_md=__doc__,
):
    create = DataPipelineCreatePipelineOperator(
        task_id="create", pipeline_name="orders-{{ data_interval_start | ds }}"
    )
    pipeline_id = create.output["pipeline_id"]
    put = DataPipelinePutPipelineDefinitionOperator(
        task_id="put",
        pipeline_id=pipeline_id,
        definition="data_pipeline_run.json",  # beside this file; a template, as all that is in it
    )
    activate = DataPipelineActivatePipelineOperator(
        task_id="activate",
        pipeline_id=pipeline_id,
        parameter_values={"myStart": "{{ data_interval_start }}", "myEnd": "{{ data_interval_end }}"},
        deferrable=True,
    )
    # Teardowns: they run whatever becomes of the activation, which alone decides on the run.
    deactivate = DataPipelineDeactivatePipelineOperator(task_id="deactivate", pipeline_id=pipeline_id)
    delete = DataPipelineDeletePipelineOperator(task_id="delete", pipeline_id=pipeline_id)

    put >> activate >> deactivate.as_teardown(setups=create)
    deactivate >> delete.as_teardown(setups=create)
