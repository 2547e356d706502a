# SPDX-License-Identifier: Apache-2.0

"""The filters of a subscriber: patterns as rules have them, each for a part of the event.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-subscribers.html.
Assumption: the words of the refusals.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from moto.events.exceptions import InvalidEventPatternException
from moto.events.models import EventPattern

from airflow_provider_jobs.testing.aws.eventsv2.events import Event
from airflow_provider_jobs.testing.moto_ext import AwsError


class Filters:
    """The filters of a subscriber, which an event must all match; without one it takes every event.

    :param configuration: the request's FilterConfiguration, within the model's constraints
    :raises AwsError: for a pattern that the service refuses
    """

    def __init__(self, configuration: Mapping[str, Any] | None) -> None:
        self._patterns: dict[str, EventPattern] = {}
        if configuration is None:
            return
        filters: Sequence[Mapping[str, Any]] = configuration.get("Filters") or []
        if not filters:
            raise _invalid("FilterConfiguration.Filters must contain at least one filter")
        for each in filters:
            if each["Scope"] in self._patterns:
                raise _invalid(
                    f"FilterConfiguration.Filters has more than one filter with scope {each['Scope']}"
                )
            self._patterns[each["Scope"]] = _pattern(each["Pattern"])

    def take(self, event: Event, replayed: bool) -> bool:
        """Tell whether an event matches.

        :param event: of the bus
        :param replayed: whether it is older than the subscriber
        """
        parts: dict[str, Any] = {
            "DATA": event.data,
            "METADATA": dict(event.metadata),
            "SYSTEM_METADATA": event.system_metadata(replayed),
        }
        return all(pattern.matches_event(parts[scope]) for scope, pattern in self._patterns.items())


def _pattern(text: str) -> EventPattern:
    try:
        pattern = EventPattern.load(text)
    except InvalidEventPatternException as error:
        raise _invalid(f"Event pattern is not valid. Reason: {error.message}") from None
    if not pattern.get_pattern():
        raise _invalid("Event pattern must not be empty")
    if _names(pattern.get_pattern(), "wildcard"):
        raise _invalid("Event pattern is not valid. Reason: wildcard is not supported")
    return pattern


def _names(node: Any, comparison: str) -> bool:
    """Tell whether a pattern has a comparison, which stands in a list."""
    if isinstance(node, dict):
        return any(_names(inner, comparison) for inner in node.values())
    if not isinstance(node, list):
        return False
    return any((isinstance(each, dict) and comparison in each) or _names(each, comparison) for each in node)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidInputException", message)
