# SPDX-License-Identifier: Apache-2.0

"""Metric figures that the mocked services tell moto's CloudWatch, at once or minutes late as on AWS."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from moto.cloudwatch.models import MetricDatum, cloudwatch_backends

from airflow_provider_jobs.testing.control import CONTROL


@dataclass(frozen=True)
class Figure:
    """A data point of a metric.

    :param name: the metric's, e.g. ``Invocations``
    :param value: in its unit
    :param dimensions: their values by name
    :param unit: as CloudWatch spells it
    """

    name: str
    value: float
    dimensions: Mapping[str, str]
    unit: str = "Count"


def put_figures(
    account: str,
    region: str,
    namespace: str,
    figures: Iterable[Figure],
    at: datetime | None = None,
    late: float = 0.0,
) -> None:
    """Put data points into moto's CloudWatch.

    :param account: whose CloudWatch it is
    :param region: the Region it is in
    :param namespace: of the metrics, e.g. ``AWS/Events``
    :param figures: the data points
    :param at: their time, aware; None is now by AWS's clock
    :param late: seconds after that time, by AWS's clock, before which no call shows them
    """
    time = CONTROL.clock() if at is None else at
    points = [
        MetricDatum(
            namespace,
            figure.name,
            figure.value,
            [{"Name": name, "Value": value} for name, value in figure.dimensions.items()],
            time.astimezone(UTC).replace(tzinfo=None),  # as moto compares them
            figure.unit,
        )
        for figure in figures
    ]

    def show() -> None:
        # Found only now: moto may have been reset since, and with it what there was.
        cloudwatch_backends[account][region].metric_data.extend(points)

    CONTROL.at(time + timedelta(seconds=late), show)
