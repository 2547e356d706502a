# SPDX-License-Identifier: Apache-2.0

"""What a replay's rules did with its events, as far as AWS's figures tell: data without calls."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_jobs._eventbridge.pattern import demands_replay_name, refuses_replays
from airflow_provider_jobs._eventbridge.rule import rule_name
from airflow_provider_jobs._metric import Metric

__all__ = [
    "METRICS",
    "NAMESPACE",
    "ReachedRule",
    "Span",
    "failures",
    "remarks",
    "undelivered",
]

NAMESPACE = "AWS/Events"
#: CloudWatch's metrics of a rule, by their names in a result.
METRICS = {
    "matched": "MatchedEvents",
    "invoked": "Invocations",
    "failed": "FailedInvocations",
    "sent_to_dead_letters": "InvocationsSentToDlq",
    "not_sent_to_dead_letters": "InvocationsFailedToBeSentToDlq",
}
#: How long CloudWatch keeps figures of each period.
_KEPT = ((timedelta(days=15), 60), (timedelta(days=63), 300))
_LONGEST_PERIOD = 3600


@dataclass(frozen=True, slots=True)
class ReachedRule:
    """A rule that a replay may have reached.

    :param arn: its ARN.
    :param bus: its event bus's name.
    :param pattern: its pattern as AWS has it; None if the rule is gone, or has none.
    """

    arn: str
    bus: str
    pattern: str | None = None

    @property
    def name(self) -> str:
        """Its name."""
        return rule_name(self.arn)

    @property
    def replayed_only(self) -> bool:
        """Whether only replayed events match it, so that its figures are none of live traffic's."""
        return self.pattern is not None and demands_replay_name(json.loads(self.pattern))

    @property
    def takes_replays(self) -> bool:
        """Whether replayed events may match it; an archive's own rule refuses them."""
        return self.pattern is not None and not refuses_replays(json.loads(self.pattern))

    def metric(self, name: str, period: int) -> Metric:
        """Return a metric of it, whose data points are sums.

        https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html

        :param name: CloudWatch's name of it.
        :param period: seconds of a data point.
        """
        # AWS gives the default bus no dimension.
        bus = () if self.bus == "default" else (("EventBusName", self.bus),)
        return Metric(NAMESPACE, name, (*bus, ("RuleName", self.name)), "Sum", period)


@dataclass(frozen=True, slots=True)
class Span:
    """The time of a replay for which figures are read, in whole periods.

    :param start: its start, aware.
    :param end: its end, aware.
    :param period: seconds of a figure.
    """

    start: datetime
    end: datetime
    period: int

    @classmethod
    def of(cls, start: datetime, end: datetime, now: datetime) -> Span:
        """Return the span from a replay's start to a time.

        :param now: AWS's time.
        """
        age = now - start
        period = next((period for kept, period in _KEPT if age < kept), _LONGEST_PERIOD)
        first = int(start.timestamp()) // period * period
        last = -(-int(end.timestamp() + 1) // period) * period
        return cls(datetime.fromtimestamp(first, UTC), datetime.fromtimestamp(last, UTC), period)


def undelivered(rule: Mapping[str, Any]) -> int:
    """Return how many invocations of a rule's targets failed for good, given its row of a result.

    Whether AWS counts one that went to a dead-letter queue as failed too is not documented, so the larger
    number counts.
    """
    dead: int = rule["sent_to_dead_letters"] + rule["not_sent_to_dead_letters"]
    return max(int(rule["failed"]), dead)


def failures(delivery: Mapping[str, Any]) -> tuple[int, str]:
    """Return how many invocations failed for good of rules that live events cannot match, and whose.

    :param delivery: the result's part.
    :return: the number, and the rules as text.
    """
    own = [rule for rule in delivery["rules"] if rule["replayed_only"] and undelivered(rule)]
    named = ", ".join(f"{rule['rule_name']} ({undelivered(rule)})" for rule in own)
    return sum(map(undelivered, own)), named


def remarks(delivery: Mapping[str, Any]) -> Iterator[tuple[bool, str]]:
    """Yield what the log says of a delivery, as sentences, each with whether it is a warning.

    :param delivery: the result's part.
    """
    if not delivery["rules"]:
        yield (
            True,
            "AWS shows no figures of any rule of the event bus in the replay's time. None has matched an "
            "event, or they are missing.",
        )
    for rule in delivery["rules"]:
        name = rule["rule_name"]
        if not rule["shown"]:
            yield (
                True,
                f"Rule {name}: AWS shows no figures of the replay's time. It has matched nothing, or they "
                "are missing.",
            )
            continue
        yield (
            False,
            f"Rule {name}: {rule['matched']} events matched, {rule['invoked']} invocations, {rule['failed']} "
            f"failed, {rule['sent_to_dead_letters']} sent to dead-letter queues, "
            f"{rule['not_sent_to_dead_letters']} not.",
        )
        if undelivered(rule) and not rule["replayed_only"]:
            yield (
                True,
                f"Rule {name}: {undelivered(rule)} invocations failed for good in the replay's time. Live "
                "events match the rule too, and AWS's figures do not tell whose they were; no limit counts "
                "them.",
            )
    for queue in delivery["dead_letter_queues"]:
        before, after = queue["messages_before"], queue["messages_after"]
        if after and after != before:
            had = f"{before} before the replay" if before is not None else "not counted before the replay"
            yield True, f"Dead-letter queue {queue['queue_arn']} has {after} messages, {had}."
