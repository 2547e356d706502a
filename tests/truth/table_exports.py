# SPDX-License-Identifier: Apache-2.0

"""Exports of DynamoDB tables."""

from __future__ import annotations

import re
import time
from datetime import date
from typing import Any

from .table import Call, Has, Ref, Refused, Row, Source, Sources, call

READ = date(2026, 11, 28)
MODEL = "botocore 1.44.5, service model dynamodb 2012-08-10, {}"
GUIDE = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport_Requesting.html"
#: Tests that ScyllaDB's authors have run against AWS.
VERIFIED = "ScyllaDB test/alternator/test_export.py, {}"
BUCKET, TABLE = "exports", "orders"
ARN = f"arn:aws:dynamodb:us-east-1:123456789012:table/{TABLE}"
EXPORT = re.compile(re.escape(f"{ARN}/export/") + r"\d{14}-[0-9a-f]{8}")
UNKNOWN = f"{ARN}/export/01767225600000-0123abcd"
#: In seconds, rounded: exports have times of the past.
NOW = int(time.time())
HOUR = 3600
WINDOW = {"ExportFromTime": NOW - 3 * HOUR, "ExportToTime": NOW - 2 * HOUR}
SOURCES = Sources(MODEL, READ, VERIFIED)
documented, verified, assumed = SOURCES.documented, SOURCES.verified, SOURCES.assumed


def start(**more: Any) -> Call:
    """Start an export."""
    return call("dynamodb.export_table_to_point_in_time", **{"TableArn": ARN, "S3Bucket": BUCKET, **more})


def changes(**more: Any) -> Call:
    """Start an export of changes."""
    return start(ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification={**WINDOW, **more})


def describe(export_arn: Any = Ref("ExportDescription.ExportArn")) -> Call:  # noqa: B008 # it is a value
    """Describe an export."""
    return call("dynamodb.describe_export", ExportArn=export_arn)


def listing(**given: Any) -> Call:
    """List exports."""
    return call("dynamodb.list_exports", **given)


def export(**members: Any) -> Has:
    """An answer that describes an export."""
    return Has({"ExportDescription": Has({"ExportArn": EXPORT, **members})})


TABLES = (
    call(
        "dynamodb.create_table",
        TableName=TABLE,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    ),
    call("s3.create_bucket", Bucket=BUCKET),
)
READY = (
    call("aws.set_clock_skew", seconds=-4 * HOUR),
    *TABLES,
    call(
        "dynamodb.update_continuous_backups",
        TableName=TABLE,
        PointInTimeRecoverySpecification={"PointInTimeRecoveryEnabled": True},
    ),
    call("aws.set_clock_skew", seconds=0),
)
AT_ONCE = call("aws.set_pace", seconds=0)

ROWS = [
    Row(
        "start",
        (*READY, start(S3Prefix="exports/test", ExportFormat="DYNAMODB_JSON", ClientToken="token")),
        export(
            ExportStatus="IN_PROGRESS",
            S3Bucket=BUCKET,
            S3Prefix="exports/test",
            ExportFormat="DYNAMODB_JSON",
            ClientToken="token",
            TableArn=ARN,
        ),
        verified("test_export_table_basic"),
    ),
    Row(
        "start in a format that there is not",
        (*READY, start(ExportFormat="QWERTY")),
        Refused(
            "ValidationException",
            "1 validation error detected: Value 'QWERTY' at 'exportFormat' failed to satisfy constraint: "
            "Member must satisfy enum value set: [ION, DYNAMODB_JSON]",
        ),
        verified("test_export_table_empty_format"),
    ),
    Row(
        "start of a type that there is not",
        (*READY, start(ExportType="QWERTY")),
        Refused("ValidationException", re.compile(r".*'exportType' failed .* set: \[.*\]")),
        verified("test_export_table_export_type_unsupported"),
    ),
    Row(
        "start without a bucket",
        (*READY, start(S3Bucket="")),
        Refused(
            "ValidationException", re.compile(r".*'s3Bucket' failed to satisfy constraint: .* pattern: \S+")
        ),
        verified("test_export_table_missing_s3_bucket"),
    ),
    Row(
        "start of a time before point-in-time recovery",
        (*READY, start(ExportTime=NOW - 7 * 24 * HOUR)),
        Refused("InvalidExportTimeException", "Export Time is invalid"),
        verified("test_export_table_invalid_export_time"),
    ),
    Row(
        "start to a bucket that there is not",
        (*READY, AT_ONCE, start(S3Bucket="nowhere"), describe()),
        export(
            ExportStatus="FAILED",
            FailureCode="S3NoSuchBucket",
            FailureMessage=re.compile(".*bucket does not exist.*"),
        ),
        verified("test_export_table_nonexistant_s3_bucket"),
    ),
    Row(
        "start without point-in-time recovery",
        (*TABLES, start()),
        Refused(
            "PointInTimeRecoveryUnavailableException",
            f"Point in time recovery is not enabled for table '{TABLE}'",
        ),
        Source(GUIDE, READ),
    ),
    Row(
        "start from a table that there is not",
        (*READY, start(TableArn=f"{ARN}-2")),
        Refused("TableNotFoundException"),
        documented("ExportTableToPointInTime"),
    ),
    Row(
        "start without a type",
        (*READY, start()),
        export(ExportType="FULL_EXPORT"),
        documented("ExportTableToPointInTime"),
    ),
    Row(
        "start again with the same token",
        (*READY, start(ClientToken="token"), start(ClientToken="token")),
        Has({"ExportDescription": Has({"ExportArn": Ref("ExportDescription.ExportArn")})}),
        documented("ExportTableToPointInTime"),
    ),
    Row(
        "start again with the same token and another prefix",
        (*READY, start(ClientToken="token"), start(ClientToken="token", S3Prefix="other")),
        Refused("ExportConflictException"),
        documented("ExportTableToPointInTime"),
    ),
    Row(
        "one export too many",
        (*READY, call("aws.set_quota", service="dynamodb", limit=1), start(), start()),
        Refused("LimitExceededException"),
        documented("ExportTableToPointInTime"),
    ),
    Row(
        "start of changes",
        (*READY, changes()),
        export(
            ExportType="INCREMENTAL_EXPORT",
            IncrementalExportSpecification=Has({"ExportViewType": "NEW_AND_OLD_IMAGES"}),
        ),
        documented("IncrementalExportSpecification"),
    ),
    Row(
        "start of changes of ten minutes",
        (*READY, changes(ExportToTime=WINDOW["ExportFromTime"] + 600)),
        Refused("ValidationException"),
        assumed("the guide has the limits; no answer to others is published"),
    ),
    Row(
        "an export that has ended",
        (*READY, AT_ONCE, start(), describe()),
        export(
            ExportStatus="COMPLETED",
            ExportManifest=re.compile(r"AWSDynamoDB/\d{14}-[0-9a-f]{8}/manifest-summary\.json"),
            ItemCount=0,
            BilledSizeBytes=0,
        ),
        documented("ExportDescription"),
    ),
    Row(
        "an export that there is not, described",
        (*READY, describe(UNKNOWN)),
        Refused("ExportNotFoundException"),
        documented("DescribeExport"),
    ),
    Row(
        "a list",
        (*READY, AT_ONCE, start(), listing(TableArn=ARN)),
        {
            "ExportSummaries": [
                {"ExportArn": EXPORT, "ExportStatus": "COMPLETED", "ExportType": "FULL_EXPORT"}
            ]
        },
        documented("ListExports"),
    ),
    Row(
        "a list of another table's",
        (*READY, start(), listing(TableArn=f"{ARN}-2")),
        {"ExportSummaries": []},
        documented("ListExports"),
    ),
    Row(
        "a page of a list",
        (*READY, AT_ONCE, start(), start(), listing(MaxResults=1)),
        {"ExportSummaries": [dict], "NextToken": str},
        documented("ListExports"),
    ),
    Row(
        "a page that is too long",
        (*READY, listing(MaxResults=26)),
        Refused("ValidationException"),
        documented("ListExports"),
    ),
    Row(
        "a list while an export runs",
        (*READY, start(), listing()),
        {"ExportSummaries": [Has({"ExportStatus": "IN_PROGRESS"})]},
        assumed('the reference says "completed exports", and has a state for others'),
    ),
]
