# SPDX-License-Identifier: Apache-2.0

"""The calls for subscribers of a Custom Event Bus, and for the bus itself."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs._event_bus.replay import STOPPED, stopped_description
from airflow_provider_jobs.exceptions import JobApiError, JobNotFoundError

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.event_bus import EventBusReplayHook

__all__ = ["BUSY", "SubscriberClient"]

#: AWS's code for a create or a delete that meets another one on the bus.
BUSY = "ConcurrentModificationException"
#: What AWS tells of each subscriber.
_ALWAYS = ("SubscriberArn", "Name", "State", "CreationTime")
#: Pauses before a create or a delete is repeated that met another one on the bus, in seconds.
_PAUSES = (0.2, 0.5, 1.0, 2.0, 4.0)


class SubscriberClient:
    """Makes the calls for subscribers.

    :param hook: makes the calls.
    """

    def __init__(self, hook: EventBusReplayHook) -> None:
        self._hook = hook

    def describe_bus(self, event_bus_arn: str) -> dict[str, Any]:
        """Return a bus's description.

        https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DescribeEventBus.html

        :return: among others ``State``, and ``StorageConfiguration`` with ``RetentionWindowStartTime``.
        :raises JobNotFoundError: if there is no such bus.
        """
        found = self._hook.call("describe_event_bus", EventBusArn=event_bus_arn)
        return self._hook.whole(found, ("EventBusArn", "State"), "describe_event_bus")

    def listed(
        self, *, name_prefix: str | None = None, event_bus_arn: str | None = None
    ) -> Iterator[dict[str, Any]]:
        """List subscribers, page by page.

        https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_ListSubscribers.html

        :return: rows without ``Description`` and window.
        :raises JobApiError: also for a row that cannot be read.
        """
        filters = {"NamePrefix": name_prefix, "EventBusArn": event_bus_arn}
        rows = self._hook.pages("list_subscribers", "Subscribers", MaxResults=100, **filters)
        return (self._hook.whole(row, _ALWAYS, "list_subscribers") for row in rows)

    def describe(self, subscriber_arn: str) -> dict[str, Any]:
        """Return a subscriber's description.

        https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DescribeSubscriber.html

        :raises JobNotFoundError: if there is no such subscriber.
        """
        found = self._hook.call("describe_subscriber", SubscriberArn=subscriber_arn)
        return self._hook.whole(found, _ALWAYS, "describe_subscriber")

    def pause(self, subscriber_name: str) -> bool:
        """Pause a replay. Events that were delivered stay delivered.

        https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_UpdateSubscriber.html

        :return: False if it was paused already.
        :raises JobNotFoundError: if there is no such subscriber.
        :raises JobApiError: with code ``InvalidStateException`` if it was revoked.
        """
        row = self.row(subscriber_name)
        if row["State"] == STOPPED:
            return False
        self._hook.call("update_subscriber", SubscriberArn=row["SubscriberArn"], State=STOPPED)
        return True

    def resume(self, subscriber_name: str) -> bool:
        """Let a paused replay go on where it stopped.

        https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_UpdateSubscriber.html

        :return: False if it runs.
        :raises JobNotFoundError: if there is no such subscriber.
        :raises JobApiError: with code ``InvalidStateException`` if it was revoked.
        """
        found = self.describe(self.row(subscriber_name)["SubscriberArn"])
        if found["State"] != STOPPED:
            return False
        self._hook.call(
            "update_subscriber",
            SubscriberArn=found["SubscriberArn"],
            State="RUNNING",
            ResumePosition="LAST_PROCESSED",
            Description=stopped_description(found.get("Description") or "", stopped=False),
        )
        return True

    def delete(self, subscriber_name: str) -> bool:
        """Delete a subscriber.

        https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DeleteSubscriber.html

        :return: False if there is none.
        """
        try:
            self.change("delete_subscriber", SubscriberArn=self.row(subscriber_name)["SubscriberArn"])
        except JobNotFoundError:
            return False
        return True

    def row(self, name: str) -> dict[str, Any]:
        """Return the row of a subscriber.

        :raises JobNotFoundError: if AWS shows none of this name.
        """
        for row in self.listed(name_prefix=name):
            if row["Name"] == name:
                return row
        raise JobNotFoundError(
            f"EventBridge knows no subscriber {name}. Check the name, the Region and the account."
        )

    def change(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Create or delete a subscriber. AWS makes one such change of a bus at a time, and refuses others.

        :raises JobApiError: with AWS's code if the others do not end soon.
        """
        for pause in _PAUSES:
            try:
                return self._hook.call(operation, **parameters)
            except JobApiError as error:
                if error.code != BUSY:
                    raise
            time.sleep(random.uniform(pause / 2, pause))
        return self._hook.call(operation, **parameters)
