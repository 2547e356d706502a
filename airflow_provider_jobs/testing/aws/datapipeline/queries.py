# SPDX-License-Identifier: Apache-2.0

"""Queries of a pipeline's objects, and pages of listings.

Models https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_QueryObjects.html.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from airflow_provider_jobs.testing.aws.datapipeline.checks import invalid
from airflow_provider_jobs.testing.aws.datapipeline.instances import Field
from airflow_provider_jobs.testing.aws.datapipeline.objects import PipelineObjects

T = TypeVar("T")

MAX_SELECTORS = 10
QUERY_PAGE = 100
#: Answers whose further pages are remembered.
_MOST_ANSWERS = 20

OPERATORS: dict[str, Callable[[str, list[str]], bool]] = {
    "EQ": lambda value, operands: value in operands,
    "REF_EQ": lambda value, operands: value in operands,
    "LE": lambda value, operands: value <= operands[0],
    "GE": lambda value, operands: value >= operands[0],
    "BETWEEN": lambda value, operands: operands[0] <= value <= operands[1],
}


class Queries:
    """What queries of a pipeline have found: an answer's further pages are those of its first one."""

    def __init__(self) -> None:
        self._answers: dict[str, list[str]] = {}

    def answer(self, request: dict[str, Any], objects: Callable[[], PipelineObjects]) -> dict[str, Any]:
        """Answer a query.

        :param request: QueryObjects' arguments, checked
        :param objects: gives the pipeline's objects
        """
        sphere, limit = request["sphere"], request.get("limit", QUERY_PAGE)
        selectors = request.get("query", {}).get("selectors", [])
        key = json.dumps([sphere, selectors], sort_keys=True)
        found = self._answers.pop(key, None) if request.get("marker") else None
        if found is None:
            found = [
                object_id
                for object_id, fields in objects().of(sphere)
                if all(_selects(selector, fields) for selector in selectors)
            ]
        self._answers[key] = found
        while len(self._answers) > _MOST_ANSWERS:
            del self._answers[next(iter(self._answers))]
        rows, more = page(found, request.get("marker"), min(limit, QUERY_PAGE))
        return {"ids": rows, **more}


def check_query(request: dict[str, Any]) -> None:
    """Raise AWS's error if a query is none.

    :param request: QueryObjects' arguments
    """
    sphere, limit = request["sphere"], request.get("limit", QUERY_PAGE)
    selectors = request.get("query", {}).get("selectors", [])
    if sphere not in ("COMPONENT", "INSTANCE", "ATTEMPT"):
        raise invalid(f"Sphere must be COMPONENT, INSTANCE or ATTEMPT, not {sphere}")
    if limit < 1:
        raise invalid(f"Limit must be positive, not {limit}")
    if len(selectors) > MAX_SELECTORS:
        raise invalid(f"A query has at most {MAX_SELECTORS} selectors, not {len(selectors)}")
    for operator in (selector["operator"] for selector in selectors):
        needed = 2 if operator["type"] == "BETWEEN" else 1
        if operator["type"] not in OPERATORS or len(operator.get("values", ())) < needed:
            raise invalid(f"Operator {operator['type']} is not valid, or it lacks a value")


def _selects(selector: dict[str, Any], fields: list[Field]) -> bool:
    # The field that the selector names may hold several values; one that matches is enough.
    operator = selector["operator"]
    kind = "refValue" if operator["type"] == "REF_EQ" else "stringValue"
    return any(
        OPERATORS[operator["type"]](field[kind], operator["values"])
        for field in fields
        if field["key"] == selector["fieldName"] and kind in field
    )


def page(rows: Sequence[T], marker: str | None, size: int) -> tuple[Sequence[T], dict[str, Any]]:
    """Cut a page out of a listing; return it with what leads to the next one."""
    first = position(marker)
    end = first + size
    return rows[first:end], leading_to(end if end < len(rows) else None)


def position(marker: str | None) -> int:
    """Return the position at which a page begins."""
    try:
        return int(urlsafe_b64decode(marker)) if marker else 0
    except ValueError:
        raise invalid("Marker is not valid") from None


def leading_to(position: int | None) -> dict[str, Any]:
    """Return what leads to the page that begins at a position; None if there is none."""
    if position is None:
        return {"hasMoreResults": False}
    return {"hasMoreResults": True, "marker": urlsafe_b64encode(str(position).encode()).decode()}
