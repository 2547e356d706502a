# SPDX-License-Identifier: Apache-2.0

"""Wait for exports of DynamoDB tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_jobs._dynamodb.export import checked_export_arn
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks._classes import DynamoDBExportHook
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.dynamodb import DynamoDBExportLink
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.parameters import JobReference, Reader
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["DynamoDBExportSensor"]


class DynamoDBExportSensor(JobSensor[DynamoDBExportHook]):
    """Wait until an export is COMPLETED; fails if it is FAILED.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeExport.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.dynamodb.DynamoDBExportTableToPointInTimeOperator`. Takes the
    parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param export_arn: the export's ARN, or the start's ``.output``. (templated)
    :raises JobInputError: if it cannot be one, before any call.
    """

    aws_hook_class = DynamoDBExportHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "export_arn")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"export_arn": checked_export_arn}
    operator_extra_links: Collection[BaseOperatorLink] = (DynamoDBExportLink(),)
    job_link: ClassVar[type[JobLink] | None] = DynamoDBExportLink

    def __init__(self, *, export_arn: JobReference, **kwargs: Unpack[JobSensorParameters]) -> None:
        super().__init__(**kwargs)
        self.export_arn = export_arn
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The export's ARN."""
        export_arn: str = self.read("export_arn")
        return export_arn
