# SPDX-License-Identifier: Apache-2.0

"""Events of a Custom Event Bus: how they are put, kept and delivered.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-addressing.html.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

#: Of what ``PutEvents`` puts.
ENVELOPE = "application/eventbridge+json"
JSON = "application/json"


@dataclass(frozen=True)
class Event:
    """An event that a bus retains.

    :param id: as the publisher was told it
    :param number: its place among all events of the bus
    :param ingested: when it came, by AWS's clock
    :param payload: the data as they are delivered
    :param metadata: the publisher's
    :param system: the service's own metadata, but for those that depend on the delivery
    """

    id: str
    number: int
    ingested: datetime
    payload: str
    metadata: Mapping[str, str]
    system: Mapping[str, str]

    @property
    def place(self) -> tuple[datetime, int]:
        """Where it is in the order of the bus."""
        return self.ingested, self.number

    @cached_property
    def data(self) -> Any:
        """The payload, read."""
        return json.loads(self.payload)

    @property
    def group(self) -> str | None:
        """The event group's id, if it has one."""
        return self.system.get("EventGroupId")

    def system_metadata(self, replayed: bool) -> dict[str, str]:
        """Return the service's metadata of a delivery.

        :param replayed: whether the event is older than the subscriber
        """
        return {
            **self.system,
            "aws:EventId": self.id,
            "aws:SequenceNumber": sequence_number(self.number),
            "aws:IngestionTime": iso(self.ingested),
            "aws:DeliveryType": "REPLAY" if replayed else "LIVE",
        }


def sequence_number(number: int) -> str:
    """Return the number of an event as the service writes it: longer ones are later."""
    return str(10**19 + number * 1000)


def iso(time: datetime) -> str:
    """Return a time as the service writes it into texts."""
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def envelope(entry: Mapping[str, Any], event_id: str, account: str, region: str, now: datetime) -> str:
    """Return what ``PutEvents`` makes of an entry: the same envelope as on a bus with rules.

    :param entry: the request's
    :param event_id: the new event's
    :param account: the publisher's
    :param region: the bus's
    :param now: by AWS's clock
    :raises ValueError: if the detail is not JSON
    """
    return json.dumps(
        {
            "version": "0",
            "id": event_id,
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": account,
            "time": entry.get("Time", now).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "region": region,
            "resources": entry.get("Resources", []),
            "detail": json.loads(entry.get("Detail", "{}")),
        }
    )


def ordering(entry: Mapping[str, Any]) -> dict[str, str]:
    """Return the system metadata that the publisher gives.

    :param entry: the request's
    """
    given = entry.get("SystemMetadata", {})
    return {name: given[name] for name in ("EventGroupId", "DeduplicationId") if name in given}
