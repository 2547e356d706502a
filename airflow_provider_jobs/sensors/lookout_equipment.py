# SPDX-License-Identifier: Apache-2.0

"""Wait for Lookout for Equipment data ingestion jobs."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks.classes import LookoutEquipmentHook
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["LookoutEquipmentDataIngestionJobSensor"]

_JOB_ID = re.compile("[A-Fa-f0-9]{1,32}")


class LookoutEquipmentDataIngestionJobSensor(JobSensor[LookoutEquipmentHook]):
    """Wait until a data ingestion job is SUCCESS; fails if it is FAILED.

    https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DescribeDataIngestionJob.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.lookout_equipment.LookoutEquipmentStartDataIngestionJobOperator`.
    Takes the parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param job_id: the job's id. (templated)
    :raises JobInputError: if it cannot be one, before any call.
    """

    aws_hook_class = LookoutEquipmentHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "job_id")

    def __init__(self, *, job_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id

    @property
    def target_id(self) -> str:
        """The job's id."""
        if not isinstance(self.job_id, str) or not _JOB_ID.fullmatch(self.job_id):
            raise JobInputError(f"job_id={self.job_id!r} is no id of a job: 32 hexadecimal digits.")
        return self.job_id
