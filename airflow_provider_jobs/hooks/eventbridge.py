# SPDX-License-Identifier: Apache-2.0

"""EventBridge archives and replays."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from airflow_provider_jobs._eventbridge.client import ArchiveClient, RuleClient
from airflow_provider_jobs._eventbridge.observer import DeliveryObserver
from airflow_provider_jobs._eventbridge.preparation import ReplayPreparation
from airflow_provider_jobs._eventbridge.replay import (
    IN_FLIGHT,
    NAME_SUFFIX,
    REPLAY_NAME_LIMIT,
    ReplayRequest,
    check_rules,
    own_name,
    own_number,
    replay_status,
    taken_name,
)
from airflow_provider_jobs._eventbridge.resume import Sightings
from airflow_provider_jobs._eventbridge.rule import rule_arn
from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.evidence import Marking, SeenJob
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs._once.mark import Mark, name_prefix
from airflow_provider_jobs.exceptions import JobError, JobInputError, JobNotFoundError, JobOutcomeUnknownError
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobStatus, one_line

__all__ = ["EventBridgeReplayHook", "ReplayRequest"]

#: What AWS tells of each replay.
_ALWAYS = ("ReplayName", "State")
_DESCRIPTION_LIMIT = 512
# Most replays that are waited for run. A list of those of another state is worth its call only if it may show
# more than a few that would be described else.
_LIKELY = ("RUNNING", "STARTING", "CANCELLING")
_FEW = len(_LIKELY)


class EventBridgeReplayHook(JobHook):
    """Starts, watches and cancels EventBridge replays.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html

    Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    service = "events"
    label = "Amazon EventBridge"
    noun = "replay"
    marking = Marking.NAME
    quota: ClassVar[int | None] = 10
    quota_codes: ClassVar[frozenset[str]] = frozenset({"LimitExceededException"})
    input_codes: ClassVar[frozenset[str]] = frozenset({"ValidationException", "InvalidEventPatternException"})
    advice: ClassVar[Mapping[str, str]] = {
        "Cross event bus": "An archive is replayed only to the bus it was made from; name no other.",
        "Archive": "Check the archive's name, the Region and the account of the connection.",
        "Event bus": "A replay needs the event bus that the archive was made from.",
        "EventStartTime": "Check the window: its end must be at least a second after its start.",
        "has targets": "Remove the targets that others have added to the rule, then clear the task.",
    }

    #: A look at a rule is worth one call before a start, which does not wait for more.
    unrepeatable: ClassVar[frozenset[str]] = frozenset({"describe_rule"})

    #: How many messages dead-letter queues had right before the start; None if that was not asked for.
    dead_letters_before: Mapping[str, int | None] | None = None
    #: The archive of the request that was looked at last.
    _archive: tuple[ReplayRequest, dict[str, Any]] | None = None

    @cached_property
    def archives(self) -> ArchiveClient:
        """The calls that make, change and delete archives."""
        return ArchiveClient(self)

    @cached_property
    def rules(self) -> RuleClient:
        """The calls for rules."""
        return RuleClient(self)

    @cached_property
    def sightings(self) -> Sightings:
        """The task's replays that AWS has shown."""
        return Sightings()

    @cached_property
    def observer(self) -> DeliveryObserver:
        """The calls that read what becomes of replayed events."""
        return DeliveryObserver(self)

    def describe_archive(self, archive: str) -> dict[str, Any]:
        """Return an archive's description.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeArchive.html

        :param archive: its name or ARN.
        :return: among others ``ArchiveArn``, and the bus as ``EventSourceArn``.
        :raises JobNotFoundError: if there is no such archive.
        """
        found = self.call("describe_archive", ArchiveName=archive.rpartition("archive/")[2])
        return self.whole(found, ("ArchiveArn", "EventSourceArn"), "describe_archive")

    def start_replay(
        self,
        replay_name: str,
        archive: str,
        event_start_time: datetime,
        event_end_time: datetime,
        *,
        destination_arn: str | None = None,
        rule_arns: Collection[str] = (),
        description: str | None = None,
    ) -> dict[str, Any]:
        """Start a replay.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html

        :param replay_name: 1 to 64 characters, letters, digits and ``.-_``.
        :param archive: the archive's name or ARN.
        :param event_start_time: the first event's time, inclusive, in whole seconds.
        :param event_end_time: the time to stop at, in whole seconds.
        :param destination_arn: the event bus; by default the archive's own, and AWS allows no other.
        :param rule_arns: replay only to these rules of the bus; to all when empty.
        :param description: up to 512 characters.
        :return: ``ReplayArn``, ``State``, ``StateReason``, ``ReplayStartTime``.
        :raises JobQuotaError: if the account runs as many replays as it may.
        :raises JobNotFoundError: if the archive or the bus is missing.
        :raises JobInputError: if AWS finds the parameters invalid.
        :raises JobApiError: for any other refusal.
        """
        if destination_arn is None or not archive.startswith("arn:"):
            found = self.describe_archive(archive)
            archive, destination_arn = found["ArchiveArn"], destination_arn or found["EventSourceArn"]
        answer = self.call(
            "start_replay",
            ReplayName=replay_name,
            Description=description,
            EventSourceArn=archive,
            EventStartTime=event_start_time,
            EventEndTime=event_end_time,
            Destination={"Arn": destination_arn, **({"FilterArns": [*rule_arns]} if rule_arns else {})},
        )
        return self.whole(answer, ("ReplayArn", "State"), "start_replay")

    def describe_replay(self, replay_name: str) -> dict[str, Any]:
        """Return a replay's description.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeReplay.html

        :raises JobNotFoundError: if there is no such replay; AWS keeps them for 90 days.
        """
        return self.whole(self.call("describe_replay", ReplayName=replay_name), _ALWAYS, "describe_replay")

    def list_replays(
        self,
        *,
        name_prefix: str | None = None,
        state: str | None = None,
        archive_arn: str | None = None,
    ) -> list[dict[str, Any]]:
        """List replays, all pages of them; AWS takes one filter at the most.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListReplays.html

        :return: rows without ``Description``, ``Destination`` and ``ReplayArn``.
        """
        filters = {"NamePrefix": name_prefix, "State": state, "EventSourceArn": archive_arn}
        return list(self.pages("list_replays", "Replays", Limit=100, **filters))

    def cancel_replay(self, replay_name: str) -> dict[str, Any]:
        """Cancel a replay; events that were replayed stay delivered.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CancelReplay.html

        :raises JobApiError: with code ``IllegalStatusException`` if it is neither starting nor running.
        :raises JobNotFoundError: if there is no such replay.
        """
        answer = self.call("cancel_replay", ReplayName=replay_name)
        self.member(answer, "ReplayArn", "cancel_replay")
        return answer

    def job_name(self, identity: Identity, attempt: Attempt, request: ReplayRequest) -> str:
        """Return the replay's name: the user's own, numbered after the first, or one with the mark."""
        if attempt.given:
            return own_name(attempt.given, attempt.number)
        return attempt.mark(identity).name(identity, REPLAY_NAME_LIMIT)

    def earlier_request(self, request: ReplayRequest, attempt: Attempt) -> ReplayRequest:
        """Return the request under the attempt's own name, if it had one."""
        return replace(request, replay_name=attempt.given or None)

    def see_jobs(self, identity: Identity, log: AttemptLog, request: ReplayRequest) -> list[SeenJob]:
        """List the task's replays by their names' prefix; describe those that the list does not show."""
        if request.replay_name:
            seen = self._see_own(identity, request.replay_name)
        else:
            prefix = name_prefix(identity, REPLAY_NAME_LIMIT)
            seen = [
                self.sightings.note(row, Mark.of_name(row["ReplayName"], identity, REPLAY_NAME_LIMIT))
                for row in self._listed(name_prefix=prefix)
            ]
        shown = {job.job_id for job in seen}
        for attempt in log.attempts:
            name = attempt.job_id or self.job_name(identity, attempt, request)
            if name in shown:
                continue
            # A list may lag behind; the name of each attempt is known.
            with suppress(JobNotFoundError):
                replay = self.describe_replay(name)
                mark = Mark.of_text(replay.get("Description", ""))
                seen.append(self.sightings.note(replay, mark or attempt.mark(identity)))
        return seen

    def _see_own(self, identity: Identity, name: str) -> list[SeenJob]:
        """See replays under the user's own name, where the description tells whose they are."""
        seen = []
        for row in self._listed(name_prefix=name[: REPLAY_NAME_LIMIT - NAME_SUFFIX]):
            number = own_number(row["ReplayName"], name)
            if number is None:
                continue
            replay = self.describe_replay(row["ReplayName"])
            description = replay.get("Description", "")
            claimed = Mark.names_identity(description, identity)
            if number == 1 and not claimed:
                raise taken_name(replay)
            seen.append(
                replace(
                    self.sightings.note(replay, Mark.of_text(description)), number=number, claimed=claimed
                )
            )
        return seen

    def prepare_start(self, request: ReplayRequest) -> None:
        """Check the archive and the rules; name replays of the same window in flight."""
        preparation = ReplayPreparation(self, request, self._archive_of(request))
        preparation.check()
        if request.check_delivery:
            self.dead_letters_before = preparation.dead_letters()

    def start_job(self, identity: Identity, attempt: Attempt, request: ReplayRequest) -> JobStatus:
        """Start the replay; if its name exists, return it only if it carries the attempt's mark."""
        archive = self._archive_of(request)
        name, mark = self.job_name(identity, attempt, request), attempt.mark(identity)
        room = _DESCRIPTION_LIMIT - len(mark.text) - 1
        start = self.sightings.start_of(request, mark, self.log)
        try:
            answer = self.start_replay(
                name,
                archive["ArchiveArn"],
                start,
                request.end,
                destination_arn=archive["EventSourceArn"],
                rule_arns=[rule_arn(rule, archive["EventSourceArn"]) for rule in request.rule_arns],
                description=f"{one_line(request.description)[:room]} {mark.text}",
            )
        except JobError as error:
            # The name is taken: most likely by our own call, whose answer got lost on its way.
            if getattr(error, "code", "") != "ResourceAlreadyExistsException":
                raise
            if found := self._existing(name, mark, error, given=bool(attempt.given)):
                self.sightings.note(found, mark)
                return replay_status(found)
            answer = {}
        # Read off the answer: from here on the replay runs, and one more call is one more that can fail.
        started = {
            **answer,
            "ReplayName": name,
            "EventSourceArn": archive["ArchiveArn"],
            "EventStartTime": start,
            "EventEndTime": request.end,
        }
        self.sightings.note({"State": "STARTING", **started}, mark)
        return replay_status(started)

    def _archive_of(self, request: ReplayRequest) -> dict[str, Any]:
        if self._archive and self._archive[0] == request:
            return self._archive[1]
        archive = self.describe_archive(request.archive)
        if request.archive.startswith("arn:") and request.archive != archive["ArchiveArn"]:
            raise JobInputError(
                f"archive={request.archive!r} is not of the account and Region of connection "
                f"{self.aws_conn_id!r}, whose archive of that name is {archive['ArchiveArn']}. Replays start "
                "where their archive is: use a connection of that account, and its Region."
            )
        check_rules(request.rule_arns, archive["EventSourceArn"])
        self._archive = (request, archive)
        return archive

    def _existing(self, name: str, mark: Mark, error: JobError, *, given: bool) -> dict[str, Any] | None:
        """Return the replay that has the name already, if it is the attempt's.

        None if AWS does not describe it yet, and its name says enough: it is the mark.
        """
        try:
            replay = self.describe_replay(name)
        except JobNotFoundError as lag:
            if not given:
                return None
            raise JobOutcomeUnknownError(
                f"Replay {name} exists already, and AWS does not describe it yet. A retry looks again.",
                "ResourceAlreadyExistsException",
            ) from lag
        if Mark.of_text(replay.get("Description", "")) != mark:
            raise taken_name(replay) from error
        return replay

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """List those that run, and of further states while more than a few are left; describe the rest."""
        found: dict[str, JobStatus | Exception] = {}
        wanted = set(job_ids)
        for state in _LIKELY:
            if len(wanted - found.keys()) <= _FEW:
                break
            found |= self.read_rows(self.list_replays(state=state), "ReplayName", wanted, replay_status)
        return self.describe_each(job_ids, found, lambda job_id: replay_status(self.describe_replay(job_id)))

    def stop_job(self, job_id: str) -> bool:
        """Cancel the replay, unless it has ended or never was."""
        try:
            self.cancel_replay(job_id)
        except JobNotFoundError:
            return False
        except JobError as error:
            if getattr(error, "code", "") == "IllegalStatusException":
                return False
            raise
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """List the replays in flight in the account and Region."""
        return {row["ReplayName"]: "" for state in IN_FLIGHT for row in self._listed(state=state)}

    def _listed(self, **filters: str) -> list[dict[str, Any]]:
        """List replays of which none may be missed: a row that cannot be read is an error."""
        return [self.whole(row, _ALWAYS, "list_replays") for row in self.list_replays(**filters)]
