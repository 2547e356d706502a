# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline's activations as jobs."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

from airflow_provider_jobs.data_pipeline.activation import (
    ActivationId,
    ActivationRequest,
    PipelineLook,
    read_time,
)
from airflow_provider_jobs.data_pipeline.definition import parameter_values
from airflow_provider_jobs.data_pipeline.status import SETTLES
from airflow_provider_jobs.data_pipeline.watcher import InstancesHook, running
from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs.once.evidence import SeenJob
from airflow_provider_jobs.once.identity import Identity

__all__ = ["ActivationRequest", "DataPipelineHook"]

T = TypeVar("T")

#: How often a refused call is made in all, where botocore is not told otherwise; seconds in between.
_TRIES, _PAUSE = 3, 1.0
#: Seconds in which AWS shows an activation that it has accepted.
_SHOWN = 60.0
#: How far two of AWS's own clocks may be apart, whose times are cut to whole seconds.
_APART = timedelta(seconds=1)
#: Seconds that a stop is waited for, and between looks.
_STOP_WAIT, _STOP_LOOK = 2.0, 0.5


class DataPipelineHook(InstancesHook):
    """Keeps pipelines and their definitions; activates, watches and deactivates them.

    https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/what-is-datapipeline.html

    A job is an activation, written ``df-…@2026-01-31T00:00:00``; see
    :class:`~airflow_provider_jobs.data_pipeline.activation.ActivationId`. AWS accepts no new customers for
    the service. Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    #: The pipeline that is to be started, where it follows its schedule already.
    _scheduled: PipelineLook | None = None

    def scope(self, request: ActivationRequest) -> str:
        """Return the pipeline: activating it while it runs on demand would cancel what it runs."""
        return request.pipeline_id

    def earlier_request(self, request: ActivationRequest, attempt: Attempt) -> ActivationRequest:
        """Return the request for the attempt's pipeline."""
        return replace(request, pipeline_id=attempt.scope)

    def see_jobs(self, identity: Identity, log: AttemptLog, request: ActivationRequest) -> list[SeenJob]:
        """Return the activations in the log, and the latest one of each of their pipelines."""
        known = {attempt.job_id for attempt in log.attempts if attempt.job_id}
        pipelines = {request.pipeline_id, *(attempt.scope for attempt in log.attempts)}
        looks = self.describe_pipelines(
            [*pipelines, *(ActivationId.parse(each).pipeline_id for each in known)]
        )
        mine = looks.get(request.pipeline_id)
        if not isinstance(mine, PipelineLook):
            raise mine or self.unreadable("describe_pipelines", f"it leaves out {request.pipeline_id}")
        jobs = {job_id: ActivationId.parse(job_id) for job_id in known}
        shown = {(job.pipeline_id, job.time) for job in jobs.values()}
        there = _known(looks)
        for pipeline_id in sorted(pipelines):
            if pipeline_id not in looks:
                raise self.unreadable("describe_pipelines", f"it leaves out {pipeline_id}")
            look = there.get(pipeline_id)
            if look and look.activated and (pipeline_id, look.activated) not in shown:
                until = request.wait_until if pipeline_id == request.pipeline_id else None
                latest = replace(ActivationId.of(pipeline_id, None, until), time=look.activated)
                jobs[str(latest)] = latest
        found = _known(self.judged(jobs, looks))
        return [SeenJob(job_id, status.state, status.started_at) for job_id, status in found.items()]

    def prepare_start(self, request: ActivationRequest) -> None:
        """Check the schedule; where the pipeline runs on demand, wait for what it runs."""
        pipeline_id = request.pipeline_id
        objects = self.get_definition(pipeline_id)["objects"]
        on_demand = _on_demand(objects)
        _check_schedule(objects, on_demand, request)
        look = self.describe_pipeline(pipeline_id)
        if look.state == "DEACTIVATING":
            raise JobQuotaError(f"Pipeline {pipeline_id} is being deactivated and cannot be activated yet.")
        if on_demand and not look.inactive:
            latest = self.judged({"latest": ActivationId(pipeline_id, "latest")}, {pipeline_id: look})
            last = _known(latest).get("latest")
            if last and not last.state.ended:
                raise JobQuotaError(
                    f"Pipeline {pipeline_id} runs on demand what was activated at {look.activated}; to "
                    "activate it now would cancel that."
                )
        self._scheduled = None if on_demand or look.inactive else look

    def start_job(self, identity: Identity, attempt: Attempt, request: ActivationRequest) -> JobStatus:
        """Activate the pipeline, in one call that is never repeated after a lost answer.

        A pipeline that follows its schedule already is not activated a second time: its activation is the
        job, if its parameter values are those that are asked for.
        """
        if self._scheduled is not None:
            return self._followed(self._scheduled, request)
        retries = getattr(self.conn_client_meta.config, "retries", None) or {}
        tries = retries.get("total_max_attempts") or _TRIES
        for left in reversed(range(tries)):
            try:
                self.activate_pipeline(request.pipeline_id, request.parameter_values, request.start_timestamp)
                break
            except JobInputError as error:
                if "DEACTIVATING" in str(error) or self._overtaken(attempt, request.pipeline_id):
                    raise JobQuotaError(str(error)) from error
                raise
            except JobApiError as error:
                if not error.transient or error.in_doubt or not left:
                    raise
                time.sleep(_PAUSE)
        return self._begun(attempt, request)

    def _overtaken(self, attempt: Attempt, pipeline_id: str) -> bool:
        """Whether another's activation runs that was not there at the checks; AWS may show it a bit late."""
        deadline = time.monotonic() + _STOP_WAIT
        while True:
            if _is_new(self.describe_pipeline(pipeline_id).activated, attempt, pipeline_id):
                return True
            if time.monotonic() >= deadline:
                return False
            time.sleep(_STOP_LOOK)

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Look at all pipelines, and at the instances of those that moved or were not looked at for long.

        For an activation that is not looked at this time the last status is returned.
        """
        jobs: dict[str, ActivationId] = {}
        found: dict[str, JobStatus | Exception] = {}
        for job_id in job_ids:
            try:
                jobs[job_id] = ActivationId.parse(job_id)
            except JobInputError as error:
                found[job_id] = error
        looks = self.describe_pipelines([job.pipeline_id for job in jobs.values()])
        return found | self.judged(jobs, looks)

    def stop_job(self, job_id: str, *, cancel_active: bool = True) -> bool:
        """Deactivate the pipeline, unless the activation is not its latest; wait a little for the effect.

        :param cancel_active: cancel what runs; else it goes on to its end.
        """
        job = ActivationId.parse(job_id)
        try:
            look = self.describe_pipeline(job.pipeline_id)
            if look.superseded(job) or (look.inactive and _inactive_since(look, job)):
                return False
            if look.state != "DEACTIVATING":
                self.deactivate_pipeline(job.pipeline_id, cancel_active=cancel_active)
        except JobNotFoundError:
            return False
        deadline = time.monotonic() + (_STOP_WAIT if cancel_active else 0)
        try:
            while time.monotonic() < deadline and not self.describe_pipeline(job.pipeline_id).inactive:
                time.sleep(_STOP_LOOK)
        except JobError as error:
            self.log.info("Pipeline %s was told to stop; then a look failed: %s", job.pipeline_id, error)
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """Return the activations that are at work, each with its pipeline."""
        looks = _known(self.describe_pipelines(self.list_pipelines()))
        jobs = {
            pipeline_id: ActivationId(pipeline_id, "latest")
            for pipeline_id, look in looks.items()
            if not look.inactive
        }
        return {
            status.job_id: pipeline_id
            for pipeline_id, status in _known(self.judged(jobs, looks)).items()
            if not status.state.ended
        }

    def _begun(self, attempt: Attempt, request: ActivationRequest) -> JobStatus:
        """Return the activation that AWS has accepted, as soon as AWS shows it."""
        pipeline_id = request.pipeline_id
        answered = self.clock.now()
        deadline = time.monotonic() + _SHOWN
        while True:
            try:
                activated = self.describe_pipeline(pipeline_id).activated
            except JobError as error:
                self.log.info("Pipeline %s was activated; then a poll failed: %s", pipeline_id, error)
                activated = None
            if activated and _is_new(activated, attempt, pipeline_id):
                break
            if time.monotonic() >= deadline:
                raise JobApiError(
                    f"Pipeline {pipeline_id} was activated, but AWS does not show it yet. A retry looks for "
                    "the activation before it makes another.",
                    transient=True,
                    in_doubt=True,
                )
            time.sleep(_PAUSE)
        at = read_time(activated)
        if (at and answered and at > answered + _APART) or not self._has_values(pipeline_id, request):
            raise JobApiError(
                f"Pipeline {pipeline_id} was activated, and then once more by somebody else, at {activated}; "
                "AWS shows only the latter. A retry waits for its end.",
                transient=True,
                in_doubt=True,
            )
        return self._running(pipeline_id, activated, request)

    def _followed(self, look: PipelineLook, request: ActivationRequest) -> JobStatus:
        """Return the activation of a pipeline that follows its schedule, if its values fit."""
        if not look.activated or not self._has_values(look.pipeline_id, request):
            names = ", ".join(sorted(each["id"] for each in request.parameter_values or ()))
            raise JobInputError(
                f"Pipeline {look.pipeline_id} follows its schedule already, with other parameter values "
                f"({names}). Deactivate it first, or leave parameter_values out."
            )
        self.log.info(
            "Pipeline %s follows its schedule since %s; it is not activated again, and not stopped with "
            "this task.",
            look.pipeline_id,
            look.activated,
        )
        return replace(self._running(look.pipeline_id, look.activated, request), shared=True)

    def _has_values(self, pipeline_id: str, request: ActivationRequest) -> bool:
        """Whether a pipeline was activated with the values that are asked for; so without any, it was."""
        wanted = {
            each["id"]: each["stringValue"] for each in parameter_values(request.parameter_values) or ()
        }
        if not wanted:
            return True
        active = self.get_definition(pipeline_id, "active").get("values", {})
        return all(active.get(name) == value for name, value in wanted.items())

    def _running(self, pipeline_id: str, activated: str, request: ActivationRequest) -> JobStatus:
        until = ActivationId.of(pipeline_id, None, request.wait_until).until
        shown = PipelineLook(pipeline_id, {"@pipelineState": "SCHEDULED"})
        return running(ActivationId(pipeline_id, activated, until), shown)


def _inactive_since(look: PipelineLook, job: ActivationId) -> bool:
    """Whether an inactive state is certainly that after an activation.

    AWS shows a new activation beside the state from before it for a while.
    """
    since = read_time(look.activated if job.time in (None, "latest") else job.time)
    if since is None:
        return True
    if look.finished is not None and look.finished > since:
        return True
    return look.at is not None and look.at - since >= timedelta(seconds=SETTLES)


def _is_new(activated: str | None, attempt: Attempt, pipeline_id: str) -> bool:
    """Whether an activation was not there when an attempt looked, by its time."""
    at = read_time(activated)
    known = {
        job.time for each in attempt.before if (job := ActivationId.parse(each)).pipeline_id == pipeline_id
    }
    stale = at is not None and attempt.at is not None and at < attempt.at - _APART
    return at is not None and activated not in known and not stale


def _on_demand(objects: Sequence[Mapping[str, Any]]) -> bool:
    return any(
        each["id"] == "Default" and str(each.get("scheduleType", "")).lower() == "ondemand"
        for each in objects
    )


def _known(found: Mapping[str, T | Exception]) -> dict[str, T]:
    """Return the pipelines or activations that are there.

    :raises Exception: the error of one that may be there all the same.
    """
    for each in found.values():
        if isinstance(each, Exception) and not isinstance(each, JobNotFoundError):
            raise each
    return {name: each for name, each in found.items() if not isinstance(each, Exception)}


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
    endless = [
        each["id"]
        for each in objects
        if each.get("type") == "Schedule" and not (each.get("endDateTime") or each.get("occurrences"))
    ]
    if endless and request.wait and request.wait_until is None:
        raise JobInputError(
            f"Pipeline {pipeline_id} never ends: schedule {', '.join(endless)} has neither endDateTime nor "
            "occurrences. Give wait_until to wait for what is scheduled before that time, or "
            "wait_for_completion=False."
        )
