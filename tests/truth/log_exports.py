# SPDX-License-Identifier: Apache-2.0

"""Exports of CloudWatch Logs."""

from __future__ import annotations

import json
import re
from datetime import date
from typing import Any

from .table import Call, Has, Ref, Refused, Row, Sources, call

READ = date(2026, 11, 28)
MODEL = "botocore 1.44.5, service model logs 2014-03-28, {}"
#: Tests of moto's that its authors have run against AWS (``aws_verified``).
VERIFIED = "moto tests/test_logs/test_export_tasks.py, {}"
BUCKET, GROUP = "exports", "/shop/web"
#: A second of 2026, and the last millisecond before the next one.
FIRST, LAST = 1767225600000, 1767225600999
UNKNOWN = "10f57157-fc38-4da9-a113-4de7e12d05aa"
ID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
SOURCES = Sources(MODEL, READ, VERIFIED)
documented, verified, assumed = SOURCES.documented, SOURCES.verified, SOURCES.assumed


def policy(*actions: str) -> Call:
    """Let CloudWatch Logs do this with the bucket."""
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": "logs.us-east-1.amazonaws.com"},
            "Action": action,
            "Resource": f"arn:aws:s3:::{BUCKET}" + ("/*" if action == "s3:PutObject" else ""),
        }
        for action in actions
    ]
    text = json.dumps({"Version": "2012-10-17", "Statement": statements})
    return call("s3.put_bucket_policy", Bucket=BUCKET, Policy=text)


def start(**more: Any) -> Call:
    """Start an export."""
    given = {"logGroupName": GROUP, "fromTime": FIRST, "to": LAST, "destination": BUCKET}
    return call("logs.create_export_task", **{**given, **more})


def listing(**given: Any) -> Call:
    """List exports."""
    return call("logs.describe_export_tasks", **given)


def cancel(task_id: Any = Ref("taskId")) -> Call:  # noqa: B008 # it is a value
    """Cancel an export."""
    return call("logs.cancel_export_task", taskId=task_id)


def row(code: str, **more: Any) -> Has:
    """An export in a list."""
    return Has({"taskId": ID, "status": Has({"code": code}), **more})


def invalid(message: str) -> Refused:
    """The error of a parameter."""
    return Refused("InvalidParameterException", message)


GROUPS = (call("logs.create_log_group", logGroupName=GROUP),)
READY = (
    *GROUPS,
    call("s3.create_bucket", Bucket=BUCKET),
    policy("s3:GetBucketAcl", "s3:PutObject"),
)
AT_ONCE = call("aws.set_pace", seconds=0)
DENIED = (
    "{} call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to "
    "perform this operation."
)

ROWS = [
    Row("start", (*READY, start()), {"taskId": ID}, verified("test_create_export_task_happy_path")),
    Row(
        "start to a bucket that there is not",
        (*GROUPS, start()),
        invalid("The given bucket does not exist. Please make sure the bucket is valid."),
        verified("test_create_export_task_raises_ClientError_when_bucket_not_found"),
    ),
    Row(
        "start from a log group that there is not",
        (*READY, start(logGroupName="/shop/none")),
        Refused("ResourceNotFoundException", "The specified log group does not exist."),
        verified("test_create_export_raises_ResourceNotFoundException_log_group_not_found"),
    ),
    Row(
        "an export, described",
        (*READY, start(taskName="orders"), listing(taskId=Ref("taskId"))),
        Has(
            {
                "exportTasks": [
                    {
                        "taskId": ID,
                        "taskName": "orders",
                        "logGroupName": GROUP,
                        "from": FIRST,
                        "to": LAST,
                        "destination": BUCKET,
                        "destinationPrefix": "exportedlogs",
                        "status": Has({"code": "PENDING"}),
                        "executionInfo": Has({"creationTime": int}),
                    }
                ]
            }
        ),
        verified("test_create_export_executes_export_task"),
    ),
    Row(
        "an export that has completed",
        (*READY, AT_ONCE, start(), listing()),
        Has({"exportTasks": [row("COMPLETED", executionInfo={"creationTime": int, "completionTime": int})]}),
        documented("DescribeExportTasks"),
    ),
    Row(
        "exports in a state",
        (*READY, start(), listing(statusCode="PENDING")),
        Has({"exportTasks": [row("PENDING")]}),
        documented("DescribeExportTasks"),
    ),
    Row(
        "exports in another state",
        (*READY, start(), listing(statusCode="COMPLETED")),
        Has({"exportTasks": []}),
        documented("DescribeExportTasks"),
    ),
    Row(
        "an export that there is not",
        (listing(taskId=UNKNOWN),),
        Has({"exportTasks": []}),
        documented("DescribeExportTasks"),
    ),
    Row(
        "a page of exports",
        (*READY, AT_ONCE, start(), start(), listing(limit=1)),
        Has({"exportTasks": [row("COMPLETED")], "nextToken": str}),
        documented("DescribeExportTasks"),
    ),
    Row(
        "the last page of exports",
        (*READY, AT_ONCE, start(), start(), listing(limit=1), listing(limit=1, nextToken=Ref("nextToken"))),
        Has({"exportTasks": [row("COMPLETED")]}),
        documented("DescribeExportTasks"),
    ),
    Row(
        "a page of too many exports",
        (listing(limit=51),),
        invalid(
            "1 validation error detected: Value '51' at 'limit' failed to satisfy constraint: Member must "
            "have value less than or equal to 50"
        ),
        documented("DescribeExportTasks"),
    ),
    Row(
        "start under a name that is too long",
        (*READY, start(taskName="x" * 513)),
        invalid(
            f"1 validation error detected: Value '{'x' * 513}' at 'taskName' failed to satisfy constraint: "
            "Member must have length less than or equal to 512"
        ),
        documented("CreateExportTask"),
    ),
    Row(
        "start under a name that an export has",
        (*READY, AT_ONCE, start(taskName="orders"), start(taskName="orders")),
        {"taskId": ID},
        documented("CreateExportTask"),
    ),
    Row(
        "a second export",
        (*READY, start(), start()),
        Refused("LimitExceededException", "Resource limit exceeded."),
        documented("CreateExportTask"),
    ),
    Row("cancel", (*READY, start(), cancel()), {}, documented("CancelExportTask")),
    Row(
        "an export that is being cancelled",
        (*READY, start(), cancel(), listing()),
        Has({"exportTasks": [row("PENDING_CANCEL")]}),
        documented("DescribeExportTasks"),
    ),
    Row(
        "an export that was cancelled",
        (*READY, call("aws.set_pace", reads=5), start(), cancel(), listing()),
        Has({"exportTasks": [row("CANCELLED")]}),
        documented("DescribeExportTasks"),
    ),
    Row(
        "cancel of an export that there is not",
        (cancel(UNKNOWN),),
        Refused("ResourceNotFoundException", "The specified export task does not exist."),
        verified("test_cancel_unknown_export_task"),
    ),
    Row(
        "cancel of an export that has completed",
        (*READY, AT_ONCE, start(), cancel()),
        Refused("InvalidOperationException", "The specified export task has already finished"),
        verified("test_create_export_task_happy_path"),
    ),
    Row(
        "start to a bucket without a policy",
        (*GROUPS, call("s3.create_bucket", Bucket=BUCKET), start()),
        invalid(DENIED.format("GetBucketAcl")),
        assumed("AWS says so according to those who have met it; its reference has no such message"),
    ),
    Row(
        "start to a bucket that may not be written to",
        (*GROUPS, call("s3.create_bucket", Bucket=BUCKET), policy("s3:GetBucketAcl"), start()),
        invalid(DENIED.format("PutObject")),
        assumed("as for GetBucketAcl"),
    ),
    Row(
        "start while an export is being cancelled",
        (*READY, start(), cancel(), start()),
        {"taskId": ID},
        assumed("the reference counts PENDING and RUNNING exports"),
    ),
]
