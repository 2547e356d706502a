# SPDX-License-Identifier: Apache-2.0

"""The start of an activation: what is checked before it, the one call, and how AWS shows what it began."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs._data_pipeline.activation import ActivationId, ActivationRequest, read_time
from airflow_provider_jobs._data_pipeline.client import PipelineClient, present
from airflow_provider_jobs._data_pipeline.pipeline import PipelineLook
from airflow_provider_jobs._data_pipeline.schedule import endless_schedules, is_on_demand, schedules_over
from airflow_provider_jobs._data_pipeline.status import running
from airflow_provider_jobs._once.attempt_log import Attempt
from airflow_provider_jobs.exceptions import (
    JobError,
    JobInputError,
    JobOutcomeUnknownError,
    JobQuotaError,
    JobUnavailableError,
)
from airflow_provider_jobs.job import JobStatus

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook

__all__ = ["ActivationStarter"]

#: How often a refused call is made in all, where botocore is not told otherwise; seconds in between.
_TRIES, _PAUSE = 3, 1.0
#: Seconds in which AWS shows an activation that it has accepted.
_SHOWN = 60.0
#: Seconds in which AWS shows another's activation that made it refuse this one, and between polls.
_OTHER_SHOWN, _OTHER_PAUSE = 2.0, 0.5
#: How far two of AWS's own clocks may be apart, whose times are cut to whole seconds.
_APART = timedelta(seconds=1)


class ActivationStarter:
    """Activates a pipeline, at most once for each attempt.

    :param hook: makes the calls.
    """

    def __init__(self, hook: DataPipelineHook) -> None:
        self._hook = hook

    def check(self, request: ActivationRequest) -> PipelineLook | None:
        """Check the schedule; where the pipeline runs on demand, wait for what it runs.

        :return: the pipeline, if it follows its schedule already.
        :raises JobQuotaError: if the pipeline cannot be activated yet.
        :raises JobInputError: if the request does not fit the pipeline.
        """
        pipeline_id = request.pipeline_id
        objects = self._hook.get_definition(pipeline_id)["objects"]
        on_demand = is_on_demand(objects)
        _check_schedule(objects, on_demand, request)
        self._warn_if_over(objects, request)
        look = self._hook.describe_pipeline(pipeline_id)
        if look.state == "DEACTIVATING":
            raise JobQuotaError(f"Pipeline {pipeline_id} is being deactivated and cannot be activated yet.")
        if on_demand and not look.inactive:
            latest = self._hook.judged({"latest": ActivationId(pipeline_id, "latest")}, {pipeline_id: look})
            last = present(latest).get("latest")
            if last and not last.state.ended:
                raise JobQuotaError(
                    f"Pipeline {pipeline_id} runs on demand what was activated at {look.activated}; to "
                    "activate it now would cancel that."
                )
        return None if on_demand or look.inactive else look

    def _warn_if_over(self, objects: Sequence[Mapping[str, Any]], request: ActivationRequest) -> None:
        if request.start_timestamp and (over := schedules_over(objects, request.start_timestamp)):
            ends = ", ".join(f"{name} ended at {end.isoformat()}" for name, end in over.items())
            self._hook.log.warning(
                "Pipeline %s has nothing to run from start_timestamp on: schedule %s. It may take minutes "
                "until AWS shows that.",
                request.pipeline_id,
                ends,
            )

    def activate(self, attempt: Attempt, request: ActivationRequest) -> JobStatus:
        """Activate the pipeline, in one call that is never repeated after a lost answer.

        :return: the activation, as soon as AWS shows it.
        :raises JobQuotaError: if the pipeline cannot be activated yet.
        :raises JobInputError: if AWS will never accept the request.
        :raises JobApiError: for any other failure; a :class:`JobOutcomeUnknownError` if the pipeline may have
            been activated.
        """
        client = PipelineClient(self._hook)
        retries = getattr(self._hook.conn_client_meta.config, "retries", None) or {}
        tries = retries.get("total_max_attempts") or _TRIES
        for left in reversed(range(tries)):
            try:
                client.activate_pipeline(
                    request.pipeline_id, request.parameter_values, request.start_timestamp
                )
                break
            except JobInputError as error:
                if "DEACTIVATING" in str(error) or self._overtaken(attempt, request.pipeline_id):
                    raise JobQuotaError(str(error)) from error
                raise
            except JobOutcomeUnknownError:
                raise
            except JobUnavailableError:
                if not left:
                    raise
                time.sleep(_PAUSE)
        return self._begun(attempt, request)

    def _overtaken(self, attempt: Attempt, pipeline_id: str) -> bool:
        """Whether another's activation runs that was not there at the checks; AWS may show it a bit late."""
        deadline = time.monotonic() + _OTHER_SHOWN
        while True:
            if _is_new(self._hook.describe_pipeline(pipeline_id).activated, attempt, pipeline_id):
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_OTHER_PAUSE)

    def _begun(self, attempt: Attempt, request: ActivationRequest) -> JobStatus:
        """Return the activation that AWS has accepted, as soon as AWS shows it."""
        pipeline_id = request.pipeline_id
        answered = self._hook.clock.now()
        deadline = time.monotonic() + _SHOWN
        while True:
            try:
                activated = self._hook.describe_pipeline(pipeline_id).activated
            except JobError as error:
                self._hook.log.info("Pipeline %s was activated; then a poll failed: %s", pipeline_id, error)
                activated = None
            if activated and _is_new(activated, attempt, pipeline_id):
                break
            if time.monotonic() >= deadline:
                raise JobOutcomeUnknownError(
                    f"Pipeline {pipeline_id} was activated, but AWS does not show it yet. A retry looks for "
                    "the activation before it makes another.",
                )
            time.sleep(_PAUSE)
        at = read_time(activated)
        if (at and answered and at > answered + _APART) or not self._has_values(pipeline_id, request):
            raise JobOutcomeUnknownError(
                f"Pipeline {pipeline_id} was activated, and then once more by somebody else, at {activated}; "
                "AWS shows only the latter. A retry waits for its end.",
            )
        return self._running(pipeline_id, activated, request)

    def follow(self, look: PipelineLook, request: ActivationRequest) -> JobStatus:
        """Return the activation of a pipeline that follows its schedule already, if its values fit.

        :param look: what :meth:`check` has returned.
        :raises JobInputError: if it was activated with other values.
        """
        if not look.activated or not self._has_values(look.pipeline_id, request):
            names = ", ".join(sorted(each["id"] for each in request.parameter_values or ()))
            raise JobInputError(
                f"Pipeline {look.pipeline_id} follows its schedule already, with other parameter values "
                f"({names}). Deactivate it first, or leave parameter_values out."
            )
        self._hook.log.info(
            "Pipeline %s follows its schedule since %s; it is not activated again, and not stopped with "
            "this task.",
            look.pipeline_id,
            look.activated,
        )
        return replace(self._running(look.pipeline_id, look.activated, request), shared=True)

    def _has_values(self, pipeline_id: str, request: ActivationRequest) -> bool:
        """Whether a pipeline was activated with the values that are asked for; so without any, it was."""
        wanted = {each["id"]: each["stringValue"] for each in request.parameter_values or ()}
        if not wanted:
            return True
        active = self._hook.get_definition(pipeline_id, "active").get("values", {})
        return all(active.get(name) == value for name, value in wanted.items())

    def _running(self, pipeline_id: str, activated: str, request: ActivationRequest) -> JobStatus:
        until = ActivationId.of(pipeline_id, None, request.wait_until).until
        shown = PipelineLook(pipeline_id, {"@pipelineState": "SCHEDULED"})
        return running(ActivationId(pipeline_id, activated, until), shown)


def _is_new(activated: str | None, attempt: Attempt, pipeline_id: str) -> bool:
    """Whether an activation was not there when an attempt looked, by its time."""
    at = read_time(activated)
    known = {
        job.time for each in attempt.before if (job := ActivationId.parse(each)).pipeline_id == pipeline_id
    }
    stale = at is not None and attempt.at is not None and at < attempt.at - _APART
    return at is not None and activated not in known and not stale


def _check_schedule(
    objects: Sequence[Mapping[str, Any]], on_demand: bool, request: ActivationRequest
) -> None:
    pipeline_id = request.pipeline_id
    if on_demand:
        for name in ("start_timestamp", "wait_until"):
            if getattr(request, name) is not None:
                raise JobInputError(
                    f"{name} is given, but pipeline {pipeline_id} runs on demand, not by a schedule. "
                    f"Leave {name} out."
                )
        return
    endless = endless_schedules(objects)
    if endless and request.wait and request.wait_until is None:
        raise JobInputError(
            f"Pipeline {pipeline_id} never ends: schedule {', '.join(endless)} has neither endDateTime nor "
            "occurrences. Give wait_until to wait for what is scheduled before that time, or "
            "wait_for_completion=False."
        )
