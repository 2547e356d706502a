# SPDX-License-Identifier: Apache-2.0

"""A subscriber: what it was created with, and how AWS describes it.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-subscribers.html.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_jobs.testing.aws.eventsv2.buses import Bus, generated_id
from airflow_provider_jobs.testing.aws.eventsv2.delivery import Configuration, Delivery
from airflow_provider_jobs.testing.aws.eventsv2.filters import Filters
from airflow_provider_jobs.testing.aws.eventsv2.requests import resolved, window_of
from airflow_provider_jobs.testing.aws.eventsv2.targets import LARGEST_BATCH, service_of
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.lag import Row
from airflow_provider_jobs.testing.moto_ext import AwsError
from airflow_provider_jobs.testing.pace import Lifecycle, Phase

SERVICE = "eventbridgev2"
#: A time that does not come.
NEVER = datetime(9999, 1, 1, tzinfo=UTC)

_CREATED = ("EventBusArn", "Name", "Type", "StartingPosition", "PointInTimeConfiguration", "State")
_LISTED = ("SubscriberArn", "Name", "EventBusArn", "Type", "State", "CreationTime", "LastModifiedTime")


class Subscriber:
    """A subscriber. One that has a window is a job: it delivers what the bus held, and has no more to do.

    :param bus: what it reads
    :param request: CreateSubscriber's arguments, checked
    :raises AwsError: for arguments that AWS refuses
    """

    def __init__(self, bus: Bus, request: Mapping[str, Any]) -> None:
        self.bus, self.request = bus, request
        self.name: str = request["Name"]
        self.arn = f"arn:aws:events:{bus.region}:{bus.account}:subscriber/{self.name}/{generated_id()}"
        self.tags: dict[str, str] = dict(request.get("Tags", {}))
        self._created = self._modified = CONTROL.clock()
        window = window_of(request, bus.window_start, self._created)
        self.replays = window is not None
        self._window: tuple[datetime, datetime | None] = window or (self._created, None)
        self.members = resolved(request)
        delay = CONTROL.subscribers.startup_delay if self.replays else 0.0
        ready = self._created + timedelta(seconds=delay)
        configuration = self._configuration(self.members)
        self.delivery = Delivery(bus, configuration, self._created, self._window, ready, self._reached)
        self.delivery.running = self.members["State"] == "RUNNING"
        self.deleted = self._revoked = False
        self.life: Lifecycle | None = None

    def begin(self) -> None:
        """Let it deliver, once it is accepted."""
        if self._window[1] is not None:
            self.life = CONTROL.start(SERVICE, self.arn, self.view, held=self._held)
        self.listed = CONTROL.replica(SERVICE, "lists", self.row, self._read, self._active)
        self.described = CONTROL.replica(SERVICE, "descriptions", self.description, self._read, self._active)
        self.delivery.start()

    @property
    def revoked(self) -> bool:
        """Whether the bus's owner has revoked it."""
        failed = self.life is not None and self.life.phase is Phase.FAILED
        if failed and not self._revoked:
            self.revoke()
        return self._revoked

    @property
    def counts(self) -> bool:
        """Whether it counts as one that reads the past."""
        if not self.replays or self.revoked or self.members["State"] != "RUNNING":
            return False
        if self.life is not None:
            return self.life.active
        return self.delivery.undelivered() > 0

    def view(self) -> dict[str, Any]:
        """Deliver what is due, and describe it for ``AwsJobs.jobs``."""
        self.move()
        tally = self.delivery.tally
        last = self.delivery.last_delivered
        state = "DELETED" if self.deleted else "REVOKED" if self.revoked else self.members["State"]
        if state == "RUNNING" and self.life is not None and self.life.phase is Phase.SUCCEEDED:
            # AWS has no name for it.
            state = "DELIVERED"
        return {
            "id": self.name,
            "arn": self.arn,
            "bus_arn": self.bus.arn,
            "state": state,
            "window": [time and time.timestamp() for time in self._window],
            "evaluated": tally["FilterEvaluated"],
            "matched": tally["FilterMatched"],
            "delivered": tally["EventsDelivered"],
            "dead_lettered": tally["dead_lettered"],
            "dropped": tally["EventsDropped"],
            "lost": tally["lost"],
            "undelivered": self.delivery.undelivered(),
            "last_delivered": last and last.timestamp(),
        }

    def move(self) -> None:
        """Deliver what is due."""
        if not (self.deleted or self.revoked):
            self.delivery.move()

    def update(self, request: Mapping[str, Any]) -> None:
        """Change what UpdateSubscriber names.

        :param request: its arguments, checked
        :raises AwsError: for arguments that AWS refuses
        """
        if self.revoked:
            raise AwsError("InvalidStateException", f"Subscriber {self.name} has been revoked.", 409)
        resumes = self.members["State"] == "STOPPED" and request.get("State") == "RUNNING"
        position = request.get("ResumePosition")
        if position is not None and not resumes:
            message = "ResumePosition is only allowed when State changes from STOPPED to RUNNING"
            raise AwsError("InvalidInputException", message)
        self.move()
        given = {
            name: value for name, value in request.items() if name not in ("SubscriberArn", "ResumePosition")
        }
        if "InvokeConfiguration" in given:
            target = self.members["InvokeConfiguration"]["TargetArn"]
            given["InvokeConfiguration"] = {**given["InvokeConfiguration"], "TargetArn": target}
        if given.get("FilterConfiguration") == {}:
            given["FilterConfiguration"] = None
        members = resolved({**self.members, **given})
        self.delivery.configure(self._configuration(members))
        self.members, self._modified = members, CONTROL.clock()
        self.delivery.running = members["State"] == "RUNNING"
        if self.life is not None:
            self.life.idle = None if self.delivery.running else self._modified
        if position == "LATEST":
            self.delivery.skip()
        self.move()

    def revoke(self) -> None:
        """Let the bus's owner revoke it."""
        self._revoked = True
        self.delivery.close()
        if self.life is not None and self.life.active:
            self.life.fail("The owner of the bus has revoked the subscriber.", at=self.life.fraction)
            self.life.peek()

    def delete(self) -> None:
        """Delete it."""
        self.deleted = True
        self.delivery.close()
        if self.life is not None and self.life.active:
            self.life.stop()
            self.life.advance(0.0)

    def description(self) -> dict[str, Any]:
        """Describe it as DescribeSubscriber does."""
        found = {
            **self.members,
            "SubscriberArn": self.arn,
            "CreationTime": self._created,
            "LastModifiedTime": self._modified,
            "Revoked": self.revoked or None,
        }
        return {name: value for name, value in found.items() if value is not None}

    def created_row(self) -> dict[str, Any]:
        """Describe it as CreateSubscriber does."""
        told = {name: self.members[name] for name in _CREATED if name in self.members}
        return {**told, "SubscriberArn": self.arn, "CreationTime": self._created}

    def updated_row(self) -> dict[str, Any]:
        """Describe it as UpdateSubscriber does."""
        told = {name: self.members[name] for name in _CREATED if name in self.members}
        return {**told, "SubscriberArn": self.arn, "LastModifiedTime": self._modified}

    def row(self) -> Row:
        """Describe it as ListSubscribers does."""
        described = self.description()
        return {
            **{name: described[name] for name in _LISTED if name in described},
            **({"Revoked": True} if self.revoked else {}),
            "TargetArn": self.members["InvokeConfiguration"]["TargetArn"],
            "SubscriberAccountId": self.bus.account,
        }

    def _configuration(self, members: Mapping[str, Any]) -> Configuration:
        service = service_of(members["InvokeConfiguration"], self.bus.account, self.bus.region)
        retry = members["RetryPolicy"]
        return Configuration(
            arn=self.arn,
            invoke=members["InvokeConfiguration"],
            filters=Filters(members.get("FilterConfiguration")),
            transformer=members["Transformer"]["Type"],
            batch_size=min(members["BatchConfiguration"]["MaxBatchSize"], LARGEST_BATCH[service]),
            attempts=retry["MaxRetryAttempts"],
            age=retry["MaxEventAgeInSeconds"],
            dead_letters=members.get("OnFailureConfiguration", {}).get("Arn"),
            fifo=members["Type"] == "FIFO",
        )

    def _reached(self) -> datetime:
        start, end = self._window
        if end is None or self.life is None:
            return NEVER
        return start + (end - start) * self.life.fraction

    def _held(self) -> bool:
        self.move()
        return not self.delivery.done()

    def _read(self) -> None:
        if self.life is not None:
            self.life.read()
        self.move()

    def _active(self) -> bool:
        return not (self.deleted or self.revoked)
