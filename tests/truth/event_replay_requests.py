# SPDX-License-Identifier: Apache-2.0

"""EventBridge replays: requests that are refused, by the model or by assumption."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from .event_archives import ARCHIVE_ARN, BUS_ARN, MODEL, assumed, create, described
from .event_replays import CANCEL, DESCRIBE, T0, TIMES, start
from .table import Call, Has, Refused, Row, call

INVALID = Refused("ValidationException")
GONE = Refused(
    "ValidationException", "Parameter EventSourceArn is not valid. Reason: Archive orders does not exist."
)


def starting(**changes: Any) -> tuple[Call, ...]:
    """Start a replay of an archive that there is."""
    return create(), start(**changes)


def filtered(*arns: str) -> dict[str, Any]:
    """A destination with filters."""
    return {"Destination": {"Arn": BUS_ARN.format("default"), "FilterArns": list(arns)}}


#: Lists that the model refuses.
WRONG: dict[str, dict[str, Any]] = {
    "a prefix of 65 characters": {"NamePrefix": "a" * 65},
    "an empty prefix": {"NamePrefix": ""},
    "a prefix with a space": {"NamePrefix": "a b"},
    "an archive that is no ARN": {"EventSourceArn": "orders"},
    "an empty token": {"NextToken": ""},
    "a page of -1": {"Limit": -1},
}

ROWS = [
    *(
        Row(f"list by {what}", (call("events.list_replays", **request),), INVALID, MODEL)
        for what, request in WRONG.items()
    ),
    Row(
        "list by two filters",
        (call("events.list_replays", NamePrefix="a", State="RUNNING"),),
        INVALID,
        described("ListReplays"),
    ),
    Row("start from an archive's name", starting(EventSourceArn="orders"), INVALID, MODEL),
    Row(
        "start from an archive's ARN of 1601 characters",
        starting(EventSourceArn=ARCHIVE_ARN.format("a" * 1601)),
        INVALID,
        MODEL,
    ),
    Row("start to a destination without an ARN", starting(Destination={}), INVALID, MODEL),
    Row("start to a bus's name", starting(Destination={"Arn": "default"}), INVALID, MODEL),
    Row("start with an empty filter", starting(**filtered("")), INVALID, MODEL),
    Row("start with a filter of 1601 characters", starting(**filtered("a" * 1601)), INVALID, MODEL),
    Row(
        "start with a rule's name for a filter",
        starting(**filtered("all")),
        INVALID,
        assumed("the model asks for ARNs of rules, and has no pattern"),
    ),
    Row(
        "start with an archive for a filter",
        starting(**filtered(ARCHIVE_ARN.format("orders"))),
        INVALID,
        assumed("the model asks for ARNs of rules, and has no pattern"),
    ),
    Row(
        "start from an archive of another Region",
        starting(EventSourceArn=ARCHIVE_ARN.format("orders").replace("us-east-1", "eu-west-1")),
        GONE,
        assumed("to the Region that is called, there is no such archive"),
    ),
    Row(
        "start from an archive of another account",
        starting(EventSourceArn=ARCHIVE_ARN.format("orders").replace("123456789012", "210987654321")),
        GONE,
        assumed("to the account that calls, there is no such archive"),
    ),
    Row(
        "start with an end before, to an unknown bus",
        (create(), start(bus="doesnotexist", EventEndTime=T0 - timedelta(seconds=10))),
        Refused("ValidationException", TIMES),
        assumed("recorded for a bus that is not the archive's"),
    ),
    Row(
        "start from an archive that is being updated",
        (create(), call("aws.set_archive", name="orders", state="UPDATING"), start()),
        INVALID,
        assumed("AWS documents no state's effect"),
    ),
    Row(
        "the first description after a cancel, by reads",
        (call("aws.set_pace", reads=1), create(), start(), CANCEL, DESCRIBE),
        Has({"State": "CANCELLING"}),
        assumed("recorded is that a description soon after finds it so"),
    ),
    Row(
        "the second description after a cancel, by reads",
        (call("aws.set_pace", reads=1), create(), start(), CANCEL, DESCRIBE, DESCRIBE),
        Has({"State": "CANCELLED"}),
        assumed("AWS documents no duration"),
    ),
]
