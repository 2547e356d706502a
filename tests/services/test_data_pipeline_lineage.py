# SPDX-License-Identifier: Apache-2.0

"""The data of a pipeline, read off its definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from job_cases import AWS
from load_pipelines import on_demand
from one_task import OneTask

from airflow_provider_jobs._data_pipeline.lineage import pipeline_lineage
from airflow_provider_jobs.operators.data_pipeline import DataPipelineActivatePipelineOperator
from airflow_provider_jobs.testing import AwsJobs


def definition(**nodes: str) -> dict[str, Any]:
    """Two copies one after the other: from the node In by Middle to Out."""
    steps = [("First", "In", "Middle"), ("Second", "Middle", "Out")]
    return {
        "objects": [
            *({"id": name, "type": "S3DataNode", "directoryPath": path} for name, path in nodes.items()),
            *(
                {"id": id_, "type": "CopyActivity", "input": {"ref": before}, "output": [{"ref": after}]}
                for id_, before, after in steps
            ),
        ],
        "parameters": [{"id": "myBucket", "type": "String", "default": "plant"}],
    }


def test_inputs_and_outputs() -> None:
    found = pipeline_lineage(definition(In="s3://raw/in/", Middle="s3://tmp", Out="s3://clean/out"), {})
    assert [(each.namespace, each.name) for each in found.inputs] == [("s3://raw", "in"), ("s3://tmp", "/")]
    assert [(each.namespace, each.name) for each in found.outputs] == [
        ("s3://tmp", "/"),
        ("s3://clean", "out"),
    ]


@pytest.mark.parametrize(
    ("path", "values", "name"),
    [
        ("s3://#{myBucket}/in", {}, ("s3://plant", "in")),
        ("s3://#{myBucket}/in", {"myBucket": "other"}, ("s3://other", "in")),
        ("s3://raw/day/#{format(@scheduledStartTime,'YYYY')}/x", {}, ("s3://raw", "day")),
        ("s3://raw/day-#{format(@scheduledStartTime,'YYYY')}", {}, ("s3://raw", "/")),
        ("s3://raw/#{myPrefix}/x", {}, ("s3://raw", "/")),
        ("s3://#{myUnknown}/x", {}, None),
        ("/tmp/x", {}, None),
    ],
)
def test_expressions(path: str, values: dict[str, str], name: tuple[str, str] | None) -> None:
    found = pipeline_lineage(definition(In=path), values)
    assert [(each.namespace, each.name) for each in found.inputs] == ([name] if name else [])


def test_an_activated_pipeline(aws: AwsJobs, pipeline: Callable[..., str]) -> None:
    """The parameters of the activation go before those of the definition."""
    given = on_demand(Load={"input": {"ref": "In"}, "output": {"ref": "Out"}})
    given["objects"] += [
        {"id": "In", "type": "S3DataNode", "directoryPath": "s3://#{myBucket}/in"},
        {"id": "Out", "type": "S3DataNode", "filePath": "s3://clean/out.csv"},
    ]
    given["parameters"] = [{"id": "myBucket", "type": "String"}]
    given["values"] = {"myBucket": "raw"}
    aws.set_pace(reads=2)
    pipeline_id = pipeline(given)
    task = OneTask(
        lambda: DataPipelineActivatePipelineOperator(
            task_id="activate",
            pipeline_id=pipeline_id,
            parameter_values={"myBucket": "today"},
            poll_interval=0.02,
            **AWS,
        )
    )
    task.run()
    operator: Any = task.operator
    found = operator.lineage(operator.hook.describe_job(str(aws.jobs("datapipeline")[0]["id"])))
    assert [(each.namespace, each.name) for each in found.inputs] == [("s3://today", "in")]
    assert [(each.namespace, each.name) for each in found.outputs] == [("s3://clean", "out.csv")]
