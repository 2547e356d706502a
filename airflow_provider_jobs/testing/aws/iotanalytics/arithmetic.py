# SPDX-License-Identifier: Apache-2.0

"""The operators and functions that AWS lists for ``math`` activities.

See https://docs.aws.amazon.com/iotanalytics/latest/userguide/math-operators-functions.html. A result is None
where AWS calls it Undefined: an argument is neither a number nor a text that is one, or the result is no
real number.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, ROUND_HALF_UP, Decimal
from typing import Any, TypeAlias

Number: TypeAlias = int | float

#: The most decimal places that trunc keeps, and those from which on a float has nothing to cut.
_PLACES, _LONGEST = 34, 17


def number(value: Any) -> Number | None:
    """Return a value of a message as a number; None if it is neither a number nor a text that is one."""
    if isinstance(value, str):
        try:
            value = int(value)
        except ValueError:
            try:
                value = float(value)
            except ValueError:
                return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return value if isinstance(value, int) or math.isfinite(value) else None


def written(value: Number | None) -> Number | None:
    """Return a number as AWS writes it: a whole one without a decimal point."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def applied(function: Callable[..., Any], *values: Any) -> Number | None:
    """Return what a function makes of values; None if it is Undefined."""
    numbers = [number(value) for value in values]
    if None in numbers:
        return None
    try:
        return number(function(*numbers))
    except (ArithmeticError, ValueError):
        return None


def _remainder(one: Number, other: Number) -> Number:
    """Return the remainder, which has the sign of the first number."""
    rest = abs(one) % abs(other)
    return -rest if one < 0 else rest


def _exact(value: Number) -> Decimal:
    return Decimal(str(value))


def _rounded(value: Number) -> int:
    """Round to the nearest whole number; a half goes away from zero, as in AWS's examples."""
    return int(_exact(value).to_integral_value(ROUND_HALF_UP))


def _truncated(value: Number, places: Number) -> Number:
    kept = min(max(math.floor(places), 0), _PLACES)
    if isinstance(value, int) or kept >= _LONGEST:
        return value
    return float(_exact(value).quantize(Decimal(1).scaleb(-kept), ROUND_DOWN))


def _sign(value: Number) -> int:
    return (value > 0) - (value < 0)


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "%": _remainder,
}

#: The functions by name, each with how many arguments it takes.
FUNCTIONS: Mapping[str, tuple[Callable[..., Any], int]] = {
    "abs": (abs, 1),
    "acos": (math.acos, 1),
    "asin": (math.asin, 1),
    "atan": (math.atan, 1),
    "atan2": (math.atan2, 2),
    "ceil": (math.ceil, 1),
    "cos": (math.cos, 1),
    "cosh": (math.cosh, 1),
    "exp": (math.exp, 1),
    "ln": (math.log, 1),
    "log": (math.log10, 1),
    "mod": (_remainder, 2),
    "power": (math.pow, 2),
    "round": (_rounded, 1),
    "sign": (_sign, 1),
    "sin": (math.sin, 1),
    "sinh": (math.sinh, 1),
    "sqrt": (math.sqrt, 1),
    "tan": (math.tan, 1),
    "tanh": (math.tanh, 1),
    "trunc": (_truncated, 2),
}
