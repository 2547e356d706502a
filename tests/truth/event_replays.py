# SPDX-License-Identifier: Apache-2.0

"""EventBridge replays: mostly what AWS answered when it was recorded."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from .event_archives import (
    ARCHIVE_ARN,
    BUS,
    BUS_ARN,
    COMMAND,
    DETAIL,
    MODEL,
    PATTERN,
    create,
    described,
    recorded,
)
from .table import Call, Has, Json, Ref, Refused, Row, call

T0 = datetime(2026, 11, 26, tzinfo=UTC)
LIFE = "test_start_list_describe_canceled_replay[{}]"
REPLAY_ARN = "arn:aws:events:us-east-1:123456789012:replay/again"
QUEUE_URL = Ref("QueueUrl")


def start(name: str = "again", archive: str = "orders", bus: str = "default", **more: Any) -> Call:
    """Start a replay of a minute."""
    request = {
        "ReplayName": name,
        "EventSourceArn": ARCHIVE_ARN.format(archive),
        "EventStartTime": T0,
        "EventEndTime": T0 + timedelta(minutes=1),
        "Destination": {"Arn": BUS_ARN.format(bus)},
        **more,
    }
    return call("events.start_replay", **request)


def without(given: Call, *names: str) -> Call:
    """A call without some of its arguments."""
    return Call(given.name, {key: value for key, value in given.arguments.items() if key not in names})


def shown(name: str = "again", archive: str = "orders") -> dict[str, Any]:
    """A row of ListReplays of a replay that replayed nothing, as it was recorded."""
    return {
        "EventEndTime": T0 + timedelta(minutes=1),
        "EventSourceArn": ARCHIVE_ARN.format(archive),
        "EventStartTime": T0,
        "ReplayEndTime": datetime,
        "ReplayName": name,
        "ReplayStartTime": datetime,
        "State": "COMPLETED",
    }


def ended(name: str = "again") -> Call:
    """Let a replay end."""
    return call("aws.advance", job_id=name)


def forever() -> Call:
    """Create an archive that keeps the events of T0."""
    return create(RetentionDays=0)


def put(count: int) -> Call:
    """Put the recordings' event at T0."""
    entry = {"Source": COMMAND, "DetailType": COMMAND, "Detail": json.dumps(DETAIL), "Time": T0}
    return call("events.put_events", Entries=[entry] * count)


RULE = call("events.put_rule", Name="all", EventPattern=json.dumps(PATTERN))
OWN_RULE = call("events.put_rule", Name="all", EventBusName="sales", EventPattern=json.dumps(PATTERN))
FILTERED: dict[str, Any] = {
    "Description": "description of the replay",
    "Destination": {"Arn": BUS_ARN.format("default"), "FilterArns": [Ref("RuleArn")]},
}
OWN: dict[str, Any] = {
    "Description": "description of the replay",
    "Destination": {"Arn": BUS_ARN.format("sales"), "FilterArns": [Ref("RuleArn")]},
}
DELIVERED = {
    "version": "0",
    "id": str,
    "detail-type": COMMAND,
    "source": COMMAND,
    "account": "123456789012",
    "time": "2026-11-26T00:00:00Z",
    "region": "us-east-1",
    "replay-name": "again",
    "resources": [],
    "detail": DETAIL,
}
DESCRIBE = call("events.describe_replay", ReplayName="again")
CANCEL = call("events.cancel_replay", ReplayName="again")
SIX = tuple(step for n in range(6) for step in (start(f"replay-{n}"), ended(f"replay-{n}")))
TIMES = "Parameter EventEndTime is not valid. Reason: EventStartTime must be before EventEndTime."
HALF = T0 + timedelta(milliseconds=500)

ROWS = [
    Row(
        "start",
        (create(), start()),
        {"ReplayArn": REPLAY_ARN, "ReplayStartTime": datetime, "State": "STARTING"},
        recorded(LIFE.format("default"), 27),
    ),
    Row(
        "a delivered event",
        (
            forever(),
            put(1),
            RULE,
            call("sqs.create_queue", QueueName="all"),
            call(
                "events.put_targets",
                Rule="all",
                Targets=[{"Id": "q", "Arn": "arn:aws:sqs:us-east-1:123456789012:all"}],
            ),
            start(**FILTERED),
            ended(),
            call("sqs.receive_message", QueueUrl=QUEUE_URL, MaxNumberOfMessages=10),
        ),
        {"Messages": [Has({"Body": Json(DELIVERED)})]},
        recorded(LIFE.format("default"), 27),
    ),
    Row(
        "list one that has replayed",
        (forever(), put(3), start(), ended(), call("events.list_replays", NamePrefix="again")),
        {"Replays": [{**shown(), "EventLastReplayedTime": T0}]},
        recorded(LIFE.format("default"), 27),
    ),
    Row(
        "describe one that has replayed",
        (forever(), put(3), RULE, start(**FILTERED), ended(), DESCRIBE),
        {**shown(), **FILTERED, "ReplayArn": REPLAY_ARN, "EventLastReplayedTime": T0},
        recorded(LIFE.format("default"), 27),
    ),
    Row(
        "describe one of a bus of one's own",
        (BUS, create(bus="sales"), OWN_RULE, start(bus="sales", **OWN), ended(), DESCRIBE),
        {**shown(), **OWN, "ReplayArn": REPLAY_ARN},
        recorded(LIFE.format("custom"), 27),
    ),
    Row(
        "cancel",
        (create(), start(), CANCEL),
        {"ReplayArn": REPLAY_ARN, "State": "CANCELLING"},
        recorded(LIFE.format("default"), 27),
    ),
    Row(
        "describe one that is being cancelled",
        (create(), RULE, start(**FILTERED), CANCEL, DESCRIBE),
        {
            **{key: value for key, value in shown().items() if key != "ReplayEndTime"},
            **FILTERED,
            "ReplayArn": REPLAY_ARN,
            "State": "CANCELLING",
        },
        recorded(LIFE.format("default"), 27),
    ),
    Row(
        "list by full name what had nothing to replay",
        (
            create(),
            start("x-test"),
            ended("x-test"),
            start("y-test"),
            call("events.list_replays", NamePrefix="x-test"),
        ),
        {"Replays": [shown("x-test")]},
        recorded("test_list_replays_with_prefix", 22),
    ),
    Row(
        "list by prefix",
        (
            create(),
            start("x-test"),
            ended("x-test"),
            start("y-test"),
            call("events.list_replays", NamePrefix="x"),
        ),
        {"Replays": [shown("x-test")]},
        recorded("test_list_replays_with_prefix", 22),
    ),
    Row(
        "list by archive",
        (
            create(),
            create("other"),
            start(),
            ended(),
            start("b", "other"),
            call("events.list_replays", EventSourceArn=ARCHIVE_ARN.format("orders")),
        ),
        {"Replays": [shown()]},
        recorded("test_list_replays_with_event_source_arn", 10, month=6),
    ),
    Row(
        "a first page",
        (create(), *SIX, call("events.list_replays", Limit=3, NamePrefix="replay-")),
        {"NextToken": str, "Replays": [shown(f"replay-{n}") for n in range(3)]},
        recorded("test_list_replay_with_limit", 22),
    ),
    Row(
        "a last page, with another limit",
        (
            create(),
            *SIX,
            call("events.list_replays", Limit=3, NamePrefix="replay-"),
            call("events.list_replays", Limit=5, NamePrefix="replay-", NextToken=Ref("NextToken")),
        ),
        {"Replays": [shown(f"replay-{n}") for n in range(3, 6)]},
        recorded("test_list_replay_with_limit", 22),
    ),
    Row(
        "start to an unknown bus",
        (create(), start(bus="doesnotexist")),
        Refused("ResourceNotFoundException", "Event bus doesnotexist does not exist."),
        recorded("test_start_replay_error_unknown_event_bus", 22),
    ),
    Row(
        "start to another bus",
        (create(), BUS, start(bus="sales")),
        Refused(
            "ValidationException",
            "Parameter Destination.Arn is not valid. Reason: Cross event bus replay is not permitted.",
        ),
        recorded("test_start_replay_error_unknown_event_bus", 22),
    ),
    Row(
        "start from an unknown archive",
        (start(archive="doesnotexist"),),
        Refused(
            "ValidationException",
            "Parameter EventSourceArn is not valid. Reason: Archive doesnotexist does not exist.",
        ),
        recorded("test_start_replay_error_unknown_archive", 22),
    ),
    Row(
        "start a second of a name",
        (create(), start(), start()),
        Refused("ResourceAlreadyExistsException", "Replay again already exists."),
        recorded("test_start_replay_error_duplicate_name_same_archive", 22),
    ),
    Row(
        "start a second of a name, from another archive",
        (BUS, create(), create("other", "sales"), start(), start(archive="other", bus="sales")),
        Refused("ResourceAlreadyExistsException", "Replay again already exists."),
        recorded("test_start_replay_error_duplicate_different_archive", 27),
    ),
    Row(
        "start with an end in the same second, to another bus",
        (BUS, create(), start(bus="sales", EventStartTime=HALF, EventEndTime=T0)),
        Refused("ValidationException", TIMES),
        recorded("test_start_replay_error_invalid_end_time[0]", 22),
    ),
    Row(
        "start with an end before, to another bus",
        (BUS, create(), start(bus="sales", EventStartTime=HALF, EventEndTime=T0 - timedelta(seconds=10))),
        Refused("ValidationException", TIMES),
        recorded("test_start_replay_error_invalid_end_time[10]", 22),
    ),
    Row(
        "an eleventh at once",
        (create(), *(start(f"replay-{n}") for n in range(11))),
        Refused("LimitExceededException", "The requested resource exceeds the maximum number allowed."),
        recorded("tests_concurrency_error_too_many_active_replays", 22),
    ),
    Row(
        "describe an unknown one",
        (call("events.describe_replay", ReplayName="doesnotexist"),),
        Refused("ResourceNotFoundException", "Replay doesnotexist does not exist."),
        recorded("test_describe_replay_error_unknown_replay", 22),
    ),
    Row(
        "cancel an unknown one",
        (call("events.cancel_replay", ReplayName="doesnotexist"),),
        Refused("ResourceNotFoundException"),
        described("CancelReplay"),
    ),
    Row(
        "cancel one that has ended",
        (create(), start(), ended(), CANCEL),
        Refused("IllegalStatusException"),
        described("CancelReplay"),
    ),
    Row(
        "describe one that is cancelled",
        (create(), start(), CANCEL, ended(), DESCRIBE),
        Has({"State": "CANCELLED", "ReplayEndTime": datetime}),
        described("DescribeReplay"),
    ),
    Row("a name of 65 characters", (create(), start("a" * 65)), Refused("ValidationException"), MODEL),
    Row("a name with a space", (create(), start("a b")), Refused("ValidationException"), MODEL),
    Row("an empty name", (create(), start("")), Refused("ValidationException"), MODEL),
    Row(
        "a description of 513 characters",
        (create(), start(Description="a" * 513)),
        Refused("ValidationException"),
        MODEL,
    ),
    Row(
        "a description of two lines",
        (create(), start(Description="a\nb")),
        Refused("ValidationException"),
        MODEL,
    ),
    *(
        Row(
            f"start without {name}", (create(), without(start(), name)), Refused("ValidationException"), MODEL
        )
        for name in ("ReplayName", "EventSourceArn", "EventStartTime", "EventEndTime", "Destination")
    ),
    Row(
        "describe a name with a space",
        (call("events.describe_replay", ReplayName="a b"),),
        Refused("ValidationException"),
        MODEL,
    ),
    Row("cancel without a name", (call("events.cancel_replay"),), Refused("ValidationException"), MODEL),
    Row(
        "list by a state that is none",
        (call("events.list_replays", State="GONE"),),
        Refused("ValidationException"),
        MODEL,
    ),
    Row("a page of 101", (call("events.list_replays", Limit=101),), Refused("ValidationException"), MODEL),
    Row("a page of 0", (call("events.list_replays", Limit=0),), Refused("ValidationException"), MODEL),
    *(
        Row(f"{state} is a state", (call("events.list_replays", State=state),), {"Replays": []}, MODEL)
        for state in ("STARTING", "RUNNING", "CANCELLING", "COMPLETED", "CANCELLED", "FAILED")
    ),
]
