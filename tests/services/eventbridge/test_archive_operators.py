# SPDX-License-Identifier: Apache-2.0

"""Archives are created once, changed where they differ, and deleted for good."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import boto3
import botocore.session
import pytest
from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs._eventbridge.archive import WantedArchive
from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCreateArchiveOperator,
    EventBridgeDeleteArchiveOperator,
)
from airflow_provider_jobs.testing import AwsJobs, Fault

from .replays import ARCHIVE, BUS

PAID = {"source": ["shop"], "detail-type": ["paid"]}
KEY = f"arn:aws:kms:{REGION}:123456789012:key/0123"
MODEL = botocore.session.get_session().get_service_model("events")
CREATE: Any = MODEL.operation_model("CreateArchive").input_shape
#: The lowest botocore that we support knows no keys of archives.
HAS_KEYS = "KmsKeyIdentifier" in CREATE.members
ALL: dict[str, Any] = {
    "event_pattern": PAID,
    "retention_days": 7,
    "description": "Orders of the shop",
    **({"kms_key": KEY} if HAS_KEYS else {}),
}
ONCE: dict[str, Any] = {"botocore_config": {"retries": {"total_max_attempts": 1}}}
PAID_ARCHIVE = ARCHIVE.replace("orders", "paid")


@pytest.fixture
def events(aws: AwsJobs) -> Any:
    return boto3.client("events", region_name=REGION)


def create(**kwargs: Any) -> OneTask:
    given = {"task_id": "create", "archive_name": "paid", **AWS, **ONCE, **kwargs}
    return OneTask(lambda: EventBridgeCreateArchiveOperator(**given))


def delete(archive_name: Any) -> OneTask:
    given = {"task_id": "delete", "archive_name": archive_name, **AWS, **ONCE}
    return OneTask(lambda: EventBridgeDeleteArchiveOperator(**given))


def described(events: Any) -> dict[str, Any]:
    found = events.describe_archive(ArchiveName="paid")
    names = ("Description", "RetentionDays", "KmsKeyIdentifier")
    return {name: found.get(name) for name in names} | {
        "EventPattern": found.get("EventPattern") and json.loads(found["EventPattern"])
    }


WANTED = {
    "Description": ALL["description"],
    "RetentionDays": 7,
    "KmsKeyIdentifier": KEY if HAS_KEYS else None,
    "EventPattern": PAID,
}


@pytest.mark.parametrize("bus", ["default", BUS])
def test_an_archive_is_created(aws: AwsJobs, events: Any, bus: str) -> None:
    before = aws.calls("events").get("DescribeEventBus", 0)
    task = create(event_bus_name=bus, **ALL)
    assert task.run() == {
        "archive_name": "paid",
        "archive_arn": PAID_ARCHIVE,
        "event_bus_arn": BUS,
        "state": "ENABLED",
        "action": "created",
    }
    assert task.xcoms == {"archive_name": "paid", "archive_arn": PAID_ARCHIVE}
    assert described(events) == WANTED
    assert aws.calls("events").get("DescribeEventBus", 0) - before == (bus == "default")


def test_one_that_is_as_it_should_be_stays(aws: AwsJobs) -> None:
    create(**ALL).run()
    again = create(**{**ALL, "event_pattern": json.dumps(PAID, indent=2), "retention_days": "7"}).run()
    assert again["action"] == "unchanged"
    assert "UpdateArchive" not in aws.calls("events")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("description", "Others", "Description is 'Orders of the shop' instead of 'Others'"),
        ("event_pattern", {"source": ["shop"]}, "EventPattern is "),
        ("retention_days", 30, "RetentionDays is 7 instead of 30"),
        ("retention_days", 0, "RetentionDays is 7 instead of 0"),
        pytest.param(
            *("kms_key", "", "KmsKeyIdentifier is "),
            marks=pytest.mark.skipif(not HAS_KEYS, reason="botocore knows no keys of archives"),
        ),
    ],
)
def test_drift_is_mended(
    aws: AwsJobs, events: Any, logged: Callable[[], str], name: str, value: Any, told: str
) -> None:
    create(**ALL).run()
    result = create(**{**ALL, name: value}).run()
    assert (result["action"], result["archive_arn"]) == ("updated", PAID_ARCHIVE)
    assert f"Archive paid is to be changed: {told}" in logged()
    assert create(**{**ALL, name: value}).run()["action"] == "unchanged"
    assert aws.calls("events")["UpdateArchive"] == 1


def test_what_is_left_out_stays(events: Any) -> None:
    create(**ALL).run()
    assert create().run()["action"] == "unchanged"
    assert create(retention_days=30).run()["action"] == "updated"
    assert described(events) == {**WANTED, "RetentionDays": 30}


@pytest.mark.parametrize(
    ("found", "drift"),
    [
        ({}, 1),
        ({"EventPattern": json.dumps(PAID)}, 0),
        ({"EventPattern": json.dumps({**PAID, "replay-name": [{"exists": False}]})}, 1),
        ({"EventPattern": "{"}, 1),
    ],
)
def test_patterns_are_compared_by_what_they_say(found: dict[str, Any], drift: int) -> None:
    assert len(WantedArchive("paid", "default", PAID).drift(found)) == drift


def test_an_archive_of_another_bus_is_not_touched(aws: AwsJobs, events: Any) -> None:
    bus = events.create_event_bus(Name="shop")["EventBusArn"]
    events.create_archive(ArchiveName="paid", EventSourceArn=bus)
    for other in ("default", BUS):
        with pytest.raises(JobInputError, match="AWS does not change an archive's event bus"):
            create(event_bus_name=other, retention_days=7).run()
    assert "UpdateArchive" not in aws.calls("events")
    for same in ("shop", bus):
        assert create(event_bus_name=same).run()["action"] == "unchanged"


@pytest.mark.parametrize("operation", ["CreateArchive", "UpdateArchive"])
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_lost_answer_is_made_up_for_by_the_retry(
    aws: AwsJobs, events: Any, operation: str, when: Any
) -> None:
    if operation == "UpdateArchive":
        create(retention_days=1).run()
    aws.add_fault(Fault(operation, "drop", when=when))
    task = create(**ALL)
    with pytest.raises(JobApiError):
        task.run()
    # It was handed on before the call: a teardown deletes what there is.
    assert task.xcoms["archive_name"] == "paid"
    task.run()
    assert described(events) == WANTED


def test_one_that_somebody_creates_meanwhile_is_changed(aws: AwsJobs, events: Any) -> None:
    events.create_archive(ArchiveName="paid", EventSourceArn=BUS)
    gone = {"code": "ResourceNotFoundException", "message": "Archive paid does not exist.", "status": 400}
    aws.add_fault(Fault("DescribeArchive", "error", **gone))  # type: ignore[arg-type]
    assert create(**ALL).run()["action"] == "updated"
    assert described(events) == WANTED


def test_one_that_exists_and_is_not_shown_is_an_error(aws: AwsJobs, events: Any) -> None:
    events.create_archive(ArchiveName="paid", EventSourceArn=BUS)
    gone = {"code": "ResourceNotFoundException", "message": "Archive paid does not exist.", "status": 400}
    aws.add_fault(Fault("DescribeArchive", "error", count=2, **gone))  # type: ignore[arg-type]
    with pytest.raises(JobApiError, match="Archive paid already exists"):
        create(**ALL).run()


def test_one_that_aws_could_not_create_is_an_error(aws: AwsJobs) -> None:
    aws.set_archive("paid", state="CREATE_FAILED", reason="The key is disabled")
    with pytest.raises(JobError, match=r"Archive paid is CREATE_FAILED: The key is disabled\. Correct that"):
        create().run()


def test_a_full_account_is_an_error(aws: AwsJobs) -> None:
    full = {"code": "LimitExceededException", "message": "Too many archives", "status": 400}
    aws.add_fault(Fault("CreateArchive", "error", **full))  # type: ignore[arg-type]
    with pytest.raises(JobQuotaError, match="Too many archives"):
        create().run()


def test_a_missing_bus_is_an_error(aws: AwsJobs) -> None:
    with pytest.raises(JobNotFoundError, match="Event bus shop does not exist"):
        create(event_bus_name="shop").run()


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ({"archive_name": "a b"}, "archive_name='a b' must be 1 to 48 letters, digits"),
        ({"archive_name": "x" * 49}, "must be 1 to 48"),
        ({"event_bus_name": "a b"}, "must be an event bus's name"),
        ({"event_pattern": "{"}, "event_pattern is no JSON"),
        ({"retention_days": -1}, "retention_days=-1 must be a whole number of days"),
        ({"retention_days": True}, "retention_days=True must be a whole number"),
        ({"retention_days": "a week"}, "retention_days='a week' must be a whole number"),
        ({"retention_days": 1.5}, r"retention_days=1\.5 must be a whole number"),
        ({"description": "a\nb"}, "at most 512 characters, in one line"),
        ({"kms_key": "a b"}, "kms_key='a b' must be a key's ARN"),
    ],
)
def test_what_cannot_work_fails_with_the_dags_file(given: dict[str, Any], told: str) -> None:
    with pytest.raises(JobInputError, match=told):
        create(**given).make()


class TestDelete:
    @pytest.mark.parametrize("given", ["the name", "the result"])
    def test_an_archive(self, events: Any, logged: Callable[[], str], given: str) -> None:
        result = create().run()
        delete("paid" if given == "the name" else result).run()
        assert [row["ArchiveName"] for row in events.list_archives()["Archives"]] == ["orders"]
        assert "Archive paid is deleted." in logged()

    def test_one_that_is_gone_counts_as_deleted(self, aws: AwsJobs, logged: Callable[[], str]) -> None:
        delete("paid").run()
        assert "Archive paid is gone already." in logged()

    @pytest.mark.parametrize("when", ["before", "after"])
    def test_a_retry_deletes_what_is_left(self, aws: AwsJobs, events: Any, when: Any) -> None:
        aws.add_fault(Fault("DeleteArchive", "drop", when=when))
        task = delete("orders")
        with pytest.raises(JobApiError):
            task.run()
        task.run()
        assert events.list_archives()["Archives"] == []

    def test_nothing_was_handed_on(self, aws: AwsJobs, logged: Callable[[], str]) -> None:
        before = aws.calls("events")
        delete(None).run()
        assert aws.calls("events") == before
        assert "There is no archive to delete" in logged()

    def test_a_name_that_aws_does_not_allow(self) -> None:
        with pytest.raises(JobInputError, match="archive_name='a b' must be"):
            delete("a b").make()
