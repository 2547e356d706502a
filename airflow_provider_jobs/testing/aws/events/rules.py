# SPDX-License-Identifier: Apache-2.0

"""EventBridge rules: which events they take, live or replayed, and what they send to their targets.

An archive's rule gives the event to the archive. A target that cannot be reached, or that moto cannot deliver
to, gets nothing and is logged; the rule's other targets are served, as on AWS.
"""

from __future__ import annotations

import json
import logging
import warnings
from collections.abc import Callable
from typing import Any
from uuid import uuid4

from moto.core.utils import unix_time_millis
from moto.events.models import EventBus, EventPattern, Rule, events_backends
from moto.events.utils import EventMessageType
from moto.logs.models import logs_backends
from moto.sqs.models import Message, sqs_backends
from moto.utilities.arns import Arn, parse_arn

from airflow_provider_jobs.testing.aws.events.dead_letters import to_dead_letters
from airflow_provider_jobs.testing.aws.events.figures import (
    DEAD_LETTER,
    INVOKED,
    LOST,
    MATCHED,
    NO_DEAD_LETTER,
    TAKEN,
    count,
)
from airflow_provider_jobs.testing.aws.events.inputs import as_delivered, input_of

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
        """Give the archive the event, unless it was replayed: what the archive takes may be changed."""
        if "replay-name" not in original_event:
            self._take(original_event)


def publish(bus: EventBus, event: EventMessageType) -> None:
    """Give an event to all rules of a bus.

    :param bus: as moto keeps it
    :param event: the event, with its time as a number
    """
    for rule in list(bus.rules.values()):
        deliver(rule, event)


def deliver(rule: Rule, event: EventMessageType) -> None:
    """Send an event to a rule's targets, if the rule takes it.

    :param rule: a bus's rule
    :param event: the event, with its time as a number
    """
    if isinstance(rule, ArchiveRule):
        rule.send_to_targets(event)
    elif _takes(rule, event):
        count(rule, MATCHED)
        for target in list(rule.targets):
            count(rule, (*INVOKED, *_outcome(rule, target, event)))


def _outcome(rule: Rule, target: dict[str, Any], event: EventMessageType) -> tuple[str, ...]:
    """Send an event to a target or its dead-letter queue, and return the figures of what came of it."""
    try:
        _send(rule, target, event)
    except Exception as error:
        try:
            kept = to_dead_letters(rule, target, json.dumps(as_delivered(event)), error)
        except Exception as lost:
            log.warning("Rule %s: event not kept for target %s: %r", rule.name, target["Id"], lost)
            return NO_DEAD_LETTER
        if not kept:
            log.warning("Rule %s: event not delivered to target %s: %r", rule.name, target["Id"], error)
        return DEAD_LETTER if kept else LOST
    return TAKEN


def _takes(rule: Rule, event: EventMessageType) -> bool:
    # One with a schedule alone is for its own events.
    if rule.state == "DISABLED" or rule.event_pattern.dump() is None:
        return False
    whole: Any = as_delivered(event)
    return rule.event_pattern.matches_event(whole)


def _send(rule: Rule, target: dict[str, Any], event: EventMessageType) -> None:
    arn = parse_arn(target["Arn"])
    if arn.service == "sqs":
        group = target.get("SqsParameters", {}).get("MessageGroupId")
        to_queue(arn, input_of(target, rule, event), group)
    elif arn.service == "logs":
        _to_log_group(arn, input_of(target, rule, event))
    elif arn.service == "events" and arn.resource_type == "event-bus":
        publish(events_backends[arn.account][arn.region].describe_event_bus(arn.resource_id), event)
    else:
        alone = _Copy(rule)
        alone.targets, alone.event_pattern = [target], EventPattern.load(None)
        alone.send_to_targets(event, transform_input=False)


def to_queue(arn: Arn, text: str, group: str | None = None) -> None:
    """Send a message.

    :param arn: the queue's
    :param text: the message
    :param group: the message group of a FIFO queue
    :raises Exception: moto's, if there is no such queue
    """
    queues = sqs_backends[arn.account][arn.region]
    queue = queues.get_queue(arn.resource_id)
    if group:
        if queue.attributes.get("ContentBasedDeduplication") == "false":
            # As moto warns.
            text = f"For {arn.resource_id} you must enable content-based deduplication."
            warnings.warn(text, stacklevel=1)
            return
        queues.send_message(queue_name=arn.resource_id, message_body=text, group_id=group)
        return
    # Past send_message, which counts the queue for each message.
    message = Message(str(uuid4()), text)
    message.mark_sent(delay_seconds=queue.delay_seconds)  # type: ignore[attr-defined] # moto sets it by name
    queue.add_message(message)


def _to_log_group(arn: Arn, text: str) -> None:
    logs, group, stream = (
        logs_backends[arn.account][arn.region],
        arn.resource_id.removesuffix(":*"),
        str(uuid4()),
    )
    logs.create_log_stream(group, stream)
    logs.put_log_events(group, stream, [{"timestamp": unix_time_millis(), "message": text}])
