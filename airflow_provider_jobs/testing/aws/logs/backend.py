# SPDX-License-Identifier: Apache-2.0

"""CloudWatch Logs: moto's log groups, with exports that take their time and write to moto's S3.

Models https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html.

Assumptions, since AWS documents none of them: a request is checked before the quota; an export that is being
cancelled does not count against it, as AWS names PENDING and RUNNING; the newest export comes first in a
list; a stream without events in the window has no object. Unlike AWS it accepts a window from before the log
group was created, since a test cannot create one in the past.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.logs.models import LogsBackend, logs_backends
from moto.logs.responses import LogsResponse as MotoLogsResponse
from moto.s3.models import s3_backends

from airflow_provider_jobs.testing.aws.logs.bucket import WRITE_TEST, open_bucket
from airflow_provider_jobs.testing.aws.logs.exports import PREFIX, SERVICE, Export
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.lag import Row
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend, JobResponse

#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_ACTIVE = 1
MAX_PAGE = 50
_COUNTED = ("PENDING", "RUNNING")


class ExportsBackend(BaseBackend):
    """An account's exports in a Region, in the order of their start."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.exports: dict[str, Export] = {}

    @property
    def logs(self) -> LogsBackend:
        """The state in moto of the account and Region."""
        return logs_backends[self.account_id][self.region_name]

    def start(self, request: dict[str, Any]) -> Export:
        """Start an export.

        :param request: CreateExportTask's arguments, checked
        """
        s3, name = s3_backends[self.account_id][self.partition], request["destination"]
        open_bucket(s3, name, self.region_name)
        group = self.logs.groups.get(request["logGroupName"])
        if group is None:
            raise AwsError("ResourceNotFoundException", "The specified log group does not exist.")
        if sum(export.state in _COUNTED for export in self.exports.values()) >= CONTROL.quota(
            SERVICE, MAX_ACTIVE
        ):
            raise AwsError("LimitExceededException", "Resource limit exceeded.")

        def put(key: str, data: bytes) -> None:
            s3.put_object(bucket_name=name, key_name=key, value=data)

        prefix = request.get("destinationPrefix", "")
        put(
            f"{prefix}/{WRITE_TEST}" if prefix not in ("", PREFIX) else WRITE_TEST,
            b"Permission Check Successful",
        )
        export = Export(group, request, put)
        self.exports[export.id] = export
        return export

    def cancel(self, task_id: str) -> None:
        """Cancel an export that is pending or running."""
        export = self.exports.get(task_id)
        if export is None:
            raise AwsError("ResourceNotFoundException", "The specified export task does not exist.")
        if export.state not in _COUNTED:
            raise AwsError("InvalidOperationException", "The specified export task has already finished")
        export.life.stop()

    def describe(self, task_id: str) -> list[Row]:
        """Describe the export of an id, if it is shown."""
        export = self.exports.get(task_id)
        if export is None or export.described.look() is None:
            return []
        row = export.described.read()
        return [row] if row else []

    def page(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a page of the exports, of those in a state if one is asked for."""
        state, wanted = request.get("statusCode"), request.get("limit", MAX_PAGE)
        first = _position(request.get("nextToken"), len(self.exports))
        rows: list[Row] = []
        newest_first = list(self.exports.values())[::-1]
        # What was started since the first page comes before what that had.
        for position, export in list(enumerate(newest_first))[len(newest_first) - first :]:
            row = export.listed.look()
            if row is None or state not in (None, row["status"]["code"]):
                continue
            if len(rows) == wanted:
                return {"exportTasks": rows, "nextToken": str(len(newest_first) - position)}
            row = export.listed.read()
            if row and state in (None, row["status"]["code"]):
                rows.append(row)
        return {"exportTasks": rows}


STORE = BackendDict(ExportsBackend, SERVICE)


class LogsResponse(JobResponse, MotoLogsResponse):
    """moto's CloudWatch Logs, with exports."""

    internal_error = "ServiceUnavailableException"

    @property
    def exports(self) -> ExportsBackend:
        """The exports of the caller's account and Region."""
        return STORE[self.current_account][self.region]

    def create_export_task(self) -> str:
        """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html."""
        return json.dumps({"taskId": self.exports.start(self.arguments).id})

    def describe_export_tasks(self) -> str:
        """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeExportTasks.html."""
        request = self.arguments
        if task_id := request.get("taskId"):
            return json.dumps({"exportTasks": self.exports.describe(task_id)})
        return json.dumps(self.exports.page(request))

    def cancel_export_task(self) -> str:
        """https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CancelExportTask.html."""
        self.exports.cancel(self.arguments["taskId"])
        return ""


BACKEND = Backend(SERVICE, LogsResponse)


def _position(token: str | None, whole: int) -> int:
    """Return how many of the oldest exports are left to show."""
    if token is None:
        return whole
    if not (token.isdecimal() and int(token) <= whole):
        raise AwsError("InvalidParameterException", "The specified nextToken is invalid.")
    return int(token)
