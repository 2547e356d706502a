# SPDX-License-Identifier: Apache-2.0

"""Wait for exports of CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_jobs._logs.export import checked_task_id
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks._classes import CloudWatchLogsExportHook
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.logs import CloudWatchLogsExportLink
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.parameters import JobReference, Reader
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["CloudWatchLogsExportTaskSensor"]


class CloudWatchLogsExportTaskSensor(JobSensor[CloudWatchLogsExportHook]):
    """Wait until an export is COMPLETED; fails if it is FAILED or CANCELLED.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeExportTasks.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.logs.CloudWatchLogsCreateExportTaskOperator`
    without ``log_stream_name_prefix``. Takes the parameters of
    :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param export_task_id: the export's id, or the start's ``.output``. (templated)
    :raises JobInputError: if it cannot be one, before any call.
    """

    aws_hook_class = CloudWatchLogsExportHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "export_task_id")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"export_task_id": checked_task_id}
    operator_extra_links: Collection[BaseOperatorLink] = (CloudWatchLogsExportLink(),)
    job_link: ClassVar[type[JobLink] | None] = CloudWatchLogsExportLink

    def __init__(self, *, export_task_id: JobReference, **kwargs: Unpack[JobSensorParameters]) -> None:
        super().__init__(**kwargs)
        self.export_task_id = export_task_id
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The export's id."""
        task_id: str = self.read("export_task_id")
        return task_id
