# SPDX-License-Identifier: Apache-2.0

"""A pipeline definition as Data Pipeline reads it: inheritance, parameters, dependencies, schedules.

Models https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-writing-pipeline-definition.html.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property, lru_cache
from typing import Any

DEFAULT = "Default"
RESOURCES = ("Ec2Resource", "EmrCluster")
TIME_FORMAT = "%Y-%m-%dT%H:%M:%S"

#: A month and a year are taken as 30 and 365 days.
UNITS = {"second": 1, "minute": 60, "hour": 3600, "day": 86_400, "week": 604_800}
UNITS |= {"month": 30 * 86_400, "year": 365 * 86_400}

#: "#{myName}", the value of a parameter.
PARAMETER = re.compile(r"#\{(my\w+)\}")


@lru_cache(maxsize=100_000)
def stamp(time: datetime) -> str:
    """Write a time as Data Pipeline does: UTC, whole seconds, no zone."""
    return time.strftime(TIME_FORMAT)


def parse_time(text: str) -> datetime | None:
    """Read a time, UTC; None if it is none."""
    try:
        return datetime.strptime(text, TIME_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


def parse_period(text: str) -> timedelta | None:
    """Read a period such as ``15 minutes``; None if it is none."""
    match = re.fullmatch(r"(\d+)\s+([a-z]+?)s?", text.strip().lower())
    if match is None or match[2] not in UNITS:
        return None
    return timedelta(seconds=int(match[1]) * UNITS[match[2]])


@dataclass(frozen=True)
class Interval:
    """One period of a schedule.

    :param start: inclusive, aware, UTC
    :param end: exclusive
    """

    start: datetime
    end: datetime


@dataclass(frozen=True)
class Schedule:
    """https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-object-schedule.html.

    :param start: of the first interval
    :param period: the length of an interval
    :param end: None if the schedule goes on for ever
    """

    start: datetime
    period: timedelta
    end: datetime | None

    def intervals(self, now: datetime) -> Iterator[Interval]:
        """All intervals; of an endless schedule those that have begun by now, at least one."""
        until = self.end or max(now, self.start + self.period)
        start = self.start
        while start < until:
            yield Interval(start, start + self.period)
            start += self.period


class Definition:
    """What PutPipelineDefinition was given, unchanged.

    :param objects: ``pipelineObjects``
    :param parameters: ``parameterObjects``
    :param values: ``parameterValues``
    """

    def __init__(
        self,
        objects: Sequence[Mapping[str, Any]],
        parameters: Sequence[Mapping[str, Any]] = (),
        values: Sequence[Mapping[str, str]] = (),
    ) -> None:
        self.objects = list(objects)
        self.parameters = list(parameters)
        self.values = list(values)
        self._inherited: dict[tuple[str, str], list[str]] = {}

    @classmethod
    def of(cls, request: Mapping[str, Any]) -> Definition:
        """Take the definition out of a call's arguments."""
        return cls(
            request["pipelineObjects"],
            request.get("parameterObjects", ()),
            request.get("parameterValues", ()),
        )

    def to_json(self) -> dict[str, Any]:
        """Give the definition back as GetPipelineDefinition does."""
        return {
            "pipelineObjects": self.objects,
            "parameterObjects": self.parameters,
            "parameterValues": self.values,
        }

    def with_values(self, values: Iterable[Mapping[str, str]]) -> Definition:
        """Replace the values of the parameters that are given."""
        given = list(values)
        ids = {value["id"] for value in given}
        kept = [value for value in self.values if value["id"] not in ids]
        return Definition(self.objects, self.parameters, kept + given)

    @cached_property
    def by_id(self) -> dict[str, Mapping[str, Any]]:
        """The objects by their id."""
        return {obj["id"]: obj for obj in self.objects}

    def values_of(self, object_id: str, key: str) -> list[str]:
        """The values of a field, of a reference the id: the object's own, its parents' or Default's."""
        found = self._inherited.get((object_id, key))
        if found is None:
            own = (own_values(self.by_id[ancestor], key) for ancestor in self._lineage(object_id))
            found = self._inherited[object_id, key] = next(filter(None, own), [])
        return found

    def value_of(self, object_id: str, key: str) -> str | None:
        """The first of a field's values, with the parameters put in."""
        return next((self.evaluate(value) for value in self.values_of(object_id, key)), None)

    def type_of(self, object_id: str) -> str | None:
        """The type, which is inherited from parents, but not from Default."""
        lineage = (ancestor for ancestor in self._lineage(object_id) if ancestor != DEFAULT)
        types = (own_values(self.by_id[ancestor], "type") for ancestor in lineage)
        return next((found[0] for found in types if found), None)

    def _lineage(self, object_id: str) -> list[str]:
        lineage = [object_id]
        for ancestor in lineage:
            parents = own_values(self.by_id[ancestor], "parent")
            lineage += [parent for parent in parents if parent in self.by_id and parent not in lineage]
        if DEFAULT in self.by_id and DEFAULT not in lineage:
            lineage.append(DEFAULT)
        return lineage

    @cached_property
    def activities(self) -> list[str]:
        """The ids of the objects that do work."""
        return [object_id for object_id in self.by_id if (self.type_of(object_id) or "").endswith("Activity")]

    @cached_property
    def resources(self) -> dict[str, list[str]]:
        """The ids of the resources, each with the activities that run on it; those without are left out."""
        return self._referred(RESOURCES.__contains__, "runsOn")

    @cached_property
    def data_nodes(self) -> dict[str, list[str]]:
        """The ids of the data nodes, each with the activities that read or write it, at least one."""
        return self._referred(lambda kind: kind.endswith("DataNode"), "input", "output")

    @cached_property
    def used_by(self) -> dict[str, tuple[list[str], list[str]]]:
        """The data nodes, each with the activities that read it and those that write it."""
        return {
            node: (
                [each for each in users if node in self.values_of(each, "input")],
                [each for each in users if node in self.values_of(each, "output")],
            )
            for node, users in self.data_nodes.items()
        }

    def _referred(self, kind: Callable[[str], bool], *keys: str) -> dict[str, list[str]]:
        found = {
            object_id: [
                activity
                for activity in self.activities
                if any(object_id in self.values_of(activity, key) for key in keys)
            ]
            for object_id in self.by_id
            if kind(self.type_of(object_id) or "")
        }
        return {object_id: users for object_id, users in found.items() if users}

    @property
    def on_demand(self) -> bool:
        """Whether the pipeline runs once per activation, and not by a schedule."""
        return DEFAULT in self.by_id and (self.value_of(DEFAULT, "scheduleType") or "").lower() == "ondemand"

    @cached_property
    def dependencies(self) -> dict[str, list[str]]:
        """What each activity waits for: those it depends on, and those whose output is its input."""
        outputs = {activity: set(self.values_of(activity, "output")) for activity in self.activities}

        def waits_for(activity: str, other: str) -> bool:
            inputs = self.values_of(activity, "input")
            return other in self.values_of(activity, "dependsOn") or not outputs[other].isdisjoint(inputs)

        return {
            activity: [other for other in self.activities if waits_for(activity, other)]
            for activity in self.activities
        }

    @cached_property
    def levels(self) -> dict[str, int]:
        """The activities in the order of their dependencies, 0 first. Those in a circle are left out."""
        levels: dict[str, int] = {}
        while ready := [
            activity
            for activity, others in self.dependencies.items()
            if activity not in levels and all(other in levels for other in others)
        ]:
            level = 1 + max(levels.values(), default=-1)
            levels.update(dict.fromkeys(ready, level))
        return levels

    def schedule(self, activity: str, activated: datetime) -> Schedule:
        """The schedule of an activity in a definition without errors.

        :param activity: its id
        :param activated: the time of the pipeline's first activation
        """
        schedule = self.values_of(activity, "schedule")[0]
        start = parse_time(self.value_of(schedule, "startDateTime") or "") or activated
        period = parse_period(self.value_of(schedule, "period") or "") or timedelta(days=1)
        end = parse_time(self.value_of(schedule, "endDateTime") or "")
        if occurrences := self.value_of(schedule, "occurrences"):
            end = start + int(occurrences) * period
        return Schedule(start, period, end)

    def evaluate(self, text: str) -> str:
        """Put the values of the parameters into a text; other expressions stay as they are."""
        return PARAMETER.sub(lambda match: self.parameter_values.get(match[1], match[0]), text)

    @cached_property
    def parameter_values(self) -> dict[str, str]:
        """The values of the parameters by their names: those given, or the defaults."""
        values = {p["id"]: own_values(p, "default", "attributes") for p in self.parameters}
        given: dict[str, list[str]] = {}
        for value in self.values:
            given.setdefault(value["id"], []).append(value["stringValue"])
        return {name.lstrip("*"): ",".join(found) for name, found in (values | given).items() if found}

    def missing_values(self) -> list[str]:
        """The parameters that have no value and are not optional."""
        return [
            parameter["id"]
            for parameter in self.parameters
            if parameter["id"].lstrip("*") not in self.parameter_values
            and own_values(parameter, "optional", "attributes") != ["true"]
        ]


def own_values(obj: Mapping[str, Any], key: str, within: str = "fields") -> list[str]:
    """Read the values of a field of one object; of a reference the id.

    :param obj: a pipeline object or a parameter object
    :param key: the field; it may be there more than once
    :param within: ``fields``, or ``attributes`` of a parameter object
    """
    return [
        field.get("stringValue") or field.get("refValue") or ""
        for field in obj.get(within, ())
        if field["key"] == key
    ]
