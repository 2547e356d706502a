# SPDX-License-Identifier: Apache-2.0

"""Wait for activations of Data Pipeline's pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Unpack

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_jobs._data_pipeline.activation import ActivationId, checked_pipeline_id
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks._classes import DataPipelineHook
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.parameters import JobReference, Reader
from airflow_provider_jobs.sensors.base import JobSensor
from airflow_provider_jobs.windows import optional_time

__all__ = ["DataPipelineSensor"]


class DataPipelineSensor(JobSensor[DataPipelineHook]):
    """Wait until all that an activation runs has ended; fails unless all is FINISHED or SKIPPED.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_QueryObjects.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.data_pipeline.DataPipelineActivatePipelineOperator`. Takes the
    parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param pipeline_id: the pipeline's id; or the activate's ``.output``, which also gives the two parameters
        below where they are None. (templated)
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
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "activation_time": optional_time,
        "pipeline_id": checked_pipeline_id,
        "wait_until": optional_time,
    }

    def __init__(
        self,
        *,
        pipeline_id: JobReference,
        activation_time: datetime | str | XComArg | None = None,
        wait_until: datetime | str | XComArg | None = None,
        **kwargs: Unpack[JobSensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        self.activation_time = activation_time
        self.wait_until = wait_until
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The activation's id; of a pipeline that has no activation time, its latest activation."""
        # The whole result of an activation tells which one it is.
        result = self.pipeline_id if isinstance(self.pipeline_id, Mapping) else {}
        time, until = self.read("activation_time"), self.read("wait_until")
        activation = ActivationId.of(
            self.read("pipeline_id"),
            time or optional_time(result.get("activation_time"), "activation_time"),
            until or optional_time(result.get("until"), "wait_until"),
        )
        return str(activation)
