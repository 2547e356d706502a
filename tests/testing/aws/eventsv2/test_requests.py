# SPDX-License-Identifier: Apache-2.0

"""What the mocked Custom Event Bus makes of requests, in process and over HTTP."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError
from testing.aws.test_protocol import response, unchecked

from airflow_provider_jobs import testing
from airflow_provider_jobs.testing import Fault, mock_aws_jobs

from .orders import Orders

SERVICE = "eventbridgev2"


def error(answer: dict[str, Any]) -> tuple[str, int]:
    return answer["Error"]["Code"], answer["ResponseMetadata"]["HTTPStatusCode"]


def refused(call: Any, *arguments: Any, **more: Any) -> tuple[str, int]:
    with pytest.raises(ClientError) as caught:
        call(*arguments, **more)
    return error(dict(caught.value.response))


def test_a_bus_and_its_subscriber(either: Orders) -> None:
    """Every kind of value comes back as it went: times, numbers, maps, texts."""
    api = either.api
    arn = either.subscribe(
        Description="naïve",
        Tags={"team": "data"},
        RetryPolicy={"MaxRetryAttempts": 0},
        FilterConfiguration={"Filters": [{"Scope": "DATA", "Pattern": '{"source": ["shop"]}'}]},
    )
    assert re.fullmatch(r"arn:aws:events:us-east-1:123456789012:subscriber/replay/[a-z0-9]{25}", arn)
    described = api.describe_subscriber(SubscriberArn=arn)
    point = described["PointInTimeConfiguration"]
    assert abs(point["StartingPoint"] - either.start) < timedelta(milliseconds=1)
    assert described["RetryPolicy"] == {
        "MaxRetryAttempts": 0,
        "MaxEventAgeInSeconds": 300,
        "RetryStrategy": "ALL",
    }
    assert (described["Description"], described["Transformer"]) == ("naïve", {"Type": "RAW"})
    assert api.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"team": "data"}
    api.tag_resource(ResourceArn=arn, Tags={"run": "1"})
    api.untag_resource(ResourceArn=arn, TagKeys=["team"])
    assert api.list_tags_for_resource(ResourceArn=arn)["Tags"] == {"run": "1"}
    storage = api.describe_event_bus(EventBusArn=either.bus)["StorageConfiguration"]
    assert storage["RetentionPeriodInDays"] == 1
    assert either.start - storage["RetentionWindowStartTime"] < timedelta(seconds=62)
    api.get_waiter("event_bus_active").wait(EventBusArn=either.bus)
    either.aws.advance("replay")
    assert either.numbers() == [0, 1, 2, 3, 4]
    assert refused(api.delete_event_bus, EventBusArn=either.bus) == ("ResourceInUseException", 409)
    api.delete_subscriber(SubscriberArn=arn)
    api.delete_event_bus(EventBusArn=either.bus)
    assert api.list_event_buses()["EventBuses"] == []


def test_pages_of_subscribers(either: Orders) -> None:
    for name in ("a-1", "a-2", "a-3", "b-1"):
        either.subscribe(name)
    pages = either.api.get_paginator("list_subscribers").paginate(
        EventBusArn=either.bus, NamePrefix="a-", PaginationConfig={"PageSize": 2}
    )
    assert [[row["Name"] for row in page["Subscribers"]] for page in pages] == [["a-1", "a-2"], ["a-3"]]
    assert len(either.api.list_subscribers()["Subscribers"]) == 4
    assert refused(either.api.list_subscribers, NextToken="§") == ("InvalidInputException", 400)


def test_what_is_shown_late(orders: Orders) -> None:
    orders.aws.set_lag(SERVICE, "lists", reads=1)
    orders.aws.set_lag(SERVICE, "descriptions", reads=2)
    arn = orders.subscribe()
    listed = [len(orders.api.list_subscribers(NamePrefix="re")["Subscribers"]) for _ in range(2)]
    described = []
    for _ in range(3):
        answer = response(orders.api, "DescribeSubscriber", {"SubscriberArn": arn})
        described.append("Name" in answer)
    assert (listed, described) == ([0, 1], [False, False, True])


def test_the_same_request_again(either: Orders) -> None:
    arn = either.subscribe(ClientToken="one")
    assert either.subscribe(ClientToken="one") == arn
    mismatch = refused(either.subscribe, ClientToken="one", Description="another")
    assert mismatch == ("IdempotentParameterMismatchException", 409)
    assert refused(either.subscribe, ClientToken="two") == ("ResourceAlreadyExistsException", 409)
    assert refused(either.subscribe) == ("ResourceAlreadyExistsException", 409)


def test_one_change_of_a_bus_at_a_time(either: Orders) -> None:
    either.aws.set_subscribers(change_seconds=60)
    arn = either.subscribe(ClientToken="one")
    assert refused(either.subscribe, "another") == ("ConcurrentModificationException", 409)
    assert refused(either.api.delete_subscriber, SubscriberArn=arn) == (
        "ConcurrentModificationException",
        409,
    )
    assert either.subscribe(ClientToken="one") == arn
    either.aws.set_clock_skew(61)
    either.api.delete_subscriber(SubscriberArn=arn)
    assert refused(either.api.describe_subscriber, SubscriberArn=arn) == ("ResourceNotFoundException", 404)


def test_few_read_the_past_at_once(orders: Orders) -> None:
    orders.aws.set_pace()
    orders.aws.set_quota(SERVICE, 1)
    arn = orders.subscribe()
    limit = ("LimitExceededException", 400)
    assert refused(orders.subscribe, "second") == limit
    orders.subscribe("live", StartingPosition="LATEST", PointInTimeConfiguration=None)
    orders.api.update_subscriber(SubscriberArn=arn, State="STOPPED")
    orders.subscribe("second")
    assert refused(orders.api.update_subscriber, SubscriberArn=arn, State="RUNNING") == limit
    orders.aws.advance("second")
    orders.api.update_subscriber(SubscriberArn=arn, State="RUNNING")
    for name in ("two", "three", "four", "five"):
        orders.api.create_event_bus(Name=name)
    assert refused(orders.api.create_event_bus, Name="six") == limit


def test_a_start_that_is_too_young(orders: Orders) -> None:
    begins = orders.aws.now() - timedelta(minutes=4)
    point = {"PointType": "TIMESTAMP", "StartingPoint": begins, "EndPoint": begins + timedelta(minutes=1)}
    with pytest.raises(ClientError, match="StartingPoint must be at least 5 minutes in the past"):
        orders.subscribe(PointInTimeConfiguration=point)


def test_updates(orders: Orders) -> None:
    orders.aws.set_pace()
    pattern = {"Filters": [{"Scope": "DATA", "Pattern": '{"source": ["none"]}'}]}
    arn = orders.subscribe(FilterConfiguration=pattern)
    update = orders.api.update_subscriber
    resume = refused(update, SubscriberArn=arn, ResumePosition="LATEST")
    assert resume == ("InvalidInputException", 400)
    update(SubscriberArn=arn, FilterConfiguration={}, Transformer={"Type": "WITH_METADATA"})
    described = orders.api.describe_subscriber(SubscriberArn=arn)
    assert "FilterConfiguration" not in described
    assert described["LastModifiedTime"] > described["CreationTime"]
    orders.aws.advance("replay")
    assert len(orders.cloud.received("orders")) == 5
    orders.api.revoke_resource(Arn=arn)
    assert refused(update, SubscriberArn=arn, State="STOPPED") == ("InvalidStateException", 409)
    orders.api.delete_event_bus(EventBusArn=orders.bus)


def test_what_a_subscriber_cannot_have(orders: Orders) -> None:
    invalid, missing = ("InvalidInputException", 400), ("NotImplemented", 501)
    filters = {"Scope": "DATA", "Pattern": '{"source": [{"wildcard": "s*"}]}'}
    expression = {"Type": "JSONATA", "JsonataConfiguration": {"Expression": "{% $events.Data %}"}}
    for expected, given in (
        (invalid, {"FilterConfiguration": {"Filters": [filters]}}),
        (invalid, {"FilterConfiguration": {"Filters": [{**filters, "Pattern": '{"a": ["b"]}'}] * 2}}),
        (invalid, {"FilterConfiguration": {"Filters": [{**filters, "Pattern": "{"}]}}),
        (invalid, {"FilterConfiguration": {"Language": "EVENT_BRIDGE_PATTERN"}}),
        (invalid, {"target": "arn:aws:sqs:eu-west-1:123456789012:orders"}),
        (missing, {"target": "arn:aws:sns:us-east-1:123456789012:orders"}),
        (missing, {"Transformer": expression}),
    ):
        assert refused(orders.subscribe, **given) == expected, given
    assert orders.api.list_subscribers()["Subscribers"] == []


def test_events_that_are_not_taken(orders: Orders) -> None:
    good = {"Source": "shop", "DetailType": "order", "Detail": "{}"}
    entries = [good, {**good, "Source": "aws.s3"}, {**good, "Detail": "{"}]
    answer = orders.api.put_events(EventBusArn=orders.bus, Entries=entries)
    assert answer["FailedEntryCount"] == 2
    assert ["ErrorCode" in entry for entry in answer["Entries"]] == [False, True, True]
    keyed = {**good, "SystemMetadata": {"DeduplicationId": "one"}}
    answer = orders.api.put_events(EventBusArn=orders.bus, Entries=[keyed, keyed])
    assert [entry["SuccessCode"] for entry in answer["Entries"]] == ["PUBLISHED", "DEDUPLICATED"]
    twice = orders.put_now(9, 9, DeduplicationConfiguration={"DeduplicationType": "CONTENT_BASED"})
    assert [entry["SuccessCode"] for entry in twice] == ["PUBLISHED", "DEDUPLICATED"]
    orders.aws.set_subscribers(provision_seconds=60)
    young = orders.api.create_event_bus(Name="young")["EventBusArn"]
    assert refused(orders.api.put_events, EventBusArn=young, Entries=[good]) == ("InvalidStateException", 409)


#: A fault of CreateSubscriber, and what boto3 sees of it.
FAULTS: list[tuple[Fault, str]] = [
    (Fault("CreateSubscriber", "throttle", SERVICE), "ThrottlingException, 429"),
    (Fault("CreateSubscriber", "error", SERVICE, when="after"), "InternalException, 500"),
    (Fault("CreateSubscriber", "access-denied", SERVICE), "AccessDeniedException, 403"),
    (
        Fault("CreateSubscriber", "error", SERVICE, code="ConflictException", status=409),
        "ConflictException, 409",
    ),
    (Fault("CreateSubscriber", "drop", SERVICE, when="after"), "ConnectionClosedError"),
    (Fault("CreateSubscriber", "garbage", SERVICE, body="<html>"), "ResponseParserError"),
    (Fault("CreateSubscriber", "garbage", SERVICE, body="\x1c"), "ResponseParserError"),
]


@pytest.mark.parametrize(("fault", "expected"), FAULTS, ids=str)
def test_faults(either: Orders, fault: Fault, expected: str) -> None:
    either.aws.add_fault(fault)
    with pytest.raises((BotoCoreError, ClientError, ResponseParserError)) as caught:
        either.subscribe()
    if isinstance(caught.value, ClientError):
        code, status = error(dict(caught.value.response))
        assert f"{code}, {status}" == expected
    else:
        assert type(caught.value).__name__ == expected
    rows = either.api.list_subscribers()["Subscribers"]
    assert [row["Name"] for row in rows] == (["replay"] if fault.when == "after" else [])


def test_a_changed_answer(either: Orders) -> None:
    arn = either.subscribe()
    either.aws.add_fault(Fault("DescribeSubscriber", "omit", SERVICE, member="Type"))
    either.aws.add_fault(Fault("ListSubscribers", "alter", SERVICE, member="Subscribers.State", value="ODD"))
    described = either.api.describe_subscriber(SubscriberArn=arn)
    assert "Type" not in described
    assert isinstance(described["CreationTime"], datetime)
    assert either.api.list_subscribers()["Subscribers"][0]["State"] == "ODD"


def test_calls_are_told_apart_from_those_of_the_bus_with_rules(either: Orders) -> None:
    either.cloud.events.describe_event_bus()
    either.api.list_event_buses()
    assert either.aws.calls(SERVICE)["ListEventBuses"] == 1
    assert either.aws.calls("events") == {"DescribeEventBus": 1}


def test_constraints_and_bodies(either: Orders) -> None:
    client = unchecked(either.cloud, SERVICE)
    answer = response(client, "ListSubscribers", {"MaxResults": 101})
    assert error(answer) == ("InvalidInputException", 400)
    assert "'maxResults' failed to satisfy constraint" in answer["Error"]["Message"]
    assert error(response(client, "GetResourcePolicy", {"ResourceArn": either.bus})) == (
        "NotImplemented",
        501,
    )
    bodies = iter([b"\x80", b"\x1c", b""])

    def send(request: AWSRequest, **_: Any) -> None:
        request.data = next(bodies)

    client.meta.events.register(f"before-sign.{SERVICE}.ListSubscribers", send)
    for _ in range(2):
        assert error(response(client, "ListSubscribers", {})) == ("SerializationException", 400)
    assert response(client, "ListSubscribers", {})["Subscribers"] == []


def test_accounts_and_regions_are_apart() -> None:
    session: Any = boto3.session.Session()
    with mock_aws_jobs():
        session.client(SERVICE, "us-east-1").create_event_bus(Name="orders")
        assert session.client(SERVICE, "eu-west-1").list_event_buses()["EventBuses"] == []


def test_the_library_is_imported_by_calls_alone() -> None:
    """Whoever has the extra of an earlier release goes on without it."""
    texts = {path.name: path.read_text() for path in Path(str(testing.__file__)).parent.rglob("*.py")}
    assert not any(re.search(r"^(import|from) cbor2", text, re.MULTILINE) for text in texts.values())
    assert [name for name, text in texts.items() if re.search(r"^ +import cbor2", text, re.MULTILINE)] == [
        "cbor.py"
    ]
