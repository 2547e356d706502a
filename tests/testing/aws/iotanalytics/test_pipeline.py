# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_jobs.testing.aws.iotanalytics.messages import ActivityError, Message
from airflow_provider_jobs.testing.aws.iotanalytics.pipeline import Route

from .sensors import STRAIGHT, through

MESSAGE: Message = {"device": {"id": "d-1", "coord": [47.5, -122.25]}, "heat": 41, "ok": True, "none": None}


def run(route: Route, message: Message) -> Message | None:
    """What becomes of a message that every activity can process; None if it is dropped."""
    failures: list[str] = []
    passed = route.run([message], failures)
    assert failures == []
    return passed[0] if passed else None


def test_straight() -> None:
    route = Route(STRAIGHT)
    assert (route.channel, route.datastore) == ("raw", "clean")
    passed = run(route, MESSAGE)
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
        ("selectAttributes", ["device.id", "device.absent", "none"], {"id": "d-1", "none": None}),
    ],
)
def test_attributes(kind: str, attributes: Any, expected: Message) -> None:
    assert run(Route(through(kind, attributes=attributes)), MESSAGE) == expected


def test_steps_follow_next_and_not_the_order_of_the_list() -> None:
    activities = [
        STRAIGHT[1],
        {"selectAttributes": {"name": "second", "attributes": ["id"], "next": "third"}},
        {"filter": {"name": "third", "filter": "id = 'd-1'", "next": "to"}},
        {"addAttributes": {"name": "first", "attributes": {"device.id": "id"}, "next": "second"}},
        {"channel": {"name": "from", "channelName": "raw", "next": "first"}},
    ]
    assert run(Route(activities), MESSAGE) == {"id": "d-1"}


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
        ("heat + 1 = 42 AND heat - 1 = 40 AND -heat < 0", True),
        ("heat * 2 % 4 = 2 AND heat / 2 = 20.5", True),
        ("2 + heat * 2 = 84 AND (2 + heat) * 2 = 86", True),
        ("heat-1=40", True),
        ("heat BETWEEN 40 AND 42 AND heat BETWEEN 41 AND 41", True),
        ("heat NOT BETWEEN 40 AND 42", False),
        ("NOT heat BETWEEN 1 AND 2 AND ok = TRUE", True),
        ("device.id IN ('a', 'd-1') AND heat IN (40 + 1)", True),
        ("heat NOT IN (1, 2)", True),
        ("heat not in (1, 41)", False),
        ("device.id LIKE 'd%' AND device.id LIKE '_-1' AND device.id NOT LIKE 'D%'", True),
        ("device.id LIKE 'd.1' OR device.id LIKE 'd'", False),
        ("'50%' LIKE '50!%' ESCAPE '!' AND NOT '505' LIKE '50!%' ESCAPE '!'", True),
        ("((heat)) = 41 AND ((heat = 41))", True),
        ("(NOT (heat = 1))", True),
        # NULL is a literal, not an attribute; AWS's own sample asks for it by <>.
        ("heat <> NULL", True),
        ("NULL != heat", True),
        ("none <> NULL OR absent <> NULL", False),
        ("none = NULL AND absent = NULL", True),
        ("none IS NULL AND absent is null AND heat IS NOT NULL", True),
        ("NOT heat IS NULL", True),
        ("heat > NULL", False),
        ("heat IN (NULL, 41)", True),
        # What is unknown stays so.
        ("NOT absent BETWEEN 1 AND 2", False),
        ("absent NOT IN (1)", False),
        ("absent NOT LIKE 'a'", False),
        ("heat LIKE '4%'", False),
        ("absent + 1 > 0", False),
        ("ok + 1 > 0", False),
        ("heat / 0 > 0", False),
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
    assert run(Route(through("filter", filter=expression)), MESSAGE) == (MESSAGE if expected else None)


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        ("heat >", "the end"),
        ("heat", "the end"),
        ("heat = 1 2", "2"),
        ("(heat = 1", "the end"),
        ("heat LIKE ok", "ok"),
        ("abs(heat) > 1", "("),
        ("heat + 1 >", "the end"),
        ("heat ^ 1 > 2", "^ 1 > 2"),
        ("heat NOT = 1", "="),
        ("heat IS 41", "41"),
        ("heat IN ()", ")"),
        ("heat BETWEEN 1, 2", ","),
        ("id LIKE 'a' ESCAPE 'bc'", "bc"),
        ("(heat = 41) = TRUE", "="),
        ("(heat = 41) + 1 = 2", "+"),
        ("--heat = 1", "-"),
        ("NOT", "the end"),
        ("(" * 31 + "heat" + ")" * 31 + " = 41", "more than 30 brackets in brackets"),
        ("heat > AND", "AND"),
        ("a = 'b", "'b"),
        (" ", "the end"),
    ],
)
def test_filters_that_are_not_understood(expression: str, at: str) -> None:
    with pytest.raises(ActivityError) as caught:
        Route(through("filter", filter=expression))
    assert str(caught.value) == f"The mocked service does not understand the filter {expression!r} at {at!r}."


ENRICH = {"attribute": "thing", "thingName": "device.id", "roleArn": "arn:aws:iam::123456789012:role/iot"}


@pytest.mark.parametrize(
    ("kind", "settings", "message"),
    [
        (
            "lambda",
            {"lambdaName": "clean", "batchSize": 1},
            "The mocked service has no Lambda function clean. Give it to AwsJobs.set_lambda before the "
            "pipeline is created.",
        ),
        (
            "deviceRegistryEnrich",
            ENRICH,
            "The mocked service has nothing for deviceRegistryEnrich. Give registry to AwsJobs.set_things "
            "before the pipeline is created.",
        ),
        (
            "deviceShadowEnrich",
            ENRICH,
            "The mocked service has nothing for deviceShadowEnrich. Give shadows to AwsJobs.set_things "
            "before the pipeline is created.",
        ),
    ],
)
def test_activities_that_need_what_the_test_has_not_given(
    kind: str, settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(ActivityError) as caught:
        Route(through(kind, **settings))
    assert str(caught.value) == message


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
            through("selectAttributes", attributes=["device.coord[0]"]),
            "The mocked service takes attributes of the top level only for what selectAttributes makes, not "
            "coord[0].",
        ),
        (
            through("math", attribute="device.heat", math="1"),
            "The mocked service takes attributes of the top level only for math, not device.heat.",
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
