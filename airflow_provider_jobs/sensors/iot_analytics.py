# SPDX-License-Identifier: Apache-2.0

"""Wait for the reprocessing of IoT Analytics pipelines."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar, Unpack

from airflow_provider_jobs._iot_analytics.reprocessing import (
    checked_pipeline_name,
    checked_reprocessing_id,
    handed_reprocessing,
)
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks._classes import IotAnalyticsHook
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.parameters import JobReference, Reader, optional
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["IotAnalyticsPipelineReprocessingSensor"]


class IotAnalyticsPipelineReprocessingSensor(JobSensor[IotAnalyticsHook]):
    """Wait until a reprocessing is SUCCEEDED; fails if it is FAILED or CANCELLED.

    https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_DescribePipeline.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.iot_analytics.IotAnalyticsStartPipelineReprocessingOperator`
    without ``start_time``, ``end_time`` and ``s3_paths``. Takes the parameters of
    :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param reprocessing_id: the reprocessing's id, or the start's ``.output``. (templated)
    :param pipeline_name: the pipeline; by default that of the output. (templated)
    """

    aws_hook_class = IotAnalyticsHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "pipeline_name", "reprocessing_id"
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "pipeline_name": optional(checked_pipeline_name),
        "reprocessing_id": checked_reprocessing_id,
    }

    def __init__(
        self,
        *,
        reprocessing_id: JobReference,
        pipeline_name: JobReference | None = None,
        **kwargs: Unpack[JobSensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_name = pipeline_name
        self.reprocessing_id = reprocessing_id
        self.finish_parameters()
        if self._is_literal((pipeline_name, reprocessing_id)) and reprocessing_id:
            handed_reprocessing(pipeline_name, reprocessing_id)

    @property
    def target_id(self) -> str:
        """Pipeline and id."""
        return handed_reprocessing(self.pipeline_name, self.reprocessing_id)
