# SPDX-License-Identifier: Apache-2.0

"""EventBridge archives: events reach them late and leave them again, and they have states.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-archive.html. Assumptions, where AWS says
nothing: a replay of an archive that is not ENABLED is refused as a parameter that is not valid; an archive
takes events while it is ENABLED, UPDATING or UPDATE_FAILED. The size of an event is worked out from a
recording of ten: source, detail type and detail, and 20 characters for the time.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime, timedelta
from typing import Any

from moto.events.models import Archive, EventPattern, EventsBackend
from moto.events.responses import EventsHandler
from moto.events.utils import EventMessageType

from airflow_provider_jobs.testing.aws.events.rules import ArchiveRule
from airflow_provider_jobs.testing.aws.events.settings import TAKES_EVENTS
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError, JobResponse

SERVICE = "events"
MAX_PAGE = 100
_FILTERS = ("NamePrefix", "EventSourceArn", "State")


def check_filters(operation: str, request: dict[str, Any]) -> None:
    """Refuse more than one filter of a list.

    :raises AwsError: as AWS does
    """
    if sum(key in request for key in _FILTERS) > 1:
        message = (
            f"At most one filter is allowed for {operation}. "
            "Use either : State, EventSourceArn, or NamePrefix."
        )
        raise AwsError("ValidationException", message)


class JobArchive(Archive):
    """An archive whose events arrive late and expire.

    :param archive: as moto created it, for CloudFormation too, which goes on to change that one
    """

    def __init__(self, archive: Archive) -> None:
        self.__dict__ = vars(archive)
        self._coming: list[tuple[datetime, EventMessageType]] = []
        self._state_reason: str | None = None
        self.kms_key: str | None = None
        self.refresh()

    @classmethod
    def delete_from_cloudformation_json(cls, *_: Any, **__: Any) -> None:
        """Do nothing; moto's archives leave this abstract."""

    def is_created(self) -> bool:
        """Return that it is; moto's archives leave this abstract."""
        return True

    def take(self, event: EventMessageType) -> None:
        """Let an event arrive after the archive's delay, if it matches and the archive takes events."""
        state, _ = CONTROL.archives.state(self.name)
        if state in TAKES_EVENTS and self.event_pattern.matches_event(event):
            self._coming.append((CONTROL.now() + timedelta(seconds=CONTROL.archives.delay(self.name)), event))

    def refresh(self) -> None:
        """Bring state and events up to date."""
        now = CONTROL.now()
        self.state, self._state_reason = CONTROL.archives.state(self.name)
        if self._coming:
            self.events += [event for due, event in self._coming if due <= now]
            self._coming = [(due, event) for due, event in self._coming if due > now]
        if self.retention:
            oldest = (now - timedelta(days=float(self.retention))).timestamp()
            self.events = [event for event in self.events if float(event["time"]) >= oldest]

    def change(self, request: dict[str, Any]) -> None:
        """Change what UpdateArchive names.

        :param request: the call's arguments, checked
        """
        self.description = request.get("Description", self.description)
        self.retention = request.get("RetentionDays", self.retention)
        self.kms_key = request.get("KmsKeyIdentifier", self.kms_key)
        if "EventPattern" in request:
            self.event_pattern = EventPattern.load(request["EventPattern"])
            pattern = {**self.event_pattern.get_pattern(), "replay-name": [{"exists": False}]}
            assert self.rule is not None
            self.rule.event_pattern = EventPattern.load(json.dumps(pattern))

    def outcome(self) -> dict[str, Any]:
        """Describe the archive as CreateArchive and UpdateArchive do."""
        self.refresh()
        answer: dict[str, Any] = {"ArchiveArn": self.arn, "State": self.state}
        answer["CreationTime"] = self.creation_time
        return answer | self._reason()

    def describe_short(self) -> dict[str, Any]:
        """Describe the archive as ListArchives does."""
        self.refresh()
        return {
            "ArchiveName": self.name,
            "EventSourceArn": self.source_arn,
            "State": self.state,
            "RetentionDays": self.retention,
            "SizeBytes": sum(map(_size, self.events)),
            "EventCount": len(self.events),
            "CreationTime": self.creation_time,
            **self._reason(),
        }

    def describe(self) -> dict[str, Any]:
        """Describe the archive as DescribeArchive does."""
        more = {
            "Description": self.description,
            "EventPattern": self.event_pattern.dump(),
            "KmsKeyIdentifier": self.kms_key or None,
        }
        given = {key: value for key, value in more.items() if value is not None}
        return {"ArchiveArn": self.arn, **self.describe_short(), **given}

    def check_replay(self) -> None:
        """Refuse a replay of an archive that is not ENABLED."""
        self.refresh()
        if self.state != "ENABLED":
            reason = f"Archive {self.name} is not in a valid state: {self.state}."
            message = f"Parameter EventSourceArn is not valid. Reason: {reason}"
            raise AwsError("ValidationException", message)

    def _reason(self) -> dict[str, str]:
        return {} if self._state_reason is None else {"StateReason": self._state_reason}


class ArchiveOperations(JobResponse, EventsHandler):
    """The operations of archives."""

    @property
    def events_backend(self) -> EventsBackend:
        """Moto's state of the caller's account and Region; its archives are ours."""
        return adopt_archives(super().events_backend)

    def create_archive(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html."""
        request = self.arguments
        super().create_archive()
        archive = get_archive(self.events_backend, request)
        archive.kms_key = request.get("KmsKeyIdentifier")
        return self._create_response(archive.outcome())

    def describe_archive(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeArchive.html."""
        return self._create_response(get_archive(self.events_backend, self.arguments).describe())

    def update_archive(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateArchive.html."""
        request = self.arguments
        if not request.keys() & {"Description", "EventPattern", "KmsKeyIdentifier", "RetentionDays"}:
            message = "At least one of EventPattern, RetentionDays or Description must be provided."
            raise AwsError("ValidationException", message)
        archive = get_archive(self.events_backend, request)
        archive.change(request)
        return self._create_response(archive.outcome())

    def delete_archive(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteArchive.html."""
        get_archive(self.events_backend, self.arguments)
        return super().delete_archive()

    def list_archives(self) -> tuple[str, dict[str, Any]]:
        """https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListArchives.html."""
        request = self.arguments
        check_filters("ListArchives", request)
        if "EventSourceArn" in request:
            self.events_backend._get_event_bus(request["EventSourceArn"])
        rows = [archive.describe_short() for archive in self.events_backend.archives.values()]
        # Archives come and go: a page begins after the last name of the page before.
        after = _position(request.get("NextToken"))
        rows = sorted(
            (row for row in rows if _matches(row, request, after)), key=lambda row: row["ArchiveName"]
        )
        page = rows[: request.get("Limit", MAX_PAGE)]
        answer: dict[str, Any] = {"Archives": page}
        if len(page) < len(rows):
            answer["NextToken"] = urlsafe_b64encode(page[-1]["ArchiveName"].encode()).decode()
        return self._create_response(answer)


def adopt_archives(events: EventsBackend) -> EventsBackend:
    """Make ours of the archives that moto has created, as it does for CloudFormation, and return its state.

    :param events: moto's state of an account and Region
    """
    for name, created in list(events.archives.items()):
        if not isinstance(created, JobArchive):
            archive = events.archives[name] = JobArchive(created)
            assert archive.rule is not None
            archive.rule = ArchiveRule(archive.rule, archive.take)
            events.describe_event_bus(archive.event_bus_name).rules[archive.rule.name] = archive.rule
    return events


def get_archive(events: EventsBackend, request: dict[str, Any]) -> JobArchive:
    """Return the archive that a request names.

    :param events: moto's state of the account and Region
    :param request: the call's arguments, checked
    """
    name = request["ArchiveName"]
    archive = adopt_archives(events).archives.get(name)
    if archive is None:
        raise AwsError("ResourceNotFoundException", f"Archive {name} does not exist.")
    assert isinstance(archive, JobArchive)
    return archive


def _size(event: EventMessageType) -> int:
    return sum(map(len, (event["source"], event["detail-type"], json.dumps(event["detail"])))) + 20


def _matches(row: dict[str, Any], request: dict[str, Any], after: str) -> bool:
    return (
        row["ArchiveName"] > after
        and row["ArchiveName"].startswith(request.get("NamePrefix", ""))
        and all(row[key] == request[key] for key in ("EventSourceArn", "State") if key in request)
    )


def _position(token: str | None) -> str:
    try:
        return urlsafe_b64decode(token or "").decode()
    except ValueError:
        raise AwsError("ValidationException", "Parameter NextToken is not valid.") from None
