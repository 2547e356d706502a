# SPDX-License-Identifier: Apache-2.0

"""EventBridge: moto's buses, rules and archives, with replays that take their time.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html.
"""

from __future__ import annotations

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections import deque
from collections.abc import Iterator
from random import Random
from typing import Any, TypeGuard
from uuid import uuid4

from moto.core.base_backend import BackendDict, BaseBackend
from moto.events.models import Archive, EventsBackend, ReplayState, Rule, events_backends
from moto.events.utils import EventMessageType
from moto.utilities.utils import ARN_PARTITION_REGEX

from airflow_provider_jobs.testing.aws.events.archives import (
    MAX_PAGE,
    SERVICE,
    ArchiveOperations,
    JobArchive,
    check_filters,
    get_archive,
)
from airflow_provider_jobs.testing.aws.events.entries import EventOperations
from airflow_provider_jobs.testing.aws.events.rules import deliver
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.lag import Row
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend
from airflow_provider_jobs.testing.pace import Phase

#: https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html
MAX_ACTIVE_REPLAYS = 10

#: Seconds; a replay goes through its window in slices of this length.
SLICE = 60

STATES = {
    Phase.STARTING: ReplayState.STARTING,
    Phase.RUNNING: ReplayState.RUNNING,
    Phase.STOPPING: ReplayState.CANCELLING,
    Phase.SUCCEEDED: ReplayState.COMPLETED,
    Phase.FAILED: ReplayState.FAILED,
    Phase.STOPPED: ReplayState.CANCELLED,
}

BUS_ARN = re.compile(rf"{ARN_PARTITION_REGEX}:events:[a-zA-Z0-9-]+:\d{{12}}:event-bus/")
RULE_ARN = re.compile(rf"{ARN_PARTITION_REGEX}:events:[a-zA-Z0-9-]+:\d{{12}}:rule/.+")


class Replay:
    """A replay of the events that the archive held when it started.

    :param events: moto's state of the account and Region
    :param archive: the archive
    :param request: StartReplay's arguments, checked
    """

    def __init__(self, events: EventsBackend, archive: Archive, request: dict[str, Any]) -> None:
        self.name: str = request["ReplayName"]
        self.source_arn: str = request["EventSourceArn"]
        self.arn = f"{archive.arn.rsplit(':', 1)[0]}:replay/{self.name}"
        self._start, self._end = float(request["EventStartTime"]), float(request["EventEndTime"])
        self._destination: dict[str, Any] = request["Destination"]
        self._description: str | None = request.get("Description")
        self._bus = events.describe_event_bus(self._destination["Arn"].split("/")[-1])
        # The start is inclusive, the end is not: "any event with a creation time prior to the EventEndTime".
        in_window = [event for event in archive.events if self._start <= _time(event) < self._end]
        self._pending = deque(self._in_order(in_window))
        self._replayed = 0
        self._last_replayed: float | None = None
        # As recorded, the first read after a cancel finds the replay CANCELLING.
        self.life = CONTROL.start(SERVICE, self.name, self.view, stopping_reads=2)
        self.listed = CONTROL.replica_of(self.life, "lists", self.row)
        self.described = CONTROL.replica_of(self.life, "descriptions", self.description)

    @property
    def state(self) -> str:
        """The state by AWS's name."""
        return str(STATES[self.life.phase].value)

    def view(self) -> dict[str, Any]:
        """Deliver what is due, and describe the replay for ``AwsJobs.jobs``."""
        self._deliver()
        return {
            "state": self.state,
            "source_arn": self.source_arn,
            "event_start_time": self._start,
            "event_end_time": self._end,
            "events_replayed": self._replayed,
        }

    def row(self) -> dict[str, Any]:
        """Describe the replay as ListReplays does."""
        self._deliver()
        ended = self.life.ended_at
        row = {
            "ReplayName": self.name,
            "EventSourceArn": self.source_arn,
            "State": self.state,
            "StateReason": self.life.failure,
            "EventStartTime": self._start,
            "EventEndTime": self._end,
            "EventLastReplayedTime": self._last_replayed,
            "ReplayStartTime": self.life.started_at.timestamp(),
            "ReplayEndTime": ended and ended.timestamp(),
        }
        return {key: value for key, value in row.items() if value is not None}

    def description(self) -> dict[str, Any]:
        """Describe the replay as DescribeReplay does."""
        described = {**self.row(), "ReplayArn": self.arn, "Destination": self._destination}
        if self._description is not None:
            described["Description"] = self._description
        return described

    def _in_order(self, events: list[EventMessageType]) -> list[EventMessageType]:
        """Put events into an order that AWS may replay them in: minute by minute, and any within a minute."""
        chance = Random(f"{CONTROL.archives.seed} {self.name}")
        placed = [(self._slice(event), chance.random(), event) for event in events]
        return [event for _, _, event in sorted(placed, key=lambda place: place[:2])]

    def _slice(self, event: EventMessageType) -> int:
        return int((_time(event) - self._start) // SLICE)

    def _deliver(self) -> None:
        reached = (self._end - self._start) * self.life.fraction
        if self.life.fraction < 1:
            reached -= reached % SLICE
        due = []
        while self._pending and _time(self._pending[0]) < self._start + reached:
            due.append(self._pending.popleft())
        rules = [rule for rule in self._bus.rules.values() if self._goes_to(rule)]
        for event in due:
            replayed: Any = {**event, "id": str(uuid4()), "replay-name": self.name}
            for rule in rules:
                deliver(rule, replayed)
            self._replayed += 1
            self._last_replayed = _time(event)

    def _goes_to(self, rule: Rule) -> bool:
        only = self._destination.get("FilterArns")
        return not only or rule.arn in only


class ReplaysBackend(BaseBackend):
    """The replays of an account and Region, in the order of their start."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.replays: dict[str, Replay] = {}

    def start(self, request: dict[str, Any]) -> Replay:
        """Check what https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html asks
        for, and start.

        :param request: the call's arguments, within the model's constraints
        """
        events: EventsBackend = events_backends[self.account_id][self.region_name]
        archive = self._archive(events, request)
        archive.check_replay()
        name = request["ReplayName"]
        if name in self.replays:
            raise AwsError("ResourceAlreadyExistsException", f"Replay {name} already exists.")
        active = sum(replay.life.active for replay in self.replays.values())
        if active >= CONTROL.quota(SERVICE, MAX_ACTIVE_REPLAYS):
            message = "The requested resource exceeds the maximum number allowed."
            raise AwsError("LimitExceededException", message)
        replay = self.replays[name] = Replay(events, archive, request)
        return replay

    def _archive(self, events: EventsBackend, request: dict[str, Any]) -> JobArchive:
        """Check window, archive and destination in AWS's order, and return the archive."""
        bus_arn, archive_arn = request["Destination"]["Arn"], request["EventSourceArn"]
        if not BUS_ARN.match(bus_arn):
            raise _not_valid("Destination.Arn", "Must contain an event bus ARN.")
        if not all(map(RULE_ARN.fullmatch, request["Destination"].get("FilterArns", ()))):
            raise _not_valid("Destination.FilterArns", "Provided Arn is not in correct format.")
        # AWS compares whole seconds, and before it compares the buses.
        if int(request["EventStartTime"]) >= int(request["EventEndTime"]):
            raise _not_valid("EventEndTime", "EventStartTime must be before EventEndTime.")
        events._get_event_bus(bus_arn)
        archive = events.archives.get(archive_arn.split("/")[-1])
        # Neither is there one of another account or Region.
        if archive is None or archive.arn != archive_arn:
            raise _not_valid("EventSourceArn", f"Archive {archive_arn.split('/')[-1]} does not exist.")
        if bus_arn != archive.source_arn:
            raise _not_valid("Destination.Arn", "Cross event bus replay is not permitted.")
        return get_archive(events, {"ArchiveName": archive.name})

    def get(self, name: str) -> Replay:
        """Return a replay by its name."""
        if name not in self.replays:
            raise _not_found(name)
        return self.replays[name]

    def cancel(self, name: str) -> Replay:
        """Cancel a replay; AWS allows that while it is starting or running."""
        replay = self.get(name)
        if replay.life.phase not in (Phase.STARTING, Phase.RUNNING):
            message = f"Replay {name} is not in a valid state for this operation."
            raise AwsError("IllegalStatusException", message)
        replay.life.stop()
        return replay

    def page(self, request: dict[str, Any]) -> tuple[list[Row], str | None]:
        """Read a page of replays.

        :param request: ListReplays' arguments, checked
        :return: the replays' rows, and the token of the next page if there is one
        """

        def matches(row: Row | None) -> TypeGuard[Row]:
            return (
                row is not None
                and row["ReplayName"].startswith(request.get("NamePrefix", ""))
                and all(request.get(key, row[key]) == row[key] for key in ("EventSourceArn", "State"))
            )

        shown: list[Row] = []
        for position, replay in self._from(request.get("NextToken")):
            if not matches(replay.listed.look()):
                continue
            if len(shown) == request.get("Limit", MAX_PAGE):
                return shown, urlsafe_b64encode(str(position).encode()).decode()
            row = replay.listed.read()
            # The read may have moved it out of the state that was asked for.
            if matches(row):
                shown.append(row)
        return shown, None

    def _from(self, token: str | None) -> Iterator[tuple[int, Replay]]:
        # Replays are never removed, so a position stays true from page to page.
        try:
            first = int(urlsafe_b64decode(token)) if token else 0
        except ValueError:
            raise AwsError("ValidationException", "Parameter NextToken is not valid.") from None
        return iter(list(enumerate(self.replays.values()))[first:])


REPLAYS = BackendDict(ReplaysBackend, SERVICE)


class EventsResponse(ArchiveOperations, EventOperations):
    """moto's EventBridge, with our replays."""

    internal_error = "InternalException"

    @property
    def replays(self) -> ReplaysBackend:
        """The replays of the caller's account and Region."""
        return REPLAYS[self.current_account][self.region]

    def start_replay(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html."""
        replay = self.replays.start(self.arguments)
        started = replay.life.started_at.timestamp()
        state = ReplayState.STARTING.value
        return self._create_response({"ReplayArn": replay.arn, "State": state, "ReplayStartTime": started})

    def describe_replay(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeReplay.html."""
        replay = self.replays.get(self.arguments["ReplayName"])
        if replay.described.look() is None:
            raise _not_found(replay.name)
        return self._create_response(replay.described.read())

    def list_replays(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListReplays.html."""
        request = self.arguments
        check_filters("ListReplays", request)
        rows, token = self.replays.page(request)
        answer: dict[str, Any] = {"Replays": rows}
        if token is not None:
            answer["NextToken"] = token
        return self._create_response(answer)

    def cancel_replay(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CancelReplay.html."""
        replay = self.replays.cancel(self.arguments["ReplayName"])
        return self._create_response({"ReplayArn": replay.arn, "State": ReplayState.CANCELLING.value})


BACKEND = Backend(SERVICE, EventsResponse)


def _time(event: EventMessageType) -> float:
    return float(event["time"])


def _not_found(name: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Replay {name} does not exist.")


def _not_valid(parameter: str, reason: str) -> AwsError:
    return AwsError("ValidationException", f"Parameter {parameter} is not valid. Reason: {reason}")
