# SPDX-License-Identifier: Apache-2.0

"""What is particular to exports of DynamoDB tables; ``tests/jobs`` has what all job types share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from job_cases import DynamoDB, client
from one_task import OneTask

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobFailedError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
    JobUnavailableError,
)
from airflow_provider_jobs.hooks.dynamodb import DynamoDBExportHook, TableExportRequest
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.delay import DelayTrigger
from airflow_provider_jobs.windows import Window

from .conftest import HOUR, changes, read

MakeTask = Callable[..., OneTask]
Write = Callable[..., None]
TABLE = DynamoDB.table_arn


def request(**more: Any) -> TableExportRequest:
    return TableExportRequest(TABLE, "exports", **more)


def test_the_result_of_a_full_export(aws: AwsJobs, make_task: MakeTask, hour: datetime, write: Write) -> None:
    write(hour, "1", state="new")
    write(hour + HOUR, "1", state="paid")
    result = make_task(s3_prefix="orders/full", export_time=hour + HOUR / 2).run()
    assert read(result) == [{"Item": {"id": {"S": "1"}, "state": {"S": "new"}}}]
    (job,) = aws.jobs("dynamodb")
    export_id = job["id"].rpartition("/")[2]
    assert result == {
        "export_arn": job["id"],
        "table_arn": TABLE,
        "export_type": "FULL_EXPORT",
        "export_format": "DYNAMODB_JSON",
        "export_view_type": None,
        "export_time": (hour + HOUR / 2).isoformat(),
        "export_from_time": None,
        "export_to_time": None,
        "s3_bucket": "exports",
        "s3_prefix": "orders/full",
        "manifest": f"orders/full/AWSDynamoDB/{export_id}/manifest-summary.json",
        "item_count": 1,
        "billed_size_bytes": result["billed_size_bytes"],
        "state": "COMPLETED",
        "started_at": result["started_at"],
        "ended_at": result["ended_at"],
    }
    assert result["billed_size_bytes"] > 0
    assert result["started_at"] <= result["ended_at"]


def test_an_incremental_export_has_the_run_s_data_interval(
    make_task: MakeTask, hour: datetime, write: Write
) -> None:
    write(hour, "1", state="new")
    task = make_task({"interval": (hour, hour + HOUR)}, export_type="INCREMENTAL_EXPORT")
    result = task.run()
    window = (result["export_from_time"], result["export_to_time"])
    assert window == (hour.isoformat(), (hour + HOUR).isoformat())
    assert result["export_view_type"] == "NEW_AND_OLD_IMAGES"
    (line,) = read(result)
    assert line["Keys"] == {"id": {"S": "1"}}


@pytest.mark.parametrize(
    ("view_type", "images"), [("NEW_AND_OLD_IMAGES", {"NewImage", "OldImage"}), ("NEW_IMAGE", {"NewImage"})]
)
def test_the_images_of_a_change(
    make_task: MakeTask, hour: datetime, write: Write, view_type: str, images: set[str]
) -> None:
    write(hour - HOUR / 2, "1", state="new")
    write(hour, "1", state="paid")
    (line,) = read(make_task(**changes(hour), export_view_type=view_type).run())
    assert line.keys() == {"Metadata", "Keys", *images}


@pytest.mark.parametrize("length", [timedelta(minutes=14, seconds=59), timedelta(hours=24, seconds=1)])
def test_a_window_that_aws_does_not_export_is_refused_before_any_call(
    aws: AwsJobs, make_task: MakeTask, hour: datetime, length: timedelta
) -> None:
    before = aws.calls("dynamodb")
    with pytest.raises(JobInputError, match=r"AWS exports the changes of 15 minutes to 24 hours"):
        make_task(**changes(hour, length)).run()
    with pytest.raises(JobInputError, match=r"AWS exports the changes of 15 minutes to 24 hours"):
        make_task({"interval": (hour, hour + length)}, export_type="INCREMENTAL_EXPORT").run()
    assert aws.calls("dynamodb") == before


@pytest.mark.parametrize("length", [timedelta(minutes=15), timedelta(hours=24)])
def test_the_shortest_and_the_longest_window(make_task: MakeTask, hour: datetime, length: timedelta) -> None:
    assert make_task(**changes(hour, length)).run()["state"] == "COMPLETED"


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"export_from_time": "2026-01-01T00:00:00Z"}, "export_from_time"),
        ({"export_view_type": "NEW_IMAGE"}, "export_view_type"),
        ({"export_type": "INCREMENTAL_EXPORT", "export_time": "2026-01-01T00:00:00Z"}, "export_time"),
    ],
)
def test_a_parameter_of_the_other_type(given: dict[str, Any], named: str) -> None:
    with pytest.raises(JobInputError, match=f"export_type='.*' takes no {named}: "):
        DynamoDB().operator(**given)


def test_a_table_without_point_in_time_recovery(aws: AwsJobs, make_task: MakeTask, hour: datetime) -> None:
    off = {"PointInTimeRecoveryEnabled": False}
    client("dynamodb").update_continuous_backups(TableName="orders", PointInTimeRecoverySpecification=off)
    with pytest.raises(JobInputError, match=r"not enabled for table 'orders' .*turn it on for the table"):
        make_task().run()


def test_a_window_from_before_the_earliest_time(make_task: MakeTask, hour: datetime) -> None:
    with pytest.raises(JobInputError, match=r"InvalidExportTimeException.*DescribeContinuousBackups tells"):
        make_task(**changes(hour - 2 * HOUR)).run()


def test_a_table_that_there_is_not(make_task: MakeTask, hour: datetime) -> None:
    with pytest.raises(JobNotFoundError, match=r"TableNotFoundException.*Check table_arn"):
        make_task(table_arn=f"{TABLE}-2").run()


def test_a_bucket_that_there_is_not_fails_the_export(make_task: MakeTask, hour: datetime) -> None:
    with pytest.raises(JobFailedError, match=r"ended FAILED: .*bucket does not exist \(S3NoSuchBucket\)"):
        make_task(s3_bucket="nowhere").run()


def test_it_waits_until_recovery_has_the_window(aws: AwsJobs, hour: datetime) -> None:
    """Five minutes, unless told otherwise."""
    late = changes(aws.now().replace(microsecond=0) - HOUR)
    task = OneTask(lambda: DynamoDB().operator(deferrable=True, **late))
    task.begin()
    assert isinstance(task.trigger(), DelayTrigger)
    assert "ExportTableToPointInTime" not in aws.calls("dynamodb")
    task = OneTask(lambda: DynamoDB().operator(deferrable=True, export_delay=0, **late))
    assert task.run()["state"] == "COMPLETED"


def test_aws_has_no_call_to_stop_an_export(aws: AwsJobs, hook: DynamoDBExportHook, hour: datetime) -> None:
    aws.set_pace()
    arn = hook.export_table(request(), "token")["ExportArn"]
    with pytest.raises(JobError, match=r"no call to stop an export. .* goes on to its end"):
        hook.stop_job(arn)
    aws.advance(arn)
    assert not hook.stop_job(arn)
    assert not hook.stop_job(f"{TABLE}/export/01767225600000-0123abcd")


def test_a_full_account_is_told_from_too_many_calls(
    aws: AwsJobs, hook: DynamoDBExportHook, hour: datetime
) -> None:
    aws.set_quota("dynamodb", 0)
    with pytest.raises(JobQuotaError):
        hook.export_table(request(), "token")
    for operation, call in (
        ("ListExports", hook.list_exports),
        ("DescribeExport", lambda: hook.describe_export(f"{TABLE}/export/01767225600000-0123abcd")),
    ):
        aws.add_fault(Fault(operation, "error", code="LimitExceededException", status=400, count=1))
        with pytest.raises(JobUnavailableError):
            call()


def test_a_token_of_another_request_is_a_conflict(hook: DynamoDBExportHook, hour: datetime) -> None:
    hook.export_table(request(), "token")
    with pytest.raises(JobApiError, match="ExportConflictException") as caught:
        hook.export_table(request(window=Window(hour, hour + HOUR)), "token")
    assert caught.value.code == "ExportConflictException"
