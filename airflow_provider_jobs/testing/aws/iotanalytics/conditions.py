# SPDX-License-Identifier: Apache-2.0

"""Conditions on messages, with SQL's three values: True, False, and None for unknown."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

from airflow_provider_jobs.testing.aws.iotanalytics.messages import Expression, Message

Condition: TypeAlias = Callable[[Message], bool | None]

COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "<>": operator.ne,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def null(message: Message) -> None:
    """The literal NULL."""


def either(parts: Sequence[Condition]) -> Condition:
    """Join conditions by OR."""

    def holds(message: Message) -> bool | None:
        values = [part(message) for part in parts]
        return True if True in values else None if None in values else False

    return holds


def both(parts: Sequence[Condition]) -> Condition:
    """Join conditions by AND."""

    def holds(message: Message) -> bool | None:
        values = [part(message) for part in parts]
        return False if False in values else None if None in values else True

    return holds


def negated(condition: Condition, really: bool = True) -> Condition:
    """Negate a condition.

    :param really: whether to
    """
    if not really:
        return condition
    return lambda message: None if (value := condition(message)) is None else not value


def is_null(value: Expression) -> Condition:
    """Whether a value is null, or the message does not have it; never unknown."""
    return lambda message: value(message) is None


def compared(symbol: str, left: Expression, right: Expression) -> Condition:
    """Compare two values; unknown if they are not of one kind.

    With the literal NULL, ``=`` and ``<>`` ask whether the other one is null: AWS's own sample
    ``co <> NULL OR temp <> NULL`` means messages that have one of the two.
    """
    if null in (left, right) and symbol in ("=", "<>", "!="):
        return negated(is_null(left if right is null else right), symbol != "=")
    compare = COMPARISONS[symbol]

    def holds(message: Message) -> bool | None:
        one, other = left(message), right(message)
        return bool(compare(one, other)) if _kind(one) is _kind(other) is not None else None

    return holds


def between(value: Expression, low: Expression, high: Expression) -> Condition:
    """Whether a value is between two others, both included."""
    return both([compared(">=", value, low), compared("<=", value, high)])


def one_of(value: Expression, others: Sequence[Expression]) -> Condition:
    """Whether a value is one of others."""
    return either([compared("=", value, other) for other in others])


def like(value: Expression, pattern: str, escape: str) -> Condition:
    """Whether a text is like a pattern, in which ``%`` is any text and ``_`` any character.

    :param escape: takes the meaning from the character that follows; empty if there is none
    """
    expression, taken = "", False
    for character in pattern:
        if character == escape and not taken:
            taken = True
            continue
        wild = {"%": ".*", "_": "."}.get(character) if not taken else None
        expression += wild or re.escape(character)
        taken = False
    matches = re.compile(expression, re.DOTALL).fullmatch

    def holds(message: Message) -> bool | None:
        text = value(message)
        return matches(text) is not None if isinstance(text, str) else None

    return holds


def _kind(value: Any) -> type | None:
    """The kind of values that a value can be compared with."""
    if isinstance(value, bool | str):
        return type(value)
    return float if isinstance(value, int | float) else None
