# SPDX-License-Identifier: Apache-2.0

"""Instances of what activities need: resources, and the data nodes that they read and write.

AWS lists them beside the activities
(https://docs.aws.amazon.com/cli/latest/reference/datapipeline/list-runs.html#examples): while an EC2 resource
is CREATING, the data node that is read is FINISHED, the one that is written WAITING_ON_DEPENDENCIES, and the
activity WAITING_FOR_RUNNER. Statuses:
https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-interpret-status.html.

Assumptions, since AWS does not describe them: only resources and data nodes that an activity refers to have
instances; a resource has one attempt each time that it is created; preconditions have no instances; a
resource takes a turn to be created before the first of its activities, and one to shut down after the last;
a data node with a precondition takes a turn to meet it, in which it is WAITING_ON_DEPENDENCIES; a resource
stays up while one of its activities has not ended. ``terminateAfter`` counts from the start of the creation,
by the wall clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_provider_jobs.testing.aws.datapipeline.activities import ActivityInstance
from airflow_provider_jobs.testing.aws.datapipeline.attempts import TriedInstance
from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition, Interval, parse_period
from airflow_provider_jobs.testing.aws.datapipeline.instances import Instance, Turn

#: Before and after a level of dependencies.
BEFORE, AFTER = -0.5, 0.5


class ResourceInstance(TriedInstance):
    """One resource in one interval; see :class:`Instance`.

    :param users: the activities that run on it, at least one
    """

    def __init__(
        self,
        definition: Definition,
        component: str,
        interval: Interval,
        version: int,
        users: Sequence[ActivityInstance],
    ) -> None:
        super().__init__(definition, component, interval, version)
        self.users = users
        self._terminate_after = parse_period(definition.value_of(component, "terminateAfter") or "")

    @property
    def order(self) -> Turn:
        """Before all of its activities."""
        return self.turns[0]

    @property
    def turns(self) -> tuple[Turn, ...]:
        """One to be created, one to shut down."""
        levels = [user.level for user in self.users]
        start = self.interval.start
        return (start, min(levels) + BEFORE), (start, max(levels) + AFTER)

    @property
    def blocked(self) -> bool:
        """Whether none of its activities needs it yet; what it waits for is theirs."""
        return all(user.terminal or user.blocked for user in self.users)

    def _update(self, positions: Sequence[float], paused: bool, now: datetime) -> None:
        created, shut_down = positions
        if self._overdue(now):
            self._end("TIMEDOUT", now)
        elif all(user.terminal for user in self.users):
            if self.started is None or shut_down >= 1:
                self._end("FINISHED", now)
            else:
                self.status = "SHUTTING_DOWN"
        elif self.status != "RUNNING" and not self.blocked:
            if self.started is None:
                self.started = now
                self._start_attempt(now)
            self.status = "CREATING" if created < 1 else "RUNNING"

    @property
    def deadline(self) -> datetime | None:
        """When it is shut down, whatever still runs on it."""
        if self._terminate_after is None or self.started is None:
            return None
        return self.started + self._terminate_after

    def _overdue(self, now: datetime) -> bool:
        return self.deadline is not None and now > self.deadline


class DataNodeInstance(Instance):
    """One data node in one interval; see :class:`Instance`.

    :param readers: the activities that read it
    :param writers: the activities that write it
    """

    def __init__(
        self,
        definition: Definition,
        component: str,
        interval: Interval,
        version: int,
        readers: Sequence[ActivityInstance],
        writers: Sequence[ActivityInstance],
    ) -> None:
        super().__init__(definition, component, interval, version)
        self.waits_for = [*writers]
        self._checked = bool(definition.values_of(component, "precondition"))
        written = [writer.level + AFTER for writer in writers]
        self._level = max(written) if written else min(reader.level + BEFORE for reader in readers)

    @property
    def order(self) -> Turn:
        """After what writes it, and before what reads it."""
        return self.interval.start, self._level

    @property
    def turns(self) -> tuple[Turn, ...]:
        """One if it has a precondition."""
        return (self.order,) if self._checked else ()

    def _update(self, positions: Sequence[float], paused: bool, now: datetime) -> None:
        self.started = self.started or now
        if self._cascade(now):
            return
        if paused:
            self.status = "PAUSED"
        elif self.blocked or any(position < 1 for position in positions):
            self.status = "WAITING_ON_DEPENDENCIES"
        else:
            self._end("FINISHED", now)
