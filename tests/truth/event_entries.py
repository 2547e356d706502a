# SPDX-License-Identifier: Apache-2.0

"""EventBridge events and rules: what is put, and what is refused, mostly as AWS did when it was recorded."""

from __future__ import annotations

import json
import re
from typing import Any

from .event_archives import BUS, MODEL, described
from .event_targets import (
    EVENTS,
    INPUTS,
    NAMES,
    QUEUE,
    QUEUE_ARN,
    RULE,
    WHOLE,
    put,
    recorded,
    template,
    to_queue,
)
from .table import Refused, Row, call

SCHEDULES = "LocalStack tests/aws/services/events/test_events_schedule.snapshot.json, {}"


def failed(code: str, message: str) -> dict[str, Any]:
    """An answer to PutEvents of one entry that is not taken."""
    return {"FailedEntryCount": 1, "Entries": [{"ErrorCode": code, "ErrorMessage": message}]}


ROWS = [
    Row(
        "put to an unknown bus",
        (put(EventBusName="doesnotexist"),),
        {"FailedEntryCount": 0, "Entries": [{"EventId": str}]},
        recorded(EVENTS, "test_put_events_nonexistent_event_bus", 8, 1, 2025),
    ),
    *(
        Row(
            f"put without {name}",
            (put(**{name: ""}),),
            failed(
                "InvalidArgument", f"Parameter {name} is not valid. Reason: {name} is a required argument."
            ),
            recorded(EVENTS, test, 8, 1, 2025),
        )
        for name, test in (
            ("Source", "test_put_events_without_source"),
            ("DetailType", "test_put_event_without_detail_type"),
            ("Detail", "test_put_event_without_detail"),
        )
    ),
    *(
        Row(
            f"put a detail that is {detail}",
            (put(Detail=detail),),
            failed("MalformedDetail", "Detail is malformed."),
            recorded(EVENTS, "test_put_event_malformed_detail", 8, 1, 2025),
        )
        for detail in ("a text", '["an", "array"]', '{"no": "end"', '"a text"')
    ),
    Row(
        "put eleven at once",
        (call("events.put_events", Entries=put().arguments["Entries"] * 11),),
        Refused(
            "ValidationException",
            re.compile(
                r"1 validation error detected: Value '\[.*\]' at 'entries' failed to satisfy constraint: "
                "Member must have length less than or equal to 10"
            ),
        ),
        recorded(EVENTS, "test_put_events_exceed_limit_ten_entries[default]", 8, 1, 2025),
    ),
    Row(
        "two inputs for a target",
        (QUEUE, RULE, to_queue(InputPath="$.detail", **template('"<userId>"'))),
        Refused(
            "ValidationException",
            "Only one of Input, InputPath, or InputTransformer must be provided for target q.",
        ),
        recorded(INPUTS, "test_put_event_input_path_and_input_transformer", 12, 3, 2025),
    ),
    Row(
        "a variable that is not defined",
        (QUEUE, RULE, to_queue(**template('"Key <notdefinedkey>"', NAMES))),
        Refused(
            "ValidationException", "InputTemplate for target q contains invalid placeholder notdefinedkey."
        ),
        recorded(INPUTS, "test_put_events_with_input_transformer_missing_keys", 12, 3, 2025),
    ),
    Row(
        "a target's id with other characters",
        (RULE, call("events.put_targets", Rule="all", Targets=[{"Id": "!@#$@!#$", "Arn": QUEUE_ARN}])),
        Refused(
            "ValidationException",
            "1 validation error detected: Value '!@#$@!#$' at 'targets.1.member.id' failed to satisfy "
            r"constraint: Member must satisfy regular expression pattern: [\.\-_A-Za-z0-9]+",
        ),
        recorded(EVENTS, "test_put_target_id_validation", 8, 1, 2025),
    ),
    Row(
        "a schedule on another bus",
        (
            BUS,
            call(
                "events.put_rule",
                Name="all",
                EventBusName="sales",
                ScheduleExpression="rate(5 minutes)",
            ),
        ),
        Refused("ValidationException", "ScheduleExpression is supported only on the default event bus."),
        recorded(SCHEDULES, "tests_put_rule_with_schedule_custom_event_bus", 12, 3, 2025),
    ),
    Row(
        "test a pattern that matches",
        (
            call(
                "events.test_event_pattern",
                EventPattern=json.dumps({"source": ["shop"]}),
                Event=json.dumps({**WHOLE, "id": "1", "source": "shop"}),
            ),
        ),
        {"Result": True},
        described("TestEventPattern"),
    ),
    Row("put nothing", (call("events.put_events", Entries=[]),), Refused("ValidationException"), MODEL),
]
