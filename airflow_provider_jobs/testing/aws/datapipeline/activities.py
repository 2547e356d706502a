# SPDX-License-Identifier: Apache-2.0

"""Instances of a pipeline's activities.

Models https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-how-tasks-scheduled.html and, for
what a failed resource does to an activity,
https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-manage-cascade-failandrerun.html.

Assumptions: without ``failureAndRerunMode`` ``cascade``, an activity whose resource has failed stays
WAITING_FOR_RUNNER; one that runs on a resource that goes away fails for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_provider_jobs.testing.aws.datapipeline.attempts import TriedInstance
from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition, Interval, parse_period
from airflow_provider_jobs.testing.aws.datapipeline.instances import FAILURES, Instance, Turn
from airflow_provider_jobs.testing.control import CONTROL

#: The quota that lets the first so many attempts of every instance fail, of runs started from now on.
FAILED_ATTEMPTS = "datapipeline-failed-attempts"


class ActivityInstance(TriedInstance):
    """One activity in one interval; see :class:`Instance`."""

    def __init__(self, definition: Definition, component: str, interval: Interval, version: int) -> None:
        super().__init__(definition, component, interval, version)
        self.level = definition.levels[component]
        #: The resource that it runs on, if it is not a worker group's.
        self.runs_on: Instance | None = None
        #: The data nodes that it writes.
        self.writes: list[Instance] = []
        self._timeout = parse_period(definition.value_of(component, "attemptTimeout") or "")
        self._to_fail = CONTROL.quota(FAILED_ATTEMPTS, 0)

    @property
    def order(self) -> Turn:
        """After those on the levels below."""
        return self.interval.start, self.level

    @property
    def turns(self) -> tuple[Turn, ...]:
        """One, shared by the activities of an interval that are on one level of dependencies."""
        return (self.order,)

    @property
    def companions(self) -> list[Instance]:
        """Its resource, and the data nodes that it writes."""
        return [*([self.runs_on] if self.runs_on else []), *self.writes]

    @property
    def deadline(self) -> datetime | None:
        """When its attempt times out."""
        if self._timeout is None or self.status != "RUNNING":
            return None
        return self.attempts[-1].started + self._timeout

    @property
    def ready(self) -> bool:
        """Whether it runs, or would if it were its turn."""
        return self.status in ("RUNNING", "WAITING_FOR_RUNNER")

    def _update(self, positions: Sequence[float], paused: bool, now: datetime) -> None:
        resource = self.runs_on
        if self.status == "RUNNING":
            if resource is not None and resource.status in FAILURES:
                self.fail(f"Resource {resource.id} is {resource.status}", now)
            else:
                self._work(positions[0], now)
        elif self._cascade(now):
            return
        elif self.blocked:
            self.status = "WAITING_ON_DEPENDENCIES"
        elif paused:
            self.status = "PAUSED"
        elif resource is not None and resource.status in FAILURES and self.cascades:
            self._end("CANCELED", now)
        elif positions[0] <= 0 or (resource is not None and resource.status != "RUNNING"):
            self.status = "WAITING_FOR_RUNNER"
        else:
            self._work(positions[0], now)

    def fail(self, error: str, now: datetime) -> None:
        """Let it fail for good: the attempt that runs, and every retry that is left."""
        while not self.terminal:
            self._fail_attempt(error, now)

    def _work(self, position: float, now: datetime) -> None:
        if self.status != "RUNNING":
            self.status, self.started = "RUNNING", now
            self._start_attempt(now)
        parts = min(self._to_fail + 1, self._tries)
        due = parts if position >= 1 else 1 + int(position * parts)
        while len(self.attempts) - self._earlier < due:
            self._fail_attempt("The attempt was asked to fail", now)
        if self._timeout is not None and now - self.attempts[-1].started > self._timeout:
            self._fail_attempt(f"The attempt took longer than {self._timeout}", now)
        if position >= 1 and not self.terminal:
            if self._to_fail >= self._tries:
                self._fail_attempt("The attempt was asked to fail", now)
            else:
                self._end("FINISHED", now)

    def _fail_attempt(self, error: str, now: datetime) -> None:
        if self.status != "RUNNING":
            self.status, self.started = "RUNNING", now
            self._start_attempt(now)
        self.attempts[-1].end("FAILED", now, error)
        if len(self.attempts) - self._earlier < self._tries:
            self._start_attempt(now)
        else:
            self._end("FAILED", now)
