# SPDX-License-Identifier: Apache-2.0

"""Parameters of a wrong shape: an input error that names them, before any call; no retry would help."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from job_cases import client
from job_targets import load

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineCreatePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

HERE: dict[str, Any] = {"aws_conn_id": None, "region_name": "us-east-1"}
GOOD = {"objects": [{"id": "Default", "scheduleType": "ondemand"}]}


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        yield control


def put(**kwargs: Any) -> Any:
    return DataPipelinePutPipelineDefinitionOperator(task_id="put", pipeline_id="df-1", **HERE, **kwargs)


def create(tags: Any) -> Any:
    return DataPipelineCreatePipelineOperator(
        task_id="create", pipeline_name="load", unique_id="1", tags=tags, **HERE
    )


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: put(pipeline_objects="[{}]"), "objects must be a list, not str"),
        (lambda: put(pipeline_objects={"id": "a"}), "objects must be a list, not dict"),
        (lambda: put(pipeline_objects=[1]), "must be a dictionary, not int"),
        (
            lambda: put(pipeline_objects=[{"id": "a", "fields": "x"}]),
            "'fields' must be a list",
        ),
        (
            lambda: put(pipeline_objects=[{"id": "a", "fields": {"key": "x"}}]),
            "'fields' must be a list",
        ),
        (lambda: put(pipeline_objects=[{"id": "a", "fields": [7]}]), "'fields' must be a list"),
        (lambda: put(definition=GOOD, parameter_objects="x"), "parameters must be a list, not str"),
        (lambda: put(definition=GOOD, parameter_objects=["x"]), "must be a dictionary, not str"),
        (
            lambda: put(definition=GOOD, parameter_objects=[{"attributes": 1}]),
            "'attributes' must be a list",
        ),
        (lambda: create("a=b"), "tags='a=b' must be a dictionary of texts"),
        (lambda: create({"a": 1}), "tags={'a': 1} must be"),
        (lambda: create([{"key": "a"}]), "tags=[{'key': 'a'}] must be"),
    ],
)
def test_data_pipeline(aws: AwsJobs, make: Callable[[], Any], told: str) -> None:
    with pytest.raises(JobInputError, match=re.escape(told)):
        make().execute({})
    assert aws.calls("datapipeline") == {}


@pytest.mark.parametrize("tags", [{"team": "shop"}, [{"key": "team", "value": "shop"}]])
def test_tags_in_either_form(aws: AwsJobs, tags: Any) -> None:
    pipeline_id = create(tags).execute({})["pipeline_id"]
    (shown,) = client("datapipeline").describe_pipelines(pipelineIds=[pipeline_id])["pipelineDescriptionList"]
    assert shown["tags"] == [{"key": "team", "value": "shop"}]
    assert load(client, "other") != pipeline_id


@pytest.mark.parametrize("limits", [["missing_values"], "missing_values", 3])
def test_limits_of_the_data_s_quality(limits: Any) -> None:
    with pytest.raises(JobInputError, match=r"^data_quality=.* must be a dictionary of counts"):
        LookoutEquipmentStartDataIngestionJobOperator(
            task_id="ingest",
            dataset_name="pumps",
            bucket="plant",
            role_arn="arn:aws:iam::123456789012:role/reader",
            data_quality=limits,
        )
