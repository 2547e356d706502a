# SPDX-License-Identifier: Apache-2.0

"""The reference of operators and sensors, from the code: all parameters of each, and its result's keys.

The directive ``operators`` of ``conf.py`` puts it on the pages below ``docs/api``. A docstring has a class's
own parameters as ``:param name:``, the keys of its result as ``:result key:``, errors as ``:raises Error:``.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from typing import Any, NamedTuple

from airflow.providers.common.compat.sdk import BaseOperator, BaseSensorOperator

from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START

_FIELD = re.compile(r"^:(param|result|raises) (\w+): (.*(?:\n[ ]+.*)*)", re.MULTILINE)
_RESULT_OF = re.compile(
    r"The result is that of\s+:class:`~?([\w.]+)`(?:\s+without\s+((?:``\w+``(?:,\s+|\s+and\s+)?)+))?\.\s*"
)
_TAKES = re.compile(r"Takes\s+the\s+(?:AWS\s+)?parameters\s+of\s+:class:`[^`]+`, and:\s*")
_RESULT = re.compile(r"The result, (?:which|and)\b|The result is a dictionary")
_AWS_PAGE = re.compile(r"^https://docs\.aws\.amazon\.com/\S+/API_(\w+)\.html$", re.MULTILINE)
#: Defaults that Airflow's configuration sets, and templates, in words.
_IN_WORDS = {
    "deferrable": "Airflow's option",
    "poll_interval": "the option (30 seconds)",
    INTERVAL_START: "the data interval's start",
    INTERVAL_END: "the data interval's end",
}
_UNITS = (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1))


class Parameter(NamedTuple):
    """A parameter of an operator or sensor.

    :param type: its annotation, without what a template or another task's output would be.
    :param default: in words or as code; empty where there is none.
    :param told: what its docstring says, in one line.
    """

    name: str
    type: str
    default: str
    templated: bool
    told: str


def classes(*modules: str) -> list[type[BaseOperator]]:
    """Return the operators and sensors that modules define, in the order of the source."""
    found = []
    for module in map(importlib.import_module, modules):
        members = [getattr(module, name) for name in module.__all__]
        own = [each for each in members if isinstance(each, type) and each.__module__ == module.__name__]
        found += sorted(
            (each for each in own if issubclass(each, BaseOperator)),
            key=lambda each: inspect.getsourcelines(each)[1],
        )
    return found


def _fields(kind: type[Any], field: str) -> dict[str, str]:
    """Return what a class's own docstring has of a field, by name, each in one line."""
    text = inspect.cleandoc(vars(kind).get("__doc__") or "")
    return {name: " ".join(told.split()) for given, name, told in _FIELD.findall(text) if given == field}


def _type(annotation: str) -> str:
    return re.sub(r"\b(JobReference|IfEmpty)\b", "str", re.sub(r" \| XComArg\b", "", annotation))


def _default(name: str, value: Any) -> str:
    if value is inspect.Parameter.empty:
        return ""
    if words := _IN_WORDS.get(name) or (isinstance(value, str) and _IN_WORDS.get(value)):
        return words
    if isinstance(value, timedelta):
        seconds = value.total_seconds()
        unit, length = next(each for each in _UNITS if seconds % each[1] == 0)
        count = int(seconds // length)
        return f"{count} {unit}{'' if count == 1 else 's'}"
    return f"``{value!r}``"


def parameters(kind: type[BaseOperator]) -> list[Parameter]:
    """Return all parameters of ours that a class takes, its own first, then those of its bases."""
    ours = [each for each in kind.__mro__ if each.__module__.startswith("airflow_provider_jobs.")]
    told: dict[str, str] = {}
    for each in reversed(ours):
        told |= _fields(each, "param")
    found: dict[str, Parameter] = {}
    for each in ours:
        if "__init__" not in vars(each):
            continue
        for name, given in inspect.signature(vars(each)["__init__"]).parameters.items():
            if given.kind is given.KEYWORD_ONLY and name not in found:
                text = told[name].removesuffix("(templated)").rstrip()
                found[name] = Parameter(
                    name,
                    _type(given.annotation),
                    _default(name, given.default),
                    name in kind.template_fields,
                    text[0].upper() + text[1:].rstrip(".") + ".",
                )
    return list(found.values())


def result(kind: type[BaseOperator]) -> dict[str, str]:
    """Return the keys of a class's result, and what each is; empty for a class without a result."""
    own = _fields(kind, "result")
    reference = _RESULT_OF.search(inspect.cleandoc(kind.__doc__ or ""))
    if not reference:
        return own
    place, _, name = reference[1].rpartition(".")
    other = getattr(importlib.import_module(place or kind.__module__), name)
    without = re.findall(r"``(\w+)``", reference[2] or "")
    return {key: told for key, told in result(other).items() if key not in without} | own


def _rows(title: str, head: tuple[str, ...], widths: str, rows: Sequence[tuple[str, ...]]) -> Iterator[str]:
    yield from (
        f".. list-table:: {title}",
        "   :header-rows: 1",
        f"   :widths: {widths}",
        "   :width: 100%",
        "",
    )
    for row in (head, *rows):
        yield from (f"   {'*' if index == 0 else ' '} - {cell}" for index, cell in enumerate(row))
    yield ""


def reference(kind: type[BaseOperator], guide: str) -> str:
    """Return a class's part of the reference, in reStructuredText.

    :param guide: the page that shows how the class is used, as Sphinx names it.
    """
    doc = inspect.cleandoc(kind.__doc__ or "")
    told = _RESULT_OF.sub("", _TAKES.sub("", _FIELD.sub("", doc)))
    calls = _AWS_PAGE.findall(told)
    summary, _, more = _AWS_PAGE.sub("", told).partition("\n\n")
    pages = ", ".join(f"`{call} <{page}>`__" for call, page in zip(calls, _links(told), strict=True))
    airflows = "``BaseOperator``, such as ``task_id`` and ``retries``"
    if issubclass(kind, BaseSensorOperator):
        airflows = "``BaseSensorOperator``, such as ``poke_interval``, ``timeout`` and ``soft_fail``"
    paragraphs = re.split(r"\n\s*\n", more.strip())
    about_result = [each for each in paragraphs if _RESULT.match(each)]
    lines = [
        f".. py:currentmodule:: {kind.__module__}",
        "",
        f".. py:class:: {kind.__name__}",
        "",
        *("   " + line for line in summary.splitlines()),
        "",
        f"   How to use it: :doc:`{guide}`. At AWS: {pages}.",
        "",
    ]
    for paragraph in paragraphs:
        if paragraph not in about_result:
            lines += [*("   " + line for line in paragraph.splitlines()), ""]
    rows = [
        (
            f"``{each.name}``"
            + (
                " :abbr:`templated (takes Jinja templates, and other tasks' outputs)`"
                if each.templated
                else ""
            ),
            f"``{each.type}``",
            each.default or "*required*",
            each.told,
        )
        for each in parameters(kind)
    ]
    head = ("parameter", "type", "default", "meaning")
    lines += ["   " + line for line in _rows("Parameters", head, "22 18 16 44", rows)]
    lines += [f"   And those of Airflow's {airflows}.", ""]
    if keys := result(kind):
        lines += ["   " + line for each in about_result for line in [*each.splitlines(), ""]]
        table = [(f"``{key}``", told[0].upper() + told[1:].rstrip(".") + ".") for key, told in keys.items()]
        lines += ["   " + line for line in _rows("Result", ("key", "meaning"), "30 70", table)]
    for error, when in _fields(kind, "raises").items():
        lines.append(f"   :raises {error}: {when}")
    return "\n".join(lines) + "\n\n"


def _links(text: str) -> list[str]:
    return [each.group() for each in _AWS_PAGE.finditer(text)]
