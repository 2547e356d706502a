# SPDX-License-Identifier: Apache-2.0

"""Exports of the mocked CloudWatch Logs: what they write, and when."""

from __future__ import annotations

import gzip
from typing import Any

import job_targets
import pytest
from botocore.exceptions import ClientError
from testing.conftest import Cloud

GROUP = "/shop/web"


@pytest.fixture
def now(cloud: Cloud) -> int:
    """A log group with two streams, each with three events a millisecond apart; the time of the second."""
    job_targets.log_group(cloud.client, GROUP)
    api, now = cloud.client("logs"), int(cloud.aws.now().timestamp() * 1000)
    for stream in ("web/1", "web/2"):
        api.create_log_stream(logGroupName=GROUP, logStreamName=stream)
        events = [{"timestamp": now + at, "message": f"{stream} {at}"} for at in (-1, 0, 1)]
        api.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)
    return now


def start(cloud: Cloud, now: int, **more: Any) -> str:
    given = {"logGroupName": GROUP, "fromTime": now, "to": now + 1, "destination": "exports", **more}
    return str(cloud.client("logs").create_export_task(**given)["taskId"])


def objects(cloud: Cloud) -> dict[str, bytes]:
    s3 = cloud.client("s3")
    keys = [each["Key"] for each in s3.list_objects_v2(Bucket="exports").get("Contents", ())]
    return {key: s3.get_object(Bucket="exports", Key=key)["Body"].read() for key in keys}


def row(cloud: Cloud, task_id: str) -> dict[str, Any]:
    (found,) = cloud.client("logs").describe_export_tasks(taskId=task_id)["exportTasks"]
    return dict(found)


def test_streams_are_written_as_far_as_the_export_has_come(cloud: Cloud, now: int) -> None:
    cloud.aws.set_pace()
    task_id = start(cloud, now, destinationPrefix="logs")
    assert objects(cloud) == {"logs/aws-logs-write-test": b"Permission Check Successful"}
    cloud.aws.advance(task_id, to=0.5)
    keys = [f"logs/{task_id}/web-{number}/000000.gz" for number in (1, 2)]
    assert {*objects(cloud)} == {"logs/aws-logs-write-test", keys[0]}
    cloud.aws.advance(task_id)
    assert {*objects(cloud)} == {"logs/aws-logs-write-test", *keys}
    lines = gzip.decompress(objects(cloud)[keys[1]]).decode().splitlines()
    assert [line.partition("Z ")[2] for line in lines] == ["web/2 0", "web/2 1"]


def test_it_has_what_was_there_at_its_start(cloud: Cloud, now: int) -> None:
    cloud.aws.set_pace()
    task_id = start(cloud, now, logStreamNamePrefix="web/1")
    events = [{"timestamp": now, "message": "late"}]
    cloud.client("logs").put_log_events(logGroupName=GROUP, logStreamName="web/1", logEvents=events)
    cloud.aws.advance(task_id)
    (key,) = [key for key in objects(cloud) if key.endswith(".gz")]
    assert b"late" not in gzip.decompress(objects(cloud)[key])


def test_a_stream_without_events_in_the_window_has_no_object(cloud: Cloud, now: int) -> None:
    cloud.aws.set_pace(seconds=0)
    start(cloud, now - 10_000, to=now - 5_000)
    assert [*objects(cloud)] == ["aws-logs-write-test"]


def test_its_states(cloud: Cloud, now: int) -> None:
    cloud.aws.set_pace()
    task_id = start(cloud, now)
    seen = [row(cloud, task_id)]
    for to in (0.1, 1.0):
        cloud.aws.advance(task_id, to=to)
        seen.append(row(cloud, task_id))
    assert [each["status"]["code"] for each in seen] == ["PENDING", "RUNNING", "COMPLETED"]
    assert ["completionTime" in each["executionInfo"] for each in seen] == [False, False, True]


def test_a_failed_one_says_why_and_keeps_what_it_has_written(cloud: Cloud, now: int) -> None:
    cloud.aws.set_pace()
    cloud.aws.fail_next("logs", "The bucket is gone", at=0.5)
    task_id = start(cloud, now)
    cloud.aws.advance(task_id)
    assert row(cloud, task_id)["status"] == {"code": "FAILED", "message": "The bucket is gone"}
    assert len(objects(cloud)) == 2


def test_a_cancel_takes_its_time(cloud: Cloud, now: int) -> None:
    cloud.aws.set_pace()
    task_id = start(cloud, now)
    cloud.client("logs").cancel_export_task(taskId=task_id)
    assert row(cloud, task_id)["status"]["code"] == "PENDING_CANCEL"
    cloud.aws.advance(task_id)
    assert row(cloud, task_id)["status"] == {"code": "CANCELLED", "message": "Cancelled by user"}


def test_lists_and_descriptions_may_be_late(cloud: Cloud, now: int) -> None:
    cloud.aws.set_pace()
    cloud.aws.set_lag("logs", "lists", reads=1)
    cloud.aws.set_lag("logs", "descriptions", reads=2)
    task_id = start(cloud, now)
    api = cloud.client("logs")
    lists = [len(api.describe_export_tasks()["exportTasks"]) for _ in range(2)]
    described = [len(api.describe_export_tasks(taskId=task_id)["exportTasks"]) for _ in range(3)]
    assert (lists, described) == ([0, 1], [0, 0, 1])


def test_pages_go_from_the_newest_to_the_oldest_whatever_is_started_meanwhile(cloud: Cloud, now: int) -> None:
    cloud.aws.set_pace(seconds=0)
    ids = [start(cloud, now) for _ in range(5)]
    api = cloud.client("logs")
    page = api.describe_export_tasks(limit=2)
    found = [each["taskId"] for each in page["exportTasks"]]
    start(cloud, now)
    while token := page.get("nextToken"):
        page = api.describe_export_tasks(limit=2, nextToken=token)
        found += [each["taskId"] for each in page["exportTasks"]]
    assert found == ids[::-1]
    with pytest.raises(ClientError, match="nextToken is invalid"):
        api.describe_export_tasks(nextToken="x")


def test_a_bucket_of_another_region_is_refused(cloud: Cloud, now: int) -> None:
    place: Any = {"LocationConstraint": "eu-west-1"}
    cloud.client("s3", region="eu-west-1").create_bucket(Bucket="far", CreateBucketConfiguration=place)
    with pytest.raises(ClientError, match="is in eu-west-1, and not in us-east-1"):
        start(cloud, now, destination="far")


def test_the_quota_may_be_another(cloud: Cloud, now: int) -> None:
    cloud.aws.set_pace()
    cloud.aws.set_quota("logs", 2)
    start(cloud, now)
    start(cloud, now)
    with pytest.raises(ClientError, match="LimitExceeded"):
        start(cloud, now)


def test_what_moto_has_is_there_and_counted(cloud: Cloud, now: int) -> None:
    (group,) = cloud.client("logs").describe_log_groups()["logGroups"]
    assert group["logGroupName"] == GROUP
    assert cloud.aws.calls("logs")["DescribeLogGroups"] == 1
