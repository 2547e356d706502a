# SPDX-License-Identifier: Apache-2.0

"""A metric of CloudWatch, as data."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

__all__ = ["Metric", "Point"]

#: A data point: the start of its period, and its value.
Point: TypeAlias = tuple[datetime, float]


@dataclass(frozen=True, slots=True)
class Metric:
    """A metric to read.

    :param namespace: CloudWatch's namespace.
    :param name: the metric.
    :param dimensions: names and values of its dimensions.
    :param stat: the statistic.
    :param period: seconds of a data point.
    """

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str
    period: int
