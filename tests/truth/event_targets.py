# SPDX-License-Identifier: Apache-2.0

"""EventBridge targets: what a rule delivers, live or replayed, as AWS did when it was recorded."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from typing import Any

from .event_archives import BUS, BUS_ARN, COMMAND, DETAIL, PATTERN, assumed, described
from .event_replays import ended, forever, start
from .table import Call, Has, Json, Ref, Row, Source, call

INPUTS = "LocalStack tests/aws/services/events/test_events_inputs.snapshot.json, {}"
EVENTS = "LocalStack tests/aws/services/events/test_events.snapshot.json, {}"
GUIDE = "https://docs.aws.amazon.com/eventbridge/latest/userguide/{}"

#: What a replay is, by AWS's guide: the events, resent to the bus that received them.
RESENT = Source(GUIDE.format("eb-archive.html"), date(2026, 11, 28))

T0 = datetime(2026, 11, 26, tzinfo=UTC)

PART = DETAIL["payload"]

#: The event of the recordings of templates.
SPECIAL = {**DETAIL, "listsingle": ["HIGH"], "listmulti": ["ACTIVE", "INACTIVE"], "valid": True}
PATHS = {
    "userId": "$.detail.payload.acc_id",
    "payload": "$.detail.payload",
    "systemstring": "$.detail.awsAccountId",
    "listsingle": "$.detail.listsingle",
    "listmulti": "$.detail.listmulti",
    "valid": "$.detail.valid",
}
#: The variables of the recordings of texts.
NAMES = {"detail-type": "$.detail-type", "timestamp": "$.time", "command": "$.detail.command"}
NO_COMMAND = {**NAMES, "command": "$.detail.notinmessage"}
NESTED = "test_input_transformer_nested_keys_replacement"
NOT_VALID = "test_input_transformer_nested_keys_replacement_not_valid"
TEXT = '"Event of <detail-type> type, at time <timestamp>, info extracted from detail <command>"'
PREDEFINED = "<aws.events.rule-arn> <aws.events.rule-name> <aws.events.event.ingestion-time>"
BOTH_EVENTS = '{"originalEvent": <aws.events.event>, "originalEventJson": <aws.events.event.json>}'
RULE_ARN = "arn:aws:events:us-east-1:123456789012:rule/all"
QUEUE_ARN = "arn:aws:sqs:us-east-1:123456789012:all"
QUEUE = call("sqs.create_queue", QueueName="all")
RECEIVE = call("sqs.receive_message", QueueUrl=Ref("QueueUrl"), MaxNumberOfMessages=10)
RULE = call("events.put_rule", Name="all", EventPattern=json.dumps(PATTERN))
SCHEDULE = call("events.put_rule", Name="all", ScheduleExpression="rate(5 minutes)")

WHOLE = {
    "version": "0",
    "id": str,
    "detail-type": COMMAND,
    "source": COMMAND,
    "account": "123456789012",
    "time": "2026-11-26T00:00:00Z",
    "region": "us-east-1",
    "resources": [],
    "detail": SPECIAL,
}
SHORT = {name: value for name, value in WHOLE.items() if name not in ("detail", "detail-type", "time")}
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


def recorded(where: str, test: str, day: int, month: int, year: int = 2024) -> Source:
    """A test of the recordings, and its day."""
    return Source(where.format(test), date(year, month, day))


def to_queue(**more: Any) -> Call:
    """Make the queue the rule's target."""
    return call("events.put_targets", Rule="all", Targets=[{"Id": "q", "Arn": QUEUE_ARN, **more}])


def put(**more: Any) -> Call:
    """Put the recordings' event."""
    entry = {"Source": COMMAND, "DetailType": COMMAND, "Detail": json.dumps(SPECIAL), "Time": T0}
    return call("events.put_events", Entries=[{**entry, **more}])


def live(rule: Call = RULE, **more: Any) -> tuple[Call, ...]:
    """Put an event and receive what its rule delivers."""
    return QUEUE, rule, to_queue(**more), put(), RECEIVE


def replayed(rule: Call = RULE, **more: Any) -> tuple[Call, ...]:
    """Replay an event, and receive what a rule that came after it delivers."""
    return forever(), put(), QUEUE, rule, to_queue(**more), start(), ended(), RECEIVE


def template(text: str, paths: dict[str, str] | None = None) -> dict[str, Any]:
    """A target's input by a template."""
    return {"InputTransformer": {"InputPathsMap": PATHS if paths is None else paths, "InputTemplate": text}}


def received(body: Any) -> dict[str, Any]:
    """An answer with one message."""
    return {"Messages": [Has({"Body": body})]}


#: What the recordings filled in, by template.
FILLED: dict[str, Any] = {
    '{"method": "PUT", "path": "users-service/users/<userId>", "bod": <payload>}': Json(
        {"method": "PUT", "path": "users-service/users/0a787ecb-4015", "bod": DETAIL["payload"]}
    ),
    '"Payload of <payload> with path users-service/users/<userId> and <userId>"': (
        '"Payload of {acc_id:0a787ecb-4015,sf_id:baz} with path users-service/users/0a787ecb-4015 and '
        '0a787ecb-4015"'
    ),
    '{"id" : <userId>}': Json({"id": "0a787ecb-4015"}),
    '{"id" : "<userId>"}': Json({"id": "0a787ecb-4015"}),
    '{"path": "users/<userId>", "bod": [<userId>, "hardcoded"]}': Json(
        {"path": "users/0a787ecb-4015", "bod": ["0a787ecb-4015", "hardcoded"]}
    ),
    '{"nested": {"level1": {"level2": "users/<userId>"} }, "bod": "<userId>"}': Json(
        {"nested": {"level1": {"level2": "users/0a787ecb-4015"}}, "bod": "0a787ecb-4015"}
    ),
    '"<listsingle> single list item"': '"[HIGH] single list item"',
    '"<listmulti> multiple list items"': '"[ACTIVE,INACTIVE] multiple list items"',
    '"<systemstring> system account id"\n"<payload> payload"': (
        '" system account id"\n"{acc_id:0a787ecb-4015,sf_id:baz} payload"'
    ),
    '{"singlelistitem": <listsingle>}': Json({"singlelistitem": ["HIGH"]}),
    '{"multi_replacement": "users/<userId>/second/<userId>"}': Json(
        {"multi_replacement": "users/0a787ecb-4015/second/0a787ecb-4015"}
    ),
    '"Command is <valid>!"': '"Command is true!"',
}
#: Templates that yield no JSON.
NOTHING = (
    '{"not_valid": "users-service/users/<payload>", "bod": <payload>}',
    '{"payload": "<payload>"}',
    '{"singlelistitem": "<listsingle>"}',
)

ROWS = [
    Row(
        "the whole event", live(), received(Json(WHOLE)), recorded(EVENTS, "test_put_events_time", 8, 1, 2025)
    ),
    *(
        Row(
            f"the part at {path}",
            live(InputPath=path),
            received(Json(found)),
            recorded(INPUTS, f"TestInputPath::{test}", 13, 5),
        )
        for path, found, test in (
            ("$.detail", SPECIAL, "test_put_events_with_input_path"),
            ("$.detail.payload", PART, "test_put_events_with_input_path_nested"),
            ("$.detail.payload.sf_id", "baz", "test_put_events_with_input_path_max_level_depth"),
        )
    ),
    Row(
        "a text filled in",
        live(**template(TEXT, NAMES)),
        received(
            f'"Event of {COMMAND} type, at time 2026-11-26T00:00:00Z, '
            'info extracted from detail update-account"'
        ),
        recorded(INPUTS, "test_put_events_with_input_transformer_input_template_string", 11, 6),
    ),
    Row(
        "a text with a variable that is not in the event",
        live(**template(TEXT, NO_COMMAND)),
        received(f'"Event of {COMMAND} type, at time 2026-11-26T00:00:00Z, info extracted from detail "'),
        recorded(INPUTS, "test_put_events_with_input_transformer_input_template_string", 11, 6),
    ),
    Row(
        "an object with a variable that is not in the event",
        live(**template('{"detailType": <detail-type>,  "command": <command>}', NO_COMMAND)),
        received(Json({"detailType": COMMAND, "command": ""})),
        recorded(INPUTS, "test_put_events_with_input_transformer_input_template_json", 11, 6),
    ),
    *(
        Row(
            f"filled in: {text!r}",
            live(**template(text)),
            received(body),
            recorded(INPUTS, NESTED, 13, 12),
        )
        for text, body in FILLED.items()
    ),
    *(
        Row(
            f"nothing is delivered of {text}",
            live(**template(text)),
            {},
            recorded(INPUTS, NOT_VALID, 13, 12),
        )
        for text in NOTHING
    ),
    Row(
        "names that need no path",
        live(InputTransformer={"InputTemplate": f'"About {PREDEFINED}"'}),
        received(re.compile(rf'"About {RULE_ARN} all {TIME.pattern}"')),
        recorded(INPUTS, "test_input_transformer_predefined_variables", 11, 6),
    ),
    Row(
        "the event in a template",
        live(InputTransformer={"InputTemplate": BOTH_EVENTS}),
        received(
            Json(
                {
                    "originalEvent": {**SHORT, "detailType": COMMAND, "time": TIME},
                    "originalEventJson": WHOLE,
                }
            )
        ),
        recorded(INPUTS, "test_input_transformer_predefined_variables", 11, 6),
    ),
    Row("a constant", live(Input='{"a": 1}'), received('{"a": 1}'), described("PutTargets")),
    Row(
        "a replayed event is a whole one, with the replay's name",
        replayed(),
        received(Json({**WHOLE, "replay-name": "again"})),
        RESENT,
    ),
    Row(
        "a part of a replayed event", replayed(InputPath="$.detail.payload.sf_id"), received('"baz"'), RESENT
    ),
    Row("a constant for a replayed event", replayed(Input='"again"'), received('"again"'), RESENT),
    Row(
        "a replayed event in a template",
        replayed(**template('{"id": <userId>}')),
        received(Json({"id": "0a787ecb-4015"})),
        RESENT,
    ),
    Row("a rule with a schedule alone takes no live event", live(SCHEDULE), {}, described("PutRule")),
    Row("a rule with a schedule alone takes no replayed event", replayed(SCHEDULE), {}, described("PutRule")),
    Row(
        "a rule that is disabled takes no live event",
        (QUEUE, RULE, to_queue(), call("events.disable_rule", Name="all"), put(), RECEIVE),
        {},
        described("PutRule"),
    ),
    Row(
        "from bus to bus an event stays as it is",
        (
            BUS,
            QUEUE,
            call("events.put_rule", Name="all", EventBusName="sales", EventPattern=json.dumps(PATTERN)),
            call(
                "events.put_targets",
                Rule="all",
                EventBusName="sales",
                Targets=[{"Id": "q", "Arn": QUEUE_ARN}],
            ),
            call("events.put_rule", Name="on", EventPattern=json.dumps(PATTERN)),
            call("events.put_targets", Rule="on", Targets=[{"Id": "b", "Arn": BUS_ARN.format("sales")}]),
            put(),
            RECEIVE,
        ),
        received(Json(WHOLE)),
        recorded(EVENTS, "test_put_events_bus_to_bus[standard]", 8, 1, 2025),
    ),
    Row(
        "a path that leads nowhere",
        live(InputPath="$.detail.nowhere"),
        received("null"),
        assumed("AWS documents nothing"),
    ),
    Row(
        "a text with a quotation mark in a text",
        (
            QUEUE,
            RULE,
            to_queue(**template('"<x>"', {"x": "$.resources[0]"})),
            put(Resources=['a"b']),
            RECEIVE,
        ),
        received(r'"a\"b"'),
        assumed("what is delivered stays valid JSON"),
    ),
]
