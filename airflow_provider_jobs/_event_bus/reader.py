# SPDX-License-Identifier: Apache-2.0

"""Reads CloudWatch's figures of subscribers for all waits of a connection, and no more often than allowed."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs import _options as options
from airflow_provider_jobs._event_bus.figures import Figures, figures_of, metrics_of
from airflow_provider_jobs.hooks._cloudwatch import MetricReader

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.event_bus import EventBusReplayHook

__all__ = ["FigureReader"]

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class _Read:
    """What was read of a subscriber.

    :param figures: its figures.
    :param since: AWS's time when these were first seen.
    :param at: seconds of a monotonic clock when they were last read.
    :param by_arn: whether the metrics have ARNs as dimensions; None until there is a figure.
    """

    figures: Figures
    since: datetime
    at: float
    by_arn: bool | None


class FigureReader:
    """Reads figures.

    :param hook: the connection, and the memory in which the figures outlive it.
    """

    def __init__(self, hook: EventBusReplayHook) -> None:
        self._hook = hook

    @cached_property
    def _metrics(self) -> MetricReader:
        hook = self._hook
        endpoint = None
        if not hook.configured_endpoint(MetricReader.service):
            # What stands in for the service at an endpoint of its own, such as an emulator, has the metrics.
            endpoint = hook.configured_endpoint(hook.service)
        return hook.beside(MetricReader, endpoint)

    def figures(
        self, subscribers: Collection[Mapping[str, Any]], now: datetime
    ) -> dict[str, tuple[Figures, datetime]]:
        """Return, by their ARNs, the figures of subscribers and when these were first seen.

        :param subscribers: their descriptions.
        :param now: AWS's time.
        :raises JobApiError: if CloudWatch refuses or cannot be reached.
        """
        known: dict[str, _Read] = self._hook.memory.setdefault("figures", {})
        before = time.monotonic() - options.seconds("metrics_interval")
        due = [
            each
            for each in subscribers
            if (read := known.get(each["SubscriberArn"])) is None or read.at <= before
        ]
        if due:
            known |= self._read(due, known, now)
        of = {each["SubscriberArn"] for each in subscribers}
        return {arn: (read.figures, read.since) for arn, read in known.items() if arn in of}

    def forget(self, others_than: Collection[str]) -> None:
        """Forget the figures of all other subscribers."""
        known: dict[str, _Read] = self._hook.memory.setdefault("figures", {})
        for arn in known.keys() - set(others_than):
            del known[arn]

    def _read(
        self, due: Collection[Mapping[str, Any]], known: Mapping[str, _Read], now: datetime
    ) -> dict[str, _Read]:
        queries = []
        for each in due:
            before = known.get(each["SubscriberArn"])
            form = before.by_arn if before else None
            queries += [
                (
                    each,
                    by_arn,
                    metrics_of(
                        each["EventBusArn"], each["SubscriberArn"], now - each["CreationTime"], by_arn=by_arn
                    ),
                )
                for by_arn in ((True, False) if form is None else (form,))
            ]
        first = min(each["CreationTime"] for each in due)
        calls = self._metrics.calls
        points = self._metrics.read(
            [metric for *_, metrics in queries for metric in metrics], first - _MINUTE, now + _MINUTE
        )
        self._hook.calls += self._metrics.calls - calls
        found: dict[str, _Read] = {}
        at, position = time.monotonic(), 0
        for each, by_arn, metrics in queries:
            arn = each["SubscriberArn"]
            figures = figures_of(metrics, points[position : position + len(metrics)])
            position += len(metrics)
            if arn in found and not figures.any:
                # The other form of the dimensions has the figures, or neither has any yet.
                continue
            old = known.get(arn)
            since = old.since if old and old.figures == figures else now
            found[arn] = _Read(figures, since, at, by_arn if figures.any else None)
        return found
