# SPDX-License-Identifier: Apache-2.0

"""How events come to a bus: PutEvents and PutRawEvents.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-publish.html. Assumptions: the
codes of entries that fail; a duplicate is answered with the id of the event that it is one of.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, TypeAlias
from uuid import uuid4

from airflow_provider_jobs.testing.aws.cbor import CborResponse
from airflow_provider_jobs.testing.aws.eventsv2.buses import Bus
from airflow_provider_jobs.testing.aws.eventsv2.events import (
    ENVELOPE,
    JSON,
    Event,
    envelope,
    ordering,
    sequence_number,
)
from airflow_provider_jobs.testing.control import CONTROL

#: An event's payload, metadata and system metadata.
Parts: TypeAlias = tuple[str, dict[str, str], dict[str, str]]
#: Makes them of an entry and the event's id.
Reader: TypeAlias = Callable[[Mapping[str, Any], str], Parts]


class PublishOperations(CborResponse):
    """The operations by which events come. Subclasses find buses and deliver."""

    def put_events(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutEvents.html."""
        return self._put(self._enveloped)

    def put_raw_events(self) -> dict[str, Any]:
        """https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_PutRawEvents.html."""
        return self._put(self._raw)

    def _bus(self, arn: str) -> Bus:
        raise NotImplementedError

    def _deliver(self, bus: Bus) -> None:
        raise NotImplementedError

    def _put(self, read: Reader) -> dict[str, Any]:
        request = self.arguments
        if "SchemaRegistryConfiguration" in request:
            raise NotImplementedError
        bus = self._bus(request["EventBusArn"])
        bus.check_active()
        by_content = "DeduplicationConfiguration" in request
        entries = [self._keep(bus, entry, read, by_content) for entry in request["Entries"]]
        self._deliver(bus)
        failed = sum("ErrorCode" in entry for entry in entries)
        return {"FailedEntryCount": failed, "Entries": entries}

    def _keep(self, bus: Bus, entry: Mapping[str, Any], read: Reader, by_content: bool) -> dict[str, Any]:
        event_id = str(uuid4())
        try:
            payload, metadata, system = read(entry, event_id)
        except ValueError as error:
            return {"ErrorCode": "InvalidInputException", "ErrorMessage": str(error)}
        key = system.get("DeduplicationId")
        if by_content:
            content = {name: value for name, value in entry.items() if name != "SystemMetadata"}
            key = sha256(repr(sorted(content.items())).encode()).hexdigest()
        if (earlier := bus.duplicate(key)) is not None:
            return _told(earlier, "DEDUPLICATED")
        event = Event(event_id, bus.next_number(), CONTROL.clock(), payload, metadata, system)
        bus.keep(event, key)
        return _told(event, "PUBLISHED")

    def _enveloped(
        self, entry: Mapping[str, Any], event_id: str
    ) -> tuple[str, dict[str, str], dict[str, str]]:
        if entry["Source"].startswith("aws."):
            raise ValueError("Source must not start with aws.")
        try:
            payload = envelope(entry, event_id, self.current_account, self.region, CONTROL.clock())
        except ValueError:
            raise ValueError("Detail is not valid JSON.") from None
        system = {
            "ContentType": ENVELOPE,
            "aws:Source": entry["Source"],
            "aws:DetailType": entry["DetailType"],
        }
        return payload, {}, {**system, **ordering(entry)}

    def _raw(self, entry: Mapping[str, Any], event_id: str) -> Parts:
        kind = entry["SystemMetadata"]["ContentType"]
        if kind != JSON:
            raise NotImplementedError
        try:
            payload = entry["Data"].decode()
            json.loads(payload)
        except ValueError:
            raise ValueError("Data is not valid JSON.") from None
        return payload, dict(entry.get("Metadata", {})), {"ContentType": kind, **ordering(entry)}


def _told(event: Event, code: str) -> dict[str, Any]:
    return {"EventId": event.id, "SequenceNumber": sequence_number(event.number), "SuccessCode": code}
