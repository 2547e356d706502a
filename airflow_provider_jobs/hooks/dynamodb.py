# SPDX-License-Identifier: Apache-2.0

"""Exports of DynamoDB tables."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, ClassVar

from airflow_provider_jobs._dynamodb.export import TableExportRequest, export_status, requested_at
from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.evidence import Marking, SeenJob
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs._once.mark import Mark
from airflow_provider_jobs.exceptions import JobError, JobNotFoundError, JobQuotaError, JobUnavailableError
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobStatus

__all__ = ["DynamoDBExportHook", "TableExportRequest"]

_START = "export_table_to_point_in_time"
_RUNNING = "IN_PROGRESS"
_PAGE = 25
#: AWS names no limit of a token.
_TOKEN_LIMIT = 64
#: How far the time in an id may be from that of AWS's answers.
_APART = timedelta(seconds=5)


class DynamoDBExportHook(JobHook):
    """Starts and watches exports of tables to S3, full or of a window's changes.

    https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html

    Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    service = "dynamodb"
    label = "Amazon DynamoDB"
    noun = "export"
    marking = Marking.TOKEN
    stoppable = False
    quota: ClassVar[int | None] = 300
    quota_codes: ClassVar[frozenset[str]] = frozenset({"LimitExceededException"})
    not_found_codes: ClassVar[frozenset[str]] = frozenset(
        {"ExportNotFoundException", "ResourceNotFoundException", "TableNotFoundException"}
    )
    input_codes: ClassVar[frozenset[str]] = frozenset(
        {"InvalidExportTimeException", "PointInTimeRecoveryUnavailableException", "ValidationException"}
    )
    advice: ClassVar[Mapping[str, str]] = {
        "PointInTimeRecoveryUnavailable": "An export needs point-in-time recovery: turn it on for the table "
        "(UpdateContinuousBackups). It reaches back to that moment only.",
        "InvalidExportTime": "The time is not within the table's point-in-time recovery: "
        "DescribeContinuousBackups tells its earliest and latest time.",
        "ExportConflict": "AWS has a conflict at the bucket, or knows the client token from another request.",
        "TableNotFound": "Check table_arn, the Region and the account of the connection.",
        "ExportNotFound": "Check export_arn, the Region and the account; AWS lists exports for 90 days.",
    }

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make one API call; see :meth:`ServiceCalls.call`.

        :raises JobUnavailableError: if a call other than a start is one too many for AWS.
        """
        try:
            return super().call(operation, **parameters)
        except JobQuotaError as error:
            if operation == _START:
                raise
            raise JobUnavailableError(str(error), "LimitExceededException", concerns_all=True) from error

    def export_table(self, request: TableExportRequest, client_token: str) -> dict[str, Any]:
        """Start an export; AWS answers a repeated call with the same export, for 8 hours.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html

        :return: the export's description, as :meth:`describe_export`.
        :raises JobQuotaError: if the account has no room for another export.
        :raises JobNotFoundError: if there is no such table.
        :raises JobInputError: if the table has no point-in-time recovery, or not of that time.
        :raises JobApiError: for any other refusal.
        """
        answer = self.call(_START, ClientToken=client_token, **request.parameters())
        return self._description(answer, _START)

    def describe_export(self, export_arn: str) -> dict[str, Any]:
        """Return an export's description.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeExport.html

        :return: among others ``ExportStatus``, ``ClientToken`` and ``StartTime``, an aware datetime.
        :raises JobNotFoundError: if there is no such export.
        """
        return self._description(self.call("describe_export", ExportArn=export_arn), "describe_export")

    def list_exports(self, table_arn: str | None = None, most: int | None = None) -> list[dict[str, Any]]:
        """List the exports of the last 90 days, 25 in a call.

        https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListExports.html

        :param table_arn: only this table's; without it, those of the account and Region.
        :param most: only so many, which are those with the highest ARNs; all when None.
        :return: of each its ``ExportArn``, ``ExportStatus`` and ``ExportType``.
        """
        size = min(most or _PAGE, _PAGE)
        rows = self.pages("list_exports", "ExportSummaries", TableArn=table_arn, MaxResults=size)
        return [self.whole(row, ("ExportArn", "ExportStatus"), "list_exports") for row in islice(rows, most)]

    def job_name(self, identity: Identity, attempt: Attempt, request: TableExportRequest) -> str:
        """Return the client token, which carries the mark."""
        return attempt.token(identity, _TOKEN_LIMIT)

    def scope(self, request: TableExportRequest) -> str:
        """Return the table, in whose list a late retry looks for its export; AWS limits no exports of it."""
        return request.table_arn

    def earlier_request(self, request: TableExportRequest, attempt: Attempt) -> TableExportRequest:
        """Return the request for the attempt's table."""
        return replace(request, table_arn=attempt.scope)

    def see_jobs(self, identity: Identity, log: AttemptLog, request: TableExportRequest) -> list[SeenJob]:
        """Describe the exports in the log; in doubt also those of the table that could be the task's.

        AWS forgets a token after 8 hours, and its list shows none: so a late retry finds an export.
        """
        known = dict.fromkeys(attempt.job_id for attempt in log.attempts if attempt.job_id)
        unknown = [attempt for attempt in log.attempts if not attempt.job_id]
        doubt = unknown or not log.whole
        since = _since(unknown, request) if log.whole else request.not_before
        for table_arn in sorted({request.table_arn, *(each.scope for each in unknown)}):
            with suppress(JobNotFoundError):
                # Without a doubt, for AWS's time alone: what a start leaves behind is not from before it.
                rows = self.list_exports(table_arn, most=None if doubt else 1)
                mine = [row["ExportArn"] for row in rows if doubt and _candidate(row, request, since)]
                known |= dict.fromkeys(mine)
        # A token leaves out what the log has of its attempt.
        noted = {self.job_name(identity, each, request): each.mark(identity) for each in log.attempts}
        seen = []
        for export_arn in known:
            with suppress(JobNotFoundError):
                row = self.describe_export(export_arn)
                token = row.get("ClientToken") or ""
                mark = noted.get(token) or Mark.of_name(token, identity, _TOKEN_LIMIT)
                if mark or log.of_job(export_arn):
                    seen.append(_seen(row, mark))
        return seen

    def start_job(self, identity: Identity, attempt: Attempt, request: TableExportRequest) -> JobStatus:
        """Start the export under the attempt's token."""
        return export_status(self.export_table(request, self.job_name(identity, attempt, request)))

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Describe them one by one: AWS lists no exports by their state."""
        return self.describe_each(job_ids, {}, lambda job_id: export_status(self.describe_export(job_id)))

    def stop_job(self, job_id: str) -> bool:
        """Refuse: AWS has no call that stops an export.

        :raises JobError: always, unless the export has ended or is not known.
        """
        if self.is_over(job_id):
            return False
        raise JobError(
            f"{self.label} has no call to stop an export. {job_id} goes on to its end, and what it writes "
            "will be in the bucket."
        )

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """List the exports in flight in the account and Region."""
        rows = self.list_exports()
        return dict.fromkeys((row["ExportArn"] for row in rows if row["ExportStatus"] == _RUNNING), "")

    def _description(self, answer: Mapping[str, Any], operation: str) -> dict[str, Any]:
        row: dict[str, Any] = self.member(answer, "ExportDescription", operation)
        return self.whole(row, ("ExportArn", "ExportStatus"), operation)


def _since(unknown: Collection[Attempt], request: TableExportRequest) -> datetime | None:
    """Return since when attempts without an answer may have started an export; None if that is unknown."""
    times = [attempt.since for attempt in unknown if attempt.since]
    return min(times) if times and len(times) == len(unknown) else request.not_before


def _candidate(row: Mapping[str, Any], request: TableExportRequest, since: datetime | None) -> bool:
    """Whether an export in a list could be the task's: all in flight; of others, what the request allows."""
    if row["ExportStatus"] == _RUNNING:
        return True
    at = requested_at(row["ExportArn"])
    return row.get("ExportType") in (None, request.export_type) and not (at and since and at < since - _APART)


def _seen(row: Mapping[str, Any], mark: Mark | None) -> SeenJob:
    status, ended = export_status(row), row.get("EndTime")
    ran = (ended - status.started_at).total_seconds() if ended and status.started_at else 0.0
    return SeenJob(status.job_id, status.state, status.started_at, mark, ran=ran)
