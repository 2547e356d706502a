# SPDX-License-Identifier: Apache-2.0

"""Reads what a replay's rules did: the rules themselves, their figures, and how full their queues are."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs._eventbridge.delivery import METRICS, ReachedRule, Span
from airflow_provider_jobs._eventbridge.rule import rule_arn, rule_name
from airflow_provider_jobs.exceptions import JobNotFoundError

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks._cloudwatch import MetricReader
    from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
    from airflow_provider_jobs.hooks.sqs import SqsRedriveHook

__all__ = ["DeliveryObserver"]

#: A queue's attributes that count its messages.
_COUNTS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesDelayed",
    "ApproximateNumberOfMessagesNotVisible",
)


class DeliveryObserver:
    """Reads what becomes of a replay's events, over a hook's connection.

    :param hook: makes the calls to EventBridge.
    """

    def __init__(self, hook: EventBridgeReplayHook) -> None:
        self._hook = hook

    @cached_property
    def _cloudwatch(self) -> MetricReader:
        from airflow_provider_jobs.hooks._cloudwatch import MetricReader

        return self._hook.beside(MetricReader)

    @cached_property
    def _sqs(self) -> SqsRedriveHook:
        from airflow_provider_jobs.hooks.sqs import SqsRedriveHook

        return self._hook.beside(SqsRedriveHook)

    def rules(self, bus: str, only: Collection[str] = ()) -> list[ReachedRule]:
        """Return the rules that a replay reaches, as they are now.

        :param bus: its event bus's ARN.
        :param only: the ARNs or names of the rules that it is limited to; all of the bus if empty.
        :raises JobApiError: if AWS does not say.
        """
        name = bus.partition(":event-bus/")[2]
        if not only:
            rows = (row for row in self._hook.rules.all_of(bus) if row.get("State") != "DISABLED")
            found = [ReachedRule(row["Arn"], name, row.get("EventPattern")) for row in rows]
            return [rule for rule in found if rule.takes_replays]
        reached = []
        for arn in (rule_arn(rule, bus) for rule in only):
            try:
                pattern = self._hook.rules.describe(rule_name(arn), bus).get("EventPattern")
            except JobNotFoundError:
                pattern = None
            reached.append(ReachedRule(arn, name, pattern))
        return reached

    def figures(self, rules: Sequence[ReachedRule], span: Span) -> list[dict[str, Any]]:
        """Return a row for each rule with its figures.

        :raises JobApiError: if AWS does not say.
        """
        metrics = [rule.metric(name, span.period) for rule in rules for name in METRICS.values()]
        read = self._cloudwatch.read(metrics, span.start, span.end)
        sums = iter([sum(value for _, value in points) if points else None for points in read])
        rows = []
        for rule in rules:
            figures = {name: next(sums) for name in METRICS}
            rows.append(
                {
                    "rule_name": rule.name,
                    "rule_arn": rule.arn,
                    "replayed_only": rule.replayed_only,
                    "shown": any(each is not None for each in figures.values()),
                    **{name: round(each or 0) for name, each in figures.items()},
                }
            )
        return rows

    def dead_letters(self, rules: Iterable[ReachedRule]) -> dict[str, int | None]:
        """Return how many messages the dead-letter queues of rules have, and those of the queues they fill.

        :return: by ARN; None for a queue that cannot be counted. What cannot be read is logged.
        """
        try:
            targets = self._targets(rules)
        except Exception as error:
            self._hook.log.info("Dead-letter queues could not be looked for: %s", error)
            return {}
        queues = {(target.get("DeadLetterConfig") or {}).get("Arn") for target in targets}
        for arn in _queues(targets):
            policy = json.loads((self._attributes(arn) or {}).get("RedrivePolicy") or "{}")
            queues.add(policy.get("deadLetterTargetArn"))
        return {arn: self._depth(arn) for arn in sorted(filter(None, queues))}

    def backlog(self, rules: Iterable[ReachedRule]) -> dict[str, int | None]:
        """Return how many messages wait in the queues that rules fill.

        :return: by ARN; None for a queue that cannot be counted.
        :raises JobApiError: if AWS does not say which queues there are.
        """
        return {arn: self._depth(arn) for arn in sorted(_queues(self._targets(rules)))}

    def _targets(self, rules: Iterable[ReachedRule]) -> list[dict[str, Any]]:
        targets = []
        for rule in rules:
            if rule.pattern is not None:
                targets += self._hook.rules.targets(rule.name, rule.bus)
        return targets

    def _depth(self, queue_arn: str) -> int | None:
        found = self._attributes(queue_arn)
        return None if found is None else sum(int(found.get(name, 0)) for name in _COUNTS)

    def _attributes(self, queue_arn: str) -> dict[str, str] | None:
        try:
            return self._sqs.queue_attributes(queue_arn)
        except Exception as error:
            self._hook.log.info("Queue %s could not be read: %s", queue_arn, error)
            return None


def _queues(targets: Iterable[dict[str, Any]]) -> set[str]:
    return {target["Arn"] for target in targets if target["Arn"].split(":")[2] == "sqs"}
