# SPDX-License-Identifier: Apache-2.0

"""Replays on EventBridge's Custom Event Bus, by a subscriber."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from functools import cached_property
from typing import Any, ClassVar

import boto3
from boto3.session import Session

from airflow_provider_jobs._event_bus.client import BUSY, SubscriberClient
from airflow_provider_jobs._event_bus.figures import Figures
from airflow_provider_jobs._event_bus.reader import FigureReader
from airflow_provider_jobs._event_bus.replay import (
    NAME_LIMIT,
    STOPPED,
    SubscriberRequest,
    is_ours,
    replay_status,
    seen_of,
    stopped_description,
)
from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.evidence import Marking, SeenJob
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs._once.mark import Mark, name_prefix
from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobOutcomeUnknownError,
    JobQuotaError,
    JobQuotaInDoubtError,
)
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobStatus, one_line, utc_text

__all__ = ["EventBusReplayHook", "SubscriberRequest"]

#: The first boto3 that has the service.
_FIRST_BOTO3 = "1.43.102"
#: What AWS answers to a create.
_CREATED = ("SubscriberArn", "State", "CreationTime")
#: Characters of a name that are left to the mark; one may come before it.
_MARK_LIMIT = NAME_LIMIT - 1
#: What tells in a list that a subscriber has changed.
_CHANGES = ("SubscriberArn", "State", "Revoked", "LastModifiedTime")
#: So many jobs are asked for by their whole names, more by what their names have in common.
_FEW = 3
#: The states of a bus in which it delivers.
_WORKS = ("ACTIVE", "UPDATE_FAILED")
_NEVER = datetime.max.replace(tzinfo=UTC)


class EventBusReplayHook(JobHook):
    """Starts, watches, pauses, resumes and deletes subscribers that replay a window of a Custom Event Bus.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-replay.html

    A subscriber has no end state. Its end is concluded from CloudWatch's figures.

    Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.

    :raises JobInputError: if boto3 is too old for the service.
    """

    service = "eventbridgev2"
    label = "Amazon EventBridge (Custom Event Bus)"
    iam_name = "events"
    noun = "replay"
    marking = Marking.NAME
    # It is per bus, and AWS publishes no number. The queue learns it from refusals.
    quota: ClassVar[int | None] = 10
    quota_codes: ClassVar[frozenset[str]] = frozenset({"LimitExceededException"})
    input_codes: ClassVar[frozenset[str]] = frozenset({"InvalidInputException"})
    transient_codes: ClassVar[frozenset[str]] = frozenset({"InternalException"})
    advice: ClassVar[Mapping[str, str]] = {
        "StartingPoint": "Check the window: the bus must still have its events.",
        "event bus": "Check event_bus_arn, the Region and the account of the connection.",
        "PassRole": "The connection's role must allow iam:PassRole for role_arn.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        if self.service not in Session().get_available_services():
            raise JobInputError(
                f"boto3 {boto3.__version__} does not know {self.label}. Install boto3 {_FIRST_BOTO3} or "
                "later, on the workers and on the triggerer."
            )
        super().__init__(*args, **kwargs)

    @cached_property
    def subscribers(self) -> SubscriberClient:
        """The calls for subscribers."""
        return SubscriberClient(self)

    @cached_property
    def reader(self) -> FigureReader:
        """Reads CloudWatch's figures over the same connection."""
        return FigureReader(self)

    def delete_ended(self, identity: Identity) -> None:
        """Delete the subscribers of a task instance whose replays have ended."""
        rows = self.subscribers.listed(name_prefix=_prefix(identity))
        for name, status in self._statuses({row["Name"]: row for row in rows}).items():
            if isinstance(status, JobStatus) and status.state.ended:
                self.subscribers.delete(name)

    def job_name(self, identity: Identity, attempt: Attempt, request: SubscriberRequest) -> str:
        """Return the subscriber's name, which carries the mark."""
        return _lead(identity) + attempt.mark(identity).name(identity, _MARK_LIMIT)

    def scope(self, request: SubscriberRequest) -> str:
        """Return the bus, whose replays count against its quota."""
        return request.event_bus_arn

    def see_jobs(self, identity: Identity, log: AttemptLog, request: SubscriberRequest) -> list[SeenJob]:
        """List the task's subscribers by their names' prefix; look for those that the list does not show."""
        prefix = _prefix(identity)
        rows: dict[str, Any] = {row["Name"]: row for row in self.subscribers.listed(name_prefix=prefix)}
        for attempt in log.attempts:
            rows.setdefault(attempt.job_id or self.job_name(identity, attempt, request), None)
        seen = []
        for name, status in self._statuses(rows, ended_too=False).items():
            if isinstance(status, JobNotFoundError):
                continue
            if isinstance(status, Exception):
                raise status
            mark = Mark.of_name(name[len(_lead(identity)) :], identity, _MARK_LIMIT)
            seen.append(SeenJob(name, status.state, status.started_at, mark, claimed=mark is None))
        return seen

    def prepare_start(self, request: SubscriberRequest) -> None:
        """Check that the bus is active, and that it still has the window's events."""
        bus = self.subscribers.describe_bus(request.event_bus_arn)
        if bus["State"] not in _WORKS:
            raise JobError(
                f"Event bus {request.event_bus_arn} is {bus['State']}: "
                f"{one_line(bus.get('StateReason') or self.no_reason)}. A retry looks again."
            )
        first = (bus.get("StorageConfiguration") or {}).get("RetentionWindowStartTime")
        if first and request.start < first:
            raise JobInputError(
                f"The window starts at {utc_text(request.start)}, and event bus {request.event_bus_arn} has "
                f"only events from {utc_text(first)}, so the replay would not be whole. Choose a later "
                "start, or a longer retention for windows to come."
            )

    def start_job(self, identity: Identity, attempt: Attempt, request: SubscriberRequest) -> JobStatus:
        """Create the subscriber; if its name exists, an earlier call of the attempt has created it."""
        call = request.call(self.job_name(identity, attempt, request))
        try:
            answer = self.subscribers.change("create_subscriber", **call)
            self.whole(answer, _CREATED, "create_subscriber")
        except JobApiError as error:
            if error.code == BUSY:
                # Another subscriber of the bus is being created or deleted.
                in_doubt = isinstance(error, JobOutcomeUnknownError)
                kind = JobQuotaInDoubtError if in_doubt else JobQuotaError
                raise kind(str(error)) from error
            if error.code not in ("ResourceAlreadyExistsException", "IdempotentParameterMismatchException"):
                raise
            with suppress(JobNotFoundError):
                return self.describe_job(call["Name"])
            # A list lags behind. The name is the mark, so it can be no other's.
            answer = {"SubscriberArn": "", "State": "RUNNING", "CreationTime": self._now()}
        return self._begun({**call, **answer})

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """List them by what their names have in common; describe those that have changed; read figures."""
        rows: dict[str, Any] = dict.fromkeys(job_ids)
        if len(rows) > _FEW:
            prefix = _common([*job_ids]) or None
            # A row that cannot be read is left out. Its job is then looked for by its name.
            for row in self.pages("list_subscribers", "Subscribers", MaxResults=100, NamePrefix=prefix):
                if row.get("Name") in rows and row.get("SubscriberArn"):
                    rows[row["Name"]] = row
        for name in self._known.keys() - rows.keys():
            del self._known[name]
        self.reader.forget([each["SubscriberArn"] for each in self._known.values()])
        return self._statuses(rows)

    def stop_job(self, job_id: str) -> bool:
        """Pause the replay for good, unless it has ended or never was. Its description says that it is over.

        The subscriber stays until the task succeeds or somebody deletes it: it is what tells the next try.
        """
        if self.is_over(job_id):
            return False
        found = self._known[job_id]
        try:
            self.call(
                "update_subscriber",
                SubscriberArn=found["SubscriberArn"],
                State=STOPPED,
                Description=stopped_description(found.get("Description") or ""),
            )
        except JobNotFoundError:
            return False
        except JobApiError as error:
            if error.code == "InvalidStateException":
                return False
            raise
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """List the replays in flight on these buses that this package has started."""
        found: dict[str, str] = {}
        for bus in scopes:
            rows = {
                row["Name"]: row
                for row in self.subscribers.listed(event_bus_arn=bus)
                if row["State"] != STOPPED and is_ours(row["Name"])
            }
            for name, status in self._statuses(rows).items():
                if isinstance(status, Exception) or not status.state.ended:
                    found[name] = bus
        return found

    @property
    def _known(self) -> dict[str, dict[str, Any]]:
        """The descriptions of subscribers, by their names."""
        known: dict[str, dict[str, Any]] = self.memory.setdefault("subscribers", {})
        return known

    def _now(self) -> datetime:
        return self.clock.now_or_local()

    def _statuses(
        self, rows: Mapping[str, Mapping[str, Any] | None], *, ended_too: bool = True
    ) -> dict[str, JobStatus | Exception]:
        """Return the status of each subscriber, or the error that concerns it.

        :param rows: the rows of a list by their names; None for one that the list did not show.
        :param ended_too: whether to read the figures of those, too, which have ended without them.
        """
        found = self.describe_each([*rows], {}, lambda name: self._without_figures(name, rows[name]))
        there = [
            (self._known[name], status.state.ended)
            for name, status in found.items()
            if isinstance(status, JobStatus)
        ]
        error: Exception | None = None
        figures: dict[str, tuple[Figures, datetime]] = {}
        try:
            asked = [each for each, ended in there if ended_too or not ended]
            figures = self.reader.figures(asked, self._now())
        except (JobError, JobInputError) as failed:
            error = failed
        for each, ended in there:
            # What is stopped or revoked has ended, whatever the figures.
            if error and not ended:
                found[each["Name"]] = error
                continue
            shown = figures.get(each["SubscriberArn"], (Figures(), self._now()))
            found[each["Name"]] = replay_status(each, seen_of(each, *shown, self._now()))
        return found

    def _without_figures(self, name: str, row: Mapping[str, Any] | None) -> JobStatus:
        """Describe a subscriber, unless the row of a list shows that it has not changed."""
        known = self._known.get(name)
        try:
            row = row or self.subscribers.row(name)
        except JobNotFoundError:
            if known is None:
                raise
            # A list may lag behind.
            row = {"SubscriberArn": known["SubscriberArn"]}
        if known is None or any(known.get(each) != row.get(each) for each in _CHANGES):
            known = self.subscribers.describe(row["SubscriberArn"])
        self._known[name] = known
        return self._begun(known)

    def _begun(self, subscriber: Mapping[str, Any]) -> JobStatus:
        """Return the status without figures, which tells a stop and a revocation, and no delivery."""
        seen = seen_of(subscriber, Figures(), self._now(), self._now())
        return replay_status(subscriber, replace(seen, end=_NEVER))


def _common(names: list[str]) -> str:
    """Return what names begin with in common."""
    first, last = min(names), max(names)
    return next((first[:i] for i, letter in enumerate(first) if last[i : i + 1] != letter), first)


def _lead(identity: Identity) -> str:
    """Return what a name begins with if AWS allows no name that begins as the DAG's does."""
    return "" if identity.words[:1].isalnum() else "0"


def _prefix(identity: Identity) -> str:
    return _lead(identity) + name_prefix(identity, _MARK_LIMIT)
