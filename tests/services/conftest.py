# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest
from job_cases import REGION
from load_pipelines import on_demand

from airflow_provider_jobs._data_pipeline.definition import PipelineDefinition
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        yield control


@pytest.fixture
def hook(aws: AwsJobs) -> DataPipelineHook:
    return DataPipelineHook(aws_conn_id=None, region_name=REGION)


@pytest.fixture
def client(aws: AwsJobs) -> Any:
    return boto3.client("datapipeline", region_name=REGION)


@pytest.fixture
def pipeline(hook: DataPipelineHook) -> Callable[..., str]:
    """Create a pipeline with a definition; by default of two steps on demand."""

    def make(definition: dict[str, Any] | None = None) -> str:
        pipeline_id = hook.create_pipeline("load", str(len(hook.list_pipelines())))
        given = definition or on_demand(A={}, B={"dependsOn": {"ref": "A"}})
        hook.put_definition(pipeline_id, PipelineDefinition.from_file(given))
        return pipeline_id

    return make
