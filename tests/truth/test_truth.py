# SPDX-License-Identifier: Apache-2.0

"""The mocked services answer as AWS is known to answer."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_jobs.testing.aws.constraints import service_model

from . import (
    data_pipeline,
    event_archives,
    event_entries,
    event_replay_requests,
    event_replays,
    event_subscribers,
    event_targets,
    iot_analytics,
    log_exports,
    lookout_equipment,
    sqs_redrives,
    table_exports,
)
from .table import Change, Has, Refused, Row, World

TABLES = {
    "archives": event_archives.ROWS,
    "replays": [*event_replays.ROWS, *event_replay_requests.ROWS],
    "events": event_entries.ROWS,
    "targets": event_targets.ROWS,
    "datapipeline": data_pipeline.ROWS,
    "iotanalytics": iot_analytics.ROWS,
    "lookoutequipment": lookout_equipment.ROWS,
    "redrives": sqs_redrives.ROWS,
    "exports": log_exports.ROWS,
    "subscribers": event_subscribers.ROWS,
    "tables": table_exports.ROWS,
}
#: The tables of each service, by the title that the docs have.
SERVICES = {
    "EventBridge": ("archives", "replays", "events", "targets"),
    "Data Pipeline": ("datapipeline",),
    "IoT Analytics": ("iotanalytics",),
    "Lookout for Equipment": ("lookoutequipment",),
    "SQS": ("redrives",),
    "CloudWatch Logs": ("exports",),
    "EventBridge, Custom Event Bus": ("subscribers",),
    "DynamoDB": ("tables",),
}
#: Tables of a service that the lowest boto3 does not know.
NEW = {"subscribers": "eventbridgev2"}

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"

ROWS = [(f"{service}: {row.what}", row) for service, rows in TABLES.items() for row in rows]


def marks(name: str, row: Row) -> list[pytest.MarkDecorator]:
    """What pytest has to know of a row that it cannot try, or that fails today, and has to say so until it
    does not.
    """
    needed = NEW.get(name.partition(":")[0])
    if needed is not None and service_model(needed) is None:
        return [pytest.mark.skip(reason=f"This boto3 does not know {needed}.")]
    if row.fails:
        return [pytest.mark.xfail(reason=row.fails, raises=AssertionError, strict=True)]
    return []


MARKED = [pytest.param(row, id=name, marks=marks(name, row)) for name, row in ROWS]


@pytest.mark.parametrize("row", MARKED)
def test_row(world: World, row: Row) -> None:
    assert world.differences(row) == []


def expected_member(row: Row) -> str | None:
    """The first of the members that a row names, if it names any."""
    members: Mapping[str, Any] = {}
    if not isinstance(row.expected, Refused):
        members = row.expected.members if isinstance(row.expected, Has) else row.expected
    return next(iter(members), None)


def changes(row: Row) -> dict[str, Change]:
    """Ways to break the answer to a row, each of which the row must notice."""

    def code(parsed: dict[str, Any]) -> None:
        parsed["Error"]["Code"] = "Another"

    def message(parsed: dict[str, Any]) -> None:
        parsed["Error"]["Message"] += " Or not."

    def status(parsed: dict[str, Any]) -> None:
        parsed["ResponseMetadata"]["HTTPStatusCode"] = 418

    def missing(parsed: dict[str, Any]) -> None:
        del parsed[str(expected_member(row))]

    def other(parsed: dict[str, Any]) -> None:
        parsed[str(expected_member(row))] = object()

    def more(parsed: dict[str, Any]) -> None:
        parsed["Another"] = "member"

    if isinstance(row.expected, Refused):
        found: dict[str, Change] = {"code": code, "status": status}
        if row.expected.message is not None:
            found["message"] = message
        return found
    found = {"missing": missing, "other": other} if expected_member(row) is not None else {}
    if not isinstance(row.expected, Has):
        found["more"] = more
    return found


BROKEN = [
    pytest.param(row, change, id=f"{name}, {what}", marks=marks(name, row))
    for name, row in ROWS
    if not row.fails
    for what, change in changes(row).items()
]


@pytest.mark.parametrize("world", ["in process"], indirect=True)
@pytest.mark.parametrize(("row", "change"), BROKEN)
def test_a_broken_answer_turns_the_row_red(world: World, row: Row, change: Change) -> None:
    assert world.differences(row, change) != []


@pytest.mark.parametrize("world", ["server"], indirect=True)
@pytest.mark.parametrize(
    "service", [pytest.param(name, marks=marks(name, rows[0])) for name, rows in TABLES.items()]
)
def test_a_broken_answer_turns_a_row_red_over_http(world: World, service: str) -> None:
    row = next(row for row in TABLES[service] if not row.fails)
    change = next(iter(changes(row).values()))
    assert world.differences(row) == []
    world.aws.reset()
    world.aws.set_pace()
    assert world.differences(row, change) != []


def test_every_row_has_a_source_and_a_date() -> None:
    for _, row in ROWS:
        assert re.match(
            r"LocalStack |ScyllaDB |moto |botocore |AWS CLI |AWS agent toolkit, "
            r"|AWS Data Pipeline Developer Guide, "
            r"|https://docs\.aws\.amazon\.com/|assumed: ",
            row.source.where,
        ), row.what
        assert date(2024, 1, 3) <= row.source.when <= date(2026, 11, 28), row.what


def page_of_the_table() -> str:
    """The part of the docs that counts the rows by service, and lists what is assumed."""
    kinds = ("recorded", "documented", "assumed")
    lines = ["| service | recorded | documented | assumed |", "|---|---|---|---|"]
    for title, keys in SERVICES.items():
        counts = Counter(row.source.kind for key in keys for row in TABLES[key])
        lines.append(f"| {title} | {' | '.join(str(counts[kind]) for kind in kinds)} |")
    lines += ["", "Assumed, with the reason:", ""]
    for title, keys in SERVICES.items():
        assumed = [row for key in keys for row in TABLES[key] if row.source.kind == "assumed"]
        lines += [f"- {title}: {row.what} ({row.source.where.removeprefix('assumed: ')})" for row in assumed]
    return "\n".join(lines)


def test_the_docs_count_the_rows() -> None:
    expected = page_of_the_table()
    begin, end = "<!-- truth: held by tests/truth/test_truth.py -->\n\n", "\n\n<!-- truth end -->"
    found = PAGE.read_text().partition(begin)[2].partition(end)[0]
    assert found == expected, f"docs/testing.md should have:\n{expected}"


def test_every_table_has_a_service() -> None:
    assert sorted(key for keys in SERVICES.values() for key in keys) == sorted(TABLES)


def test_the_table_is_a_table() -> None:
    assert [name for name, count in Counter(name for name, _ in ROWS).items() if count > 1] == []
    assert {service: len(rows) >= 12 for service, rows in TABLES.items()} == dict.fromkeys(TABLES, True)
