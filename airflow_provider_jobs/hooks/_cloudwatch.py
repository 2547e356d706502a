# SPDX-License-Identifier: Apache-2.0

"""Reads metrics of CloudWatch, many with a call."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, ClassVar

from airflow_provider_jobs._metric import Metric, Point
from airflow_provider_jobs.hooks.calls import ServiceCalls

__all__ = ["MetricReader"]

#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html
_MOST = 500


class MetricReader(ServiceCalls):
    """Reads metrics.

    Takes the parameters of :class:`~airflow_provider_jobs.hooks.connection.ServiceConnection`.
    """

    service = "cloudwatch"
    label = "Amazon CloudWatch"
    input_codes: ClassVar[frozenset[str]] = frozenset(
        {"InvalidParameterCombination", "InvalidParameterValue", "MissingParameter", "ValidationError"}
    )

    def read(self, metrics: Sequence[Metric], start: datetime, end: datetime) -> list[list[Point]]:
        """Return the data points of each metric, the oldest first; a call reads 500.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html

        :param start: of the oldest points, aware.
        :param end: of the newest, aware.
        """
        found: list[list[Point]] = []
        for first in range(0, len(metrics), _MOST):
            found += self._part(metrics[first : first + _MOST], start, end)
        return found

    def _part(self, metrics: Sequence[Metric], start: datetime, end: datetime) -> list[list[Point]]:
        queries: list[dict[str, Any]] = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": name, "Value": value} for name, value in metric.dimensions],
                    },
                    "Period": metric.period,
                    "Stat": metric.stat,
                },
            }
            for number, metric in enumerate(metrics)
        ]
        points: dict[str, list[Point]] = defaultdict(list)
        for row in self.pages(
            "get_metric_data",
            "MetricDataResults",
            MetricDataQueries=queries,
            StartTime=start,
            EndTime=end,
        ):
            if row.get("StatusCode") in ("InternalError", "Forbidden"):
                raise self.unreadable("get_metric_data", f"{row['Id']} is {row['StatusCode']}")
            points[row["Id"]] += zip(row["Timestamps"], row["Values"], strict=True)
        return [sorted(points[query["Id"]]) for query in queries]
