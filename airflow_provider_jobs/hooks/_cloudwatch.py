# SPDX-License-Identifier: Apache-2.0

"""CloudWatch's figures."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from airflow_provider_jobs.hooks.calls import ServiceCalls

__all__ = ["CloudWatchHook"]

#: How many metrics AWS takes in a call.
_METRICS = 500


class CloudWatchHook(ServiceCalls):
    """Reads CloudWatch's figures.

    Takes the parameters of :class:`~airflow_provider_jobs.hooks.connection.ServiceConnection`.
    """

    service = "cloudwatch"
    label = "Amazon CloudWatch"
    input_codes: ClassVar[frozenset[str]] = frozenset(
        {"InvalidParameterCombination", "InvalidParameterValue", "MissingParameter", "ValidationError"}
    )

    def sums(
        self, metrics: Sequence[Mapping[str, Any]], start: datetime, end: datetime, period: int
    ) -> list[float | None]:
        """Return the sum of each metric's figures over a time.

        https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html

        :param metrics: each with ``Namespace``, ``MetricName`` and ``Dimensions``.
        :param start: the time's start, inclusive, in whole periods.
        :param end: its end, exclusive.
        :param period: seconds of a figure.
        :return: in the same order; None for a metric without figures.
        """
        found: dict[str, list[float]] = defaultdict(list)
        queries: list[dict[str, Any]] = [
            {"Id": f"m{number}", "MetricStat": {"Metric": metric, "Period": period, "Stat": "Sum"}}
            for number, metric in enumerate(metrics)
        ]
        for first in range(0, len(queries), _METRICS):
            rows = self.pages(
                "get_metric_data",
                "MetricDataResults",
                MetricDataQueries=queries[first : first + _METRICS],
                StartTime=start,
                EndTime=end,
            )
            for row in rows:
                found[row["Id"]] += row["Values"]
        values = [found[query["Id"]] for query in queries]
        return [sum(each) if each else None for each in values]
