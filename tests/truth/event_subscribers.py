# SPDX-License-Identifier: Apache-2.0

"""Buses and subscribers of EventBridge's Custom Event Bus."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from typing import Any

from .table import Call, Has, Ref, Refused, Row, Source, Sources, call

READ = date(2026, 11, 28)
MODEL = "botocore 1.44.5, service model eventbridgev2 2025-05-15, {}"
GUIDE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/{}.html"
ID = "[a-z0-9]{25}"
BUS_ARN = re.compile(rf"arn:aws:events:us-east-1:123456789012:event-busv2/orders/{ID}")
ARN = re.compile(rf"arn:aws:events:us-east-1:123456789012:subscriber/replay/{ID}")
NO_BUS = f"arn:aws:events:us-east-1:123456789012:event-busv2/none/{'a' * 25}"
NONE = f"arn:aws:events:us-east-1:123456789012:subscriber/none/{'a' * 25}"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:orders"
ROLE = "arn:aws:iam::123456789012:role/deliver"
#: The bus is as old as two hours.
NOW = datetime.now(UTC)
START, END = NOW - timedelta(hours=1), NOW - timedelta(minutes=30)
SOURCES = Sources(MODEL, READ)
documented, assumed = SOURCES.documented, SOURCES.assumed


def guide(page: str) -> Source:
    """A page of the user guide."""
    return Source(GUIDE.format(page), READ)


def toolkit(page: str) -> Source:
    """What AWS publishes for coding agents, which has messages that the user guide does not have."""
    return Source(f"AWS agent toolkit, amazon-eventbridge-event-bus, {page}", READ)


def bus(name: str, **given: Any) -> Call:
    """Call an operation of the service."""
    return call(f"eventbridgev2.{name}", **given)


def subscribe(**more: Any) -> Call:
    """Create a subscriber of half an hour."""
    given = {
        "Name": "replay",
        "EventBusArn": Ref("EventBusArn"),
        "InvokeConfiguration": {"TargetArn": QUEUE, "RoleArn": ROLE},
        "StartingPosition": "POINT_IN_TIME",
        "PointInTimeConfiguration": {"PointType": "TIMESTAMP", "StartingPoint": START, "EndPoint": END},
    }
    return bus("create_subscriber", **{key: value for key, value in {**given, **more}.items() if value})


def point(**given: Any) -> Call:
    """Create a subscriber with another point in time."""
    return subscribe(PointInTimeConfiguration={"PointType": "TIMESTAMP", **given})


def of_this(name: str, **more: Any) -> Call:
    """Call an operation of the subscriber."""
    return bus(name, SubscriberArn=Ref("SubscriberArn"), **more)


def invalid(message: str | re.Pattern[str] | None = None) -> Refused:
    """The error of an argument."""
    return Refused("InvalidInputException", message)


#: A bus that is two hours old.
READY = (
    call("aws.set_clock_skew", seconds=-7200),
    bus("create_event_bus", Name="orders"),
    call("aws.set_clock_skew", seconds=0),
)
CREATED = (*READY, subscribe(ClientToken="one"))
POINT = "PointInTimeConfiguration"

ROWS = [
    Row(
        "create a bus",
        (bus("create_event_bus", Name="orders"),),
        {
            "EventBusArn": BUS_ARN,
            "Name": "orders",
            "StorageConfiguration": {"RetentionPeriodInDays": 1, "RetentionWindowStartTime": datetime},
            "State": "CREATING",
            "CreationTime": datetime,
        },
        documented("CreateEventBus"),
    ),
    Row(
        "a bus, described",
        (*READY, bus("describe_event_bus", EventBusArn=Ref("EventBusArn"))),
        Has({"EventBusArn": BUS_ARN, "State": "ACTIVE", "LastModifiedTime": datetime}),
        documented("DescribeEventBus"),
    ),
    Row(
        "a bus that there is not",
        (bus("describe_event_bus", EventBusArn=NO_BUS),),
        Refused("ResourceNotFoundException", status=404),
        documented("DescribeEventBus"),
    ),
    Row(
        "delete a bus that has a subscriber",
        (*CREATED, bus("delete_event_bus", EventBusArn=Ref("EventBusArn"))),
        Refused("ResourceInUseException", status=409),
        documented("DeleteEventBus"),
    ),
    Row(
        "put events",
        (
            *READY,
            bus(
                "put_events",
                EventBusArn=Ref("EventBusArn"),
                Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}],
            ),
        ),
        {
            "FailedEntryCount": 0,
            "Entries": [{"EventId": str, "SequenceNumber": str, "SuccessCode": "PUBLISHED"}],
        },
        documented("PutEvents"),
    ),
    Row(
        "put an event as a service of AWS",
        (
            *READY,
            bus(
                "put_events",
                EventBusArn=Ref("EventBusArn"),
                Entries=[{"Source": "aws.s3", "DetailType": "order", "Detail": "{}"}],
            ),
        ),
        Has({"FailedEntryCount": 1}),
        documented("PutEvents"),
    ),
    Row(
        "create",
        CREATED,
        {
            "SubscriberArn": ARN,
            "Name": "replay",
            "EventBusArn": BUS_ARN,
            "Type": "UNORDERED",
            "StartingPosition": "POINT_IN_TIME",
            "PointInTimeConfiguration": {
                "PointType": "TIMESTAMP",
                "StartingPoint": datetime,
                "EndPoint": datetime,
            },
            "State": "RUNNING",
            "CreationTime": datetime,
        },
        documented("CreateSubscriber"),
    ),
    Row(
        "create without a filter",
        (*READY, subscribe()),
        Has({"SubscriberArn": ARN}),
        guide("eb-custom-bus-subscribers"),
    ),
    Row("create again", (*CREATED, CREATED[-1]), Has({"SubscriberArn": ARN}), documented("CreateSubscriber")),
    Row(
        "create another with the same token",
        (*CREATED, subscribe(ClientToken="one", Description="another")),
        Refused("IdempotentParameterMismatchException", status=409),
        documented("CreateSubscriber"),
    ),
    Row(
        "create another of the same name",
        (*CREATED, subscribe(ClientToken="two")),
        Refused("ResourceAlreadyExistsException", status=409),
        documented("CreateSubscriber"),
    ),
    Row(
        "create while another one is created",
        (*READY, call("aws.set_subscribers", change_seconds=60), subscribe(), subscribe(Name="second")),
        Refused("ConcurrentModificationException", status=409),
        guide("eb-custom-bus-subscribers"),
    ),
    Row(
        "create when the bus has no room for one that reads the past",
        (
            *READY,
            call("aws.set_quota", service="eventbridgev2", limit=1),
            subscribe(),
            subscribe(Name="second"),
        ),
        Refused("LimitExceededException"),
        guide("eb-custom-bus-replay"),
    ),
    Row(
        "create with a point before the bus",
        (*READY, point(StartingPoint=NOW - timedelta(days=30))),
        invalid(re.compile(rf"{POINT}\.StartingPoint \(.+\) falls outside the bus's retention window")),
        toolkit("replay-and-recovery.md"),
    ),
    Row(
        "create with a point that is to come",
        (*READY, point(StartingPoint=NOW + timedelta(days=1))),
        invalid(f"{POINT}.StartingPoint must not be in the future"),
        toolkit("replay-and-recovery.md"),
    ),
    Row(
        "create without a point",
        (*READY, subscribe(PointInTimeConfiguration=None)),
        invalid(f"{POINT} is required when StartingPosition is POINT_IN_TIME"),
        toolkit("replay-and-recovery.md"),
    ),
    Row(
        "create without a time",
        (*READY, point()),
        invalid(f"{POINT}.StartingPoint is required and must be > 0 when PointType is TIMESTAMP"),
        toolkit("replay-and-recovery.md"),
    ),
    Row(
        "create with a point and from now on",
        (*READY, subscribe(StartingPosition="LATEST")),
        invalid(f"{POINT} must not be provided when StartingPosition is LATEST"),
        toolkit("replay-and-recovery.md"),
    ),
    Row(
        "create with more retries than there are",
        (*READY, subscribe(RetryPolicy={"MaxRetryAttempts": 186})),
        invalid(),
        documented("RetryPolicy"),
    ),
    Row(
        "a subscriber, described",
        (*CREATED, of_this("describe_subscriber")),
        Has(
            {
                "InvokeConfiguration": {"TargetArn": QUEUE, "RoleArn": ROLE},
                "RetryPolicy": {
                    "MaxRetryAttempts": 5,
                    "MaxEventAgeInSeconds": 300,
                    "RetryStrategy": "ALL",
                },
                "BatchConfiguration": {"MaxBatchSize": 10, "MaxBatchWindowInSeconds": 0},
                "State": "RUNNING",
                "LastModifiedTime": datetime,
            }
        ),
        documented("DescribeSubscriber"),
    ),
    Row(
        "a subscriber that there is not",
        (bus("describe_subscriber", SubscriberArn=NONE),),
        Refused("ResourceNotFoundException", status=404),
        documented("DescribeSubscriber"),
    ),
    Row(
        "subscribers by the beginning of their names",
        (*CREATED, subscribe(Name="other"), bus("list_subscribers", NamePrefix="rep")),
        Has({"Subscribers": [Has({"SubscriberArn": ARN, "TargetArn": QUEUE, "State": "RUNNING"})]}),
        documented("ListSubscribers"),
    ),
    Row(
        "pause",
        (*CREATED, of_this("update_subscriber", State="STOPPED")),
        Has({"State": "STOPPED", "LastModifiedTime": datetime}),
        documented("UpdateSubscriber"),
    ),
    Row(
        "resume what is not paused",
        (*CREATED, of_this("update_subscriber", State="RUNNING", ResumePosition="LAST_PROCESSED")),
        invalid(),
        toolkit("replay-and-recovery.md"),
    ),
    Row(
        "revoke",
        (*CREATED, bus("revoke_resource", Arn=Ref("SubscriberArn")), of_this("describe_subscriber")),
        Has({"State": "RUNNING", "Revoked": True}),
        documented("RevokeResource"),
    ),
    Row(
        "change what is revoked",
        (
            *CREATED,
            bus("revoke_resource", Arn=Ref("SubscriberArn")),
            of_this("update_subscriber", State="STOPPED"),
        ),
        Refused("InvalidStateException", status=409),
        documented("RevokeResource"),
    ),
    Row("delete", (*CREATED, of_this("delete_subscriber")), {}, documented("DeleteSubscriber")),
    Row(
        "delete what is deleted",
        (*CREATED, of_this("delete_subscriber"), of_this("delete_subscriber")),
        Refused("ResourceNotFoundException", status=404),
        documented("DeleteSubscriber"),
    ),
    Row(
        "tags",
        (
            *READY,
            subscribe(Tags={"team": "data"}),
            bus("list_tags_for_resource", ResourceArn=Ref("SubscriberArn")),
        ),
        {"Tags": {"team": "data"}},
        documented("ListTagsForResource"),
    ),
    Row(
        "state once all of the window is delivered",
        (*READY, call("aws.set_pace", seconds=0), subscribe(), of_this("describe_subscriber")),
        Has({"State": "RUNNING"}),
        assumed("AWS says that the state is the customer's; what it is after the end point it does not say"),
    ),
    Row(
        "create again with the token of a deleted one",
        (*CREATED, of_this("delete_subscriber"), CREATED[-1]),
        Has({"SubscriberArn": ARN}),
        assumed("how long a token is remembered is not documented"),
    ),
    Row(
        "create with an end that is before the start",
        (*READY, point(StartingPoint=END, EndPoint=START)),
        invalid(),
        assumed("no text of AWS has this case"),
    ),
    Row(
        "create with an end that is to come",
        (*READY, point(StartingPoint=START, EndPoint=NOW + timedelta(days=1))),
        Has({"SubscriberArn": ARN}),
        assumed("AWS says that an end point is a time to stop at, and not that it is past"),
    ),
    Row(
        "create with a pattern that has a wildcard",
        (
            *READY,
            subscribe(
                FilterConfiguration={
                    "Filters": [{"Scope": "DATA", "Pattern": '{"source": [{"wildcard": "s*"}]}'}]
                }
            ),
        ),
        invalid(),
        assumed("as two who tried it on AWS have written; its words are not known"),
    ),
]
