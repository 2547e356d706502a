# SPDX-License-Identifier: Apache-2.0

"""Exports as data: a request, and what AWS tells of an export."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_jobs._buckets import BUCKET, PREFIX
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.job import JobState, JobStatus, utc_text
from airflow_provider_jobs.parameters import handed, matching
from airflow_provider_jobs.windows import Window, moment

__all__ = [
    "FULL",
    "INCREMENTAL",
    "TableExportRequest",
    "checked_export_arn",
    "checked_table_export",
    "checked_window",
    "export_status",
    "requested_at",
]

FULL, INCREMENTAL = "FULL_EXPORT", "INCREMENTAL_EXPORT"
_STATES = {
    "IN_PROGRESS": JobState.RUNNING,
    "COMPLETED": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
}
_TABLE = r"arn:aws(?:-[a-z-]+)?:dynamodb:[a-z0-9-]+:[0-9]{12}:table/[a-zA-Z0-9_.-]{3,255}"
#: Parameters of an export: what the text matches, and what that means.
_PATTERNS: Mapping[str, tuple[str, str]] = {
    "table_arn": (_TABLE, "a table's ARN (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME)"),
    "s3_bucket": BUCKET,
    "s3_prefix": PREFIX,
    "s3_bucket_owner": (r"[0-9]{12}", "the id of an account: 12 digits"),
    "s3_sse_algorithm": ("AES256|KMS", "AES256 or KMS"),
    "s3_sse_kms_key_id": ("[a-zA-Z0-9:/_-]{1,2048}", "the id, the alias or the ARN of a KMS key"),
    "export_type": (f"{FULL}|{INCREMENTAL}", f"{FULL} or {INCREMENTAL}"),
    "export_format": ("DYNAMODB_JSON|ION", "DYNAMODB_JSON or ION"),
    "export_view_type": ("NEW_IMAGE|NEW_AND_OLD_IMAGES", "NEW_IMAGE or NEW_AND_OLD_IMAGES"),
}
_SHORTEST, _LONGEST = timedelta(minutes=15), timedelta(hours=24)


def checked_table_export(value: Any, parameter: str) -> str:
    """Return a parameter of an export that is a text.

    :raises JobInputError: if AWS does not take it.
    """
    return matching(value, parameter, *_PATTERNS[parameter])


def checked_export_arn(given: Any, parameter: str = "export_arn") -> str:
    """Return the ARN of an export.

    :param given: the ARN, or the result of the task that started the export.
    :raises JobInputError: if it can be none.
    """
    meaning = "an export's ARN (arn:aws:dynamodb:REGION:ACCOUNT:table/NAME/export/ID)"
    return matching(handed(given, parameter), parameter, rf"{_TABLE}/export/[a-zA-Z0-9-]{{1,64}}", meaning)


def checked_window(start: Any, end: Any, names: tuple[str, str]) -> Window:
    """Return the window of an incremental export.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html

    :raises JobInputError: if it is none, or not 15 minutes to 24 hours long.
    """
    window = Window.parse(start, end, names=names)
    length = window.end - window.start
    if not _SHORTEST <= length <= _LONGEST:
        raise JobInputError(
            f"{names[0]} ({window.start.isoformat()}) to {names[1]} ({window.end.isoformat()}) is {length} "
            "long; AWS exports the changes of 15 minutes to 24 hours. Split a longer window with "
            "split_window, or choose another schedule."
        )
    return window


def requested_at(export_arn: str) -> datetime | None:
    """Return when an export was requested, by its id; None if the id does not tell.

    AWS does not document this: in its examples an id begins with that time in milliseconds, in 14 digits.
    """
    found = re.search(r"/export/(\d{14})-", export_arn)
    return moment(int(found[1])) if found else None


@dataclass(frozen=True, slots=True)
class TableExportRequest:
    """An export that is asked for, checked.

    :param table_arn: the table.
    :param s3_bucket: where the export goes.
    :param s3_prefix: what the objects' keys begin with.
    :param export_time: of a full export, the time of the table's state, aware; None for that of the start.
    :param window: of an incremental export, the time of the changes.
    :param view_type: of an incremental export, which images it has; None for AWS's default.
    :param options: further parameters of AWS's call, by AWS's names; None for those that are left out.
    """

    table_arn: str
    s3_bucket: str
    s3_prefix: str | None = None
    export_time: datetime | None = None
    window: Window | None = None
    view_type: str | None = None
    options: tuple[tuple[str, str | None], ...] = ()

    @property
    def export_type(self) -> str:
        """AWS's name of the export's type."""
        return FULL if self.window is None else INCREMENTAL

    @property
    def not_before(self) -> datetime | None:
        """The time before which AWS accepts no such request, if there is one: it exports no future."""
        return self.window.end if self.window else self.export_time

    def parameters(self) -> dict[str, Any]:
        """Return the parameters of AWS's call, without the token."""
        changes = None
        if self.window:
            bounds = {"ExportFromTime": self.window.start, "ExportToTime": self.window.end}
            changes = bounds | ({"ExportViewType": self.view_type} if self.view_type else {})
        given = {
            "TableArn": self.table_arn,
            "S3Bucket": self.s3_bucket,
            "S3Prefix": self.s3_prefix,
            "ExportType": self.export_type,
            "ExportTime": self.export_time,
            "IncrementalExportSpecification": changes,
            **dict(self.options),
        }
        return {name: value for name, value in given.items() if value is not None}

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        return self.parameters()


def export_status(row: Mapping[str, Any]) -> JobStatus:
    """Read an export from a description."""
    code, code_of_failure = row["ExportStatus"], row.get("FailureCode")
    window = row.get("IncrementalExportSpecification") or {}
    failure = " ".join(filter(None, (row.get("FailureMessage"), code_of_failure and f"({code_of_failure})")))
    return JobStatus(
        job_id=row["ExportArn"],
        # A state that AWS adds one day is one in which the job has not ended.
        state=_STATES.get(code, JobState.RUNNING),
        service_state=code,
        reason=failure or None,
        started_at=row.get("StartTime"),
        details={
            "export_arn": row["ExportArn"],
            "table_arn": row.get("TableArn"),
            "export_type": row.get("ExportType"),
            "export_format": row.get("ExportFormat"),
            "export_view_type": window.get("ExportViewType"),
            "export_time": utc_text(row.get("ExportTime")),
            "export_from_time": utc_text(window.get("ExportFromTime")),
            "export_to_time": utc_text(window.get("ExportToTime")),
            "s3_bucket": row.get("S3Bucket"),
            "s3_prefix": row.get("S3Prefix"),
            "manifest": row.get("ExportManifest"),
            "item_count": row.get("ItemCount"),
            "billed_size_bytes": row.get("BilledSizeBytes"),
            "state": code,
            "started_at": utc_text(row.get("StartTime")),
            "ended_at": utc_text(row.get("EndTime")),
        },
    )
