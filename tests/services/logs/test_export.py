# SPDX-License-Identifier: Apache-2.0

"""What is particular to exports of CloudWatch Logs; ``tests/jobs`` has what all job types share."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow_features import needs
from job_cases import AWS, CloudWatchLogs, client
from one_task import OneTask

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobFailedError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.hooks.logs import CloudWatchLogsExportHook, ExportRequest
from airflow_provider_jobs.operators.logs import CloudWatchLogsCancelExportTaskOperator
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.delay import DelayTrigger
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]
Exported = Callable[[str], dict[str, list[str]]]
Log = Callable[..., None]
HOUR, MILLISECOND = timedelta(hours=1), timedelta(milliseconds=1)
GUIDE = Path(__file__).parents[3] / "docs" / "guides" / "logs.md"


def window(start: datetime) -> dict[str, Any]:
    return {"start_time": start, "end_time": start + HOUR}


def request(start: datetime, **more: Any) -> ExportRequest:
    return ExportRequest("/shop/web", start, start + HOUR, "exports", **more)


def test_the_window_s_events_are_exported_stream_by_stream(
    aws: AwsJobs, make_task: MakeTask, hour: datetime, log: Log, exported: Exported
) -> None:
    log("web/1", hour, hour + HOUR / 2)
    log("web/2", hour + HOUR - MILLISECOND)
    result = make_task(**window(hour)).run()
    assert exported(result["s3_folder"]) == {
        "web-1/000000.gz": ["web/1 0", "web/1 1"],
        "web-2/000000.gz": ["web/2 0"],
    }
    prefix = f"exportedlogs/shop/web/{hour:%Y%m%dT%H%M%SZ}-{hour + HOUR:%Y%m%dT%H%M%SZ}"
    (job,) = aws.jobs("logs")
    assert result == {
        "export_task_id": job["id"],
        "task_name": job["task_name"],
        "log_group_name": "/shop/web",
        "log_stream_name_prefix": None,
        "start_time": hour.isoformat(),
        "end_time": (hour + HOUR).isoformat(),
        "destination": "exports",
        "destination_prefix": prefix,
        "s3_folder": f"s3://exports/{prefix}/{job['id']}/",
        "state": "COMPLETED",
        "created_at": result["created_at"],
        "completed_at": result["completed_at"],
    }
    assert result["created_at"] <= result["completed_at"]


def test_an_event_is_in_one_of_two_windows_that_touch(
    aws: AwsJobs, make_task: MakeTask, hour: datetime, log: Log, exported: Exported
) -> None:
    """AWS exports the events of both bounds."""
    log("web", hour - MILLISECOND, hour, hour + HOUR - MILLISECOND, hour + HOUR)
    found = []
    for number, start in enumerate((hour - HOUR, hour, hour + HOUR)):
        task = make_task(**window(start))
        task.run_id = f"run {number}"
        found.append(exported(task.run()["s3_folder"])["web/000000.gz"])
    assert found == [["web 0"], ["web 1", "web 2"], ["web 3"]]


def test_streams_and_prefix_of_ones_own(
    aws: AwsJobs, make_task: MakeTask, hour: datetime, log: Log, exported: Exported
) -> None:
    log("web-1", hour)
    log("job-1", hour)
    own = {"log_stream_name_prefix": "web-", "destination_prefix": "logs/2026"}
    result = make_task(**window(hour), **own).run()
    assert (result["log_stream_name_prefix"], result["destination_prefix"]) == ("web-", "logs/2026")
    assert exported(result["s3_folder"]) == {"web-1/000000.gz": ["web-1 0"]}


def test_a_result_before_the_end_tells_the_window_too(make_task: MakeTask, hour: datetime) -> None:
    result = make_task(**window(hour), wait_for_completion=False).run()
    assert (result["state"], result["start_time"]) == ("PENDING", hour.isoformat())
    assert result["end_time"] == (hour + HOUR).isoformat()
    assert result["completed_at"] is None


def test_it_waits_until_aws_can_export_all(aws: AwsJobs, hour: datetime) -> None:
    """Twelve hours after the window's end, unless told otherwise."""
    late = hour + 25 * HOUR
    task = OneTask(lambda: CloudWatchLogs().operator(deferrable=True, **window(late)))
    task.begin()
    assert isinstance(task.trigger(), DelayTrigger)
    assert "CreateExportTask" not in aws.calls("logs")
    task = OneTask(lambda: CloudWatchLogs().operator(deferrable=True, export_delay=0, **window(late)))
    assert task.run()["state"] == "COMPLETED"


def test_a_failed_export_fails_the_task_with_aws_s_reason(aws: AwsJobs, make_task: MakeTask) -> None:
    aws.fail_next("logs", "Access was taken away")
    with pytest.raises(JobFailedError, match="ended FAILED: Access was taken away"):
        make_task().run()


@pytest.mark.parametrize("allowed", [(), ("s3:GetBucketAcl",)])
def test_a_bucket_that_cannot_be_written_to_is_explained(
    aws: AwsJobs, make_task: MakeTask, allowed: tuple[str, ...]
) -> None:
    policy = json.loads(client("s3").get_bucket_policy(Bucket="exports")["Policy"])
    policy["Statement"] = [each for each in policy["Statement"] if each["Action"] in allowed]
    client("s3").delete_bucket_policy(Bucket="exports")
    if allowed:
        client("s3").put_bucket_policy(Bucket="exports", Policy=json.dumps(policy))
    with pytest.raises(JobInputError, match="policy must allow the service logs"):
        make_task().run()
    assert aws.jobs("logs") == []


def test_the_guide_s_policy_lets_it_write(aws: AwsJobs, make_task: MakeTask) -> None:
    (policy,) = re.findall(r"^```json\n(.*?)^```$", GUIDE.read_text(), re.M | re.S)
    client("s3").put_bucket_policy(Bucket="exports", Policy=policy)
    assert make_task().run()["state"] == "COMPLETED"


def test_a_bucket_that_there_is_not_is_explained(make_task: MakeTask) -> None:
    with pytest.raises(JobInputError, match=r"does not exist.* has to be in the Region of the log group"):
        make_task(destination="nowhere").run()


def test_a_log_group_that_there_is_not_is_explained(make_task: MakeTask) -> None:
    with pytest.raises(JobNotFoundError, match=r"does not exist.* Check log_group_name"):
        make_task(log_group_name="/shop/none").run()


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"log_group_name": "shop web"}, "log_group_name='shop web' must be a log group's name"),
        ({"log_stream_name_prefix": "web:*"}, "must be 1 to 512 characters other than : and"),
        ({"destination": "s3://exports"}, "must be the name of an S3 bucket, without s3://"),
        ({"destination_prefix": "/logs"}, "neither begin nor end with a slash"),
        ({"destination_prefix": "logs/"}, "neither begin nor end with a slash"),
        ({"destination_prefix": "s3://exports/logs"}, "without the bucket"),
        ({"start_time": "2026-01-01"}, "start_time='2026-01-01.*' has no time zone"),
        ({"end_time": "2026-01-01T00:00:00+00:00"}, "must be at least a second after start_time"),
    ],
)
def test_bad_input_fails_before_any_call(
    aws: AwsJobs, make_task: MakeTask, given: dict[str, Any], message: str
) -> None:
    before = aws.calls("logs")
    with pytest.raises(JobInputError, match=message):
        make_task(**given).run()
    assert aws.calls("logs") == before


def test_an_id_that_is_none_is_refused(aws: AwsJobs) -> None:
    with pytest.raises(JobInputError, match="must be the id that the start has returned"):
        CloudWatchLogsCancelExportTaskOperator(task_id="stop", export_task_id="a/b", **AWS)


class TestTheQueue:
    def test_an_export_of_somebody_else_makes_the_task_queue(
        self, aws: AwsJobs, hook: CloudWatchLogsExportHook, hour: datetime, make_task: MakeTask
    ) -> None:
        aws.set_pace("logs", reads=12)
        hook.create_export(request(hour), "theirs")
        assert make_task().run()["state"] == "COMPLETED"
        assert aws.max_active("logs") == 1
        assert [job["task_name"] == "theirs" for job in aws.jobs("logs")] == [True, False]

    @pytest.mark.parametrize("code", ["LimitExceededException", "OperationAbortedException"])
    def test_starts_that_meet_queue(self, aws: AwsJobs, code: str) -> None:
        aws.add_fault(Fault("CreateExportTask", "error", code=code, status=400))
        task = OneTask(lambda: CloudWatchLogs().operator(deferrable=True))
        task.begin()
        assert isinstance(task.trigger(), QueueTrigger)
        assert aws.jobs("logs") == []

    def test_it_counts_those_in_flight(
        self, aws: AwsJobs, hook: CloudWatchLogsExportHook, hour: datetime
    ) -> None:
        aws.set_pace()
        one = hook.create_export(request(hour), "one")
        with pytest.raises(JobQuotaError, match="AWS runs one export at a time in an account and Region"):
            hook.create_export(request(hour), "two")
        assert hook.active_jobs([]) == {one: ""}
        aws.advance(one, to=0.5)
        assert hook.active_jobs([]) == {one: ""}
        hook.cancel_export(one)
        assert hook.active_jobs([]) == {one: ""}
        aws.advance(one)
        assert hook.active_jobs([]) == {}


class TestWhichIsTheTasks:
    def test_its_name_tells(self, aws: AwsJobs, make_task: MakeTask) -> None:
        task = make_task()
        result = task.run()
        assert re.fullmatch(r"[\w.-]+-[0-9a-f]{12}-\S+", result["task_name"])
        assert len(result["task_name"]) <= 512

    @pytest.mark.parametrize("ended", [False, True])
    def test_a_lost_answer_is_found_by_the_name(self, aws: AwsJobs, make_task: MakeTask, ended: bool) -> None:
        aws.set_pace(reads=9)
        aws.add_fault(Fault("CreateExportTask", "drop", when="after"))
        task = make_task()
        with pytest.raises(JobApiError, match="CreateExportTask"):
            task.run()
        (job,) = aws.jobs("logs")
        if ended:
            aws.advance(job["id"])
        assert task.run()["export_task_id"] == job["id"]
        assert aws.calls("logs")["CreateExportTask"] == 1

    @needs("task_state_store")
    def test_only_those_in_flight_are_listed_while_the_log_is_whole(
        self, aws: AwsJobs, hook: CloudWatchLogsExportHook, hour: datetime, make_task: MakeTask
    ) -> None:
        """An account may have had many thousands."""
        aws.set_pace(seconds=0)
        for number in range(120):
            hook.create_export(request(hour), f"old {number}")
        before = aws.calls("logs").get("DescribeExportTasks", 0)
        make_task().run()
        # Three states, and the description.
        assert aws.calls("logs")["DescribeExportTasks"] - before <= 5
        assert len(hook.list_exports()) == 121

    def test_the_same_name_of_another_task_is_not_taken(
        self, aws: AwsJobs, hook: CloudWatchLogsExportHook, hour: datetime, make_task: MakeTask
    ) -> None:
        first, second = make_task(), make_task()
        second.run_id = "another"
        assert first.run()["export_task_id"] != second.run()["export_task_id"]
        assert len(aws.jobs("logs")) == 2


class TestStopping:
    def test_a_cancel_waits_for_the_end(
        self, aws: AwsJobs, hook: CloudWatchLogsExportHook, hour: datetime
    ) -> None:
        aws.set_pace("logs", reads=9)
        export = hook.create_export(request(hour), "one")
        given = {"export_task_id": export, "poll_interval": 0.02, **AWS}
        task = OneTask(lambda: CloudWatchLogsCancelExportTaskOperator(task_id="stop", **given))
        assert task.run()["state"] == "CANCELLED"

    def test_one_that_has_ended_or_never_was_is_no_error(
        self, aws: AwsJobs, hook: CloudWatchLogsExportHook, hour: datetime
    ) -> None:
        aws.set_pace()
        export = hook.create_export(request(hour), "one")
        assert hook.stop_job(export) is True
        # It is being stopped already, which AWS refuses like one that has ended.
        assert hook.stop_job(export) is False
        aws.advance(export)
        assert hook.stop_job(export) is False
        assert hook.stop_job("0f0f0f0f-0000-4000-8000-000000000000") is False

    def test_another_error_is_one(self, aws: AwsJobs, hook: CloudWatchLogsExportHook) -> None:
        aws.add_fault(Fault("CancelExportTask", "access-denied"))
        with pytest.raises(JobApiError, match="allows logs:CancelExportTask"):
            hook.stop_job("0f0f0f0f-0000-4000-8000-000000000000")


@pytest.mark.parametrize("code", ["ResourceNotFoundException", None])
def test_an_export_that_there_is_not(aws: AwsJobs, hook: CloudWatchLogsExportHook, code: str | None) -> None:
    """An empty list by AWS's reference; an error says the same."""
    if code:
        aws.add_fault(Fault("DescribeExportTasks", "error", code=code, status=400))
    with pytest.raises(JobNotFoundError):
        hook.describe_export("0f0f0f0f-0000-4000-8000-000000000000")


@pytest.mark.parametrize("deferrable", [False, True])
def test_all_lead_to_the_exports_in_the_console(aws: AwsJobs, deferrable: bool) -> None:
    case: Any = CloudWatchLogs()
    start = OneTask(lambda: case.operator(deferrable=deferrable))
    export = start.run()["export_task_id"]
    wait = OneTask(lambda: case.sensor(export, deferrable=deferrable))
    stop = OneTask(lambda: CloudWatchLogsCancelExportTaskOperator(task_id="s", export_task_id=export, **AWS))
    for task in (start, wait, stop):
        if task is not start:
            task.run()
        assert task.operator is not None
        (link,) = task.operator.operator_extra_links
        assert link.format_link(**task.xcoms[link.key]) == (  # type: ignore[attr-defined]
            "https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1#logsV2:export-tasks"
        )
