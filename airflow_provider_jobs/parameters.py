# SPDX-License-Identifier: Apache-2.0

"""Readers for parameters as DAG authors give them: strings, lists, another task's result, templates."""

from __future__ import annotations

import re
from ast import literal_eval
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any, Generic, Self, TypeAlias, TypeVar, overload

from airflow.providers.common.compat.sdk import XComArg

from airflow_provider_jobs.exceptions import JobInputError

__all__ = [
    "TEMPLATE_MARKS",
    "Checked",
    "JobReference",
    "Reader",
    "ValueT",
    "handed",
    "is_literal",
    "matching",
    "optional",
    "optional_count",
    "text",
    "texts",
    "truth",
]

#: The id of a job or pipeline, the result of the task that has it, or that task's ``.output``.
JobReference: TypeAlias = str | Mapping[str, Any] | XComArg
#: Checks and converts a parameter's value; also takes the parameter's name, for error messages.
Reader: TypeAlias = Callable[[Any, str], Any]

ValueT = TypeVar("ValueT")

TEMPLATE_MARKS = ("{{", "{%", "{#")


def is_literal(value: Any, marks: Sequence[str] = TEMPLATE_MARKS) -> bool:
    """Whether a parameter contains neither a template nor another task's result.

    :param marks: the strings that begin a template.
    """
    if isinstance(value, str):
        return not any(mark in value for mark in marks)
    if isinstance(value, Mapping):
        return all(is_literal(each, marks) for pair in value.items() for each in pair)
    if isinstance(value, (list, tuple, set, frozenset)):
        return all(is_literal(each, marks) for each in value)
    return value is None or isinstance(value, (bool, int, float, date, timedelta))


def text(value: Any, name: str) -> str:
    """Return a string.

    An integer is converted: ``render_template_as_native_obj`` turns "20260131" into one.

    :param name: the parameter, for error messages.
    :raises JobInputError: if it is neither a string nor an integer.
    """
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if value is None:
        raise JobInputError(f"{name} is missing: the template or task that should provide it returned None.")
    why = ""
    if isinstance(value, (bool, float)):
        why = (
            " If it comes from a template: render_template_as_native_obj converted it, and the original text "
            "is lost. Put quotes into the template: \"'{{ … }}'\"."
        )
    raise JobInputError(f"{name}={value!r} must be a text, not {type(value).__name__}.{why}")


def matching(value: Any, name: str, pattern: str | re.Pattern[str], meaning: str) -> str:
    """Return a string that matches a pattern.

    :param name: the parameter, for error messages.
    :param pattern: a regular expression for the whole string.
    :param meaning: what the value must be, for the message.
    :raises JobInputError: if it is not a string, or does not match.
    """
    given = text(value, name)
    if not re.fullmatch(pattern, given):
        raise JobInputError(f"{name}={given!r} must be {meaning}.")
    return given


def texts(value: Any, name: str) -> list[str]:
    """Return a list of strings; the string form of a list, as a template renders it, is parsed.

    :param name: the parameter, for error messages.
    :raises JobInputError: if it is not a list, or contains something else.
    """
    given = value
    if isinstance(given, str) and given.lstrip().startswith(("[", "(")):
        try:
            given = literal_eval(given.strip())
        except (SyntaxError, ValueError):
            given = None
    if isinstance(given, str) or not isinstance(given, Sequence):
        raise JobInputError(
            f"{name}={value!r} must be a list of texts, not {type(value).__name__}. Put a text into one."
        )
    return [text(each, name) for each in given]


def truth(value: Any, name: str) -> bool:
    """Return a bool; the parameter cannot be a template.

    :param name: the parameter, for error messages.
    :raises JobInputError: if it is not a bool.
    """
    if not isinstance(value, bool):
        raise JobInputError(f"{name}={value!r} must be True or False; it cannot be a template.")
    return value


class Checked(Generic[ValueT]):
    """An attribute that checks and converts each value assigned to it, also one from a cluster policy.

    :param read: returns the value to store, given the assigned value and the attribute's name.
    :param default: the value before the first assignment.
    """

    def __init__(self, read: Callable[[Any, str], ValueT], default: Any = None) -> None:
        self._read = read
        self._default = default

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: type) -> ValueT: ...
    def __get__(self, instance: object | None, owner: type) -> Self | ValueT:
        if instance is None:
            return self
        value: ValueT = vars(instance).get(self._name, self._default)
        return value

    def __set__(self, instance: object, value: Any) -> None:
        vars(instance)[self._name] = self._read(value, self._name)


def optional(reader: Reader) -> Reader:
    """Return a reader for an optional parameter; None stays None."""

    def read(value: Any, name: str) -> Any:
        return None if value is None else reader(value, name)

    return read


def optional_count(value: Any, name: str) -> int | None:
    """Return how many of something there are or may be; None stays None.

    :raises JobInputError: if it is neither None nor a whole number from 0.
    """
    if value is not None and (not isinstance(value, int) or isinstance(value, bool) or value < 0):
        raise JobInputError(f"{name}={value!r} must be a whole number from 0, or None.")
    return value


def handed(value: Any, name: str) -> Any:
    """Return an id, which may be given as part of another task's result.

    :param value: the id, or a result.
    :param name: the parameter, which is also the id's key in a result.
    :raises JobInputError: if the result has no such id.
    """
    if isinstance(value, str) and value.lstrip().startswith(("{'", '{"')):
        raise JobInputError(
            f"{name} was given a whole result as text. Instead of a template, give the task's .output, or "
            f".output[{name!r}]."
        )
    if not isinstance(value, Mapping):
        return value
    if name not in value:
        held = ", ".join(map(str, value)) or "nothing"
        raise JobInputError(
            f"{name} was given a result that has no {name!r} (it has {held}). Give the output of the task "
            "that started it, or the id itself."
        )
    return value[name]
