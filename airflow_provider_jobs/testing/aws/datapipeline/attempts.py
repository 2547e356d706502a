# SPDX-License-Identifier: Apache-2.0

"""The attempts of instances that are tried: those of activities and of resources.

Their fields are those of AWS's examples:
https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PollForTask.html for an attempt; of an
instance, what AWS's command line is tested with has ``@headAttempt``, ``@attemptCount`` and ``@triesLeft``.
"""

from __future__ import annotations

from datetime import datetime

from airflow_provider_jobs.testing.aws.datapipeline.definition import Definition, Interval
from airflow_provider_jobs.testing.aws.datapipeline.instances import Field, Instance, ref, string

#: AWS's own number of retries.
MAXIMUM_RETRIES = 2


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


class TriedInstance(Instance):
    """One activity or resource in one interval; see :class:`Instance`."""

    def __init__(self, definition: Definition, component: str, interval: Interval, version: int) -> None:
        super().__init__(definition, component, interval, version)
        self.attempts: list[Attempt] = []
        self._tries = 1 + int(definition.value_of(component, "maximumRetries") or MAXIMUM_RETRIES)
        self._earlier = 0

    def reset(self) -> None:
        """Make it ready to run once more; earlier attempts stay and do not count as tries."""
        super().reset()
        self._earlier = len(self.attempts)

    def fields(self, evaluate: bool) -> list[Field]:
        """Its fields as DescribeObjects gives them; see :meth:`Instance.fields`."""
        fields = super().fields(evaluate)
        fields.append(string("@attemptCount", len(self.attempts)))
        fields.append(string("@triesLeft", self._tries - len(self.attempts) + self._earlier))
        if self.attempts:
            fields.append(ref("@headAttempt", self.attempts[-1].id))
        return fields

    def attempt_fields(self, attempt: Attempt, evaluate: bool) -> list[Field]:
        """The fields of one of its attempts."""
        common = [*self._common("ATTEMPT"), ref("@instanceParent", self.id)]
        return common + self._inherited(evaluate) + attempt.fields()

    def _start_attempt(self, now: datetime) -> None:
        self.attempts.append(Attempt(f"{self.id}_Attempt={len(self.attempts) + 1}", now))

    def _end(self, status: str, now: datetime) -> None:
        if self.attempts and self.attempts[-1].ended is None:
            self.attempts[-1].end(status, now)
        super()._end(status, now)
