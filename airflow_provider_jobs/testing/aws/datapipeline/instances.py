# SPDX-License-Identifier: Apache-2.0

"""What all instances of a pipeline's objects have in common: activities, resources and data nodes.

Models https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-how-tasks-scheduled.html.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import datetime
from typing import TypeAlias

from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition, Interval, stamp

FAILURES = ("FAILED", "CASCADE_FAILED", "CANCELED", "TIMEDOUT")
GOOD = ("FINISHED", "SKIPPED")
TERMINAL = (*GOOD, *FAILURES)

#: A field of an object, as the API has it: a key, and a stringValue or a refValue.
Field: TypeAlias = dict[str, str]
#: When something is done: in an interval, by the levels of dependencies.
Turn: TypeAlias = tuple[datetime, float]


def string(key: str, value: str | int | datetime) -> Field:
    """Make a field that holds a value."""
    return {"key": key, "stringValue": stamp(value) if isinstance(value, datetime) else str(value)}


def ref(key: str, object_id: str) -> Field:
    """Make a field that refers to another object."""
    return {"key": key, "refValue": object_id}


class Instance(ABC):
    """One object of a pipeline in one interval.

    :param definition: the definition that was activated
    :param component: the object's id
    :param interval: the interval of its schedule; on demand, the time of the activation
    :param version: of the definition
    """

    def __init__(self, definition: Definition, component: str, interval: Interval, version: int) -> None:
        self.id = f"@{component}_{stamp(interval.start)}"
        self.component = component
        self.interval = interval
        #: What it waits for before it starts.
        self.waits_for: list[Instance] = []
        #: The ids of the instances of its interval by their components.
        self.siblings: dict[str, str] = {}
        #: Whether its interval has come: until then the API does not show it.
        self.born = False
        self.status = "WAITING_ON_DEPENDENCIES"
        self.cascade_failed_on: list[Instance] = []
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self.cascades = (definition.value_of(component, "failureAndRerunMode") or "").lower() == "cascade"
        self._definition = definition
        self._version = version
        self._held = False

    @property
    @abstractmethod
    def order(self) -> Turn:
        """After which others it is brought up to date."""

    @property
    @abstractmethod
    def turns(self) -> tuple[Turn, ...]:
        """The turns that it needs; a job's way is cut into as many parts."""

    @property
    def deadline(self) -> datetime | None:
        """After which time it ends by itself, whatever its way; None without one."""
        return None

    @property
    def parameters(self) -> dict[str, str]:
        """The values of the parameters that it runs with."""
        return self._definition.parameter_values

    @property
    def companions(self) -> list[Instance]:
        """The resource that it needs, and the data nodes that it writes."""
        return []

    @property
    def terminal(self) -> bool:
        """Whether it has come to an end, good or bad."""
        return self.status in TERMINAL

    @property
    def blocked(self) -> bool:
        """Whether it has to wait for others."""
        return any(other.status not in GOOD for other in self.waits_for)

    def update(self, positions: Sequence[float], paused: bool, now: datetime) -> None:
        """Bring the instance up to date, unless it has ended or its status was set by hand.

        :param positions: for each of its turns the way it has gone, from 0.0 to 1.0; below 0.0 it has not
            come yet
        :param paused: whether its component is paused, so that it must not start
        """
        if not (self.terminal or self._held):
            self._update(positions, paused, now)

    @abstractmethod
    def _update(self, positions: Sequence[float], paused: bool, now: datetime) -> None:
        """Bring it up to date; it has not ended."""

    def show(self, status: str, now: datetime) -> None:
        """Set its status by hand; it keeps it until it is canceled, marked or run again.

        :param status: any; one that AWS does not know is no end
        """
        self._held = True
        if status in TERMINAL:
            self._end(status, now)
        else:
            self.status, self.ended = status, None

    def cancel(self, now: datetime) -> None:
        """Cancel it, unless it has ended."""
        if not self.terminal:
            self._end("CANCELED", now)

    def finish(self, now: datetime) -> None:
        """Mark it as finished, even if it had failed."""
        self.cascade_failed_on = []
        self._end("FINISHED", now)

    def skip(self) -> None:
        """Skip it, because the pipeline was activated for a later time."""
        self.born, self.status = True, "SKIPPED"

    def reset(self) -> None:
        """Make it ready to run once more."""
        self.status = "WAITING_ON_DEPENDENCIES"
        self.started = self.ended = None
        self.cascade_failed_on = []
        self._held = False

    def fields(self, evaluate: bool) -> list[Field]:
        """Its fields as DescribeObjects gives them.

        :param evaluate: whether expressions are to be evaluated
        """
        fields = self._common("INSTANCE") + self._inherited(evaluate)
        fields.append(string("@status", self.status))
        fields += [ref("@waitingOn", other.id) for other in self.waits_for if not other.terminal]
        fields += [ref("@cascadeFailedOn", other.id) for other in self.cascade_failed_on]
        if self.started is not None:
            fields.append(string("@actualStartTime", self.started))
        if self.ended is not None:
            fields.append(string("@actualEndTime", self.ended))
        return fields

    def _common(self, sphere: str) -> list[Field]:
        return [
            string("@sphere", sphere),
            ref("parent", self.component),
            ref("@componentParent", self.component),
            string("@version", self._version),
            string("@scheduledStartTime", self.interval.start),
            string("@scheduledEndTime", self.interval.end),
        ]

    def _inherited(self, evaluate: bool) -> list[Field]:
        fields = []
        for field in self._definition.by_id[self.component]["fields"]:
            if "refValue" not in field:
                text = field["stringValue"]
                fields.append(string(field["key"], self._definition.evaluate(text) if evaluate else text))
            elif field["key"] != "parent":
                fields.append(ref(field["key"], self.siblings.get(field["refValue"], field["refValue"])))
        return fields

    def _cascade(self, now: datetime) -> bool:
        """Let it fail with what it waits for, if that has failed and if it is set to cascade."""
        broken = [other for other in self.waits_for if other.status in FAILURES]
        if not broken or not self.cascades:
            return False
        self.cascade_failed_on = [*broken[0].cascade_failed_on, broken[0]]
        self._end("CASCADE_FAILED", now)
        return True

    def _end(self, status: str, now: datetime) -> None:
        self.status, self.ended = status, now
