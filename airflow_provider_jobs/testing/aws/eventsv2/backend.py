# SPDX-License-Identifier: Apache-2.0

"""EventBridge's Custom Event Bus: buses that retain events, and subscribers that they are delivered to.

Models https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/Welcome.html, for one account: buses are
not shared, and event sources, resource policies, schemas and subscriber logs are not there.

Assumptions, since AWS documents none of them: the words of errors but those of a starting point; a name is a
subscriber's own in its account and Region; a client token is remembered as long as what it created; how many
subscribers of a bus read the past at once (10), and that one counts until it has delivered its window; a
deletion takes effect at once.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Iterable, Mapping
from typing import Any, TypeVar

from moto.core.base_backend import BackendDict, BaseBackend

from airflow_provider_jobs.testing.aws.eventsv2.buses import Bus
from airflow_provider_jobs.testing.aws.eventsv2.publishing import PublishOperations
from airflow_provider_jobs.testing.aws.eventsv2.subscribers import SERVICE, Subscriber
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend

#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html
MAX_BUSES = 5
MAX_SUBSCRIBERS = 10_000
#: AWS says that there is a limit, and does not say which.
MAX_REPLAYING = 10
MAX_PAGE = 100

Resource = TypeVar("Resource", Bus, Subscriber)


class BusesBackend(BaseBackend):
    """The buses and subscribers of an account and Region, by their ARNs."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.buses: dict[str, Bus] = {}
        self.subscribers: dict[str, Subscriber] = {}

    def create_bus(self, request: Mapping[str, Any]) -> Bus:
        """Create a bus, or return the one that the same token created."""
        if (found := _created_before(self.buses.values(), request)) is not None:
            return found
        if len(self.buses) >= MAX_BUSES:
            raise _too_many(f"The account has {MAX_BUSES} event buses, which is its limit.")
        bus = Bus(request, self.account_id, self.region_name)
        self.buses[bus.arn] = bus
        return bus

    def delete_bus(self, arn: str) -> None:
        """Delete a bus that nobody subscribes to."""
        bus = self.bus(arn)
        if any(each.bus is bus and not each.revoked for each in self.subscribers.values()):
            message = f"Event bus {bus.name} has subscribers and cannot be deleted."
            raise AwsError("ResourceInUseException", message, 409)
        del self.buses[arn]

    def create_subscriber(self, request: Mapping[str, Any]) -> Subscriber:
        """Create a subscriber, or return the one that the same token created."""
        bus = self.bus(request["EventBusArn"])
        if (found := _created_before(self.subscribers.values(), request)) is not None:
            return found
        bus.check_active()
        subscriber = Subscriber(bus, request)
        self._admit(subscriber)
        bus.change_subscribers()
        self.subscribers[subscriber.arn] = subscriber
        subscriber.begin()
        return subscriber

    def update_subscriber(self, request: Mapping[str, Any]) -> Subscriber:
        """Change a subscriber."""
        subscriber = self.subscriber(request["SubscriberArn"])
        stopped = subscriber.members["State"] == "STOPPED"
        if stopped and request.get("State") == "RUNNING" and subscriber.replays:
            self._check_replaying(subscriber)
        subscriber.update(request)
        return subscriber

    def delete_subscriber(self, arn: str) -> None:
        """Delete a subscriber."""
        subscriber = self.subscriber(arn)
        subscriber.bus.change_subscribers()
        subscriber.delete()
        del self.subscribers[arn]

    def bus(self, arn: str) -> Bus:
        """Return a bus."""
        if arn not in self.buses:
            raise _not_found(f"Event bus {arn} does not exist.")
        return self.buses[arn]

    def subscriber(self, arn: str) -> Subscriber:
        """Return a subscriber."""
        if arn not in self.subscribers:
            raise _not_found(f"Subscriber {arn} does not exist.")
        return self.subscribers[arn]

    def tags(self, arn: str) -> dict[str, str]:
        """Return the tags of a bus or a subscriber, to be changed."""
        owner = self.buses.get(arn) or self.subscribers.get(arn)
        if owner is None:
            raise _not_found(f"Resource {arn} does not exist.")
        return owner.tags

    def deliver(self, bus: Bus) -> None:
        """Deliver what a bus has to whom it is due."""
        for subscriber in self.subscribers.values():
            if subscriber.bus is bus:
                subscriber.move()

    def _admit(self, subscriber: Subscriber) -> None:
        count = sum(each.bus is subscriber.bus for each in self.subscribers.values())
        if count >= MAX_SUBSCRIBERS:
            raise _too_many(f"The event bus has {MAX_SUBSCRIBERS} subscribers, which is its limit.")
        if subscriber.replays:
            self._check_replaying(subscriber)

    def _check_replaying(self, subscriber: Subscriber) -> None:
        others = [each for each in self.subscribers.values() if each is not subscriber]
        count = sum(each.bus is subscriber.bus and each.counts for each in others)
        if count >= CONTROL.quota(SERVICE, MAX_REPLAYING):
            raise _too_many("The event bus has reached its limit of subscribers that replay events.")


STORE = BackendDict(BusesBackend, "events")


class EventsV2Response(PublishOperations):
    """The operations."""

    internal_error = "InternalException"
    throttling_status = 429

    def __init__(self) -> None:
        super().__init__(SERVICE)

    @property
    def backend(self) -> BusesBackend:
        """The state of the caller's account and Region."""
        return STORE[self.current_account][self.region]

    def create_event_bus(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_CreateEventBus.html."""
        return self.backend.create_bus(self.arguments).created_row()

    def describe_event_bus(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DescribeEventBus.html."""
        return self.backend.bus(self.arguments["EventBusArn"]).description()

    def update_event_bus(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_UpdateEventBus.html."""
        request = self.arguments
        bus = self.backend.bus(request["EventBusArn"])
        bus.update(request)
        return bus.updated_row()

    def list_event_buses(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_ListEventBuses.html."""
        request = self.arguments
        buses = [bus for bus in _named(self.backend.buses.values(), request) if _is_of(bus.account, request)]
        page, token = _page(buses, request)
        return {"EventBuses": [bus.row() for bus in page], "NextToken": token}

    def delete_event_bus(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DeleteEventBus.html."""
        self.backend.delete_bus(self.arguments["EventBusArn"])
        return {}

    def create_subscriber(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_CreateSubscriber.html."""
        return self.backend.create_subscriber(self.arguments).created_row()

    def describe_subscriber(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DescribeSubscriber.html."""
        arn = self.arguments["SubscriberArn"]
        shown = self.backend.subscriber(arn).described
        row = None if shown.look() is None else shown.read()
        if row is None:
            raise _not_found(f"Subscriber {arn} does not exist.")
        return dict(row)

    def update_subscriber(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_UpdateSubscriber.html."""
        return self.backend.update_subscriber(self.arguments).updated_row()

    def list_subscribers(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_ListSubscribers.html."""
        request = self.arguments
        if bus_arn := request.get("EventBusArn"):
            self.backend.bus(bus_arn)
        shown = [
            subscriber
            for subscriber in _named(self.backend.subscribers.values(), request)
            if bus_arn in (None, subscriber.bus.arn) and subscriber.listed.look() is not None
        ]
        page, token = _page(shown, request)
        return {"Subscribers": [subscriber.listed.read() for subscriber in page], "NextToken": token}

    def delete_subscriber(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DeleteSubscriber.html."""
        self.backend.delete_subscriber(self.arguments["SubscriberArn"])
        return {}

    def revoke_resource(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_RevokeResource.html."""
        arn = self.arguments["Arn"]
        self.backend.subscriber(arn).revoke()
        return {"Arn": arn}

    def tag_resource(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_TagResource.html."""
        request = self.arguments
        self.backend.tags(request["ResourceArn"]).update(request["Tags"])
        return {}

    def untag_resource(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_UntagResource.html."""
        request = self.arguments
        tags = self.backend.tags(request["ResourceArn"])
        for key in request["TagKeys"]:
            tags.pop(key, None)
        return {}

    def list_tags_for_resource(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_ListTagsForResource.html."""
        return {"Tags": self.backend.tags(self.arguments["ResourceArn"])}

    def _bus(self, arn: str) -> Bus:
        return self.backend.bus(arn)

    def _deliver(self, bus: Bus) -> None:
        self.backend.deliver(bus)


BACKEND = Backend(
    SERVICE,
    EventsV2Response,
    path="/service/AWSEventsV2/operation/(?P<operation>[^/]+)$",
    host=r"(?:\d{12}\.)?eventsv2",
    target="AWSEventsV2",
)


def _created_before(resources: Iterable[Resource], request: Mapping[str, Any]) -> Resource | None:
    """Return what the same request with the same token created.

    :param resources: what there is
    :param request: of a creation
    """
    for each in resources:
        if (token := request.get("ClientToken")) is not None and each.request.get("ClientToken") == token:
            if each.request != request:
                message = "The ClientToken was used before with other parameters."
                raise AwsError("IdempotentParameterMismatchException", message, 409)
            return each
    if any(each.name == request["Name"] for each in resources):
        message = f"A resource with the name {request['Name']} already exists."
        raise AwsError("ResourceAlreadyExistsException", message, 409)
    return None


def _named(resources: Iterable[Resource], request: Mapping[str, Any]) -> Iterable[Resource]:
    """Return those whose names begin as a list asks for."""
    return (each for each in resources if each.name.startswith(request.get("NamePrefix", "")))


def _page(resources: Iterable[Resource], request: Mapping[str, Any]) -> tuple[list[Resource], str | None]:
    """Return a page in the order of names, and the token of the next one if there is one.

    :param resources: those that are shown
    :param request: of a list
    """
    # They come and go: a page begins after the last name of the page before.
    after = _position(request.get("NextToken"))
    found = sorted((each for each in resources if each.name > after), key=lambda each: each.name)
    page = found[: request.get("MaxResults", MAX_PAGE)]
    more = len(page) < len(found)
    return page, urlsafe_b64encode(page[-1].name.encode()).decode() if more else None


def _position(token: str | None) -> str:
    try:
        return urlsafe_b64decode(token or "").decode()
    except ValueError:
        raise AwsError("InvalidInputException", "NextToken is not valid.") from None


def _is_of(account: str, request: Mapping[str, Any]) -> bool:
    return bool(request.get("EventBusAccountId", account) == account)


def _not_found(message: str) -> AwsError:
    return AwsError("ResourceNotFoundException", message, 404)


def _too_many(message: str) -> AwsError:
    return AwsError("LimitExceededException", message)
