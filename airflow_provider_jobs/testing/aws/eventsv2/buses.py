# SPDX-License-Identifier: Apache-2.0

"""A Custom Event Bus: it retains events, and takes one change of its subscribers at a time.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-create.html.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from datetime import datetime, timedelta
from secrets import choice
from string import ascii_lowercase, digits
from typing import Any

from airflow_provider_jobs.testing.aws.eventsv2.events import Event
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError

DEFAULT_RETENTION = 1
#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-what-is.html
DEDUPLICATED = timedelta(minutes=5)


def generated_id() -> str:
    """Return the part of an ARN that the service makes up."""
    return "".join(choice(ascii_lowercase + digits) for _ in range(25))


class Bus:
    """A bus.

    :param request: CreateEventBus's arguments, checked
    :param account: its owner's
    :param region: the Region it is in
    """

    def __init__(self, request: Mapping[str, Any], account: str, region: str) -> None:
        self.name: str = request["Name"]
        self.account, self.region = account, region
        self.arn = f"arn:aws:events:{region}:{account}:event-busv2/{self.name}/{generated_id()}"
        self.request = request
        self.tags: dict[str, str] = dict(request.get("Tags", {}))
        self.created = CONTROL.clock()
        self._modified = self.created
        self._active_from = self.created + timedelta(seconds=CONTROL.subscribers.provision_seconds)
        self._description = request.get("Description")
        self._encryption = request.get("EncryptionConfiguration")
        self._days = _days(request)
        self._events: list[Event] = []
        self._numbers = 0
        self._busy_until = self.created
        self._recent: dict[str, Event] = {}

    @property
    def state(self) -> str:
        """The state by AWS's name."""
        return "ACTIVE" if CONTROL.clock() >= self._active_from else "CREATING"

    @property
    def window_start(self) -> datetime:
        """The earliest time that events are retained from."""
        return max(CONTROL.clock() - timedelta(days=self._days), self.created)

    def update(self, request: Mapping[str, Any]) -> None:
        """Change what UpdateEventBus names."""
        self._modified = CONTROL.clock()
        self._description = request.get("Description", self._description)
        self._encryption = request.get("EncryptionConfiguration", self._encryption)
        if "StorageConfiguration" in request:
            self._days = _days(request)

    def check_active(self) -> None:
        """Refuse what only an active bus can do.

        :raises AwsError: as AWS does
        """
        if self.state != "ACTIVE":
            message = f"Event bus {self.name} is in state {self.state} and must be ACTIVE."
            raise AwsError("InvalidStateException", message, 409)

    def change_subscribers(self) -> None:
        """Take the bus for a creation or deletion of a subscriber.

        :raises AwsError: while another one has it
        """
        now = CONTROL.clock()
        if now < self._busy_until:
            message = "Another create or delete of a subscriber is in progress on this event bus."
            raise AwsError("ConcurrentModificationException", message, 409)
        self._busy_until = now + timedelta(seconds=CONTROL.subscribers.change_seconds)

    def next_number(self) -> int:
        """Return the number of a new event."""
        self._numbers += 1
        return self._numbers

    def duplicate(self, key: str | None) -> Event | None:
        """Return the event of the last five minutes that has the same deduplication key.

        :param key: None is none
        """
        found = self._recent.get(key) if key is not None else None
        return found if found is not None and CONTROL.clock() - found.ingested < DEDUPLICATED else None

    def keep(self, event: Event, key: str | None) -> None:
        """Retain an event.

        :param event: a new one
        :param key: what later ones are known by as the same; None is nothing
        """
        if key is not None:
            self._recent[key] = event
        insort(self._events, event, key=lambda each: each.place)

    def events(self, after: tuple[datetime, int], before: datetime) -> list[Event]:
        """Return the events between two places in the order, as long as they are retained.

        :param after: the place before the first
        :param before: the time that they came before
        """
        first = bisect_left(self._events, (self.window_start, 0), key=lambda each: each.place)
        del self._events[:first]
        begin = bisect_left(self._events, (after[0], after[1] + 1), key=lambda each: each.place)
        end = bisect_left(self._events, (before, 0), key=lambda each: each.place)
        return self._events[begin:end]

    def created_row(self) -> dict[str, Any]:
        """Describe it as CreateEventBus does."""
        return {
            "EventBusArn": self.arn,
            "Name": self.name,
            "Description": self._description,
            "EncryptionConfiguration": self._encryption,
            "StorageConfiguration": {
                "RetentionPeriodInDays": self._days,
                "RetentionWindowStartTime": self.window_start,
            },
            "State": "CREATING",
            "CreationTime": self.created,
        }

    def description(self) -> dict[str, Any]:
        """Describe it as DescribeEventBus does."""
        return {**self.created_row(), "State": self.state, "LastModifiedTime": self._modified}

    def updated_row(self) -> dict[str, Any]:
        """Describe it as UpdateEventBus does."""
        return {name: value for name, value in self.description().items() if name != "CreationTime"}

    def row(self) -> dict[str, Any]:
        """Describe it as ListEventBuses does."""
        told = ("Name", "EventBusArn", "Description", "CreationTime", "LastModifiedTime", "State")
        described = self.description()
        return {name: described[name] for name in told if described[name] is not None} | {
            "EventBusAccountId": self.account
        }


def _days(request: Mapping[str, Any]) -> int:
    days: int = request.get("StorageConfiguration", {}).get("RetentionPeriodInDays", DEFAULT_RETENTION)
    return days
