# SPDX-License-Identifier: Apache-2.0

"""Exports as data: a request, and what AWS tells of an export."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_jobs._buckets import BUCKET, PREFIX
from airflow_provider_jobs.job import JobState, JobStatus, utc_text
from airflow_provider_jobs.parameters import handed, matching
from airflow_provider_jobs.windows import milliseconds, moment

__all__ = ["ExportRequest", "checked_export", "checked_task_id", "export_status"]

_STATES = {
    "PENDING": JobState.RUNNING,
    "RUNNING": JobState.RUNNING,
    "PENDING_CANCEL": JobState.STOPPING,
    "COMPLETED": JobState.SUCCEEDED,
    "CANCELLED": JobState.CANCELLED,
    "FAILED": JobState.FAILED,
}
#: Parameters of an export: what the text matches, and what that means. Of the 1,024 bytes of a key AWS needs
#: some behind the prefix: for the id, the stream and the file.
_PATTERNS: Mapping[str, tuple[str, str]] = {
    "log_group_name": (r"[.\-_/#A-Za-z0-9]{1,512}", "a log group's name: 1 to 512 letters, digits and .-_/#"),
    "log_stream_name_prefix": (r"[^:*\x00-\x1f\x7f]{1,512}", "1 to 512 characters other than : and *"),
    "destination": BUCKET,
    "destination_prefix": PREFIX,
}
#: What AWS gives an export for its id, and nothing that would mean anything elsewhere.
_TASK_ID = r"[A-Za-z0-9-]{1,512}"


def checked_export(value: Any, parameter: str) -> str:
    """Return a parameter of an export that is a text.

    :raises JobInputError: if AWS does not take it.
    """
    return matching(value, parameter, *_PATTERNS[parameter])


def checked_task_id(given: Any, parameter: str = "export_task_id") -> str:
    """Return the id of an export.

    :param given: the id, or the result of the task that started the export.
    :raises JobInputError: if it can be none.
    """
    meaning = "the id that the start has returned; the start operator's result has it under 'export_task_id'"
    return matching(handed(given, parameter), parameter, _TASK_ID, meaning)


@dataclass(frozen=True, slots=True)
class ExportRequest:
    """An export that is asked for, checked.

    :param log_group_name: the log group.
    :param start: the first event's time, inclusive, aware.
    :param end: the time to stop before, aware.
    :param destination: the bucket.
    :param destination_prefix: what the objects' keys begin with; empty for one that tells group and window.
    :param log_stream_name_prefix: what the streams' names begin with; None for all of the group.
    """

    log_group_name: str
    start: datetime
    end: datetime
    destination: str
    destination_prefix: str = ""
    log_stream_name_prefix: str | None = None

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        return {
            "group": self.log_group_name,
            "start": self.start,
            "end": self.end,
            "bucket": self.destination,
            "prefix": self.prefix,
            "streams": self.log_stream_name_prefix,
        }

    def asked(self) -> dict[str, Any]:
        """Return what a result tells of the request: AWS does not tell it."""
        return {"log_stream_name_prefix": self.log_stream_name_prefix}

    @property
    def prefix(self) -> str:
        """What the objects' keys begin with."""
        first, last = (f"{bound:%Y%m%dT%H%M%SZ}" for bound in (self.start, self.end))
        return self.destination_prefix or f"exportedlogs/{self.log_group_name.strip('/')}/{first}-{last}"

    def row(self, task_id: str, task_name: str) -> dict[str, Any]:
        """Return the export as AWS will describe it, since the answer to its start has the id only."""
        return {
            "taskId": task_id,
            "taskName": task_name,
            "logGroupName": self.log_group_name,
            "from": milliseconds(self.start),
            # AWS exports the events of this millisecond too: those of the window's end belong to the next.
            "to": milliseconds(self.end) - 1,
            "destination": self.destination,
            "destinationPrefix": self.prefix,
            "status": {"code": "PENDING"},
        }


def export_status(row: Mapping[str, Any]) -> JobStatus:
    """Read an export from a description."""
    code, info = row["status"]["code"], row.get("executionInfo") or {}
    # A state that AWS adds one day is one in which the job has not ended.
    state = _STATES.get(code, JobState.RUNNING)
    last, created = row.get("to"), moment(info.get("creationTime"))
    folder = f"s3://{row.get('destination')}/{row.get('destinationPrefix')}/{row['taskId']}/"
    return JobStatus(
        job_id=row["taskId"],
        state=state,
        service_state=code,
        # Of others it only says the state in words.
        reason=row["status"].get("message") if state in (JobState.FAILED, JobState.CANCELLED) else None,
        started_at=created,
        details={
            "export_task_id": row["taskId"],
            "task_name": row.get("taskName"),
            "log_group_name": row.get("logGroupName"),
            "start_time": utc_text(moment(row.get("from"))),
            "end_time": utc_text(moment(None if last is None else last + 1)),
            "destination": row.get("destination"),
            "destination_prefix": row.get("destinationPrefix"),
            "s3_folder": folder,
            "state": code,
            "created_at": utc_text(created),
            "completed_at": utc_text(moment(info.get("completionTime"))),
        },
    )
