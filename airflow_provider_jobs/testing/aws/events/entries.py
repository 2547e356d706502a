# SPDX-License-Identifier: Apache-2.0

"""The operations by which events enter a bus and reach targets: PutEvents, PutTargets, TestEventPattern."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from moto.events.models import EventBus, EventPattern, EventsBackend, events_backends
from moto.events.responses import EventsHandler
from moto.events.utils import EventMessageType

from airflow_provider_jobs.testing.aws.events.inputs import check_target
from airflow_provider_jobs.testing.aws.events.rules import publish
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import JobResponse


class EventOperations(JobResponse, EventsHandler):
    """Operations of events and targets. An event that goes to a bus that does not exist is accepted."""

    def put_events(self) -> str:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutEvents.html."""
        entries = [self._put(entry) for entry in self.arguments["Entries"]]
        failed = sum("ErrorCode" in entry for entry in entries)
        return json.dumps({"FailedEntryCount": failed, "Entries": entries})

    def put_targets(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html."""
        for target in self.arguments["Targets"]:
            check_target(target)
        return super().put_targets()

    def test_event_pattern(self) -> str:  # type: ignore[override] # moto's answers nothing
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_TestEventPattern.html."""
        pattern = EventPattern.load(self.arguments["EventPattern"])
        return json.dumps({"Result": pattern.matches_event(json.loads(self.arguments["Event"]))})

    def _put(self, entry: dict[str, Any]) -> dict[str, str]:
        for name in ("Source", "DetailType", "Detail"):
            if not entry.get(name):
                reason = f"Parameter {name} is not valid. Reason: {name} is a required argument."
                return {"ErrorCode": "InvalidArgument", "ErrorMessage": reason}
        try:
            detail = json.loads(entry["Detail"])
        except ValueError:
            detail = None
        if not isinstance(detail, dict):
            return {"ErrorCode": "MalformedDetail", "ErrorMessage": "Detail is malformed."}
        event_id = str(uuid4())
        bus = _bus(self.events_backend, entry.get("EventBusName", "default"))
        if bus is not None:
            publish(bus, self._event(event_id, entry, detail))
        return {"EventId": event_id}

    def _event(self, event_id: str, entry: dict[str, Any], detail: dict[str, Any]) -> EventMessageType:
        now = CONTROL.clock().timestamp()
        return {
            "version": "0",
            "id": event_id,
            "detail-type": entry["DetailType"],
            "source": entry["Source"],
            "account": self.current_account,
            "time": entry.get("Time", now),
            "region": self.region,
            "resources": entry.get("Resources", []),
            "detail": detail,
            "ingestion-time": now,
        }


def _bus(events: EventsBackend, name_or_arn: str) -> EventBus | None:
    parts = name_or_arn.split(":")
    if len(parts) == 6:
        events = events_backends[parts[4]][parts[3]]
    return events.event_buses.get(name_or_arn.rpartition("event-bus/")[2])
