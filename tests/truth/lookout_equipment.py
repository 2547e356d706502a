# SPDX-License-Identifier: Apache-2.0

"""Lookout for Equipment: what AWS's reference and botocore's model say; no recordings are public."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from .table import Call, Has, Ref, Refused, Row, Source, call

READ = date(2026, 11, 26)
MODEL = Source("botocore 1.44.5, service model lookoutequipment 2020-12-15", READ)


def described(operation: str) -> Source:
    """The model's documentation of an operation, its members and its errors."""
    return Source(f"{MODEL.where}, {operation}", READ)


LIMITS = Source(
    "https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/guidelines-and-limits.html", READ
)
BUCKET = call("s3.create_bucket", Bucket="plant-data")


def create(name: str = "pumps", **more: Any) -> Call:
    """Create a dataset."""
    return call("lookoutequipment.create_dataset", **{"DatasetName": name, "ClientToken": name, **more})


def start(
    name: str = "pumps", token: str = "one", *, source: dict[str, Any] | None = None, **more: Any
) -> Call:
    """Start an ingestion."""
    given = {"Bucket": "plant-data", "Prefix": "data/", "KeyPattern": "{prefix}/{component_name}/*"}
    request = {
        "DatasetName": name,
        "RoleArn": "arn:aws:iam::123456789012:role/ingest",
        "ClientToken": token,
        "IngestionInputConfiguration": {"S3InputConfiguration": {**given, **(source or {})}},
        **more,
    }
    return call("lookoutequipment.start_data_ingestion_job", **request)


def without(given: Call, *names: str) -> Call:
    """A call without some of its arguments."""
    return Call(given.name, {key: value for key, value in given.arguments.items() if key not in names})


def jobs(**filters: Any) -> Call:
    """List ingestions."""
    return call("lookoutequipment.list_data_ingestion_jobs", **filters)


INVALID = Refused("ValidationException")
NOT_FOUND = Refused("ResourceNotFoundException")
CONFLICT = Refused("ConflictException")
JOB = Ref("JobId")
JOB_ID = re.compile("[A-Fa-f0-9]{1,32}")
ARN = re.compile(r"arn:aws(-[^:]+)?:lookoutequipment:us-east-1:123456789012:dataset/pumps/[0-9a-f-]{36}")
DESCRIBE = call("lookoutequipment.describe_data_ingestion_job", JobId=JOB)
SOURCE = start().arguments["IngestionInputConfiguration"]

ROWS = [
    Row(
        "create a dataset",
        (create(),),
        {"DatasetName": "pumps", "DatasetArn": ARN, "Status": "CREATED"},
        described("CreateDataset"),
    ),
    Row(
        "start",
        (BUCKET, create(), start()),
        {"JobId": JOB_ID, "Status": "IN_PROGRESS"},
        described("StartDataIngestionJob"),
    ),
    Row("start into an unknown dataset", (BUCKET, start("gone")), NOT_FOUND, MODEL),
    Row(
        "describe an unknown dataset",
        (call("lookoutequipment.describe_dataset", DatasetName="gone"),),
        NOT_FOUND,
        MODEL,
    ),
    Row(
        "delete an unknown dataset",
        (call("lookoutequipment.delete_dataset", DatasetName="gone"),),
        NOT_FOUND,
        MODEL,
    ),
    Row(
        "delete a dataset that is being filled",
        (BUCKET, create(), start(), call("lookoutequipment.delete_dataset", DatasetName="pumps")),
        CONFLICT,
        described("DeleteDataset"),
    ),
    Row(
        "describe an unknown job",
        (call("lookoutequipment.describe_data_ingestion_job", JobId="ab"),),
        NOT_FOUND,
        MODEL,
    ),
    Row(
        "describe one that runs",
        (BUCKET, create(), start(), DESCRIBE),
        Has(
            {
                "JobId": JOB_ID,
                "DatasetArn": ARN,
                "IngestionInputConfiguration": SOURCE,
                "RoleArn": "arn:aws:iam::123456789012:role/ingest",
                "CreatedAt": datetime,
                "Status": "IN_PROGRESS",
            }
        ),
        described("DescribeDataIngestionJob"),
    ),
    Row(
        "list one that runs",
        (BUCKET, create(), start(), jobs(DatasetName="pumps", Status="IN_PROGRESS")),
        {
            "DataIngestionJobSummaries": [
                {
                    "JobId": JOB,
                    "DatasetName": "pumps",
                    "DatasetArn": ARN,
                    "IngestionInputConfiguration": SOURCE,
                    "Status": "IN_PROGRESS",
                }
            ]
        },
        described("ListDataIngestionJobs"),
    ),
    Row(
        "one that has failed",
        (
            BUCKET,
            create(),
            start(),
            call("aws.fail", job_id=JOB, reason="No data."),
            call("aws.advance", job_id=JOB),
            DESCRIBE,
        ),
        Has({"Status": "FAILED", "FailedReason": "No data."}),
        described("DescribeDataIngestionJob"),
    ),
    *(
        Row(f"{status} is a status", (jobs(Status=status),), {"DataIngestionJobSummaries": []}, MODEL)
        for status in ("IN_PROGRESS", "SUCCESS", "FAILED", "IMPORT_IN_PROGRESS")
    ),
    Row("list by a status that is none", (jobs(Status="DONE"),), INVALID, MODEL),
    Row("a page of 0", (jobs(MaxResults=0),), INVALID, MODEL),
    Row("a page of 501", (jobs(MaxResults=501),), INVALID, MODEL),
    Row("a page of 500", (jobs(MaxResults=500),), {"DataIngestionJobSummaries": []}, MODEL),
    *(
        Row(f"start without {name}", (BUCKET, create(), without(start(), name)), INVALID, MODEL)
        for name in ("DatasetName", "RoleArn", "IngestionInputConfiguration")
    ),
    Row(
        "start without a bucket",
        (
            create(),
            start(
                IngestionInputConfiguration={
                    "S3InputConfiguration": {"KeyPattern": "{prefix}/{component_name}/*"}
                }
            ),
        ),
        INVALID,
        MODEL,
    ),
    Row("a dataset name with a space", (create("a b"),), INVALID, MODEL),
    Row("a dataset name of 201 characters", (create("a" * 201),), INVALID, MODEL),
    Row("a token of 257 characters", (BUCKET, create(), start(token="a" * 257)), INVALID, MODEL),
    Row(
        "a role that is none",
        (BUCKET, create(), start(RoleArn="arn:aws:iam::123456789012:user/me")),
        INVALID,
        MODEL,
    ),
    Row("a prefix without its slash", (BUCKET, create(), start(source={"Prefix": "data"})), INVALID, MODEL),
    Row("a bucket name of 2 characters", (BUCKET, create(), start(source={"Bucket": "ab"})), INVALID, MODEL),
    Row(
        "a key pattern of 2049 characters",
        (BUCKET, create(), start(source={"KeyPattern": "a" * 2049})),
        INVALID,
        MODEL,
    ),
    Row(
        "a job id with a hyphen",
        (call("lookoutequipment.describe_data_ingestion_job", JobId="a-b"),),
        INVALID,
        MODEL,
    ),
    Row(
        "a sixth pending job",
        (
            BUCKET,
            *(step for n in range(6) for step in (create(f"pumps{n}"), start(f"pumps{n}", f"token{n}"))),
        ),
        Refused("ServiceQuotaExceededException"),
        LIMITS,
    ),
]
