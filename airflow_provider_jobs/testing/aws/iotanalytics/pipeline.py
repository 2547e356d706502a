# SPDX-License-Identifier: Apache-2.0

"""IoT Analytics pipelines: what their activities do to a message.

Models https://docs.aws.amazon.com/iotanalytics/latest/userguide/pipeline-activities.html. Activities that
need something outside the message (lambda, deviceRegistryEnrich, deviceShadowEnrich) and math are refused.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from typing import Any, TypeAlias

Message: TypeAlias = dict[str, Any]

#: What an activity makes of a message; None drops it.
Step: TypeAlias = Callable[[Message], Message | None]

#: The value of an expression for a message. As in SQL, None is «unknown».
Expression: TypeAlias = Callable[[Message], Any]


class ActivityError(ValueError):
    """A pipeline cannot be made of these activities."""


class Route:
    """A pipeline's way from its channel to its data store.

    :param activities: as CreatePipeline gets them
    :raises ActivityError: if they make no pipeline, or one that cannot be run here
    """

    def __init__(self, activities: Sequence[Mapping[str, Any]]) -> None:
        named: dict[str, tuple[str, Mapping[str, Any]]] = {}
        for activity in activities:
            if len(activity) != 1:
                raise ActivityError(f"Each entry must hold one activity, not {len(activity)}.")
            [(kind, settings)] = activity.items()
            if kind not in STEPS and kind not in ("channel", "datastore"):
                raise ActivityError(f"The mocked service does not run {kind} activities.")
            if settings["name"] in named:
                raise ActivityError(f"Two activities have the name {settings['name']}.")
            named[settings["name"]] = kind, settings

        self.activities = activities
        self._steps: list[Step] = []
        kind, settings = named.pop(self._only(named, "channel"))
        last = self._only(named, "datastore")
        self.channel = str(settings["channelName"])
        self.datastore = str(named[last][1]["datastoreName"])
        while kind != "datastore":
            following = settings.get("next")
            if following not in named:
                raise ActivityError(f"Activity {settings['name']} leads to no other: next is {following}.")
            kind, settings = named.pop(following)
            if kind in STEPS:
                self._steps.append(STEPS[kind](settings))
        if named:
            raise ActivityError(f"No activity leads to {', '.join(named)}.")

    @staticmethod
    def _only(named: Mapping[str, tuple[str, Any]], wanted: str) -> str:
        names = [name for name, (kind, _) in named.items() if kind == wanted]
        if len(names) != 1:
            raise ActivityError(f"A pipeline has one {wanted} activity, not {len(names)}.")
        return names[0]

    def run(self, message: Message) -> Message | None:
        """Pass a message through; None if it is filtered out."""
        passed: Message | None = deepcopy(message)
        for step in self._steps:
            if passed is None:
                break
            passed = step(passed)
        return passed


def _add_attributes(settings: Mapping[str, Any]) -> Step:
    attributes: Mapping[str, str] = settings["attributes"]
    sources = {target: _attribute(source) for source, target in attributes.items()}
    _check_top_level("addAttributes", sources)

    def step(message: Message) -> Message:
        added = {target: source(message) for target, source in sources.items()}
        return {**message, **{target: value for target, value in added.items() if value is not None}}

    return step


def _remove_attributes(settings: Mapping[str, Any]) -> Step:
    names = _check_top_level("removeAttributes", settings["attributes"])
    return lambda message: {name: value for name, value in message.items() if name not in names}


def _select_attributes(settings: Mapping[str, Any]) -> Step:
    names = _check_top_level("selectAttributes", settings["attributes"])
    return lambda message: {name: value for name, value in message.items() if name in names}


def _filter(settings: Mapping[str, Any]) -> Step:
    matches = _Filter(settings["filter"]).parse()
    return lambda message: message if matches(message) is True else None


def _check_top_level(activity: str, names: Any) -> set[str]:
    for name in names:
        if not re.fullmatch(r"\w+", name):
            message = f"The mocked service takes attributes of the top level only for {activity}, not {name}."
            raise ActivityError(message)
    return set(names)


#: The activities between channel and datastore that can be run.
STEPS: dict[str, Callable[[Mapping[str, Any]], Step]] = {
    "addAttributes": _add_attributes,
    "removeAttributes": _remove_attributes,
    "selectAttributes": _select_attributes,
    "filter": _filter,
}


def _attribute(path: str) -> Expression:
    """Read an attribute such as ``device.coord[0]``; None if the message has none."""
    if not re.fullmatch(r"\w+(\.\w+|\[\d+\])*", path):
        raise ActivityError(f"{path} is not an attribute such as device.coord[0].")
    keys = [int(index) if index else key for key, index in re.findall(r"(\w+)(?!\])|\[(\d+)\]", path)]

    def read(message: Message) -> Any:
        value: Any = message
        for key in keys:
            try:
                value = value[key]
            except (KeyError, IndexError, TypeError):
                return None
        return value

    return read


class _Filter:
    """Comparisons of attributes, numbers, 'strings' and booleans, joined by AND, OR, NOT and brackets."""

    TOKEN = re.compile(
        r"\s*(?:(?P<number>-?\d+(\.\d+)?([eE][+-]?\d+)?)|(?P<string>'([^']|'')*')"
        r"|(?P<symbol><>|!=|<=|>=|[=<>()])|(?P<word>[A-Za-z_]\w*(\.\w+|\[\d+\])*))"
    )
    COMPARISONS: Mapping[str, Callable[[Any, Any], Any]] = {
        "=": operator.eq,
        "<>": operator.ne,
        "!=": operator.ne,
        "<": operator.lt,
        "<=": operator.le,
        ">": operator.gt,
        ">=": operator.ge,
    }

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens: list[tuple[str, str]] = []
        position, end = 0, len(text.rstrip())
        while position < end:
            match = self.TOKEN.match(text, position)
            if match is None or match.lastgroup is None:
                raise self._error(text[position:].strip())
            self._tokens.append((match.lastgroup, match[match.lastgroup]))
            position = match.end()

    def parse(self) -> Expression:
        expression = self._or()
        if self._tokens:
            raise self._error(self._tokens[0][1])
        return expression

    def _or(self) -> Expression:
        parts = [self._and()]
        while self._take("OR"):
            parts.append(self._and())

        def either(message: Message) -> bool | None:
            values = [part(message) for part in parts]
            return True if True in values else None if None in values else False

        return either

    def _and(self) -> Expression:
        parts = [self._not()]
        while self._take("AND"):
            parts.append(self._not())

        def both(message: Message) -> bool | None:
            values = [part(message) for part in parts]
            return False if False in values else None if None in values else True

        return both

    def _not(self) -> Expression:
        if self._take("NOT"):
            negated = self._not()
            return lambda message: None if (value := negated(message)) is None else not value
        if self._take("("):
            inner = self._or()
            if not self._take(")"):
                raise self._error("the end")
            return inner
        return self._comparison()

    def _comparison(self) -> Expression:
        left = self._operand()
        _, symbol = self._next()
        if symbol not in self.COMPARISONS:
            raise self._error(symbol)
        compare, right = self.COMPARISONS[symbol], self._operand()

        def holds(message: Message) -> Any:
            one, other = left(message), right(message)
            return compare(one, other) if _kind(one) is _kind(other) is not None else None

        return holds

    def _operand(self) -> Expression:
        kind, text = self._next()
        value: Any
        if kind == "word" and text.upper() not in ("TRUE", "FALSE", "AND", "OR", "NOT"):
            return _attribute(text)
        if kind == "number":
            value = float(text)
        elif kind == "string":
            value = text[1:-1].replace("''", "'")
        elif text.upper() in ("TRUE", "FALSE"):
            value = text.upper() == "TRUE"
        else:
            raise self._error(text)
        return lambda message: value

    def _next(self) -> tuple[str, str]:
        return self._tokens.pop(0) if self._tokens else ("", "the end")

    def _take(self, wanted: str) -> bool:
        found = bool(self._tokens) and self._tokens[0][1].upper() == wanted
        if found:
            self._tokens.pop(0)
        return found

    def _error(self, at: str) -> ActivityError:
        return ActivityError(f"The mocked service does not understand the filter {self._text!r} at {at!r}.")


def _kind(value: Any) -> type | None:
    """The kind of values that a value can be compared with."""
    if isinstance(value, bool | str):
        return type(value)
    return float if isinstance(value, int | float) else None
