# SPDX-License-Identifier: Apache-2.0

"""How a subscriber delivers: it reads the bus in order, filters, sends batches, and tries again what failed.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-retry.html and
https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-replay.html.

Assumptions: a starting point and an end point are times of ingestion, the first is in the window and the
second is not; the age that a retry policy limits begins with the first attempt, as a replayed event would be
too old at once; a delivery is given up when its next attempt would be too late.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from airflow_provider_jobs.testing.aws.eventsv2 import targets
from airflow_provider_jobs.testing.aws.eventsv2.buses import Bus
from airflow_provider_jobs.testing.aws.eventsv2.events import Event
from airflow_provider_jobs.testing.aws.eventsv2.figures import SubscriberFigures
from airflow_provider_jobs.testing.aws.eventsv2.filters import Filters
from airflow_provider_jobs.testing.control import CONTROL

#: Seconds; no wait for a retry is longer.
LONGEST_WAIT = 60.0
#: The shortest time there is.
TICK = timedelta(microseconds=1)


@dataclass(frozen=True)
class Configuration:
    """What a delivery goes by; an update of the subscriber makes another one.

    :param arn: the subscriber's
    :param invoke: InvokeConfiguration
    :param filters: which events are delivered
    :param transformer: ``RAW`` or ``WITH_METADATA``
    :param batch_size: how many events one call takes
    :param attempts: how many retries there are
    :param age: seconds after the first attempt, beyond which there is no further one
    :param dead_letters: the ARN of the queue for what is given up
    :param fifo: whether what failed holds up what comes after it
    """

    arn: str
    invoke: Mapping[str, Any]
    filters: Filters
    transformer: str
    batch_size: int
    attempts: int
    age: float
    dead_letters: str | None
    fifo: bool


class _Batch:
    """Events that go to the target with one call, and how that went so far."""

    def __init__(self, events: list[Event], first: datetime) -> None:
        self.events, self.first = events, first
        self.retries = 0
        self.due = first


class Delivery:
    """The delivery of one subscriber.

    :param bus: what it reads
    :param configuration: what it goes by
    :param created: when the subscriber was created
    :param window: the first time, and the one before which it ends; None is no end
    :param ready: when it begins
    :param reached: gives the time before which events are due
    """

    def __init__(
        self,
        bus: Bus,
        configuration: Configuration,
        created: datetime,
        window: tuple[datetime, datetime | None],
        ready: datetime,
        reached: Callable[[], datetime],
    ) -> None:
        self._bus, self._created = bus, created
        self.configure(configuration)
        self._start, self._end = window
        self._place = (self._start, -1)
        self._ready, self._reached = ready, reached
        self._waiting: list[_Batch] = []
        self.tally: Counter[str] = Counter()
        self.last_delivered: datetime | None = None
        self.running, self._closed = True, False
        self._figures = SubscriberFigures(bus, configuration.arn, self.backlog)

    def configure(self, configuration: Configuration) -> None:
        """Go by another configuration from now on."""
        self._configuration = configuration
        #: By the events' numbers: whether they match.
        self._matching: dict[int, bool] = {}

    def start(self) -> None:
        """Deliver from when it is ready."""
        CONTROL.at(self._ready, self._begin)

    def _begin(self) -> None:
        self.move(self._ready)
        self._figures.sample(self._ready)

    def close(self) -> None:
        """Deliver nothing any more."""
        self.running, self._closed = False, True

    def move(self, time: datetime | None = None) -> None:
        """Deliver what is due, if the subscriber runs.

        :param time: by AWS's clock; None is now
        """
        now = CONTROL.clock() if time is None else time
        if not self.running or now < self._ready:
            return
        for batch in [each for each in self._waiting if each.due <= now]:
            self._waiting.remove(batch)
            self._attempt(batch, now)
        before = min(self._reached(), now + TICK)
        while not (self._configuration.fifo and self._waiting):
            events = self._bus.events(self._place, before)[: self._configuration.batch_size]
            if not events:
                break
            self._place = events[-1].place
            self._take(events, now)

    def skip(self) -> None:
        """Forget what was not delivered, and go on with what comes."""
        self._waiting.clear()
        self._place = (CONTROL.clock(), -1)

    def done(self) -> bool:
        """Tell whether nothing of the window is left to deliver, and the subscriber runs."""
        now = CONTROL.clock()
        over = self._end is not None and self._end <= now and self._ready <= now
        return over and self.running and not self._unread(now) and not self._waiting

    def backlog(self, now: datetime) -> Event | None:
        """Return the oldest event that is not delivered.

        :param now: by AWS's clock
        """
        if self._closed:
            return None
        left = [*self._unread(now)[:1], *(event for batch in self._waiting for event in batch.events)]
        return min(left, key=lambda event: event.place, default=None)

    def undelivered(self) -> int:
        """Count the events that are due one day and neither delivered nor given up."""
        return len(self._unread(CONTROL.clock())) + sum(len(batch.events) for batch in self._waiting)

    def _unread(self, now: datetime) -> list[Event]:
        end = now + TICK if self._end is None else min(self._end, now + TICK)
        return [event for event in self._bus.events(self._place, end) if self._takes(event)]

    def _takes(self, event: Event) -> bool:
        if event.number not in self._matching:
            takes = self._configuration.filters.take(event, event.ingested < self._created)
            self._matching[event.number] = takes
        return self._matching[event.number]

    def _take(self, events: list[Event], now: datetime) -> None:
        matched = [event for event in events if self._takes(event)]
        self._count(now, FilterEvaluated=len(events), FilterMatched=len(matched))
        if matched:
            self._attempt(_Batch(matched, now), now)

    def _attempt(self, batch: _Batch, now: datetime) -> None:
        self._count(now, EventDeliveryAttempts=len(batch.events))
        if batch.retries:
            self._figures.put(now, RetryInvocationAttempts=batch.retries)
        error = self._send(batch, now)
        if error is not None:
            self._fail(batch, error, now)

    def _send(self, batch: _Batch, now: datetime) -> targets.DeliveryError | None:
        if targets.cannot_transform(self._configuration.invoke, now):
            self._count(now, EventTransformationFailures=len(batch.events))
            return targets.DeliveryError(targets.TRANSFORMATION, "The expression of the transformer failed.")
        texts = [(event, self._text(event)) for event in batch.events]
        self._count(now, TargetInvocations=1)
        self._figures.put_times(now, batch.events[0])
        error = targets.send(self._configuration.invoke, texts, now)
        if error is None:
            self._count(now, EventsDelivered=len(texts))
            self._figures.put(now, EgressBytes=sum(len(text.encode()) for _, text in texts))
            self.last_delivered = now
        return error

    def _fail(self, batch: _Batch, error: targets.DeliveryError, now: datetime) -> None:
        wait = min(CONTROL.subscribers.retry_delay * 2**batch.retries, LONGEST_WAIT)
        batch.due = now + timedelta(seconds=wait)
        if batch.retries >= self._configuration.attempts:
            self._give_up(batch, error, "MaximumRetryAttempts", now)
        elif batch.due > batch.first + timedelta(seconds=self._configuration.age):
            self._give_up(batch, error, "MaximumEventAgeInSeconds", now)
        else:
            batch.retries += 1
            self._waiting.append(batch)
            self._figures.watch()
            CONTROL.at(batch.due, lambda due=batch.due: self.move(due))  # type: ignore[misc]

    def _give_up(self, batch: _Batch, error: targets.DeliveryError, condition: str, now: datetime) -> None:
        queue = self._configuration.dead_letters
        if queue is None:
            self._count(now, EventsDropped=len(batch.events))
            return
        request_id = str(uuid4())
        record = {
            "version": "1.0",
            "busArn": self._bus.arn,
            "subscriberArn": self._configuration.arn,
            "targetArn": self._configuration.invoke["TargetArn"],
            "errorCode": error.code,
            "errorMessage": error.message,
            "exhaustedRetryCondition": condition,
            "retryAttempts": batch.retries,
            "failedMessages": [targets.failed_message(event, request_id) for event in batch.events],
        }
        if targets.to_dead_letters(queue, record, now):
            self._count(now, OnFailureDestinationDelivered=1)
            self.tally["dead_lettered"] += len(batch.events)
        else:
            self._count(now, OnFailureDestinationFailed=1)
            self.tally["lost"] += len(batch.events)

    def _text(self, event: Event) -> str:
        if self._configuration.transformer == "RAW":
            return event.payload
        system = event.system_metadata(event.ingested < self._created)
        whole = {"Data": event.data, "Metadata": dict(event.metadata), "SystemMetadata": system}
        return json.dumps(whole)

    def _count(self, now: datetime, **counts: int) -> None:
        self.tally.update(counts)
        self._figures.put(now, **{name: count for name, count in counts.items() if count})
