# SPDX-License-Identifier: Apache-2.0

"""Parameters of replays on a Custom Event Bus, as DAG authors give them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from airflow_provider_jobs._event_bus.replay import NAME_LIMIT
from airflow_provider_jobs._eventbridge.pattern import checked_pattern, pattern_text
from airflow_provider_jobs._sqs.redrive import QUEUE_ARN
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.parameters import handed, matching

__all__ = [
    "checked_arn",
    "checked_filters",
    "checked_settings",
    "checked_subscriber",
    "checked_transformer",
]

_NAME = rf"[A-Za-z0-9][._A-Za-z0-9-]{{0,{NAME_LIMIT - 1}}}"
_START = r"arn:aws[a-z-]*"
#: What each ARN matches, and an example.
_ARNS = {
    "event_bus_arn": (
        rf"{_START}:events:[a-z0-9-]+:[0-9]{{12}}:event-busv2/{_NAME}/[a-z0-9]{{25}}",
        "the ARN of a Custom Event Bus, such as arn:aws:events:REGION:ACCOUNT:event-busv2/NAME/ID with an id "
        "of 25 characters; a bus of the Classic kind has archives",
    ),
    "target_arn": (rf"{_START}:\S+", "the ARN of what gets the events"),
    "role_arn": (
        rf"{_START}:iam::[0-9]{{12}}:role/[\w+=,.@/-]+",
        "the ARN of the role that delivers the events, such as arn:aws:iam::ACCOUNT:role/NAME",
    ),
    "dead_letter_arn": (
        QUEUE_ARN,
        "the ARN of an SQS queue, such as arn:aws:sqs:REGION:ACCOUNT:NAME",
    ),
}
_SCOPES = ("DATA", "METADATA", "SYSTEM_METADATA")
_TRANSFORMERS = ("RAW", "WITH_METADATA")
_RETRY = {"MaxRetryAttempts": (0, 185), "MaxEventAgeInSeconds": (60, 86_400)}


def checked_arn(value: Any, name: str) -> str:
    """Return an ARN.

    :raises JobInputError: if it is none of the parameter's kind.
    """
    return matching(value, name, *_ARNS[name])


def checked_subscriber(given: Any, name: str = "subscriber_name") -> str:
    """Return a subscriber's name.

    :param given: the name, or the result of the task that created the subscriber.
    :raises JobInputError: if AWS allows no such name.
    """
    meaning = f"1 to {NAME_LIMIT} letters, digits and .-_, the first of them a letter or a digit"
    return matching(handed(given, name), name, re.compile(_NAME), meaning)


def checked_filters(value: Any, name: str) -> dict[str, str]:
    """Return event patterns as JSON, by their scope.

    :raises JobInputError: for a scope that AWS does not have, or what is no pattern.
    """
    if not isinstance(value, Mapping) or not value or not set(value) <= set(_SCOPES):
        raise JobInputError(
            f"{name}={value!r} must be a dictionary of event patterns by scope, which is one of "
            f'{", ".join(_SCOPES)}, such as {{"DATA": {{"detail-type": ["OrderPlaced"]}}}}.'
        )
    return {scope: pattern_text(checked_pattern(each, name), name) for scope, each in value.items()}


def checked_transformer(value: Any, name: str) -> str:
    """Return a transformer: RAW, WITH_METADATA, or an expression of JSONata.

    :raises JobInputError: if it is none.
    """
    if value not in _TRANSFORMERS and not (isinstance(value, str) and re.fullmatch(r"\{%[\s\S]+%\}", value)):
        raise JobInputError(
            f"{name}={value!r} must be {' or '.join(_TRANSFORMERS)}, or an expression of JSONata within "
            "{% and %}."
        )
    return str(value)


def checked_settings(value: Any, name: str) -> dict[str, Any]:
    """Return AWS's own settings, which AWS checks; of a retry policy the numbers are checked.

    :raises JobInputError: if they are no dictionary, or a number is out of AWS's range.
    """
    if not isinstance(value, Mapping) or not all(isinstance(key, str) for key in value):
        raise JobInputError(f"{name}={value!r} must be a dictionary with AWS's own names.")
    for key, (least, most) in _RETRY.items() if name == "delivery_retries" else ():
        given = value.get(key, least)
        if isinstance(given, bool) or not isinstance(given, int) or not least <= given <= most:
            raise JobInputError(f"{name}: {key}={given!r} must be a number from {least} to {most}.")
    return dict(value)
