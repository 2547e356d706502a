# SPDX-License-Identifier: Apache-2.0

"""The activities between a pipeline's channel and its data store: what they do to messages.

Models https://docs.aws.amazon.com/iotanalytics/latest/userguide/pipeline-activities.html. What AWS does with
a message that an activity cannot process is not documented; here it is dropped, and the reason is noted.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from airflow_provider_jobs.testing.aws.iotanalytics.expressions import parse_filter, parse_math
from airflow_provider_jobs.testing.aws.iotanalytics.messages import (
    ActivityError,
    Message,
    attribute,
    check_top_level,
)
from airflow_provider_jobs.testing.control import CONTROL

Settings: TypeAlias = Mapping[str, Any]

#: What an activity makes of messages. It adds the reason for each that it cannot process to the second list.
Step: TypeAlias = Callable[[list[Message], list[str]], list[Message]]


_MISSING = object()


class _UnprocessedError(Exception):
    """An activity cannot process a message."""


def _each(settings: Settings, process: Callable[[Message], Message | None]) -> Step:
    """Make a step of what an activity makes of one message: another one, or None to drop it."""

    def step(messages: list[Message], failures: list[str]) -> list[Message]:
        kept = []
        for message in messages:
            try:
                passed = process(message)
            except _UnprocessedError as error:
                failures.append(f"{settings['name']}: {error}")
                continue
            if passed is not None:
                kept.append(passed)
        return kept

    return step


def _add_attributes(settings: Settings) -> Step:
    sources = {target: attribute(source) for source, target in settings["attributes"].items()}
    check_top_level("addAttributes", sources)

    def add(message: Message) -> Message:
        added = {target: source(message) for target, source in sources.items()}
        return {**message, **{target: value for target, value in added.items() if value is not None}}

    return _each(settings, add)


def _remove_attributes(settings: Settings) -> Step:
    names = check_top_level("removeAttributes", settings["attributes"])
    return _each(settings, lambda message: {name: message[name] for name in message if name not in names})


def _select_attributes(settings: Settings) -> Step:
    # device.temp becomes temp; what lies deeper than the top level is moved there.
    sources = {path.rpartition(".")[2]: attribute(path, _MISSING) for path in settings["attributes"]}
    check_top_level("what selectAttributes makes", sources)

    def select(message: Message) -> Message:
        chosen = {name: source(message) for name, source in sources.items()}
        return {name: value for name, value in chosen.items() if value is not _MISSING}

    return _each(settings, select)


def _filter(settings: Settings) -> Step:
    matches = parse_filter(settings["filter"])
    return _each(settings, lambda message: message if matches(message) is True else None)


def _math(settings: Settings) -> Step:
    expression, target = settings["math"], settings["attribute"]
    check_top_level("math", [target])
    calculate = parse_math(expression)

    def process(message: Message) -> Message:
        result = calculate(message)
        if result is None:
            raise _UnprocessedError(f"{expression} is no number for {json.dumps(message)}.")
        return {**message, target: result}

    return _each(settings, process)


def _lambda(settings: Settings) -> Step:
    name, size = settings["lambdaName"], int(settings["batchSize"])
    if name not in CONTROL.activities.lambdas:
        raise ActivityError(
            f"The mocked service has no Lambda function {name}. Give it to AwsJobs.set_lambda before the "
            "pipeline is created."
        )

    def step(messages: list[Message], failures: list[str]) -> list[Message]:
        kept: list[Message] = []
        for first in range(0, len(messages), size):
            batch = messages[first : first + size]
            try:
                kept += _invoked(name, batch)
            except Exception as error:
                reason = f"{settings['name']}: Lambda function {name}: {type(error).__name__}: {error}"
                failures += [reason] * len(batch)
        return kept

    return step


def _invoked(name: str, batch: list[Message]) -> list[Message]:
    """Return a Lambda function's answer; both ways go through JSON, as with AWS."""
    answer = CONTROL.activities.lambdas[name](json.loads(json.dumps(batch)), None)
    passed = json.loads(json.dumps(answer))
    if not isinstance(passed, list) or not all(isinstance(each, dict) for each in passed):
        raise TypeError("It must return an array of JSON objects.")
    return passed


def _enrich(kind: str, source: str, settings: Settings) -> Step:
    target, thing_name = settings["attribute"], attribute(settings["thingName"])
    check_top_level(kind, [target])
    if not CONTROL.activities.knows(source):
        raise ActivityError(
            f"The mocked service has nothing for {kind}. Give {source} to AwsJobs.set_things before the "
            "pipeline is created."
        )

    def process(message: Message) -> Message:
        name = thing_name(message)
        if not isinstance(name, str):
            raise _UnprocessedError(f"{settings['thingName']} is no thing's name in {json.dumps(message)}.")
        try:
            found = CONTROL.activities.thing(source, name)
        except Exception as error:
            raise _UnprocessedError(f"{source} of {name}: {type(error).__name__}: {error}") from error
        if found is None:
            raise _UnprocessedError(f"Thing {name} is not in {source}.")
        return {**message, target: found}

    return _each(settings, process)


#: The activities by their kinds.
STEPS: Mapping[str, Callable[[Settings], Step]] = {
    "addAttributes": _add_attributes,
    "removeAttributes": _remove_attributes,
    "selectAttributes": _select_attributes,
    "filter": _filter,
    "math": _math,
    "lambda": _lambda,
    "deviceRegistryEnrich": lambda settings: _enrich("deviceRegistryEnrich", "registry", settings),
    "deviceShadowEnrich": lambda settings: _enrich("deviceShadowEnrich", "shadows", settings),
}


def step_of(activity: Settings) -> Step:
    """Make a step of an activity that is neither a channel nor a data store.

    :raises ActivityError: if it cannot be run here
    """
    kinds = ", ".join(activity)
    if kinds not in STEPS:
        raise ActivityError(f"pipelineActivity is one of {', '.join(STEPS)}, not {kinds or 'nothing'}.")
    return STEPS[kinds](activity[kinds])
