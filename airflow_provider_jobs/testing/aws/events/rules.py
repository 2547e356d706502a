# SPDX-License-Identifier: Apache-2.0

"""EventBridge rules for thousands of events: moto's own, less what takes milliseconds for each event."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from moto.events.models import Rule
from moto.events.utils import EventMessageType
from moto.sqs.models import Message, sqs_backends

from airflow_provider_jobs.testing.aws.events.dead_letters import to_dead_letters

log = logging.getLogger(__name__)


class _Copy(Rule):
    """A copy of a rule that shares its pattern and its targets.

    :param rule: the rule as moto created it
    """

    def __init__(self, rule: Rule) -> None:
        self.__dict__.update(vars(rule))

    def is_created(self) -> bool:
        """Return that it is; moto's rules leave this abstract."""
        return True


class ArchiveRule(_Copy):
    """The managed rule of an archive. It stores an event as it is, where moto's fills in a template first.

    :param rule: the rule as moto created it
    :param take: gives an event to its archive
    """

    def __init__(self, rule: Rule, take: Callable[[EventMessageType], None]) -> None:
        super().__init__(rule)
        self._take = take

    def send_to_targets(self, original_event: EventMessageType, transform_input: bool = True) -> None:
        """Archive the event if it matches. A replayed event never does."""
        if self.event_pattern.matches_event(original_event):
            self._take(original_event)


class ReplayRule(_Copy):
    """A rule as a replay uses it: an event that a target does not take goes to its dead-letter queue.

    The other targets get it all the same, as on AWS.

    :param rule: the rule as moto created it
    """

    def __init__(self, rule: Rule) -> None:
        super().__init__(rule)
        self._each = [(target, _ReplayTarget(rule, target)) for target in rule.targets]

    def send_to_targets(self, original_event: EventMessageType, transform_input: bool = True) -> None:
        """Send the event to each target, if it matches."""
        for target, alone in self._each:
            try:
                alone.send_to_targets(original_event, transform_input)
            except Exception as error:
                if not to_dead_letters(self, target, _text(original_event), error):
                    log.warning("Rule %s: event not delivered to %s: %r", self.name, target["Arn"], error)


class _ReplayTarget(_Copy):
    """A rule with one of its targets. It adds messages to a queue, where moto's counts the queue for each."""

    def __init__(self, rule: Rule, target: dict[str, Any]) -> None:
        super().__init__(rule)
        self.targets = [target]

    def _send_to_sqs_queue(
        self, resource_id: str, event: dict[str, Any], group_id: str | None = None
    ) -> None:
        if group_id:
            super()._send_to_sqs_queue(resource_id, event, group_id)
            return
        queue = sqs_backends[self.account_id][self.region_name].get_queue(resource_id)
        message = Message(str(uuid4()), _text(event))
        # moto sets a queue's attributes by name.
        message.mark_sent(delay_seconds=queue.delay_seconds)  # type: ignore[attr-defined]
        queue.add_message(message)


def _text(event: Mapping[str, Any]) -> str:
    time = datetime.fromtimestamp(float(event["time"]), UTC)
    return json.dumps({**event, "time": f"{time:%Y-%m-%dT%H:%M:%SZ}"})
