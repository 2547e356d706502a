# SPDX-License-Identifier: Apache-2.0

"""AWS forgets a token after eight hours: a later retry finds its export by the token in its description."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow_features import needs
from job_cases import DynamoDB, client
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError, JobOutcomeUnknownError
from airflow_provider_jobs.testing import AwsJobs, Fault

from .conftest import HOUR, changes

MakeTask = Callable[..., OneTask]
LATE = timedelta(hours=9).total_seconds()
#: Whether Airflow keeps the attempt log.
LOGS = [pytest.param(True, marks=needs("task_state_store"), id="log"), pytest.param(False, id="no log")]


def lose_the_answer(aws: AwsJobs, task: OneTask) -> None:
    aws.add_fault(Fault("ExportTableToPointInTime", "drop", when="after"))
    with pytest.raises(JobOutcomeUnknownError):
        task.run()


def lost(aws: AwsJobs, make_task: MakeTask, kept: bool, **given: Any) -> OneTask:
    """A task whose only start got no answer; nine hours have passed since."""
    once = {"retries": {"total_max_attempts": 1}}
    task = make_task({"store": {} if kept else None}, botocore_config=once, **given)
    lose_the_answer(aws, task)
    aws.set_clock_skew(LATE)
    return task


@pytest.mark.parametrize("kept", LOGS)
@pytest.mark.parametrize("incremental", [False, True])
def test_an_export_that_has_ended_is_taken(
    aws: AwsJobs, make_task: MakeTask, hour: datetime, *, kept: bool, incremental: bool
) -> None:
    task = lost(aws, make_task, kept, **(changes(hour) if incremental else {}))
    (job,) = aws.jobs("dynamodb")
    aws.advance(job["id"])
    assert task.run()["export_arn"] == job["id"]
    assert len(aws.jobs("dynamodb")) == 1
    assert aws.calls("dynamodb")["ExportTableToPointInTime"] == 1


@pytest.mark.parametrize("kept", LOGS)
def test_an_export_in_flight_is_adopted(
    aws: AwsJobs, make_task: MakeTask, hour: datetime, *, kept: bool
) -> None:
    aws.set_pace(reads=3)
    task = lost(aws, make_task, kept)
    (job,) = aws.jobs("dynamodb")
    assert job["state"] == "IN_PROGRESS"
    assert task.run()["export_arn"] == job["id"]
    assert aws.calls("dynamodb")["ExportTableToPointInTime"] == 1


@pytest.mark.parametrize("kept", LOGS)
def test_an_export_that_failed_is_followed_by_another(
    aws: AwsJobs, make_task: MakeTask, hour: datetime, *, kept: bool
) -> None:
    aws.fail_next("dynamodb", "Something went wrong")
    task = lost(aws, make_task, kept)
    (job,) = aws.jobs("dynamodb")
    aws.advance(job["id"])
    assert task.run()["state"] == "COMPLETED"
    assert [each["state"] for each in aws.jobs("dynamodb")] == ["FAILED", "COMPLETED"]
    tokens = [each["client_token"] for each in aws.jobs("dynamodb")]
    assert tokens[0] != tokens[1]


@needs("task_state_store")
def test_a_start_that_never_was_is_made_again(aws: AwsJobs, make_task: MakeTask, hour: datetime) -> None:
    aws.add_fault(Fault("ExportTableToPointInTime", "drop"))
    task = make_task(botocore_config={"retries": {"total_max_attempts": 1}})
    with pytest.raises(JobApiError):
        task.run()
    aws.set_clock_skew(LATE)
    assert task.run()["state"] == "COMPLETED"
    assert len(aws.jobs("dynamodb")) == 1


@pytest.mark.parametrize("kept", LOGS)
def test_only_what_could_be_the_task_s_is_described(
    aws: AwsJobs, make_task: MakeTask, hour: datetime, *, kept: bool
) -> None:
    """Not those of the other type that have ended, nor those from before the request was possible."""
    api = client("dynamodb")
    given = {"TableArn": DynamoDB.table_arn, "S3Bucket": "exports"}
    window = {"ExportFromTime": hour - HOUR / 2, "ExportToTime": hour}
    aws.set_pace(seconds=0)
    aws.set_clock_skew((hour + HOUR / 4 - aws.now()).total_seconds())
    for _ in range(3):  # too early
        api.export_table_to_point_in_time(
            **given, ExportType="INCREMENTAL_EXPORT", IncrementalExportSpecification=window
        )
    aws.set_clock_skew(0)
    for _ in range(3):  # the other type
        api.export_table_to_point_in_time(**given)
    aws.set_pace(reads=2)
    task = lost(aws, make_task, kept, **changes(hour))
    export_arn = aws.jobs("dynamodb")[-1]["id"]
    before = aws.calls("dynamodb").get("DescribeExport", 0)
    aws.advance(export_arn)
    assert task.run()["export_arn"] == export_arn
    # Once to find it, once for its result.
    assert aws.calls("dynamodb")["DescribeExport"] - before == 2
