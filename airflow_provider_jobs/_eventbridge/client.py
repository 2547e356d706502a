# SPDX-License-Identifier: Apache-2.0

"""The calls for archives and rules: each may be repeated, and what is gone counts as deleted."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs._eventbridge.archive import WantedArchive
from airflow_provider_jobs._eventbridge.rule import TemporaryRule, expired
from airflow_provider_jobs.error_codes import TRANSIENT_CODES
from airflow_provider_jobs.exceptions import (
    JobError,
    JobInputError,
    JobNotFoundError,
    JobRefusedError,
    JobUnavailableError,
)
from airflow_provider_jobs.job import one_line

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.calls import ServiceCalls
    from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook

__all__ = ["ArchiveClient", "RuleClient"]


class ArchiveClient:
    """Makes, changes and deletes archives over a hook.

    :param hook: makes each single call.
    """

    def __init__(self, hook: EventBridgeReplayHook) -> None:
        self._hook = hook

    def put(self, wanted: WantedArchive) -> tuple[dict[str, Any], str]:
        """Create an archive, or change one that differs.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CreateArchive.html
        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_UpdateArchive.html

        :return: the archive's description, and what was done: created, updated, or unchanged.
        :raises JobInputError: if it is an archive of another event bus, or AWS does not take a setting.
        :raises JobQuotaError: if the account has as many archives as it may.
        :raises JobError: if AWS could not make or change it.
        """
        found, done = self._describe(wanted.name), "unchanged"
        if found is None:
            found, done = self._create(wanted)
        wanted.check_bus(found["EventSourceArn"])
        if drift := wanted.drift(found):
            self._hook.log.info("Archive %s is to be changed: %s.", wanted.name, one_line("; ".join(drift)))
            answer = self._hook.call("update_archive", ArchiveName=wanted.name, **wanted.settings())
            found, done = {**found, **answer}, "updated"
        state = found.get("State") or ""
        if state.endswith("_FAILED"):
            reason = one_line(found.get("StateReason") or "AWS gives no reason")
            raise JobError(f"Archive {wanted.name} is {state}: {reason}. Correct that, then clear the task.")
        return found, done

    def delete(self, name: str) -> bool:
        """Delete an archive with its events.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteArchive.html

        :return: False if it is gone already.
        """
        try:
            self._hook.call("delete_archive", ArchiveName=name)
        except JobNotFoundError:
            return False
        return True

    def _describe(self, name: str) -> dict[str, Any] | None:
        try:
            return self._hook.describe_archive(name)
        except JobNotFoundError:
            return None

    def _create(self, wanted: WantedArchive) -> tuple[dict[str, Any], str]:
        bus = wanted.bus
        if not bus.startswith("arn:"):
            found = self._hook.call("describe_event_bus", Name=bus)
            bus = self._hook.member(found, "Arn", "describe_event_bus")
        settings = wanted.settings()
        try:
            made = self._hook.call("create_archive", ArchiveName=wanted.name, EventSourceArn=bus, **settings)
        except JobError as error:
            # Most likely by our own call, whose answer got lost on its way.
            if getattr(error, "code", "") != "ResourceAlreadyExistsException":
                raise
            if (there := self._describe(wanted.name)) is None:
                raise
            return there, "unchanged"
        self._hook.member(made, "ArchiveArn", "create_archive")
        return {"EventSourceArn": bus, **settings, **made}, "created"


class RuleClient:
    """Looks at rules, and makes and deletes temporary ones, over a hook.

    :param hook: makes each single call.
    """

    def __init__(self, hook: ServiceCalls) -> None:
        self._hook = hook

    def describe(self, name: str, bus: str) -> dict[str, Any]:
        """Return a rule's description.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeRule.html

        :param bus: its event bus's name or ARN.
        :raises JobNotFoundError: if there is no such rule or bus.
        """
        found = self._hook.call("describe_rule", Name=name, EventBusName=bus)
        return self._hook.whole(found, ("State",), "describe_rule")

    def all_of(self, bus: str) -> list[dict[str, Any]]:
        """List a bus's rules.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListRules.html

        :param bus: the event bus's name or ARN.
        """
        return list(self._hook.pages("list_rules", "Rules", EventBusName=bus))

    def targets(self, name: str, bus: str) -> list[dict[str, Any]]:
        """List a rule's targets.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListTargetsByRule.html

        :param bus: its event bus's name or ARN.
        :raises JobNotFoundError: if there is no such rule or bus.
        """
        return list(self._hook.pages("list_targets_by_rule", "Targets", Rule=name, EventBusName=bus))

    def put(self, rule: TemporaryRule, description: str) -> str:
        """Create a temporary rule with its target, or update both; return its ARN.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutRule.html
        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_PutTargets.html

        If AWS does not take the target, the rule is deleted.

        :raises JobInputError: if AWS finds the pattern or the target invalid.
        :raises JobNotFoundError: if the event bus is missing.
        :raises JobQuotaError: if the bus has as many rules as it may.
        """
        made = self._hook.call(
            "put_rule",
            Name=rule.name,
            EventBusName=rule.bus,
            EventPattern=rule.pattern,
            State="ENABLED",
            Description=description,
        )
        arn: str = self._hook.member(made, "RuleArn", "put_rule")
        try:
            answer = self._hook.call(
                "put_targets", Rule=rule.name, EventBusName=rule.bus, Targets=[rule.target()]
            )
            self._check_entries(answer, "PutTargets", rule.name)
        except (JobError, JobInputError):
            with suppress(JobError, JobInputError):
                self.delete(rule.name, rule.bus)
            raise
        return arn

    def delete(self, name: str, bus: str) -> bool:
        """Delete a temporary rule.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DeleteRule.html

        :return: False if it is gone already.
        """
        there = True
        try:
            answer = self._hook.call(
                "remove_targets", Rule=name, EventBusName=bus, Ids=[TemporaryRule.TARGET_ID]
            )
            self._check_entries(answer, "RemoveTargets", name)
        except JobNotFoundError:
            there = False
        # AWS deletes a rule that is gone as well.
        with suppress(JobNotFoundError):
            self._hook.call("delete_rule", Name=name, EventBusName=bus)
        return there

    def delete_expired(self, prefix: str, bus: str, besides: str) -> None:
        """Delete temporary rules that no teardown has deleted in their time; failures are logged.

        :param prefix: what their names begin with.
        :param besides: the name of one that stays.
        """
        try:
            rows = list(self._hook.pages("list_rules", "Rules", NamePrefix=prefix, EventBusName=bus))
            now = self._hook.clock.now_or_local()
            for row in rows:
                if row.get("Name") != besides and expired(row, now):
                    self._hook.log.warning("Temporary rule %s of an earlier run was left.", row["Name"])
                    self.delete(row["Name"], bus)
        except Exception as error:
            self._hook.log.info("Whether earlier runs have left temporary rules is not known: %s", error)

    def until(self, keep_for: timedelta) -> datetime:
        """Return when a rule's time is over that is made now, by AWS's clock where it is known."""
        return self._hook.clock.now_or_local() + keep_for

    def _check_entries(self, answer: Mapping[str, Any], call: str, name: str) -> None:
        """Refuse an answer that says of the target that it failed.

        :raises JobApiError: with AWS's reason; a retry may help.
        """
        for entry in answer.get("FailedEntries") or ():
            code, message = entry.get("ErrorCode") or "", one_line(entry.get("ErrorMessage") or "")
            if code != "ResourceNotFoundException":
                failed = JobUnavailableError if code in TRANSIENT_CODES else JobRefusedError
                raise failed(f"{call} of rule {name} has failed: {code}: {message}", code)
