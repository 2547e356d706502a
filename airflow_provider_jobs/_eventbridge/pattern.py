# SPDX-License-Identifier: Apache-2.0

"""Event patterns: how they are read and checked, and how one is narrowed to replayed events."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from airflow_provider_jobs.exceptions import JobInputError

__all__ = ["checked_pattern", "demands_replay_name", "pattern_text", "refuses_replays", "replayed_only"]

#: Characters of a pattern.
_LONGEST = 4096
#: The field that AWS adds to each replayed event.
_REPLAY_NAME = "replay-name"
#: Matchers that no event without the field fits.
_NEED_THE_FIELD = ("equals-ignore-case", "prefix", "suffix", "wildcard")
_HOW = '{"source": ["shop"], "detail": {"state": ["paid"]}}'


def checked_pattern(value: Any, name: str) -> dict[str, Any]:
    """Return an event pattern; AWS checks what it means.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-event-patterns.html

    :param value: a dictionary, or JSON text of one.
    :param name: the parameter, for the message.
    :raises JobInputError: if no event can match it, or it is too long.
    """
    given = value
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except ValueError as error:
            raise JobInputError(f"{name} is no JSON: {error}. A pattern looks like {_HOW}.") from None
    if not isinstance(given, Mapping) or not given:
        raise JobInputError(f"{name}={value!r} must be a dictionary with a field at least, such as {_HOW}.")
    _check_fields(given, name)
    pattern = dict(given)
    pattern_text(pattern, name)
    return pattern


def pattern_text(pattern: Mapping[str, Any], name: str = "event_pattern") -> str:
    """Return a pattern as AWS takes it.

    :param name: the parameter, for the message.
    :raises JobInputError: if it holds what JSON cannot say, or is too long.
    """
    try:
        text = json.dumps(pattern, separators=(",", ":"))
    except (TypeError, ValueError) as error:
        raise JobInputError(f"{name} cannot be written as JSON: {error}.") from None
    if len(text) > _LONGEST:
        raise JobInputError(f"{name} has {len(text):,} characters; AWS takes {_LONGEST:,} at most.")
    return text


def replayed_only(pattern: Mapping[str, Any] | None, name: str = "event_pattern") -> dict[str, Any]:
    """Return a pattern that only replayed events match.

    :param pattern: the author's own, checked; None for all replayed events. If it has a condition on
        ``replay-name``, that stays.
    :param name: the parameter, for the message.
    :raises JobInputError: if the author's condition fits events that are not replayed.
    """
    own = dict(pattern or {})
    for each in own.setdefault(_REPLAY_NAME, [{"exists": True}]):
        if not _needs_the_field(each):
            raise JobInputError(
                f"{name}: {_REPLAY_NAME}={each!r} may match events that are not replayed. Give names of "
                f'replays, {{"prefix": "…"}} or {{"exists": true}}, or leave {_REPLAY_NAME} out.'
            )
    return own


def demands_replay_name(pattern: Mapping[str, Any]) -> bool:
    """Whether only replayed events match a pattern, as far as its condition on ``replay-name`` tells."""
    wanted = pattern.get(_REPLAY_NAME)
    return isinstance(wanted, list) and bool(wanted) and all(map(_needs_the_field, wanted))


def refuses_replays(pattern: Mapping[str, Any]) -> bool:
    """Whether no replayed event matches a pattern, as that of an archive's own rule."""
    return pattern.get(_REPLAY_NAME) == [{"exists": False}]


def _needs_the_field(matcher: Any) -> bool:
    """Whether only events that have the field fit."""
    if not isinstance(matcher, Mapping):
        return isinstance(matcher, str)
    if len(matcher) != 1:
        return False
    ((kind, value),) = matcher.items()
    return value is True if kind == "exists" else kind in _NEED_THE_FIELD


def _check_fields(fields: Mapping[Any, Any], name: str) -> None:
    for field, wanted in fields.items():
        where = f"{name}.{field}"
        if field == "$or" and isinstance(wanted, (list, tuple)):
            for each in wanted:
                _check_nested(each, where)
        elif isinstance(wanted, Mapping):
            _check_nested(wanted, where)
        elif not isinstance(wanted, (list, tuple)) or not wanted:
            raise JobInputError(
                f"{where}={wanted!r} must be a list of values, with one at least, or a dictionary of "
                f"fields. A pattern looks like {_HOW}."
            )


def _check_nested(fields: Any, where: str) -> None:
    if not isinstance(fields, Mapping) or not fields:
        raise JobInputError(f"{where}={fields!r} must be a dictionary with a field at least.")
    _check_fields(fields, where)
