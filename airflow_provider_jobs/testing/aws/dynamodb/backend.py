# SPDX-License-Identifier: Apache-2.0

"""DynamoDB: moto's tables, with exports that take their time and write to moto's S3.

Models https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html.
UpdateContinuousBackups of moto turns a table's point-in-time recovery on and off; from then on its changes
are remembered, by AWS's clock as ``AwsJobs.set_clock_skew`` sets it, also into the past.

Assumptions, since AWS documents none of them: a token is looked for before anything else is checked, its
eight hours count from the export's start; the quota is checked last; a window that is too short or too long
is refused with ``ValidationException``; the time now can be exported; ListExports shows exports in flight,
since it has their state; an item that a window's changes leave as it was has a line, with two equal images.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.common_types import TYPE_RESPONSE
from moto.core.responses import ActionResult
from moto.dynamodb.models import dynamodb_backends
from moto.dynamodb.models.table import Table
from moto.dynamodb.responses import DynamoHandler
from moto.s3.exceptions import MissingBucket
from moto.s3.models import s3_backends

from airflow_provider_jobs.testing.aws.dynamodb.exports import INCREMENTAL, SERVICE, Export, Put
from airflow_provider_jobs.testing.aws.dynamodb.history import History
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.lag import Row
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend, JobResponse

#: https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html
MAX_ACTIVE = 300
MAX_PAGE = 25
TOKEN_LIFE = timedelta(hours=8)
SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=24)
#: The operations that are ours; all others are moto's.
_EXPORTS = ("ExportTableToPointInTime", "DescribeExport", "ListExports")
#: What only reads needs no look at the tables.
_READS = ("Describe", "Get", "List", "Query", "Scan", "BatchGet", "TransactGet")


class ExportsBackend(BaseBackend):
    """An account's exports in a Region, and the histories of its tables."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.exports: dict[str, Export] = {}
        self.histories: dict[str, History] = {}

    @property
    def tables(self) -> Iterator[Table]:
        """The tables in moto of the account and Region."""
        yield from dynamodb_backends[self.account_id][self.region_name].tables.values()

    def note(self) -> None:
        """Remember what has changed in tables with point-in-time recovery."""
        now, kept = CONTROL.clock(), {}
        for table in self.tables:
            recovery = table.continuous_backups["PointInTimeRecoveryDescription"]
            if recovery["PointInTimeRecoveryStatus"] == "ENABLED":
                history = kept[table.table_arn] = self.histories.get(table.table_arn) or History(table, now)
                history.note(table, now)
                recovery["EarliestRestorableDateTime"] = _earliest(table, history, now).timestamp()
                recovery["LatestRestorableDateTime"] = now.timestamp()
        self.histories = kept

    def start(self, request: dict[str, Any]) -> Export:
        """Start an export, or return the one that the same request started.

        :param request: ExportTableToPointInTime's arguments, with times in seconds
        """
        self.note()
        now = CONTROL.clock()
        if known := self._same(request, now):
            return known
        arn = request["TableArn"]
        table = next((each for each in self.tables if each.table_arn == arn), None)
        if table is None:
            raise AwsError("TableNotFoundException", f"Table not found: {arn}")
        history = self.histories.get(arn)
        if history is None:
            message = f"Point in time recovery is not enabled for table '{table.name}'"
            raise AwsError("PointInTimeRecoveryUnavailableException", message)
        _check_times(request, _earliest(table, history, now), now)
        whole = _with_defaults(request, now)
        if sum(each.life.active for each in self.exports.values()) >= CONTROL.quota(SERVICE, MAX_ACTIVE):
            raise AwsError("LimitExceededException", "Too many concurrent exports for this account.")
        export = Export(arn, request, whole, history, self._bucket(request))
        self.exports[export.arn] = export
        return export

    def describe(self, arn: str) -> Row:
        """Describe the export of an ARN, if it is shown."""
        export = self.exports.get(arn)
        row = export.described.read() if export and export.described.look() is not None else None
        if row is None:
            raise AwsError("ExportNotFoundException", f"Export not found: {arn}")
        return row

    def page(self, request: dict[str, Any]) -> dict[str, Any]:
        """Return a page of the exports, of those of a table if one is asked for."""
        wanted, last = request.get("MaxResults", MAX_PAGE), request.get("NextToken")
        table = request.get("TableArn")
        rows: list[Row] = []
        arn = None
        for each in sorted(self.exports, reverse=True):
            if (last is not None and each >= last) or (table and not each.startswith(f"{table}/export/")):
                continue
            export = self.exports[each]
            if export.listed.look() is None:
                continue
            if len(rows) == wanted:
                return {"ExportSummaries": rows, "NextToken": arn}
            arn, row = each, export.listed.read()
            if row is not None:
                rows.append(row)
        return {"ExportSummaries": rows}

    def _same(self, request: dict[str, Any], now: datetime) -> Export | None:
        token = request.get("ClientToken")
        for export in self.exports.values():
            if (
                token
                and export.asked.get("ClientToken") == token
                and now - export.life.started_at < TOKEN_LIFE
            ):
                if export.asked != request:
                    message = "There is a conflict: the client token was used with other parameters."
                    raise AwsError("ExportConflictException", message)
                return export
        return None

    def _bucket(self, request: Mapping[str, Any]) -> Put | None:
        s3, name = (
            s3_backends[request.get("S3BucketOwner", self.account_id)][self.partition],
            request["S3Bucket"],
        )
        try:
            s3.get_bucket(name)
        except MissingBucket:
            return None
        return lambda key, data: s3.put_object(bucket_name=name, key_name=key, value=data)


STORE = BackendDict(ExportsBackend, SERVICE)


class DynamoResponse(JobResponse, DynamoHandler):
    """moto's DynamoDB, with exports."""

    internal_error = "InternalServerError"

    @property
    def exports(self) -> ExportsBackend:
        """The exports of the caller's account and Region."""
        return STORE[self.current_account][self.region]

    @property
    def arguments(self) -> dict[str, Any]:
        """The call's arguments, as moto has parsed them, with times in seconds."""
        arguments: dict[str, Any] = _in_seconds(self.body)
        return arguments

    def checks(self, operation: str) -> bool:
        """Tell whether it is an operation of exports: moto checks its own, with messages of its own."""
        return operation in _EXPORTS

    def _answer(self, operation: str) -> TYPE_RESPONSE:
        answer = super()._answer(operation)
        if not operation.startswith(_READS):
            self.exports.note()
        return answer

    def update_continuous_backups(self) -> ActionResult:
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_UpdateContinuousBackups.html."""
        answer = super().update_continuous_backups()
        self.exports.note()  # before it is written: the times in it are AWS's
        return answer

    def export_table_to_point_in_time(self) -> str:  # type: ignore[override]
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ExportTableToPointInTime.html."""
        return json.dumps({"ExportDescription": self.exports.start(self.arguments).row()})

    def describe_export(self) -> str:  # type: ignore[override]
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_DescribeExport.html."""
        return json.dumps({"ExportDescription": self.exports.describe(self.arguments["ExportArn"])})

    def list_exports(self) -> str:  # type: ignore[override]
        """https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_ListExports.html."""
        return json.dumps(self.exports.page(self.arguments))


BACKEND = Backend(SERVICE, DynamoResponse, host=r"\d{12}\.ddb")


def _in_seconds(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {name: _in_seconds(each) for name, each in value.items() if each is not None}
    return int(value.timestamp()) if isinstance(value, datetime) else value


def _earliest(table: Table, history: History, now: datetime) -> datetime:
    """Return the earliest time that can be restored."""
    days = table.continuous_backups["PointInTimeRecoveryDescription"]["RecoveryPeriodInDays"]
    return max(history.since, now - timedelta(days=days))


def _check_times(request: Mapping[str, Any], earliest: datetime, now: datetime) -> None:
    """Refuse times that are not in the past, or before point-in-time recovery."""
    changes = request.get("IncrementalExportSpecification", {})
    if (request.get("ExportType") == INCREMENTAL) != ("ExportFromTime" in changes):
        raise _invalid("An export of type INCREMENTAL_EXPORT, and no other, has a time to export from.")
    if changes:
        end = changes.get("ExportToTime", now.timestamp())
        if not SHORTEST <= timedelta(seconds=int(end) - changes["ExportFromTime"]) <= LONGEST:
            raise _invalid("The period of an incremental export is from 15 minutes to 24 hours.")
    given = (request.get("ExportTime"), changes.get("ExportFromTime"), changes.get("ExportToTime"))
    if any(not int(earliest.timestamp()) <= time <= now.timestamp() for time in given if time is not None):
        raise AwsError("InvalidExportTimeException", "Export Time is invalid")


def _with_defaults(request: dict[str, Any], now: datetime) -> dict[str, Any]:
    """Fill in what AWS takes for what is left out."""
    if request.get("ExportFormat") == "ION" or "FilterSpecification" in request:
        raise NotImplementedError("It exports whole items in DynamoDB JSON.")
    whole = {"ExportType": "FULL_EXPORT", "ExportFormat": "DYNAMODB_JSON", **request}
    if "IncrementalExportSpecification" not in request:
        return {"ExportTime": now.timestamp(), **whole}
    changes = {"ExportToTime": int(now.timestamp()), "ExportViewType": "NEW_AND_OLD_IMAGES"}
    return {
        **whole,
        "IncrementalExportSpecification": {**changes, **request["IncrementalExportSpecification"]},
    }


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
