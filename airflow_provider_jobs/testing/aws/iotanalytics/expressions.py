# SPDX-License-Identifier: Apache-2.0

"""The expressions of ``filter`` and ``math`` activities, read by recursive descent.

AWS says of a filter that it looks like an SQL WHERE clause; for ``math`` it lists operators and functions.

.. code-block:: text

    condition  = all {OR all};  all = not {AND not};  not = NOT not | predicate
    predicate  = "(" condition ")" | sum comparison sum | sum IS [NOT] NULL | sum [NOT] BETWEEN sum AND sum
                 | sum [NOT] IN "(" sum {, sum} ")" | sum [NOT] LIKE text [ESCAPE text]
    sum        = product {(+ | -) product};  product = factor {(* | / | %) factor};  factor = [- | +] atom
    atom       = number | text | TRUE | FALSE | NULL | attribute | function "(" sum {, sum} ")" | "(" sum ")"
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, TypeAlias

from airflow_provider_jobs.testing.aws.iotanalytics import conditions
from airflow_provider_jobs.testing.aws.iotanalytics.arithmetic import FUNCTIONS, OPERATORS, applied, written
from airflow_provider_jobs.testing.aws.iotanalytics.conditions import Condition
from airflow_provider_jobs.testing.aws.iotanalytics.messages import Expression, Message, attribute
from airflow_provider_jobs.testing.aws.iotanalytics.tokens import Tokens, unquoted

_RESERVED = {"AND", "BETWEEN", "ESCAPE", "FALSE", "IN", "IS", "LIKE", "NOT", "NULL", "OR", "TRUE"}
#: Brackets in brackets.
_DEEPEST = 30


def parse_filter(text: str) -> Condition:
    """Read a filter.

    :raises ActivityError: if it is not understood
    """
    tokens = Tokens("filter", text)
    condition = _Parser(tokens).condition()
    tokens.end()
    return condition


def parse_math(text: str) -> Expression:
    """Read an arithmetic expression; its value is None where AWS calls it Undefined.

    :raises ActivityError: if it is not understood
    """
    tokens = Tokens("math", text)
    value = _Parser(tokens).value()
    tokens.end()
    return lambda message: written(applied(lambda result: result, value(message)))


class _Whole:
    """A condition in brackets, which is no part of a value."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition


#: What may stand in brackets.
_Term: TypeAlias = Expression | _Whole


class _Parser:
    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens
        self._depth = 0

    def condition(self, left: _Term | None = None) -> Condition:
        """Read a condition.

        :param left: what was read of it already
        """
        parts = [self._all(left)]
        while self._tokens.take("OR"):
            parts.append(self._all())
        return parts[0] if len(parts) == 1 else conditions.either(parts)

    def value(self) -> Expression:
        """Read a value."""
        return self._valued(self._sum())

    def _all(self, left: _Term | None = None) -> Condition:
        parts = [self._not(left)]
        while self._tokens.take("AND"):
            parts.append(self._not())
        return parts[0] if len(parts) == 1 else conditions.both(parts)

    def _not(self, left: _Term | None = None) -> Condition:
        if left is None and self._tokens.take("NOT"):
            return conditions.negated(self._not())
        return self._predicate(self._sum() if left is None else left)

    def _predicate(self, left: _Term) -> Condition:
        if isinstance(left, _Whole):
            return left.condition
        if self._tokens.ahead in conditions.COMPARISONS:
            _, symbol = self._tokens.next()
            return conditions.compared(symbol, left, self.value())
        if self._tokens.take("IS"):
            negative = self._tokens.take("NOT")
            self._tokens.expect("NULL")
            return conditions.negated(conditions.is_null(left), negative)
        negative = self._tokens.take("NOT")
        readers: dict[str, Callable[[Expression], Condition]] = {
            "BETWEEN": self._between,
            "IN": self._one_of,
            "LIKE": self._like,
        }
        _, word = self._tokens.next()
        if word.upper() not in readers:
            self._tokens.fail(word)
        return conditions.negated(readers[word.upper()](left), negative)

    def _between(self, value: Expression) -> Condition:
        low = self.value()
        self._tokens.expect("AND")
        return conditions.between(value, low, self.value())

    def _one_of(self, value: Expression) -> Condition:
        self._tokens.expect("(")
        return conditions.one_of(value, self._listed())

    def _like(self, value: Expression) -> Condition:
        pattern = self._tokens.string()
        escape = self._tokens.string() if self._tokens.take("ESCAPE") else ""
        if len(escape) > 1:
            self._tokens.fail(escape)
        return conditions.like(value, pattern, escape)

    def _sum(self) -> _Term:
        return self._joined(("+", "-"), self._product)

    def _product(self) -> _Term:
        return self._joined(("*", "/", "%"), self._factor)

    def _joined(self, symbols: tuple[str, ...], operand: Callable[[], _Term]) -> _Term:
        left = operand()
        while self._tokens.ahead in symbols:
            value = self._valued(left)
            _, symbol = self._tokens.next()
            left = _calculated(OPERATORS[symbol], value, self._valued(operand()))
        return left

    def _factor(self) -> _Term:
        if self._tokens.ahead not in ("+", "-"):
            return self._atom()
        _, sign = self._tokens.next()
        return _calculated(OPERATORS[sign], partial(_given, 0), self._valued(self._atom()))

    def _atom(self) -> _Term:
        kind, text = self._tokens.next()
        if text == "(":
            return self._brackets()
        if kind == "number":
            return partial(_given, int(text) if text.isdecimal() else float(text))
        if kind == "string":
            return partial(_given, unquoted(text))
        if kind != "word":
            self._tokens.fail(text)
        return self._word(text)

    def _word(self, text: str) -> Expression:
        word = text.upper()
        if word in ("TRUE", "FALSE"):
            return partial(_given, word == "TRUE")
        if word == "NULL":
            return conditions.null
        if word in _RESERVED:
            self._tokens.fail(text)
        return self._function(text) if self._tokens.ahead == "(" else attribute(text)

    def _brackets(self) -> _Term:
        self._deeper()
        # What begins with a value may go on as a condition, which only a filter has.
        filters = self._tokens.kind == "filter"
        inner = None if filters and self._tokens.ahead.upper() == "NOT" else self._sum()
        if filters and self._tokens.ahead != ")":
            inner = _Whole(self.condition(inner))
        self._tokens.expect(")")
        self._depth -= 1
        assert inner is not None, "a condition that begins with NOT does not end there"
        return inner

    def _function(self, name: str) -> Expression:
        if self._tokens.kind != "math":
            self._tokens.fail("(")
        if name.lower() not in FUNCTIONS:
            self._tokens.fail(name)
        self._deeper()
        self._tokens.next()
        function, count = FUNCTIONS[name.lower()]
        arguments = self._listed()
        if len(arguments) != count:
            self._tokens.fail(f"{name}, which takes {count} argument{'s' if count > 1 else ''}")
        self._depth -= 1
        return _calculated(function, *arguments)

    def _listed(self) -> list[Expression]:
        """Read values up to the bracket that closes their list."""
        values = [self.value()]
        while self._tokens.take(","):
            values.append(self.value())
        self._tokens.expect(")")
        return values

    def _deeper(self) -> None:
        self._depth += 1
        if self._depth > _DEEPEST:
            self._tokens.fail(f"more than {_DEEPEST} brackets in brackets")

    def _valued(self, term: _Term) -> Expression:
        if isinstance(term, _Whole):
            self._tokens.fail(self._tokens.ahead)
        return term


def _calculated(function: Callable[..., Any], *values: Expression) -> Expression:
    def calculate(message: Message) -> Any:
        return applied(function, *(value(message) for value in values))

    return calculate


def _given(value: Any, message: Message) -> Any:
    return value
