# SPDX-License-Identifier: Apache-2.0

"""The table of job APIs that would fit says what botocore's models do."""

from __future__ import annotations

import re
from typing import Any

import botocore
import botocore.session
import pytest
from botocore.model import ServiceModel
from docs.pages import REPOSITORY, table
from packaging.version import Version

#: The page names it; older models lack some of the calls and of the words.
VERSION = "1.44.5"
pytestmark = pytest.mark.skipif(
    Version(botocore.__version__) < Version(VERSION), reason="the table is of a later botocore"
)

ROWS = table(REPOSITORY / "docs" / "add-a-job-type.md", "fitting")
#: What begins the names of calls that start, list and stop.
VERBS = ("Start|Submit|Create|Export|Execute", "List|Get", "Stop|Terminate|Cancel|BatchStop|Update")


def _code(cell: str) -> str | None:
    """Return the name in backticks that a cell begins with, after its kind."""
    found = re.match(r"(?:name |token )?`(\w+)`", cell)
    return found[1] if found else None


def _model(client: str) -> ServiceModel:
    return botocore.session.get_session().get_service_model(client.strip("`"))


def test_there_are_a_dozen() -> None:
    assert len(ROWS) >= 12
    assert sorted(ROWS) == ROWS
    assert f"botocore {VERSION}:" in (REPOSITORY / "docs" / "add-a-job-type.md").read_text()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
def test_the_calls_are_aws_own(row: list[str]) -> None:
    client, start, _, listing, stop, quota, state = row
    calls = [_code(cell) for cell in (start, listing, stop)]
    for call, verbs in zip(calls, VERBS, strict=True):
        if call is None:
            assert (stop, call) == ("none", calls[2])
        else:
            assert re.match(verbs, call)
            assert call in _model(client).operation_names
    started = _model(client).operation_model(_code(start) or "").documentation
    assert ("new customers" in started) is ("new customers" in state)
    assert quota == "not documented" or re.search(r"\d", quota)


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
def test_a_name_or_token_is_a_parameter_of_the_start(row: list[str]) -> None:
    model = _model(row[0]).operation_model(_code(row[1]) or "")
    parameters = model.input_shape.members if model.input_shape else {}
    given = _code(row[2])
    if given is None:
        assert row[2] == "neither"
        assert not any(shape.metadata.get("idempotencyToken") for shape in parameters.values())
        return
    shape = parameters[given]
    longest = re.search(r"(?:up to|to) (\d+)", row[2])
    if longest and "max" in shape.metadata:
        assert shape.metadata["max"] == int(longest[1])
    documented = re.sub(r"<[^>]+>", "", shape.documentation)
    if valid := re.search(r"valid for (\d+ \w+)", row[2]):
        assert valid[0] in documented
    if row[2].startswith("name"):
        assert ("must be unique" in documented) is bool(re.search(", unique( for .*)?,", row[2]))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0].strip("`"))
def test_what_is_listed_for_days_is_documented(row: list[str]) -> None:
    documented = _model(row[0]).operation_model(_code(row[3]) or "").documentation
    for days in re.findall(r"\d+ days", row[3]):
        assert days in documented


@pytest.mark.parametrize(
    ("client", "place", "words"),
    [
        ("cloudtrail", ("shape", "MaxConcurrentQueriesException"), "concurrent queries is 10."),
        ("cloudtrail", ("call", "StartQuery"), "open to new customers starting May 31, 2026"),
        ("datasync", ("call", "StartTaskExecution"), "only run one task execution at a time"),
        ("glue", ("member", "ExecutionProperty.MaxConcurrentRuns"), "The default is 1."),
        ("stepfunctions", ("member", "StartExecutionInput.name"), "90 days after it closes"),
    ],
)
def test_what_the_other_cells_say_is_documented(client: str, place: tuple[str, str], words: str) -> None:
    model, (kind, name) = _model(client), place
    shape, _, member = name.partition(".")
    found: Any = model.operation_model(name) if kind == "call" else model.shape_for(shape)
    documented = (found.members[member] if member else found).documentation
    assert words in documented
