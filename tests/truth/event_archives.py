# SPDX-License-Identifier: Apache-2.0

"""EventBridge archives: mostly what AWS answered when it was recorded."""

from __future__ import annotations

import json
from datetime import date, datetime
from typing import Any

from .table import Call, Has, Json, Ref, Refused, Row, Source, call

RECORDING = "LocalStack tests/aws/services/events/test_archive_and_replay.snapshot.json, {}"
MODEL = Source("botocore 1.44.5, service model events 2015-10-07", date(2026, 11, 26))

BUS_ARN = "arn:aws:events:us-east-1:123456789012:event-bus/{}"
ARCHIVE_ARN = "arn:aws:events:us-east-1:123456789012:archive/{}"

#: The event of the recordings.
COMMAND = "core.update-account-command"
DETAIL = {"command": "update-account", "payload": {"acc_id": "0a787ecb-4015", "sf_id": "baz"}}
PATTERN = {"source": [COMMAND], "detail-type": [COMMAND], "detail": {"command": ["update-account"]}}


def recorded(test: str, day: int, month: int = 5, year: int = 2024) -> Source:
    """A test of the recordings, and its day."""
    return Source(RECORDING.format(test), date(year, month, day))


def described(operation: str) -> Source:
    """The model's documentation of an operation, its members and its errors."""
    return Source(f"{MODEL.where}, {operation}", MODEL.when)


def assumed(why: str) -> Source:
    """What AWS does not tell, and why the mock does it that way."""
    return Source(f"assumed: {why}", date(2026, 11, 28))


def create(name: str = "orders", bus: str = "default", **more: Any) -> Call:
    """Create an archive as the recordings do."""
    request = {"ArchiveName": name, "EventSourceArn": BUS_ARN.format(bus), "RetentionDays": 1, **more}
    return call("events.create_archive", **request)


def listed(name: str = "orders", bus: str = "default", events: int = 0, size: int = 0) -> dict[str, Any]:
    """A row of ListArchives as it was recorded."""
    return {
        "ArchiveName": name,
        "CreationTime": datetime,
        "EventCount": events,
        "EventSourceArn": BUS_ARN.format(bus),
        "RetentionDays": 1,
        "SizeBytes": size,
        "State": "ENABLED",
    }


BUS = call("events.create_event_bus", Name="sales")
FULL = {"Description": "description of the archive", "EventPattern": json.dumps(PATTERN)}
PUT_TEN = call(
    "events.put_events",
    Entries=[{"Source": COMMAND, "DetailType": COMMAND, "Detail": json.dumps(DETAIL)}] * 10,
)
CHANGED = {"ArchiveArn": ARCHIVE_ARN.format("orders"), "CreationTime": datetime, "State": "ENABLED"}
LIFE = "test_create_list_describe_update_delete_archive"
DESCRIBED = {**listed(), "ArchiveArn": ARCHIVE_ARN.format("orders")}
TEXTS = {"Description": FULL["Description"], "EventPattern": Json(PATTERN)}

#: Lists that the model refuses.
WRONG: dict[str, dict[str, Any]] = {
    "a prefix of 49 characters": {"NamePrefix": "a" * 49},
    "an empty prefix": {"NamePrefix": ""},
    "a bus that is no ARN": {"EventSourceArn": "default"},
    "a page of -1": {"Limit": -1},
}

ROWS = [
    Row("create", (create(**FULL),), CHANGED, recorded(f"{LIFE}[default]", 17)),
    Row("create on a bus of one's own", (BUS, create(bus="sales")), CHANGED, recorded(f"{LIFE}[custom]", 17)),
    Row(
        "list by prefix",
        (create(**FULL), create("other"), call("events.list_archives", NamePrefix="ord")),
        {"Archives": [listed()]},
        recorded("test_list_archive_with_name_prefix[default]", 17),
    ),
    Row(
        "list by full name on a bus of one's own",
        (BUS, create(bus="sales"), call("events.list_archives", NamePrefix="orders")),
        {"Archives": [listed(bus="sales")]},
        recorded("test_list_archive_with_name_prefix[custom]", 17),
    ),
    Row(
        "list by a prefix of none",
        (create(), call("events.list_archives", NamePrefix="doesnotexist")),
        {"Archives": []},
        recorded("test_list_archive_with_name_prefix[default]", 17),
    ),
    Row(
        "list by bus",
        (
            BUS,
            create(),
            create("b", "sales"),
            call("events.list_archives", EventSourceArn=BUS_ARN.format("sales")),
        ),
        {"Archives": [listed("b", "sales")]},
        recorded("test_list_archive_with_source_arn[custom]", 17),
    ),
    Row(
        "list by state",
        (create(), call("events.list_archives", State="ENABLED")),
        {"Archives": [listed()]},
        recorded("test_list_archive_state_enabled[default]", 17),
    ),
    Row(
        "describe",
        (create(**FULL), call("events.describe_archive", ArchiveName="orders")),
        {**DESCRIBED, **TEXTS},
        recorded(f"{LIFE}[default]", 17),
    ),
    Row(
        "describe one without a pattern",
        (
            create(Description=FULL["Description"]),
            PUT_TEN,
            call("events.describe_archive", ArchiveName="orders"),
        ),
        {**DESCRIBED, "EventCount": 10, "SizeBytes": 1590, "Description": FULL["Description"]},
        recorded("test_list_archive_with_events[False-custom]", 21),
    ),
    Row(
        "describe one with events",
        (create(**FULL), PUT_TEN, call("events.describe_archive", ArchiveName="orders")),
        {**DESCRIBED, **TEXTS, "EventCount": 10, "SizeBytes": 1590},
        recorded("test_list_archive_with_events[True-default]", 21),
    ),
    Row(
        "list one with events",
        (create(**FULL), PUT_TEN, call("events.list_archives", NamePrefix="orders")),
        {"Archives": [listed(events=10, size=1590)]},
        recorded("test_list_archive_with_events[True-default]", 21),
    ),
    Row(
        "update",
        (
            create(**FULL),
            call("events.update_archive", ArchiveName="orders", Description="other", RetentionDays=2),
        ),
        CHANGED,
        recorded(f"{LIFE}[default]", 17),
    ),
    Row(
        "delete",
        (create(), call("events.delete_archive", ArchiveName="orders")),
        {},
        recorded(f"{LIFE}[default]", 17),
    ),
    Row(
        "create on an unknown bus",
        (create(bus="doesnotexist"),),
        Refused("ResourceNotFoundException", "Event bus doesnotexist does not exist."),
        recorded("test_create_archive_error_unknown_event_bus", 17),
    ),
    Row(
        "create a second of a name",
        (create(), create()),
        Refused("ResourceAlreadyExistsException", "Archive orders already exists."),
        recorded("test_create_archive_error_duplicate[default]", 17),
    ),
    Row(
        "describe an unknown one",
        (call("events.describe_archive", ArchiveName="doesnotexist"),),
        Refused("ResourceNotFoundException", "Archive doesnotexist does not exist."),
        recorded("test_describe_archive_error_unknown_archive", 17),
    ),
    Row(
        "list by an unknown bus",
        (call("events.list_archives", EventSourceArn=BUS_ARN.format("doesnotexist")),),
        Refused("ResourceNotFoundException", "Event bus doesnotexist does not exist."),
        recorded("test_list_archive_error_unknown_source_arn", 17),
    ),
    Row(
        "update an unknown one with nothing",
        (call("events.update_archive", ArchiveName="doesnotexist"),),
        Refused(
            "ValidationException",
            "At least one of EventPattern, RetentionDays or Description must be provided.",
        ),
        # On 2024-05-17 it was an InternalException.
        recorded("test_update_archive_error_unknown_archive", 11, month=3, year=2025),
    ),
    Row(
        "delete an unknown one",
        (call("events.delete_archive", ArchiveName="doesnotexist"),),
        Refused("ResourceNotFoundException", "Archive doesnotexist does not exist."),
        recorded("test_delete_archive_error_unknown_archive", 17),
    ),
    Row(
        "update an unknown one",
        (call("events.update_archive", ArchiveName="doesnotexist", RetentionDays=2),),
        Refused("ResourceNotFoundException"),
        described("UpdateArchive"),
    ),
    Row(
        "create with a pattern that is none",
        (create(EventPattern="{"),),
        Refused("InvalidEventPatternException"),
        described("CreateArchive"),
    ),
    Row(
        "without RetentionDays events are kept for ever",
        (
            call("events.create_archive", ArchiveName="orders", EventSourceArn=BUS_ARN.format("default")),
            call("events.describe_archive", ArchiveName="orders"),
        ),
        Has({"RetentionDays": 0}),
        described("CreateArchive"),
    ),
    Row(
        "the token of a page leads to the next",
        (
            create("a"),
            create("b"),
            call("events.list_archives", Limit=1),
            call("events.list_archives", Limit=1, NextToken=Ref("NextToken")),
        ),
        {"Archives": [listed("b")]},
        described("ListArchives"),
    ),
    Row("a name of 49 characters", (create("a" * 49),), Refused("ValidationException"), MODEL),
    Row("a name with a space", (create("a b"),), Refused("ValidationException"), MODEL),
    Row("a negative retention", (create(RetentionDays=-1),), Refused("ValidationException"), MODEL),
    Row(
        "a description of 513 characters",
        (create(Description="a" * 513),),
        Refused("ValidationException"),
        MODEL,
    ),
    Row(
        "create without a bus",
        (call("events.create_archive", ArchiveName="orders"),),
        Refused("ValidationException"),
        MODEL,
    ),
    Row(
        "list by a state that is none",
        (call("events.list_archives", State="GONE"),),
        Refused("ValidationException"),
        MODEL,
    ),
    *(
        Row(
            f"list by {what}",
            (call("events.list_archives", **request),),
            Refused("ValidationException"),
            MODEL,
        )
        for what, request in WRONG.items()
    ),
    Row(
        "list by two filters",
        (call("events.list_archives", NamePrefix="a", State="ENABLED"),),
        Refused("ValidationException"),
        described("ListArchives"),
    ),
    Row(
        "update a known one with nothing",
        (create(), call("events.update_archive", ArchiveName="orders")),
        Refused(
            "ValidationException",
            "At least one of EventPattern, RetentionDays or Description must be provided.",
        ),
        assumed("AWS checks that before it looks for the archive"),
    ),
    Row("a page of 101", (call("events.list_archives", Limit=101),), Refused("ValidationException"), MODEL),
    Row("a page of 0", (call("events.list_archives", Limit=0),), Refused("ValidationException"), MODEL),
]
