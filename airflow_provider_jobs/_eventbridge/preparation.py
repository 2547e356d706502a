# SPDX-License-Identifier: Apache-2.0

"""What is looked at right before a replay starts: its archive, its rules, and replays of the same window."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs._eventbridge.archive import doubts, expected_events
from airflow_provider_jobs._eventbridge.replay import IN_FLIGHT, ReplayRequest
from airflow_provider_jobs._eventbridge.rule import rule_name
from airflow_provider_jobs.exceptions import JobInputError, JobNotFoundError
from airflow_provider_jobs.job import one_line

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook

__all__ = ["ReplayPreparation"]


class ReplayPreparation:
    """Looks at what a replay will meet. What cannot be looked at keeps no replay from starting.

    :param hook: makes the calls.
    :param request: the replay that is asked for.
    :param archive: its archive's description.
    """

    def __init__(
        self, hook: EventBridgeReplayHook, request: ReplayRequest, archive: Mapping[str, Any]
    ) -> None:
        self._hook = hook
        self._request = request
        self._archive = archive

    def check(self) -> None:
        """Look at everything; doubts are logged.

        :raises JobInputError: if a rule is missing, or all rules are disabled: nobody would get an event.
        """
        self._tell_of_archive()
        self._check_rules()
        if self._request.backfill:
            self._warn_of_same()

    def dead_letters(self) -> dict[str, int | None]:
        """Return how many messages the rules' dead-letter queues have; what cannot be counted is logged."""
        try:
            rules = self._hook.observer.rules(self._archive["EventSourceArn"], self._request.rule_arns)
        except Exception as error:
            self._hook.log.info("Dead-letter queues could not be counted before the replay: %s", error)
            return {}
        return self._hook.observer.dead_letters(rules)

    def _tell_of_archive(self) -> None:
        now, window = self._hook.clock.now(), (self._request.start, self._request.end)
        for doubt in doubts(self._archive, *window, now):
            self._hook.log.warning("%s", one_line(doubt))
        if count := expected_events(self._archive, *window, now):
            self._hook.log.info(
                "About %s of the archive's %s events are of this window, if they came evenly over time.",
                f"{count:,}",
                f"{self._archive['EventCount']:,}",
            )

    def _check_rules(self) -> None:
        bus, off = self._archive["EventSourceArn"], []
        for name in map(rule_name, self._request.rule_arns):
            try:
                found = self._hook.rules.describe(name, bus)
            except JobNotFoundError as error:
                raise JobInputError(
                    f"Rule {name} of rule_arns is not on event bus {bus}: {error} The replay would complete "
                    "all the same. Correct rule_arns, or create the rule; then clear the task."
                ) from error
            except Exception as error:
                # The others would fail in the same way, and each takes a time in which nothing starts.
                self._hook.log.warning(
                    "Whether rule %s exists and is enabled is not known; the replay starts all the same: %s",
                    name,
                    error,
                )
                return
            if found.get("State") == "DISABLED":
                off.append(name)
        if off and len(off) == len(self._request.rule_arns):
            raise JobInputError(
                f"No rule of rule_arns is enabled: {', '.join(off)}. AWS matches no event against a disabled "
                "rule, so the replay would reach nobody. Enable the rule, then clear the task."
            )
        if off:
            self._hook.log.warning(
                "Disabled rules of rule_arns get no event of the replay: %s.", ", ".join(off)
            )

    def _warn_of_same(self) -> None:
        """Warn of other replays of the archive and the window; what cannot be listed fails nothing."""
        window = (self._archive["ArchiveArn"], self._request.start, self._request.end)
        try:
            # Few are in flight, so that these lists have one page each; one of the archive may have many.
            rows = [row for state in IN_FLIGHT[:2] for row in self._hook.list_replays(state=state)]
            of_window = ("EventSourceArn", "EventStartTime", "EventEndTime")
            same = [row["ReplayName"] for row in rows if tuple(map(row.get, of_window)) == window]
        except Exception as error:
            self._hook.log.info("Replays of the same window could not be looked for: %s", error)
            return
        if same:
            self._hook.log.warning(
                "Another replay of this archive and window is in flight: %s. A backfill that reprocesses a "
                "partition makes another run beside the earlier one, whose replay goes on: consumers get the "
                "events from both. Cancel the earlier one if it is not wanted.",
                ", ".join(dict.fromkeys(same)),
            )
