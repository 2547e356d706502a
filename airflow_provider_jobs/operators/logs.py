# SPDX-License-Identifier: Apache-2.0

"""Start and cancel exports of CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink, Context, XComArg

from airflow_provider_jobs._logs.export import ExportRequest, checked_export, checked_task_id
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.durations import duration_or_zero
from airflow_provider_jobs.exceptions import JobError
from airflow_provider_jobs.hooks._classes import CloudWatchLogsExportHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.lineage import DatasetName, Lineage
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.logs import CloudWatchLogsExportLink
from airflow_provider_jobs.operator_parameters import JobOperatorParameters, StartJobParameters
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.operators.stop import StopJobOperator
from airflow_provider_jobs.parameters import Checked, JobReference, Reader, optional
from airflow_provider_jobs.partitions import warn_of_future
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START, Window, parse_time

__all__ = ["CloudWatchLogsCancelExportTaskOperator", "CloudWatchLogsCreateExportTaskOperator"]


class CloudWatchLogsCreateExportTaskOperator(StartJobOperator[CloudWatchLogsExportHook]):
    """Export a log group's events of a window to S3.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html

    AWS runs one export at a time in an account and Region: a task that finds another one queues.

    The result, which the asset events of ``outlets`` have in their ``extra``, is a dictionary; times are
    ISO 8601 strings in UTC.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param log_group_name: the log group. (templated)
    :param destination: the bucket, in the Region of the log group; its policy has to let CloudWatch Logs
        write. (templated)
    :param start_time: the first event's time, inclusive: an aware datetime or an ISO 8601 string with an
        offset; by default the start of the run's data interval. Whole seconds. (templated)
    :param end_time: the time to stop before; by default the end of the run's data interval. (templated)
    :param partition_window: as a timedelta or in seconds, how long a partition is. The default window of a
        run without a data interval begins at its ``partition_date`` (Airflow 3.3) and is that long, in
        elapsed time; None goes up to the next tick of a ``CronPartitionTimetable``.
    :param log_stream_name_prefix: export only streams whose names begin with this; all when None.
        (templated)
    :param destination_prefix: what the objects' keys begin with, without a slash at either end; by default
        ``exportedlogs``, the group and the window, such as
        ``exportedlogs/shop/web/20260131T000000Z-20260201T000000Z``. (templated)
    :param export_delay: as a timedelta or in seconds, how long after the window's end the export starts at
        the earliest: AWS may take up to 12 hours until it can export what was logged.
    :result export_task_id: the export's id
    :result task_name: the export's name, by which a retry finds it
    :result log_group_name: the log group
    :result log_stream_name_prefix: what the streams' names begin with; None for all
    :result start_time: the window's start
    :result end_time: the window's end, which is not in it
    :result destination: the bucket
    :result destination_prefix: what the objects' keys begin with
    :result s3_folder: the URL below which the export's objects are, one folder per stream
    :result state: AWS's state, such as ``COMPLETED``
    :result created_at: when the export was created
    :result completed_at: when it ended; None while it runs
    :raises JobInputError: for parameters that cannot work, before any call; and if AWS may not write to the
        bucket.
    """

    aws_hook_class = CloudWatchLogsExportHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config",
        "destination",
        "destination_prefix",
        "end_time",
        "log_group_name",
        "log_stream_name_prefix",
        "start_time",
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "destination": checked_export,
        "destination_prefix": optional(checked_export),
        "end_time": parse_time,
        "log_group_name": checked_export,
        "log_stream_name_prefix": optional(checked_export),
        "start_time": parse_time,
    }
    window_parameters: ClassVar[tuple[str, str]] = ("start_time", "end_time")
    _narrowing: ClassVar[frozenset[str]] = frozenset({"log_stream_name_prefix"})
    export_delay = Checked(duration_or_zero)
    ui_color: str = "#e7157b"
    ui_fgcolor: str = "#ffffff"
    operator_extra_links: Collection[BaseOperatorLink] = (CloudWatchLogsExportLink(),)
    job_link: ClassVar[type[JobLink] | None] = CloudWatchLogsExportLink

    def __init__(
        self,
        *,
        log_group_name: str | XComArg,
        destination: str | XComArg,
        start_time: datetime | str | XComArg = INTERVAL_START,
        end_time: datetime | str | XComArg = INTERVAL_END,
        log_stream_name_prefix: str | XComArg | None = None,
        destination_prefix: str | XComArg | None = None,
        export_delay: timedelta | float = timedelta(hours=12),
        partition_window: timedelta | float | None = None,
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.log_group_name = log_group_name
        self.destination = destination
        self.start_time = start_time
        self.end_time = end_time
        self.partition_window = partition_window
        self.log_stream_name_prefix = log_stream_name_prefix
        self.destination_prefix = destination_prefix
        self.export_delay = export_delay
        self.finish_parameters()
        if self._is_literal((start_time, end_time)):
            Window.parse(start_time, end_time, names=self.window_parameters)

    def job_request(self, context: Context) -> ExportRequest:
        """Return the export that is asked for, checked."""
        window = Window.parse(*self.window_bounds(context), names=self.window_parameters)
        return ExportRequest(
            self.read("log_group_name"),
            window.start,
            window.end,
            self.read("destination"),
            self.read("destination_prefix") or "",
            self.read("log_stream_name_prefix"),
        )

    def start_not_before(self, request: ExportRequest) -> datetime:
        """Return when AWS can export all of the window's events."""
        then = "the export starts after it"
        warn_of_future(self.log, request.end, self.hook.clock.now(), self.export_delay, then)
        return request.end + self.export_delay

    def job_result(self, job: JobStatus) -> dict[str, Any]:
        """Return what AWS tells of the export, and which streams it was started for."""
        return {**job.details, **(self._asked or {})}

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the export's id."""
        return {"export_task_id": job.job_id}

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the log group, and the folder that AWS has written."""
        found, hook = job.details, self.hook
        account = hook.tell_account()
        if account is None:
            raise JobError("sts:GetCallerIdentity did not tell the account of the log group.")
        place = f"arn:{hook.conn_partition}:logs:{hook.conn_region_name}:{account}"
        return Lineage(
            [DatasetName(place, f"log-group:{found['log_group_name']}")],
            [DatasetName.of_s3(found["destination"], found["destination_prefix"])],
        )


class CloudWatchLogsCancelExportTaskOperator(StopJobOperator[CloudWatchLogsExportHook]):
    """Cancel an export and wait until it is CANCELLED; one that has ended already is as good.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CancelExportTask.html

    Objects that were written stay in the bucket. The result is that of
    :class:`CloudWatchLogsCreateExportTaskOperator` without ``log_stream_name_prefix``. Takes the parameters
    of :class:`~airflow_provider_jobs.operators.base.JobOperator`, and:

    :param export_task_id: the export's id, or the start's ``.output``. (templated)
    """

    aws_hook_class = CloudWatchLogsExportHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "export_task_id")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"export_task_id": checked_task_id}
    id_parameters: ClassVar[tuple[str, ...]] = ("export_task_id",)
    ui_color: str = CloudWatchLogsCreateExportTaskOperator.ui_color
    ui_fgcolor: str = CloudWatchLogsCreateExportTaskOperator.ui_fgcolor
    operator_extra_links: Collection[BaseOperatorLink] = (CloudWatchLogsExportLink(),)
    job_link: ClassVar[type[JobLink] | None] = CloudWatchLogsExportLink

    def __init__(self, *, export_task_id: JobReference, **kwargs: Unpack[JobOperatorParameters]) -> None:
        super().__init__(**kwargs)
        self.export_task_id = export_task_id
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The export's id."""
        task_id: str = self.read("export_task_id")
        return task_id

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the export's id."""
        return {"export_task_id": job.job_id}
