# SPDX-License-Identifier: Apache-2.0

"""CloudWatch's figures of a subscriber: which metrics are read, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from airflow_provider_jobs._metric import Metric, Point

__all__ = ["COUNTS", "Figures", "figures_of", "metrics_of"]

_NAMESPACE = "AWS/EventsV2"
#: Each count of a result, with its metric.
#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-observability.html
COUNTS: Mapping[str, str] = {
    "events_evaluated": "FilterEvaluated",
    "events_matched": "FilterMatched",
    "delivery_attempts": "EventDeliveryAttempts",
    "events_delivered": "EventsDelivered",
    "dead_letter_records": "OnFailureDestinationDelivered",
    "dead_letter_failures": "OnFailureDestinationFailed",
    "events_dropped": "EventsDropped",
    "transformation_failures": "EventTransformationFailures",
}
_BACKLOG = "ApproximateBacklogAge"
#: By a subscriber's age: the periods of the backlog and of the counts. CloudWatch keeps periods of a minute
#: for 15 days, and those of five minutes for 63.
_PERIODS = (
    (timedelta(hours=1), 60, 60),
    (timedelta(hours=12), 60, 300),
    (timedelta(days=14), 300, 3600),
)
_LONGEST = 3600, 3600


@dataclass(frozen=True, slots=True)
class Figures:
    """What CloudWatch shows of a subscriber.

    :param events_evaluated: events evaluated against the filter.
    :param events_matched: events that matched it.
    :param delivery_attempts: deliveries that were tried, counted per event.
    :param events_delivered: events that the target accepted.
    :param dead_letter_records: records in the dead-letter queue, each of one event or more.
    :param dead_letter_failures: records that could not be put there.
    :param events_dropped: events given up without a dead-letter queue.
    :param transformation_failures: events that the transformer could not transform.
    :param backlog: the newest age of the oldest event that is not delivered; None if there is none.
    :param backlog_at: the end of that data point's period.
    :param moved_at: the end of the last period in which a count moved.
    """

    events_evaluated: int = 0
    events_matched: int = 0
    delivery_attempts: int = 0
    events_delivered: int = 0
    dead_letter_records: int = 0
    dead_letter_failures: int = 0
    events_dropped: int = 0
    transformation_failures: int = 0
    backlog: timedelta | None = None
    backlog_at: datetime | None = None
    moved_at: datetime | None = None

    @property
    def any(self) -> bool:
        """Whether there are any at all."""
        return self.moved_at is not None or bool(self.backlog)

    @property
    def unaccounted(self) -> int:
        """How many events that matched are neither delivered nor known to be given up."""
        given_up = self.dead_letter_records + self.events_dropped + self.transformation_failures
        return max(self.events_matched - self.events_delivered - given_up, 0)

    def counts(self) -> dict[str, int]:
        """Return the counts, by their names."""
        return {name: getattr(self, name) for name in COUNTS}


def metrics_of(bus_arn: str, subscriber_arn: str, age: timedelta, *, by_arn: bool) -> list[Metric]:
    """Return the metrics of a subscriber: the backlog's age, then the counts in the order of ``COUNTS``.

    :param age: how long ago it was created.
    :param by_arn: whether the dimensions hold ARNs, as the user guide says, or names and ids.
    """
    fine, coarse = next(((fine, coarse) for most, fine, coarse in _PERIODS if age < most), _LONGEST)
    values = (bus_arn, subscriber_arn)
    if not by_arn:
        values = (bus_arn.partition("/")[2], subscriber_arn.partition("/")[2])
    dimensions = (("EventBus", values[0]), ("Subscriber", values[1]))
    backlog = Metric(_NAMESPACE, _BACKLOG, dimensions, "Maximum", fine)
    return [backlog, *(Metric(_NAMESPACE, name, dimensions, "Sum", coarse) for name in COUNTS.values())]


def figures_of(metrics: Sequence[Metric], points: Iterable[Sequence[Point]]) -> Figures:
    """Add up the data points.

    :param metrics: those of :func:`metrics_of`.
    :param points: the data points of each.
    """
    (backlogs, *counts) = points
    totals = {name: round(sum(value for _, value in each)) for name, each in zip(COUNTS, counts, strict=True)}
    period = timedelta(seconds=metrics[-1].period)
    moved = max((at for each in counts for at, value in each if value), default=None)
    newest = max(backlogs, default=None)
    return Figures(
        **totals,
        backlog=None if newest is None else timedelta(milliseconds=newest[1]),
        backlog_at=None if newest is None else newest[0] + timedelta(seconds=metrics[0].period),
        moved_at=None if moved is None else moved + period,
    )
