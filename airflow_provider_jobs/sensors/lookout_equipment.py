# SPDX-License-Identifier: Apache-2.0

"""Wait for Lookout for Equipment data ingestion jobs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_jobs.hooks.lookout_equipment import LookoutEquipmentHook
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["LookoutEquipmentDataIngestionJobSensor"]


class LookoutEquipmentDataIngestionJobSensor(JobSensor[LookoutEquipmentHook]):
    """Wait until a data ingestion job is SUCCESS; fails if it is FAILED.

    https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DescribeDataIngestionJob.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.lookout_equipment.LookoutEquipmentStartDataIngestionJobOperator`.
    Takes the parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param job_id: the job's id. (templated)
    """

    aws_hook_class = LookoutEquipmentHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "job_id")

    def __init__(self, *, job_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id

    @property
    def target_id(self) -> str:
        """The job's id."""
        return self.job_id
