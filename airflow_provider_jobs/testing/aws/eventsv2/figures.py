# SPDX-License-Identifier: Apache-2.0

"""The metrics of a subscriber, which follow from what it delivers.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-observability.html.

Assumptions: a figure of 0 is not sent; a call's times are those of its oldest event; the age of the backlog
is sent every minute as long as there is one, and once more, as 0, when it has gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta

from airflow_provider_jobs.testing.aws.eventsv2.buses import Bus
from airflow_provider_jobs.testing.aws.eventsv2.events import Event
from airflow_provider_jobs.testing.aws.figures import Figure, put_figures
from airflow_provider_jobs.testing.control import CONTROL

NAMESPACE = "AWS/EventsV2"
MILLISECONDS = "Milliseconds"
UNITS: Mapping[str, str] = {"EgressBytes": "Bytes"}
MINUTE = timedelta(minutes=1)
#: Before that, CloudWatch keeps only one age of a backlog: a test may set the clock forward by months.
KEPT = timedelta(hours=3)


class SubscriberFigures:
    """The figures of one subscriber.

    :param bus: what it reads
    :param arn: the subscriber's
    :param backlog: gives the oldest event that it has not delivered at a time
    """

    def __init__(self, bus: Bus, arn: str, backlog: Callable[[datetime], Event | None]) -> None:
        self._bus, self._arn, self._backlog = bus, arn, backlog
        self._had_backlog = False
        #: Whether an age is to be sent at a time to come.
        self._sampling = False

    def put(self, time: datetime, **figures: float) -> None:
        """Send figures.

        :param time: theirs, by AWS's clock
        :param figures: their values by their metrics' names
        """
        self._put(time, [(name, value, UNITS.get(name, "Count")) for name, value in figures.items()])

    def put_times(self, time: datetime, event: Event) -> None:
        """Send how long an event had been on the bus when the target was called.

        :param time: of the call
        :param event: the oldest of the batch
        """
        age = (time - event.ingested) / timedelta(milliseconds=1)
        names = ("IngestionToInvocationStartTime", "IngestionToInvocationEndTime")
        self._put(time, [(name, age, MILLISECONDS) for name in names])

    def watch(self) -> None:
        """Send the age of the backlog, from now on every minute as long as there is one."""
        if not self._sampling:
            self.sample(CONTROL.clock())

    def sample(self, time: datetime) -> None:
        """Send the age of the backlog of a time, if there is one or was one before.

        :param time: by AWS's clock
        """
        oldest = self._backlog(time)
        self._sampling = oldest is not None
        if oldest is not None or self._had_backlog:
            age = 0.0 if oldest is None else (time - oldest.ingested) / timedelta(milliseconds=1)
            self._put(time, [("ApproximateBacklogAge", age, MILLISECONDS)])
        self._had_backlog = oldest is not None
        if self._sampling:
            due = max(time + MINUTE, CONTROL.clock() - KEPT)
            CONTROL.at(due, lambda: self.sample(due))

    def _put(self, time: datetime, figures: Iterable[tuple[str, float, str]]) -> None:
        dimensions = {"EventBus": _value(self._bus.arn), "Subscriber": _value(self._arn)}
        put_figures(
            self._bus.account,
            self._bus.region,
            NAMESPACE,
            [Figure(name, value, dimensions, unit) for name, value, unit in figures],
            time,
            CONTROL.subscribers.metrics_late,
        )


def _value(arn: str) -> str:
    return arn if CONTROL.subscribers.dimensions == "arn" else "/".join(arn.rsplit("/", 2)[1:])
