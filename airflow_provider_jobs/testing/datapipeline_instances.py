# SPDX-License-Identifier: Apache-2.0

"""Instances of a pipeline's activities, and their attempts.

Models https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-how-tasks-scheduled.html.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeAlias

from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.datapipeline_definition import Definition, Interval, parse_period, stamp

#: The quota that lets the first so many attempts of every instance fail, of runs started from now on.
FAILED_ATTEMPTS = "datapipeline-failed-attempts"

#: AWS's own number of retries of an activity.
MAXIMUM_RETRIES = 2

FAILURES = ("FAILED", "CASCADE_FAILED", "CANCELED")
TERMINAL = ("FINISHED", "SKIPPED", *FAILURES)

#: A field of an object, as the API has it: a key, and a stringValue or a refValue.
Field: TypeAlias = dict[str, str]


def string(key: str, value: str | int | datetime) -> Field:
    """Make a field that holds a value."""
    return {"key": key, "stringValue": stamp(value) if isinstance(value, datetime) else str(value)}


def ref(key: str, object_id: str) -> Field:
    """Make a field that refers to another object."""
    return {"key": key, "refValue": object_id}


class Attempt:
    """One try of an instance.

    :param object_id: the id of the attempt
    :param started: aware, UTC
    """

    def __init__(self, object_id: str, started: datetime) -> None:
        self.id = object_id
        self.started = started
        self.ended: datetime | None = None
        self.status = "RUNNING"
        self.error: str | None = None

    def end(self, status: str, now: datetime, error: str | None = None) -> None:
        """End the attempt.

        :param error: why it failed
        """
        self.status, self.ended, self.error = status, now, error

    def fields(self) -> list[Field]:
        """The fields that only an attempt has."""
        fields = [string("@status", self.status), string("@actualStartTime", self.started)]
        if self.ended is not None:
            fields.append(string("@actualEndTime", self.ended))
        if self.error is not None:
            trace = f"amazonaws.datapipeline.taskrunner.TaskExecutionException: {self.error}"
            fields += [
                string("errorId", "ActivityFailed:SystemException"),
                string("errorMessage", self.error),
                string("errorStackTrace", trace),
            ]
        return fields


class Instance:
    """One activity in one interval.

    :param definition: the definition that was activated
    :param activity: the activity's id
    :param interval: the interval of its schedule; on demand, the time of the activation
    :param version: of the definition
    """

    def __init__(self, definition: Definition, activity: str, interval: Interval, version: int) -> None:
        self.id = f"@{activity}_{stamp(interval.start)}"
        self.activity = activity
        self.interval = interval
        self.level = definition.levels[activity]
        self.waits_for: list[Instance] = []
        #: Whether its interval has come: until then the API does not show it.
        self.born = False
        self.status = "WAITING_ON_DEPENDENCIES"
        self.attempts: list[Attempt] = []
        self.cascade_failed_on: list[Instance] = []
        self.started: datetime | None = None
        self.ended: datetime | None = None
        self._definition = definition
        self._version = version
        self.cascades = (definition.value_of(activity, "failureAndRerunMode") or "").lower() == "cascade"
        self._timeout = parse_period(definition.value_of(activity, "attemptTimeout") or "")
        self._tries = 1 + int(definition.value_of(activity, "maximumRetries") or MAXIMUM_RETRIES)
        self._to_fail = CONTROL.quota(FAILED_ATTEMPTS, 0)
        self._earlier = 0

    @property
    def parameters(self) -> dict[str, str]:
        """The values of the parameters that it runs with."""
        return self._definition.parameter_values

    @property
    def terminal(self) -> bool:
        """Whether it has come to an end, good or bad."""
        return self.status in TERMINAL

    @property
    def ready(self) -> bool:
        """Whether it runs, or would if it were its turn."""
        return self.status in ("RUNNING", "WAITING_FOR_RUNNER")

    @property
    def blocked(self) -> bool:
        """Whether it has to wait for others."""
        return any(other.status not in ("FINISHED", "SKIPPED") for other in self.waits_for)

    def update(self, position: float, paused: bool, now: datetime) -> None:
        """Bring the instance up to date.

        :param position: the way it has gone, from 0.0 to 1.0; below 0.0 it is not its turn yet
        :param paused: whether its component is paused, so that it must not start
        """
        if self.terminal:
            return
        broken = [other for other in self.waits_for if other.status in FAILURES]
        if self.status == "RUNNING":
            self._work(position, now)
        elif broken and self.cascades:
            self.cascade_failed_on = [*broken[0].cascade_failed_on, broken[0]]
            self._end("CASCADE_FAILED", now)
        elif self.blocked:
            self.status = "WAITING_ON_DEPENDENCIES"
        elif paused:
            self.status = "PAUSED"
        elif position <= 0:
            self.status = "WAITING_FOR_RUNNER"
        else:
            self._work(position, now)

    def fail(self, error: str, now: datetime) -> None:
        """Let it fail for good: the attempt that runs, and every retry that is left."""
        while not self.terminal:
            self._fail_attempt(error, now)

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
        """Make it ready to run once more; earlier attempts stay and do not count as tries."""
        self.status = "WAITING_ON_DEPENDENCIES"
        self.started = self.ended = None
        self.cascade_failed_on = []
        self._earlier = len(self.attempts)

    def fields(self, evaluate: bool) -> list[Field]:
        """Its fields as DescribeObjects gives them.

        :param evaluate: whether expressions are to be evaluated
        """
        fields = self._common("INSTANCE", self.activity) + self._inherited(evaluate)
        fields += [string("@status", self.status), string("@attemptCount", len(self.attempts))]
        fields.append(string("@triesLeft", self._tries - len(self.attempts) + self._earlier))
        fields += [ref("@waitingOn", other.id) for other in self.waits_for if not other.terminal]
        fields += [ref("@cascadeFailedOn", other.id) for other in self.cascade_failed_on]
        if self.attempts:
            fields.append(ref("@headAttempt", self.attempts[-1].id))
        if self.started is not None:
            fields.append(string("@actualStartTime", self.started))
        if self.ended is not None:
            fields.append(string("@actualEndTime", self.ended))
        return fields

    def attempt_fields(self, attempt: Attempt, evaluate: bool) -> list[Field]:
        """The fields of one of its attempts."""
        return self._common("ATTEMPT", self.id) + self._inherited(evaluate) + attempt.fields()

    def _common(self, sphere: str, parent: str) -> list[Field]:
        return [
            string("@sphere", sphere),
            ref("parent", parent),
            ref("@componentParent", self.activity),
            string("@version", self._version),
            string("@scheduledStartTime", self.interval.start),
            string("@scheduledEndTime", self.interval.end),
        ]

    def _inherited(self, evaluate: bool) -> list[Field]:
        instances = {other.activity: other.id for other in self.waits_for}
        fields = []
        for field in self._definition.by_id[self.activity]["fields"]:
            if "refValue" not in field:
                text = field["stringValue"]
                fields.append(string(field["key"], self._definition.evaluate(text) if evaluate else text))
            elif field["key"] != "parent":
                fields.append(ref(field["key"], instances.get(field["refValue"], field["refValue"])))
        return fields

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

    def _start_attempt(self, now: datetime) -> None:
        self.attempts.append(Attempt(f"{self.id}_Attempt={len(self.attempts) + 1}", now))

    def _fail_attempt(self, error: str, now: datetime) -> None:
        if self.status != "RUNNING":
            self.status, self.started = "RUNNING", now
            self._start_attempt(now)
        self.attempts[-1].end("FAILED", now, error)
        if len(self.attempts) - self._earlier < self._tries:
            self._start_attempt(now)
        else:
            self._end("FAILED", now)

    def _end(self, status: str, now: datetime) -> None:
        if self.status == "RUNNING" and self.attempts[-1].ended is None:
            self.attempts[-1].end(status, now)
        self.status, self.ended = status, now
