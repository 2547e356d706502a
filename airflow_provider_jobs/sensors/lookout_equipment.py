# SPDX-License-Identifier: Apache-2.0

"""Wait for Lookout for Equipment data ingestion jobs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks._classes import LookoutEquipmentHook
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.parameters import JobReference, Reader, handed, text
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["LookoutEquipmentDataIngestionJobSensor"]

_JOB_ID = re.compile("[A-Fa-f0-9]{1,32}")


def _job_id(value: Any, name: str) -> str:
    job_id = text(handed(value, name), name)
    if not _JOB_ID.fullmatch(job_id):
        raise JobInputError(f"{name}={job_id!r} is no id of a job: 32 hexadecimal digits.")
    return job_id


class LookoutEquipmentDataIngestionJobSensor(JobSensor[LookoutEquipmentHook]):
    """Wait until a data ingestion job is SUCCESS; fails if it is FAILED.

    https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DescribeDataIngestionJob.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.lookout_equipment.LookoutEquipmentStartDataIngestionJobOperator`.
    Takes the parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param job_id: the job's id, or the start's ``.output``. (templated)
    :raises JobInputError: if it cannot be one, before any call.
    """

    aws_hook_class = LookoutEquipmentHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "job_id")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"job_id": _job_id}

    def __init__(self, *, job_id: JobReference, **kwargs: Unpack[JobSensorParameters]) -> None:
        super().__init__(**kwargs)
        self.job_id = job_id
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The job's id."""
        job_id: str = self.read("job_id")
        return job_id
