# SPDX-License-Identifier: Apache-2.0

"""The places of a task's jobs: the current one, and those from before its Region or connection changed."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs._once.identity import Identity, Place
from airflow_provider_jobs.exceptions import JobError, JobNotFoundError, JobUnavailableError

if TYPE_CHECKING:
    from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
    from airflow_provider_jobs._once.evidence import SeenJob
    from airflow_provider_jobs.hooks._spec import HookSpec
    from airflow_provider_jobs.hooks.base import JobHook
    from airflow_provider_jobs.operators.start import StartJobOperator

__all__ = ["Places"]


class Places:
    """Finds a task's jobs in all places where its attempts were made.

    :param operator: the operator, whose hook is the one of the current place.
    :param identity: the task instance.
    """

    def __init__(self, operator: StartJobOperator[Any], identity: Identity) -> None:
        self._operator = operator
        self._identity = identity
        self.here: Place = Place(operator.hook.conn_region_name, operator.aws_conn_id)
        self._hooks: dict[Place, JobHook] = {self.here: operator.hook}

    def hook(self, place: Place | None) -> JobHook:
        """Return the hook for a place; for None, the operator's own."""
        place = place or self.here
        if place not in self._hooks:
            self._hooks[place] = self._operator.aws_hook_class(**self._parameters(place))
        return self._hooks[place]

    def spec(self, place: Place | None) -> HookSpec:
        """Return a description of the hook for a place, for the triggerer."""
        place = place or self.here
        return self._operator._encoded(region_name=place.region, aws_conn_id=place.connection)

    def told(self, place: Place | None) -> str:
        """Return a suffix for a job's name that says where it is; empty for the current place."""
        return f" in {place}" if place is not None and place != self.here else ""

    def now(self) -> datetime | None:
        """Return AWS's time from any of the hooks; None if none knows it."""
        return next((now for hook in self._hooks.values() if (now := hook.clock.now())), None)

    def see(self, log: AttemptLog, request: Any) -> list[SeenJob]:
        """Return every job that may be the task's, from all places where it made attempts.

        :raises JobError: if AWS cannot be asked in one of them.
        """
        near = _of_region(log, self.here.region)
        jobs: list[SeenJob] = self._operator.hook.see_jobs(self._identity, near, request)
        shown = {job.job_id for job in jobs}
        for place in dict.fromkeys(attempt.place for attempt in log.attempts):
            if place is not None and place != self.here:
                # Another connection may lead to the same account, whose jobs were already seen.
                known = shown if place.region == self.here.region else ()
                found = self._elsewhere(place, log, request)
                jobs += [replace(job, place=place) for job in found if job.job_id not in known]
        return jobs

    def _elsewhere(self, place: Place, log: AttemptLog, request: Any) -> list[SeenJob]:
        groups: dict[tuple[str, str], list[Attempt]] = {}
        for attempt in log.attempts:
            if attempt.place == place:
                groups.setdefault((attempt.scope, attempt.given), []).append(attempt)
        found: dict[str, SeenJob] = {}
        for attempts in groups.values():
            hook = self.hook(place)
            earlier = hook.earlier_request(request, attempts[0])
            try:
                seen = hook.see_jobs(self._identity, replace(log, attempts=tuple(attempts)), earlier)
            except JobNotFoundError:
                # The resource that the job belonged to is gone, and the job with it.
                continue
            except JobError as error:
                raise JobUnavailableError(
                    f"An earlier attempt of this task was made in {place}, and now it runs in {self.here}. "
                    f"The status of that attempt's {hook.noun} cannot be read: {error} Keep the earlier "
                    "place reachable until it has ended.",
                ) from error
            found |= {job.job_id: job for job in seen}
        return list(found.values())

    def _parameters(self, place: Place) -> dict[str, Any]:
        parameters = self._operator._hook_parameters
        return {**parameters, "region_name": place.region, "aws_conn_id": place.connection}


def _of_region(log: AttemptLog, region: str) -> AttemptLog:
    """Return the log without the attempts that were made in other Regions."""
    attempts = [each for each in log.attempts if each.place is None or each.place.region == region]
    return replace(log, attempts=tuple(attempts))
