# SPDX-License-Identifier: Apache-2.0

"""Start exports of DynamoDB tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink, Context, XComArg

from airflow_provider_jobs._dynamodb.export import (
    FULL,
    INCREMENTAL,
    TableExportRequest,
    checked_table_export,
    checked_window,
)
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.durations import duration_or_zero
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks._classes import DynamoDBExportHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.lineage import DatasetName, Lineage
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.dynamodb import DynamoDBExportLink
from airflow_provider_jobs.operator_parameters import StartJobParameters
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.parameters import Checked, Reader, optional
from airflow_provider_jobs.partitions import warn_of_future
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START, optional_time, parse_time

__all__ = ["DynamoDBExportTableToPointInTimeOperator"]

_OPTIONS = {
    "ExportFormat": "export_format",
    "S3BucketOwner": "s3_bucket_owner",
    "S3SseAlgorithm": "s3_sse_algorithm",
    "S3SseKmsKeyId": "s3_sse_kms_key_id",
}


class DynamoDBExportTableToPointInTimeOperator(StartJobOperator[DynamoDBExportHook]):
    """Export a table to S3: its state at a time, or the changes of a window.

    https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html

    The table needs point-in-time recovery. An export cannot be stopped: a killed task says so in its log, and
    the export goes on.

    The result, which the asset events of ``outlets`` have in their ``extra``, is a dictionary; times are
    ISO 8601 strings in UTC.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param table_arn: the table's ARN. (templated)
    :param s3_bucket: the bucket. (templated)
    :param s3_prefix: what the objects' keys begin with, without a slash at either end. AWS adds
        ``/AWSDynamoDB/`` and the export's id. (templated)
    :param export_type: ``FULL_EXPORT`` or ``INCREMENTAL_EXPORT``; no template.
    :param export_time: of a full export, the time of the table's state: an aware datetime or an ISO 8601
        string with an offset; by default that of the start. Whole seconds. (templated)
    :param export_from_time: of an incremental export, the first change's time, inclusive; by default the
        start of the run's data interval. (templated)
    :param export_to_time: the time to stop before, 15 minutes to 24 hours later; by default the end of the
        run's data interval. (templated)
    :param partition_window: as a timedelta or in seconds, how long a partition is. The default window of a
        run without a data interval begins at its ``partition_date`` (Airflow 3.3) and is that long, in
        elapsed time; None goes up to the next tick of a ``CronPartitionTimetable``.
    :param export_view_type: of an incremental export, ``NEW_IMAGE`` or ``NEW_AND_OLD_IMAGES``, AWS's default.
    :param export_format: ``DYNAMODB_JSON``, AWS's default, or ``ION``.
    :param s3_bucket_owner: the account of the bucket, if it is another one. (templated)
    :param s3_sse_algorithm: ``AES256`` or ``KMS``.
    :param s3_sse_kms_key_id: the KMS key. (templated)
    :param export_delay: as a timedelta or in seconds, how long after the window's end, or after
        ``export_time``, the export starts at the earliest: point-in-time recovery is about five minutes
        behind.
    :result export_arn: the export's ARN
    :result table_arn: the table's ARN
    :result export_type: ``FULL_EXPORT`` or ``INCREMENTAL_EXPORT``
    :result export_format: the format
    :result export_view_type: of an incremental export, which images it has
    :result export_time: of a full export, the time of the table's state
    :result export_from_time: of an incremental export, the window's start
    :result export_to_time: of an incremental export, the window's end
    :result s3_bucket: the bucket
    :result s3_prefix: what the objects' keys begin with
    :result manifest: the key of the summary manifest in the bucket
    :result item_count: how many items were exported
    :result billed_size_bytes: the size that AWS bills
    :result state: AWS's state, such as ``COMPLETED``
    :result started_at: when the export began
    :result ended_at: when it ended; None while it runs
    :raises JobInputError: for parameters that cannot work, before any call; and if the table has no
        point-in-time recovery, or none of that time.
    """

    aws_hook_class = DynamoDBExportHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config",
        "export_from_time",
        "export_time",
        "export_to_time",
        "s3_bucket",
        "s3_bucket_owner",
        "s3_prefix",
        "s3_sse_kms_key_id",
        "table_arn",
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "export_format": optional(checked_table_export),
        "export_from_time": parse_time,
        "export_time": optional_time,
        "export_to_time": parse_time,
        "export_type": checked_table_export,
        "export_view_type": optional(checked_table_export),
        "s3_bucket": checked_table_export,
        "s3_bucket_owner": optional(checked_table_export),
        "s3_prefix": optional(checked_table_export),
        "s3_sse_algorithm": optional(checked_table_export),
        "s3_sse_kms_key_id": optional(checked_table_export),
        "table_arn": checked_table_export,
    }
    window_parameters: ClassVar[tuple[str, str]] = ("export_from_time", "export_to_time")
    export_delay = Checked(duration_or_zero)
    ui_color: str = "#c925d1"
    ui_fgcolor: str = "#ffffff"
    operator_extra_links: Collection[BaseOperatorLink] = (DynamoDBExportLink(),)
    job_link: ClassVar[type[JobLink] | None] = DynamoDBExportLink

    def __init__(
        self,
        *,
        table_arn: str | XComArg,
        s3_bucket: str | XComArg,
        s3_prefix: str | XComArg | None = None,
        export_type: str = FULL,
        export_time: datetime | str | XComArg | None = None,
        export_from_time: datetime | str | XComArg = INTERVAL_START,
        export_to_time: datetime | str | XComArg = INTERVAL_END,
        partition_window: timedelta | float | None = None,
        export_view_type: str | None = None,
        export_format: str | None = None,
        s3_bucket_owner: str | XComArg | None = None,
        s3_sse_algorithm: str | None = None,
        s3_sse_kms_key_id: str | XComArg | None = None,
        export_delay: timedelta | float = timedelta(minutes=5),
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.table_arn = table_arn
        self.s3_bucket = s3_bucket
        self.s3_prefix = s3_prefix
        self.export_type = export_type
        self.export_time = export_time
        self.export_from_time = export_from_time
        self.export_to_time = export_to_time
        self.partition_window = partition_window
        self.export_view_type = export_view_type
        self.export_format = export_format
        self.s3_bucket_owner = s3_bucket_owner
        self.s3_sse_algorithm = s3_sse_algorithm
        self.s3_sse_kms_key_id = s3_sse_kms_key_id
        self.export_delay = export_delay
        self.finish_parameters()
        self._check_choice()
        if self._incremental and self._is_literal((export_from_time, export_to_time)):
            checked_window(export_from_time, export_to_time, self.window_parameters)

    @property
    def _incremental(self) -> bool:
        return bool(self.read("export_type") == INCREMENTAL)

    @property
    def _takes_interval(self) -> bool:
        return self._incremental and super()._takes_interval

    def _check_choice(self) -> None:
        """Raise an error for a parameter of the other type of export."""
        bounds = {name: getattr(self, name) for name in self.window_parameters}
        others = {"export_time": self.export_time}
        if not self._incremental:
            defaults = dict(zip(self.window_parameters, (INTERVAL_START, INTERVAL_END), strict=True))
            given = {name: value for name, value in bounds.items() if value != defaults[name]}
            others = {**given, "export_view_type": self.export_view_type}
        if wrong := [name for name, value in others.items() if value is not None]:
            raise JobInputError(
                f"export_type={self.export_type!r} takes no {', '.join(wrong)}: export_time is for {FULL}, "
                f"export_from_time, export_to_time and export_view_type for {INCREMENTAL}."
            )

    def job_request(self, context: Context) -> TableExportRequest:
        """Return the export that is asked for, checked."""
        window = None
        if self._incremental:
            window = checked_window(*self.window_bounds(context), self.window_parameters)
        return TableExportRequest(
            self.read("table_arn"),
            self.read("s3_bucket"),
            self.read("s3_prefix"),
            self.read("export_time"),
            window,
            self.read("export_view_type"),
            tuple((name, self.read(parameter)) for name, parameter in _OPTIONS.items()),
        )

    def start_not_before(self, request: TableExportRequest) -> datetime | None:
        """Return when point-in-time recovery has what is asked for."""
        if request.not_before is None:
            return None
        then = "the export starts after it"
        warn_of_future(self.log, request.not_before, self.hook.clock.now(), self.export_delay, then)
        return request.not_before + self.export_delay

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the export's ARN."""
        return {"export_arn": job.job_id}

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the table, and the folder below which AWS has written."""
        found = job.details
        folder = f"{found['s3_prefix'] or ''}/AWSDynamoDB"
        return Lineage(
            [DatasetName.of_arn(found["table_arn"])], [DatasetName.of_s3(found["s3_bucket"], folder)]
        )
