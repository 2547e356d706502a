# SPDX-License-Identifier: Apache-2.0

"""Exports of CloudWatch Logs."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from airflow_provider_jobs._logs.export import ExportRequest, export_status
from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.evidence import Marking, SeenJob
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs._once.mark import Mark, name_prefix
from airflow_provider_jobs.exceptions import JobApiError, JobNotFoundError
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobStatus

__all__ = ["CloudWatchLogsExportHook", "ExportRequest"]

# In the order in which an export passes through them: one that moves on between two calls is seen once.
_IN_FLIGHT = ("PENDING", "RUNNING", "PENDING_CANCEL")
_NAME_LIMIT = 512
_POLICY = (
    "The bucket's policy must allow the service logs.REGION.amazonaws.com s3:GetBucketAcl on the bucket and "
    "s3:PutObject on its objects; the guide of this operator has such a policy."
)


class CloudWatchLogsExportHook(JobHook):
    """Starts, watches and cancels exports of log groups to S3.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html

    Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    service = "logs"
    label = "Amazon CloudWatch Logs"
    noun = "export"
    marking = Marking.LABEL
    quota: ClassVar[int | None] = 1
    # Starts that meet are in conflict before one of them is over the quota.
    quota_codes: ClassVar[frozenset[str]] = frozenset({"LimitExceededException", "OperationAbortedException"})
    input_codes: ClassVar[frozenset[str]] = frozenset({"InvalidParameterException"})
    # Names need not be unique: AWS would start another one.
    unrepeatable: ClassVar[frozenset[str]] = frozenset({"create_export_task"})
    page_token = "nextToken"
    advice: ClassVar[Mapping[str, str]] = {
        "LimitExceeded": "AWS runs one export at a time in an account and Region.",
        "GetBucketAcl": _POLICY,
        "PutObject": _POLICY,
        "granted permission": _POLICY,
        "bucket": "The bucket has to be in the Region of the log group; destination is its name, without s3://.",
        "log group": "Check log_group_name, the Region and the account of the connection.",
    }

    def create_export(self, request: ExportRequest, task_name: str) -> str:
        """Start an export; one runs at a time in an account and Region.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CreateExportTask.html

        The call is made once: were it repeated after a lost answer, AWS might start another one.

        :param task_name: 1 to 512 characters, which need not be unique.
        :return: the export's id.
        :raises JobQuotaError: if another export is active.
        :raises JobNotFoundError: if there is no such log group.
        :raises JobInputError: if AWS finds the parameters invalid, or may not write to the bucket.
        :raises JobApiError: for any other refusal.
        """
        row = request.row("", task_name)
        answer = self.call(
            "create_export_task",
            **{
                name: row[name]
                for name in ("taskName", "logGroupName", "to", "destination", "destinationPrefix")
            },
            fromTime=row["from"],
            logStreamNamePrefix=request.log_stream_name_prefix,
        )
        return str(self.member(answer, "taskId", "create_export_task"))

    def describe_export(self, task_id: str) -> dict[str, Any]:
        """Return an export's description.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeExportTasks.html

        :return: among others ``taskName``, ``status`` and, in milliseconds, ``executionInfo``.
        :raises JobNotFoundError: if there is no such export.
        """
        answer = self.call("describe_export_tasks", taskId=task_id)
        rows: list[dict[str, Any]] = self.member(answer, "exportTasks", "describe_export_tasks")
        if not rows:
            raise JobNotFoundError(
                f"CloudWatch Logs knows no export {task_id}. Check the id, the Region and the account."
            )
        return self._whole(rows[0])

    def list_exports(self, state: str | None = None) -> list[dict[str, Any]]:
        """List the exports of the account and Region, all pages of them.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeExportTasks.html

        :param state: only those in this state; without it a call for each 50 that AWS has ever run.
        """
        rows = self.pages("describe_export_tasks", "exportTasks", statusCode=state, limit=50)
        return [self._whole(row) for row in rows]

    def cancel_export(self, task_id: str) -> None:
        """Cancel an export; objects that were written stay in the bucket.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_CancelExportTask.html

        :raises JobApiError: with code ``InvalidOperationException`` if it is neither pending nor running.
        :raises JobNotFoundError: if there is no such export.
        """
        self.call("cancel_export_task", taskId=task_id)

    def job_name(self, identity: Identity, attempt: Attempt, request: ExportRequest) -> str:
        """Return the name that the export gets, which carries the mark."""
        return attempt.mark(identity).name(identity, _NAME_LIMIT)

    def see_jobs(self, identity: Identity, log: AttemptLog, request: ExportRequest) -> list[SeenJob]:
        """Find the task's exports by their names, among those in flight; describe those in the log.

        One that has ended, and is not in the log, is looked for only where an answer or the log was lost: AWS
        filters by no name, and an account may have had many thousands.
        """
        doubt = not (log.whole and all(attempt.job_id for attempt in log.attempts))
        rows = self.list_exports() if doubt else self._in_flight()
        prefix = name_prefix(identity, _NAME_LIMIT)
        found = {row["taskId"]: row for row in rows if (row.get("taskName") or "").startswith(prefix)}
        for attempt in log.attempts:
            if attempt.job_id and attempt.job_id not in found:
                # It has ended, or a list lags behind.
                with suppress(JobNotFoundError):
                    found[attempt.job_id] = self.describe_export(attempt.job_id)
        return [_seen(row, identity) for row in found.values()]

    def start_job(self, identity: Identity, attempt: Attempt, request: ExportRequest) -> JobStatus:
        """Start the export under the attempt's name."""
        name = self.job_name(identity, attempt, request)
        return export_status(request.row(self.create_export(request, name), name))

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Describe them one by one: only one of them has not ended."""
        return self.describe_each(job_ids, {}, lambda job_id: export_status(self.describe_export(job_id)))

    def stop_job(self, job_id: str) -> bool:
        """Cancel the export, unless it has ended or never was."""
        try:
            self.cancel_export(job_id)
        except JobNotFoundError:
            return False
        except JobApiError as error:
            if error.code == "InvalidOperationException":
                return False
            raise
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """List the exports in flight in the account and Region."""
        return dict.fromkeys((row["taskId"] for row in self._in_flight()), "")

    def _in_flight(self) -> list[dict[str, Any]]:
        return [row for state in _IN_FLIGHT for row in self.list_exports(state)]

    def _whole(self, row: dict[str, Any]) -> dict[str, Any]:
        operation = "describe_export_tasks"
        self.member(self.whole(row, ("taskId", "status"), operation)["status"], "code", operation)
        return row


def _seen(row: Mapping[str, Any], identity: Identity) -> SeenJob:
    status, info = export_status(row), row.get("executionInfo") or {}
    ran = (
        (info["completionTime"] - info["creationTime"]) / 1000
        if status.state.ended and len(info) == 2
        else 0.0
    )
    mark = Mark.of_name(row.get("taskName") or "", identity, _NAME_LIMIT)
    return SeenJob(status.job_id, status.state, status.started_at, mark, claimed=mark is None, ran=ran)
