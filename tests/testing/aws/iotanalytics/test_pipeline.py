# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_jobs.testing.aws.iotanalytics.pipeline import ActivityError, Message, Route

from .sensors import STRAIGHT, through

MESSAGE: Message = {"device": {"id": "d-1", "coord": [47.5, -122.25]}, "heat": 41, "ok": True, "none": None}


def test_straight() -> None:
    route = Route(STRAIGHT)
    assert (route.channel, route.datastore) == ("raw", "clean")
    passed = route.run(MESSAGE)
    assert passed == MESSAGE
    assert passed is not MESSAGE


@pytest.mark.parametrize(
    ("kind", "attributes", "expected"),
    [
        (
            "addAttributes",
            {"device.id": "id", "device.coord[1]": "lon", "device.coord[2]": "z", "heat.x": "y"},
            {**MESSAGE, "id": "d-1", "lon": -122.25},
        ),
        ("removeAttributes", ["device", "none", "absent"], {"heat": 41, "ok": True}),
        ("selectAttributes", ["heat", "absent"], {"heat": 41}),
    ],
)
def test_attributes(kind: str, attributes: Any, expected: Message) -> None:
    assert Route(through(kind, attributes=attributes)).run(MESSAGE) == expected


def test_steps_follow_next_and_not_the_order_of_the_list() -> None:
    activities = [
        STRAIGHT[1],
        {"selectAttributes": {"name": "second", "attributes": ["id"], "next": "third"}},
        {"filter": {"name": "third", "filter": "id = 'd-1'", "next": "to"}},
        {"addAttributes": {"name": "first", "attributes": {"device.id": "id"}, "next": "second"}},
        {"channel": {"name": "from", "channelName": "raw", "next": "first"}},
    ]
    assert Route(activities).run(MESSAGE) == {"id": "d-1"}


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("heat > 40", True),
        ("heat>=41 and heat<=41.0", True),
        ("heat > 40 AND heat < 20", False),
        ("heat < 20 OR heat > 40 AND ok = TRUE", True),
        ("(heat < 20 OR heat > 40) AND ok = false", False),
        ("NOT heat = 41", False),
        ("NOT (heat = 41 AND ok = false)", True),
        ("device.id = 'd-1' AND device.coord[1] < -100", True),
        ("device.id <> 'it''s'", True),
        ("device.id != 'd-1'", False),
        ("41 = heat", True),
        ("ok <> true", False),
        # As in SQL, a comparison with what is not there is unknown, and its negation too.
        ("absent > 1", False),
        ("NOT absent > 1", False),
        ("absent > 1 OR heat = 41", True),
        ("none = 0", False),
        ("heat = '41'", False),
        ("ok = 1", False),
        ("device = device", False),
    ],
)
def test_filters(expression: str, expected: bool) -> None:
    assert Route(through("filter", filter=expression)).run(MESSAGE) == (MESSAGE if expected else None)


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        ("heat >", "the end"),
        ("heat", "the end"),
        ("heat = 1 2", "2"),
        ("(heat = 1", "the end"),
        ("heat LIKE 'a'", "LIKE"),
        ("abs(heat) > 1", "("),
        ("heat + 1 > 2", "+ 1 > 2"),
        ("heat > AND", "AND"),
        ("a = 'b", "'b"),
        (" ", "the end"),
    ],
)
def test_filters_that_are_not_understood(expression: str, at: str) -> None:
    with pytest.raises(ActivityError) as caught:
        Route(through("filter", filter=expression))
    assert str(caught.value) == f"The mocked service does not understand the filter {expression!r} at {at!r}."


@pytest.mark.parametrize("kind", ["lambda", "math", "deviceRegistryEnrich", "deviceShadowEnrich"])
def test_activities_that_are_not_run(kind: str) -> None:
    with pytest.raises(ActivityError, match=f"^The mocked service does not run {kind} activities.$"):
        Route(through(kind))


@pytest.mark.parametrize(
    ("activities", "message"),
    [
        ([STRAIGHT[0]], "A pipeline has one datastore activity, not 0."),
        ([STRAIGHT[1]], "A pipeline has one channel activity, not 0."),
        ([{**STRAIGHT[0], **STRAIGHT[1]}], "Each entry must hold one activity, not 2."),
        ([STRAIGHT[0], STRAIGHT[0]], "Two activities have the name from."),
        (
            [{"channel": {"name": "from", "channelName": "raw"}}, STRAIGHT[1]],
            "Activity from leads to no other: next is None.",
        ),
        ([*STRAIGHT, through("filter", filter="a = 1")[1]], "No activity leads to step."),
        (
            through("filter", filter="a = 1", next="step"),
            "Activity step leads to no other: next is step.",
        ),
        (
            through("removeAttributes", attributes=["device.id"]),
            "The mocked service takes attributes of the top level only for removeAttributes, not device.id.",
        ),
        (
            through("addAttributes", attributes={"a..b": "c"}),
            "a..b is not an attribute such as device.coord[0].",
        ),
    ],
)
def test_activities_that_make_no_pipeline(activities: list[dict[str, Any]], message: str) -> None:
    with pytest.raises(ActivityError) as caught:
        Route(activities)
    assert str(caught.value) == message
