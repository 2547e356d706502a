# SPDX-License-Identifier: Apache-2.0

"""Airflow's metrics client with OpenTelemetry's own reader at its other end, in this process."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from airflow.providers.common.compat.sdk import Stats
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import Gauge, InMemoryMetricReader, Sum

from airflow_provider_jobs._watch.threads import METRICS_THREAD
from airflow_provider_jobs.metrics import METRICS, PREFIX

try:
    from airflow.sdk._shared.observability.metrics.base_stats_logger import NoStatsLogger
    from airflow.sdk._shared.observability.metrics.otel_logger import SafeOtelLogger
except ImportError:  # before Airflow 3.2
    from airflow.metrics.base_stats_logger import NoStatsLogger  # type: ignore[no-redef,import-not-found]
    from airflow.metrics.otel_logger import SafeOtelLogger  # type: ignore[no-redef,import-not-found]

#: Seconds after which a test that waits for a metric gives up.
PATIENCE = 30.0
#: A metric's name and its tags.
Key = tuple[str, tuple[tuple[str, Any], ...]]


class Sent:
    """What has been sent.

    :param reader: has it.
    """

    def __init__(self, reader: InMemoryMetricReader) -> None:
        self._reader = reader

    def all(self) -> dict[Key, tuple[str, float]]:
        """Kind and number of every metric: a counter's sum, a gauge's last value, a timer's count."""
        METRICS_THREAD.flush(PATIENCE)
        data: Any = self._reader.get_metrics_data()
        found: dict[Key, tuple[str, float]] = {}
        for resource in data.resource_metrics if data else ():
            for scope in resource.scope_metrics:
                for metric in scope.metrics:
                    for point in metric.data.data_points:
                        key = (metric.name, tuple(sorted((point.attributes or {}).items())))
                        if isinstance(metric.data, Sum):
                            found[key] = ("counter", point.value)
                        elif isinstance(metric.data, Gauge) and not _is_timer(metric.name):
                            found[key] = ("gauge", point.value)
                        else:
                            found[key] = ("timer", getattr(point, "count", 1))
        return found

    def number(self, name: str, **tags: str) -> float | None:
        """The number of one of ours with at least these tags; None if it was not sent."""
        numbers = [
            number
            for (found, given), (_, number) in self.all().items()
            if found == f"airflow.{PREFIX}{name}" and tags.items() <= dict(given).items()
        ]
        return sum(numbers) if numbers else None

    def milliseconds(self, name: str) -> float:
        """The sum of a timer's times."""
        METRICS_THREAD.flush(PATIENCE)
        data: Any = self._reader.get_metrics_data()
        total: float = sum(
            point.value if isinstance(metric.data, Gauge) else point.sum
            for resource in data.resource_metrics
            for scope in resource.scope_metrics
            for metric in scope.metrics
            if metric.name == f"airflow.{PREFIX}{name}"
            for point in metric.data.data_points
        )
        return total


def _is_timer(name: str) -> bool:
    """Whether it is a timer, which Airflow before 3.2 gives to OpenTelemetry as a gauge."""
    ours = METRICS.get(name.removeprefix(f"airflow.{PREFIX}"))
    return ours is not None and ours.kind == "timer"


@contextmanager
def client(made: Any) -> Iterator[None]:
    """Make this what Airflow sends its metrics with."""
    _use(made)
    try:
        yield
    finally:
        _use(NoStatsLogger)


def _use(made: Any) -> None:
    stats: Any = Stats
    if "initialize" not in dir(stats) and "initialize" not in dir(type(stats)):  # before Airflow 3.2
        stats.instance, type(stats).factory = None, staticmethod(made)
        return
    more = {"export_legacy_names": False} if "export_legacy_names" in _parameters(stats.initialize) else {}
    stats.initialize(factory=made, **more)


def _parameters(function: Any) -> set[str]:
    return set(inspect.signature(function).parameters)


@contextmanager
def metrics_sent() -> Iterator[Sent]:
    """Airflow's OpenTelemetry client, and what it was given."""
    reader = InMemoryMetricReader()
    provider = MeterProvider([reader], shutdown_on_exit=False)
    with client(lambda: SafeOtelLogger(provider)):
        yield Sent(reader)
    provider.shutdown()
