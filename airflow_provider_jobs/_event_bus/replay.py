# SPDX-License-Identifier: Apache-2.0

"""Replays by a subscriber as data: a request, what its description carries, and what AWS tells of one."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_jobs._event_bus.figures import Figures
from airflow_provider_jobs._event_bus.judgement import Seen, judge, progress
from airflow_provider_jobs.job import JobState, JobStatus, one_line, utc_text

__all__ = [
    "NAME_LIMIT",
    "STOPPED",
    "SubscriberRequest",
    "is_ours",
    "replay_status",
    "seen_of",
    "stopped_description",
]

#: Characters in a subscriber's name, and in its description.
NAME_LIMIT, _DESCRIPTION_LIMIT = 256, 512
#: What a description ends with: how the end is judged, and whether this package has stopped the replay.
_TAIL = re.compile(
    r" ?\[quiet=(?P<quiet>\d+) startup=(?P<startup>\d+)(?: expected=(?P<expected>\d+))?"
    r"(?P<stopped> stopped)?\]$"
)
STOPPED = "STOPPED"
#: The end of a name that carries a mark.
_MARKED = re.compile(r"-[0-9a-f]{12}-\d[0-9a-z.-]+$")


@dataclass(frozen=True, slots=True)
class SubscriberRequest:
    """A replay that is asked for, checked.

    :param event_bus_arn: the bus.
    :param target_arn: what gets the events.
    :param role_arn: the role that delivers them.
    :param start: the window's start, aware.
    :param end: the window's end, aware.
    :param dead_letter_arn: the queue for what cannot be delivered; None if that is dropped.
    :param filters: event patterns as JSON, by their scope.
    :param transformer: ``RAW``, ``WITH_METADATA``, an expression of JSONata, or None for AWS's default.
    :param target_parameters: how the target is invoked.
    :param retry_policy: AWS's ``RetryPolicy``.
    :param ordering: ``UNORDERED``, ``FIFO``, or None for AWS's default.
    :param tags: tags of the subscriber.
    :param description: what the console shows.
    :param quiet: for how long nothing must have moved before the replay counts as delivered.
    :param startup: how long AWS may take until it shows the first figures.
    :param expected: how many events match, if the author knows.
    """

    event_bus_arn: str
    target_arn: str
    role_arn: str
    start: datetime
    end: datetime
    dead_letter_arn: str | None = None
    filters: Mapping[str, str] = field(default_factory=dict)
    transformer: str | None = None
    target_parameters: Mapping[str, Any] = field(default_factory=dict)
    retry_policy: Mapping[str, Any] = field(default_factory=dict)
    ordering: str | None = None
    tags: Mapping[str, str] = field(default_factory=dict)
    description: str = ""
    quiet: timedelta = timedelta(minutes=5)
    startup: timedelta = timedelta(minutes=15)
    expected: int | None = None

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        return {
            "bus": self.event_bus_arn,
            "target": self.target_arn,
            "role": self.role_arn,
            "start": self.start,
            "end": self.end,
            "dead_letter": self.dead_letter_arn,
            # Patterns that mean the same may be written in several ways.
            "filters": {scope: json.loads(pattern) for scope, pattern in self.filters.items()},
            "transformer": self.transformer,
            "parameters": self.target_parameters,
            "retry": self.retry_policy,
            "ordering": self.ordering,
        }

    def call(self, name: str) -> dict[str, Any]:
        """Return the arguments of CreateSubscriber; those that are None are left out.

        :param name: the subscriber's name.
        """
        jsonata = self.transformer and self.transformer.startswith("{%")
        transformer: dict[str, Any] = {"Type": "JSONATA" if jsonata else self.transformer}
        if jsonata:
            transformer["JsonataConfiguration"] = {"Expression": self.transformer}
        filters = [{"Scope": scope, "Pattern": pattern} for scope, pattern in self.filters.items()]
        return {
            "Name": name,
            "EventBusArn": self.event_bus_arn,
            "InvokeConfiguration": {
                "TargetArn": self.target_arn,
                "RoleArn": self.role_arn,
                **self.target_parameters,
            },
            "StartingPosition": "POINT_IN_TIME",
            "PointInTimeConfiguration": {
                "PointType": "TIMESTAMP",
                "StartingPoint": self.start,
                "EndPoint": self.end,
            },
            "Description": self._description(),
            "FilterConfiguration": {"Filters": filters} if filters else None,
            "Transformer": transformer if self.transformer else None,
            "RetryPolicy": dict(self.retry_policy) or None,
            "OnFailureConfiguration": {"Arn": self.dead_letter_arn} if self.dead_letter_arn else None,
            "Type": self.ordering,
            "Tags": dict(self.tags) or None,
        }

    def _description(self) -> str:
        return _with_tail(
            self.description,
            quiet=round(self.quiet.total_seconds()),
            startup=round(self.startup.total_seconds()),
            expected=self.expected,
        )


def _with_tail(
    text: str, *, quiet: int | str, startup: int | str, expected: int | str | None, stopped: bool = False
) -> str:
    known = "" if expected is None else f" expected={expected}"
    tail = f"[quiet={quiet} startup={startup}{known}{' stopped' if stopped else ''}]"
    return f"{one_line(text)[: _DESCRIPTION_LIMIT - len(tail) - 1]} {tail}"


def stopped_description(description: str, *, stopped: bool = True) -> str:
    """Return the description of a replay that this package stops: a pause by somebody else looks the same.

    :param stopped: whether it is stopped; otherwise it goes on.
    """
    found = _TAIL.search(description)
    quiet, startup, expected = found.group("quiet", "startup", "expected") if found else ("300", "900", None)
    return _with_tail(
        _TAIL.sub("", description), quiet=quiet, startup=startup, expected=expected, stopped=stopped
    )


def is_ours(name: str) -> bool:
    """Whether a subscriber has the name of a replay that this package has started, of any task."""
    return bool(_MARKED.search(name))


def seen_of(subscriber: Mapping[str, Any], figures: Figures, since: datetime, now: datetime) -> Seen:
    """Return what is judged of a subscriber.

    :param subscriber: its description.
    :param figures: its figures.
    :param since: when these were first seen.
    :param now: AWS's time.
    """
    tail = _TAIL.search(subscriber.get("Description") or "")
    created, window = subscriber["CreationTime"], subscriber.get("PointInTimeConfiguration") or {}
    retry = subscriber.get("RetryPolicy") or {}
    known: dict[str, Any] = {}
    if tail:
        known = {name: timedelta(seconds=int(tail[name])) for name in ("quiet", "startup")}
        known["expected"] = tail["expected"] and int(tail["expected"])
    stopped = subscriber["State"] == STOPPED and tail is not None and tail["stopped"] is not None
    return Seen(
        now=now,
        created=created,
        # AWS cuts the time of its answers to seconds, so that it may seem to be yet to come.
        modified=min(max(subscriber.get("LastModifiedTime") or created, created), now),
        start=window.get("StartingPoint") or created,
        # Without an end it goes on into live events, and never ends.
        end=window.get("EndPoint") or datetime.max.replace(tzinfo=UTC),
        state=subscriber["State"],
        figures=figures,
        since=since,
        retried=timedelta(seconds=retry.get("MaxEventAgeInSeconds", 300)),
        revoked=bool(subscriber.get("Revoked")),
        stopped=stopped,
        **known,
    )


def replay_status(subscriber: Mapping[str, Any], seen: Seen) -> JobStatus:
    """Return the status of a replay.

    :param subscriber: its subscriber's description.
    :param seen: what is judged.
    """
    judgement, figures = judge(seen), seen.figures
    reached = progress(seen, judgement)
    window = subscriber.get("PointInTimeConfiguration") or {}
    invoke = subscriber.get("InvokeConfiguration") or {}
    note = (
        f"{figures.events_matched:,} of {figures.events_evaluated:,} events matched, "
        f"{figures.events_delivered:,} delivered, {figures.dead_letter_records:,} dead-letter records, "
        f"{figures.events_dropped:,} dropped"
    )
    speed = None
    elapsed = (seen.now - seen.created).total_seconds()
    if reached and judgement.state is JobState.RUNNING and elapsed > 0:
        speed = f"{reached * (seen.end - seen.start).total_seconds() / elapsed:,.0f} times real time"
    return JobStatus(
        job_id=subscriber["Name"],
        state=judgement.state,
        service_state=judgement.service_state,
        reason=judgement.reason,
        progress=reached,
        note=f"{note}; {judgement.note}" if judgement.note else note,
        speed=speed,
        started_at=seen.created,
        details={
            "subscriber_name": subscriber["Name"],
            "subscriber_arn": subscriber["SubscriberArn"],
            "event_bus_arn": subscriber.get("EventBusArn"),
            "target_arn": invoke.get("TargetArn"),
            "dead_letter_arn": (subscriber.get("OnFailureConfiguration") or {}).get("Arn"),
            "event_start_time": utc_text(window.get("StartingPoint")),
            "event_end_time": utc_text(window.get("EndPoint")),
            "created_at": utc_text(seen.created),
            "state": judgement.service_state,
            **figures.counts(),
        },
    )
