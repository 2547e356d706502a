# SPDX-License-Identifier: Apache-2.0

"""moto's CloudWatch, as quick as many metrics need, and with dimensions in any order.

For each minute of each metric that is asked for, moto looks through all figures there are; and it finds none
if the dimensions are asked for in another order than they were put in.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from copy import copy
from typing import Any, TypeAlias

from moto.cloudwatch.models import CloudWatchBackend, MetricDatumBase

_Key: TypeAlias = tuple[str, str, frozenset[tuple[str, str]] | None]

_get_metric_data = CloudWatchBackend.get_metric_data


class _Figures(CloudWatchBackend):
    """Some of a backend's figures."""

    found: Sequence[MetricDatumBase]

    def get_all_metrics(self) -> list[MetricDatumBase]:
        """Return them."""
        return list(self.found)


def enter_cloudwatch() -> None:
    """Let GetMetricData be quick while moto is active."""
    CloudWatchBackend.get_metric_data = _quick  # type: ignore[method-assign, assignment]


def leave_cloudwatch() -> None:
    """Undo ``enter_cloudwatch``."""
    CloudWatchBackend.get_metric_data = _get_metric_data  # type: ignore[method-assign]


def _quick(
    backend: CloudWatchBackend, queries: list[dict[str, Any]], *given: Any, **more: Any
) -> list[dict[str, Any]]:
    if len(queries) == 0 or any("MetricStat" not in query for query in queries):
        return _get_metric_data(backend, queries, *given, **more)  # an expression needs the others
    figures = _by_metric(backend.get_all_metrics())
    answers: list[dict[str, Any]] = []
    for query in queries:
        some = copy(backend)
        some.__class__ = _Figures
        some.found = figures[_asked(query)]  # type: ignore[attr-defined]
        metric = {**query["MetricStat"]["Metric"], "Dimensions": []}
        alone = {**query, "MetricStat": {**query["MetricStat"], "Metric": metric}}
        answers += _get_metric_data(some, [alone], *given, **more)
    return answers


def _by_metric(figures: Iterable[MetricDatumBase]) -> defaultdict[_Key, list[MetricDatumBase]]:
    found: defaultdict[_Key, list[MetricDatumBase]] = defaultdict(list)
    for each in figures:
        dimensions = frozenset((str(one.name), str(one.value)) for one in each.dimensions)
        for of in (None, dimensions):
            found[each.namespace, each.name, of].append(each)
    return found


def _asked(query: dict[str, Any]) -> _Key:
    metric = query["MetricStat"]["Metric"]
    dimensions = frozenset((one["Name"], one["Value"]) for one in metric.get("Dimensions", ()))
    return metric["Namespace"], metric["MetricName"], dimensions or None
