# SPDX-License-Identifier: Apache-2.0

"""``math`` activities compute what AWS documents."""

from __future__ import annotations

import math
from typing import Any

import pytest

from airflow_provider_jobs.testing.aws.iotanalytics.messages import ActivityError, Message
from airflow_provider_jobs.testing.aws.iotanalytics.pipeline import Route

from .sensors import through

MESSAGE: Message = {
    "tempF": 50,
    "temp": 20.5,
    "text": "41",
    "word": "hot",
    "ok": True,
    "none": None,
    "a": [1],
}

#: The examples of https://docs.aws.amazon.com/iotanalytics/latest/userguide/math-operators-functions.html.
#: There the second one of ceil reads ceil(11.2) = -1.
DOCUMENTED: list[tuple[str, Any]] = [
    ("abs(-5)", 5),
    ("acos(0)", 1.5707963267948966),
    ("asin(0)", 0.0),
    ("atan(0)", 0.0),
    ("atan2(1, 0)", 1.5707963267948966),
    ("ceil(1.2)", 2),
    ("ceil(-1.2)", -1),
    ("cos(0)", 1.0),
    ("cosh(2.3)", 5.037220649268761),
    ("exp(1)", math.e),
    (f"ln({math.e})", 1.0),
    ("log(100)", 2.0),
    ("mod(8, 3)", 2),
    ("power(2, 5)", 32.0),
    ("Round(1.2)", 1),
    ("Round(1.5)", 2),
    ("Round(1.7)", 2),
    ("Round(-1.1)", -1),
    ("Round(-1.5)", -2),
    ("sign(-7)", -1),
    ("sign(0)", 0),
    ("sign(13)", 1),
    ("sin(0)", 0.0),
    ("sinh(2.3)", 4.936961805545957),
    ("sqrt(9)", 3.0),
    ("tan(3)", -0.1425465430742778),
    ("tanh(2.3)", 0.9800963962661914),
    ("trunc(2.3, 0)", 2),
    ("trunc(2.3123, 2)", 2.31),
    ("trunc(2.888, 2)", 2.88),
    ("trunc(2.00, 5)", 2),
]
COMPUTED: list[tuple[str, Any]] = [
    ("(tempF - 32) / 2", 9),
    ("((tempF - 32) * 5.0) / 9.0", 10.0),
    ("tempF * 9/5 + 32", 122),
    ("temp * 1.8 + 32", 68.9),
    ("tempF", 50),
    (" -tempF + 1 ", -49),
    ("tempF/4", 12.5),
    ("7 % 3 + -7 % 3 + 7.5 % 2", 1 - 1 + 1.5),
    ("2 - 3 - 4", -5),
    ("text + 1", 42),
    ("trunc(-2.888, 1.9)", -2.8),
    ("trunc(2.888, -1)", 2),
    ("trunc(5, 2)", 5),
    ("abs(round(tempF / -4)) * 2", 26),
    ("a[0] + 1", 2),
    ("1e3 + .5", 1000.5),
    ("trunc(0.1 + 0.2, 20)", 0.1 + 0.2),
    ("trunc(2 * 1e20, 3)", 2 * 10**20),
]
UNDEFINED = [
    "absent + 1",
    "none",
    "word * 2",
    "ok + 1",
    "a + 1",
    "TRUE",
    "tempF / 0",
    "tempF % 0",
    "sqrt(-1)",
    "acos(2)",
    "ln(0)",
    "log(word)",
    "exp(1000)",
    "power(-8, 0.5)",
    "1e999",
]


def run(
    expression: str, attribute: str = "made", message: Message = MESSAGE
) -> tuple[list[Message], list[str]]:
    failures: list[str] = []
    route = Route(through("math", attribute=attribute, math=expression))
    return route.run([message], failures), failures


@pytest.mark.parametrize(("expression", "result"), [*DOCUMENTED, *COMPUTED])
def test_computes(expression: str, result: Any) -> None:
    passed, failures = run(expression)
    assert passed == [{**MESSAGE, "made": result}]
    assert failures == []
    # A whole result has no decimal point, as in AWS's answer to RunPipelineActivity.
    assert isinstance(passed[0]["made"], int) is (result == int(result))


def test_may_replace_an_attribute() -> None:
    assert run("temp * 2", "temp", {"temp": 1})[0] == [{"temp": 2}]


@pytest.mark.parametrize("expression", UNDEFINED)
def test_a_message_without_a_result_is_dropped_and_told(expression: str) -> None:
    passed, [failure] = run(expression)
    assert passed == []
    assert failure.startswith(f"step: {expression} is no number for " + '{"tempF": 50, ')


@pytest.mark.parametrize(
    ("expression", "at"),
    [
        ("floor(1)", "floor"),
        ("abs()", ")"),
        ("abs(1, 2)", "abs, which takes 1 argument"),
        ("atan2(1)", "atan2, which takes 2 arguments"),
        ("1 > 2", ">"),
        ("a AND b", "AND"),
        ("NOT a", "NOT"),
        ("(1 + 2", "the end"),
        ("1 2", "2"),
        ("2a", "2a"),
        ("a ** 2", "*"),
        ("${a}", "${a}"),
        ("abs(" * 31 + "1" + ")" * 31, "more than 30 brackets in brackets"),
    ],
)
def test_what_is_not_understood_is_refused(expression: str, at: str) -> None:
    with pytest.raises(ActivityError) as caught:
        run(expression)
    assert str(caught.value) == f"The mocked service does not understand the math {expression!r} at {at!r}."
