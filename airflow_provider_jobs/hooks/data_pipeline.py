# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline's activations as jobs."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.hooks.activations import ActivationId, PipelineLook
from airflow_provider_jobs.hooks.instances import InstancesHook, running
from airflow_provider_jobs.job import Attempt, JobKey, JobStatus, StartedJob

__all__ = ["DataPipelineHook"]

#: How often a refused call is made in all, where botocore is not told otherwise, and how often a new
#: activation is looked for; seconds in between.
_TRIES, _PAUSE = 3, 1.0
#: Seconds that a stop is waited for, and between looks.
_STOP_WAIT, _STOP_LOOK = 2.0, 0.5


class DataPipelineHook(InstancesHook):
    """Keeps pipelines and their definitions; activates, watches and deactivates them.

    https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/what-is-datapipeline.html

    A job is an activation, written ``df-…@2026-01-31T00:00:00``; see
    :class:`~airflow_provider_jobs.hooks.activations.ActivationId`. AWS accepts no new customers for the
    service. Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    def scope(self, request: Mapping[str, Any]) -> str:
        """Return the pipeline: activating it while it runs on demand would cancel what it runs."""
        pipeline_id: str = request["pipeline_id"]
        return pipeline_id

    def find_jobs(
        self, key: JobKey, request: Mapping[str, Any], attempts: Sequence[Attempt]
    ) -> list[StartedJob]:
        """Look at the activations in the ledger.

        One without an id was begun by a try that died. Its pipeline shows whether it took place: then the
        last activation is another than the one that was noted before.
        """
        names = {attempt.number: attempt.job_id for attempt in attempts if attempt.job_id}
        for attempt in attempts:
            if not attempt.job_id and attempt.before and (name := self._effect(attempt.before, request)):
                names[attempt.number] = name if name not in names.values() else ""
        found = _known(self.describe_jobs([name for name in names.values() if name]))
        return [
            StartedJob(attempt.key.generation, attempt.number, status)
            for attempt in sorted(attempts, key=lambda attempt: attempt.number)
            if (status := found.get(names.get(attempt.number) or ""))
        ]

    def prepare_start(self, attempt: Attempt, request: Mapping[str, Any]) -> Attempt:
        """Note the activation before, by which the new one will be known; wait for one that runs."""
        pipeline_id = request["pipeline_id"]
        objects = self.get_definition(pipeline_id)["objects"]
        on_demand = any(
            each["id"] == "Default" and str(each.get("scheduleType", "")).lower() == "ondemand"
            for each in objects
        )
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
        return replace(attempt, before=str(ActivationId(pipeline_id, look.activated)))

    def start_job(self, attempt: Attempt, request: Mapping[str, Any]) -> JobStatus:
        """Activate the pipeline; a call whose answer got lost is looked for and never repeated."""
        retries = getattr(self.conn_client_meta.config, "retries", None) or {}
        tries = retries.get("total_max_attempts") or _TRIES
        for left in reversed(range(tries)):
            try:
                self.activate_pipeline(
                    request["pipeline_id"], request["parameter_values"], request["start_timestamp"]
                )
                break
            except JobInputError as error:
                if "DEACTIVATING" in str(error):
                    raise JobQuotaError(str(error)) from error
                raise
            except JobApiError as error:
                if not error.transient or not left:
                    raise
                if error.in_doubt:
                    # It may have taken place, so it is never made again; a retry of the task looks again.
                    if job := self._begun(attempt, request):
                        return job
                    raise
                time.sleep(_PAUSE)
        if job := self._begun(attempt, request):
            return job
        raise JobApiError(
            f"Pipeline {request['pipeline_id']} was activated, but AWS does not show it yet. A retry looks "
            "for the activation and does not make another.",
            transient=True,
            in_doubt=True,
        )

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Look at all pipelines, and at the instances of those that moved or were not looked at for long.

        For an activation that is not looked at this time the last status is returned.
        """
        jobs = {job_id: ActivationId.parse(job_id) for job_id in job_ids}
        looks = self.describe_pipelines([job.pipeline_id for job in jobs.values()])
        return self.judged(jobs, looks)

    def stop_job(self, job_id: str, *, cancel_active: bool = True) -> bool:
        """Deactivate the pipeline, unless the activation is not its latest; wait a little for the effect.

        :param cancel_active: cancel what runs; else it goes on to its end.
        """
        job = ActivationId.parse(job_id)
        try:
            look = self.describe_pipeline(job.pipeline_id)
            if look.inactive or look.superseded(job):
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
        looks = self.describe_pipelines(self.list_pipelines())
        jobs = {
            pipeline_id: ActivationId(pipeline_id, "latest")
            for pipeline_id, look in looks.items()
            if isinstance(look, PipelineLook) and not look.inactive
        }
        return {
            status.job_id: pipeline_id
            for pipeline_id, status in _known(self.judged(jobs, looks)).items()
            if not status.state.ended
        }

    def _begun(self, attempt: Attempt, request: Mapping[str, Any]) -> JobStatus | None:
        """Look a few times whether the activation shows; a look that fails shows nothing."""
        for look in range(_TRIES):
            if look:
                time.sleep(_PAUSE)
            try:
                name = self._effect(attempt.before or "", request)
            except JobError as error:
                self.log.info(
                    "Pipeline %s was told to start; then a look failed: %s", request["pipeline_id"], error
                )
                continue
            if name:
                shown = PipelineLook(request["pipeline_id"], {"@pipelineState": "SCHEDULED"})
                return running(ActivationId.parse(name), shown)
        return None

    def _effect(self, before: str, request: Mapping[str, Any]) -> str | None:
        """Return the activation that followed the one noted before; None if none did."""
        last = ActivationId.parse(before)
        found = self.describe_pipelines([last.pipeline_id])[last.pipeline_id]
        if isinstance(found, JobNotFoundError) or found.activated in (None, last.time):
            return None
        until = ActivationId.of(last.pipeline_id, None, request["wait_until"]).until
        return str(ActivationId(last.pipeline_id, found.activated, until))


def _known(found: Mapping[str, JobStatus | Exception]) -> dict[str, JobStatus]:
    """Return the activations that are there.

    :raises Exception: the error of one that may be there all the same.
    """
    for each in found.values():
        if isinstance(each, Exception) and not isinstance(each, JobNotFoundError):
            raise each
    return {name: each for name, each in found.items() if isinstance(each, JobStatus)}


def _check_schedule(
    objects: Sequence[Mapping[str, Any]], on_demand: bool, request: Mapping[str, Any]
) -> None:
    pipeline_id = request["pipeline_id"]
    if on_demand:
        for name in ("start_timestamp", "wait_until"):
            if request[name] is not None:
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
    if endless and request["wait"] and request["wait_until"] is None:
        raise JobInputError(
            f"Pipeline {pipeline_id} never ends: schedule {', '.join(endless)} has neither endDateTime nor "
            "occurrences. Give wait_until to wait for what is scheduled before that time, or "
            "wait_for_completion=False."
        )
