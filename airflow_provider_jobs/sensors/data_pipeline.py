# SPDX-License-Identifier: Apache-2.0

"""Wait for activations of Data Pipeline's pipelines."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks.activations import ActivationId, checked_pipeline_id
from airflow_provider_jobs.hooks.classes import DataPipelineHook
from airflow_provider_jobs.sensors.base import JobSensor
from airflow_provider_jobs.windows import optional_time

__all__ = ["DataPipelineSensor"]


class DataPipelineSensor(JobSensor[DataPipelineHook]):
    """Wait until all that an activation runs has ended; fails unless all is FINISHED or SKIPPED.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_QueryObjects.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.data_pipeline.DataPipelineActivatePipelineOperator`. Takes the
    parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param pipeline_id: the pipeline. (templated)
    :param activation_time: the activation, by the time of that name in the operator's result; the latest
        when None, and where there is none yet, it is waited for. (templated)
    :param wait_until: of a pipeline on a schedule, wait for the activation's instances that are scheduled
        before this time, an aware datetime or an ISO 8601 string with an offset; when None, wait for the
        pipeline's end. A pipeline on demand ends with its activation. (templated)
    :raises JobInputError: for parameters that cannot work.
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields(
        "activation_time", "botocore_config", "pipeline_id", "wait_until"
    )

    def __init__(
        self,
        *,
        pipeline_id: str,
        activation_time: datetime | str | None = None,
        wait_until: datetime | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        self.activation_time = activation_time
        self.wait_until = wait_until

    @property
    def target_id(self) -> str:
        """The activation's id; of a pipeline that has no activation time, its latest activation."""
        activation = ActivationId.of(
            checked_pipeline_id(self.pipeline_id),
            optional_time(self.activation_time, "activation_time"),
            optional_time(self.wait_until, "wait_until"),
        )
        return str(activation)
