# SPDX-License-Identifier: Apache-2.0

"""What a rule's target receives: the event, a part of it, a template filled in, or a constant.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-transform-target-input.html, and recordings
of what AWS delivered. Assumptions: an InputPath that leads nowhere gives null; a text within quotation marks
is escaped as in JSON.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from moto.events.models import Rule
from moto.events.utils import EventMessageType

from airflow_provider_jobs.testing.moto_ext import AwsError

#: The members of an event in the order that AWS writes them.
MEMBERS = (
    "version",
    "id",
    "detail-type",
    "source",
    "account",
    "time",
    "region",
    "replay-name",
    "resources",
    "detail",
)

#: How a target may ask for something else than the event.
WAYS = ("Input", "InputPath", "InputTransformer")

#: Placeholders that need no path.
PREDEFINED = (
    "aws.events.rule-arn",
    "aws.events.rule-name",
    "aws.events.event",
    "aws.events.event.json",
    "aws.events.event.ingestion-time",
)

_STEP = re.compile(r"\.([\w\-/]+)|\[(\d+)\]|(\.\*|\[\*\])")
_TOKEN = re.compile(r'\\.|"|<([\w.\-]+)>|[^\\"<]+|[\\<]', re.DOTALL)

_MISSING: Final = object()


def as_delivered(event: EventMessageType) -> dict[str, Any]:
    """Return an event as AWS writes it.

    :param event: as moto keeps it, with its time as a number
    """
    known: Mapping[str, Any] = event
    written = {name: known[name] for name in MEMBERS if name in known}
    return {**written, "time": _iso(float(event["time"]))}


def check_target(target: Mapping[str, Any]) -> None:
    """Refuse a target that asks for its input in a way that AWS refuses.

    :param target: one of PutTargets'
    """
    if sum(way in target for way in WAYS) > 1:
        message = (
            f"Only one of Input, InputPath, or InputTransformer must be provided for target {target['Id']}."
        )
        raise AwsError("ValidationException", message)
    transformer = target.get("InputTransformer", {})
    known = {*transformer.get("InputPathsMap", {}), *PREDEFINED}
    for token in _TOKEN.finditer(transformer.get("InputTemplate", "")):
        if token[1] is not None and token[1] not in known:
            message = f"InputTemplate for target {target['Id']} contains invalid placeholder {token[1]}."
            raise AwsError("ValidationException", message)


def input_of(target: Mapping[str, Any], rule: Rule, event: EventMessageType) -> str:
    """Return the text that a target receives for an event.

    :param target: the rule's
    :param rule: the rule that matched
    :param event: as moto keeps it
    :raises ValueError: if there is no such text: AWS then delivers nothing
    """
    whole = as_delivered(event)
    if "Input" in target:
        return str(target["Input"])
    if "InputPath" in target:
        found = _at(target["InputPath"], whole)
        return json.dumps(None if found is _MISSING else found)
    if "InputTransformer" in target:
        transformer = target["InputTransformer"]
        paths: dict[str, str] = transformer.get("InputPathsMap", {})
        values = {name: _at(path, whole) for name, path in paths.items()} | _predefined(rule, event, whole)
        return _filled_in(transformer["InputTemplate"], values)
    return json.dumps(whole)


def _filled_in(template: str, values: Mapping[str, Any]) -> str:
    is_object, quoted, parts = template.lstrip().startswith("{"), False, []
    for token in _TOKEN.finditer(template):
        quoted ^= token[0] == '"'
        if token[1] is None:
            parts.append(token[0])
            continue
        value = values.get(token[1], _MISSING)
        parts.append(_inserted("" if value is _MISSING else value, quoted, is_object))
    text = "".join(parts)
    if is_object:
        json.loads(text)  # a template of an object that yields no JSON delivers nothing
    return text


def _predefined(rule: Rule, event: EventMessageType, whole: dict[str, Any]) -> dict[str, Any]:
    ingested = _iso(float(event.get("ingestion-time", event["time"])))
    short = {name: value for name, value in whole.items() if name not in ("detail", "detail-type")}
    short |= {"detailType": whole["detail-type"], "time": ingested}
    return dict(zip(PREDEFINED, (rule.arn, rule.name, short, whole, ingested), strict=True))


def _inserted(value: Any, quoted: bool, is_object: bool) -> str:
    """Return a value as it replaces a placeholder.

    :param value: from the event
    :param quoted: whether the placeholder is within quotation marks
    :param is_object: whether the template is a JSON object; in a text, objects lose their quotation marks
    """
    if not quoted:
        return json.dumps(value)
    if isinstance(value, str):
        return json.dumps(value)[1:-1]
    text = json.dumps(value, separators=(",", ":"))
    return text if is_object else text.replace('"', "")


def _at(path: str, event: dict[str, Any]) -> Any:
    """Return what a JSON path leads to, a list if it has wildcards."""
    found: list[Any] = [event]
    steps = list(_STEP.finditer(path))
    for step in steps:
        found = [inner for outer in found for inner in _inside(outer, step)]
    if any(step[3] for step in steps):
        return found
    return found[0] if found else _MISSING


def _inside(outer: Any, step: re.Match[str]) -> list[Any]:
    key, index, every = step.groups()
    if every:
        return list(outer.values() if isinstance(outer, dict) else outer if isinstance(outer, list) else ())
    if key is not None:
        return [outer[key]] if isinstance(outer, dict) and key in outer else []
    return outer[int(index) : int(index) + 1] if isinstance(outer, list) else []


def _iso(time: float) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%dT%H:%M:%SZ}"
