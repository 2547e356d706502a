# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline's activations as jobs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, ClassVar

from airflow_provider_jobs._data_pipeline.activation import ActivationId, ActivationRequest
from airflow_provider_jobs._data_pipeline.client import PipelineClient, present
from airflow_provider_jobs._data_pipeline.definition import PipelineDefinition, parameter_values
from airflow_provider_jobs._data_pipeline.pipeline import PipelineLook
from airflow_provider_jobs._data_pipeline.rate_limiter import RATE_LIMITER, call_rate
from airflow_provider_jobs._data_pipeline.secrets import hide, secret_values
from airflow_provider_jobs._data_pipeline.starter import ActivationStarter
from airflow_provider_jobs._data_pipeline.stopper import ActivationStopper
from airflow_provider_jobs._data_pipeline.watcher import ActivationWatcher
from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.evidence import Marking, SeenJob
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs.exceptions import JobError, JobInputError
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobStatus

__all__ = ["ActivationRequest", "DataPipelineHook"]


class DataPipelineHook(JobHook):
    """Keeps pipelines and their definitions; activates, watches and deactivates them.

    https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/what-is-datapipeline.html

    A job is an activation, written ``df-…@2026-01-31T00:00:00``; see
    :class:`~airflow_provider_jobs._data_pipeline.activation.ActivationId`. AWS accepts no new customers for
    the service. Calls wait on this side so that a process keeps to 1 call a second of each kind, and 2 of
    queries. Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    service = "datapipeline"
    label = "AWS Data Pipeline"
    noun = "activation"
    marking = Marking.NONE
    quota = 100
    scope_quota = 1
    not_found_codes = frozenset({"PipelineNotFoundException", "PipelineDeletedException"})
    input_codes = frozenset({"InvalidRequestException"})
    # Every call makes AWS run the pipeline once more.
    unrepeatable = frozenset({"activate_pipeline"})
    advice: ClassVar[Mapping[str, str]] = {
        "PipelineNotFound": "Check the pipeline's id, the Region and the account of the connection.",
        "PipelineDeleted": "It cannot be brought back; create another pipeline.",
        "earlier than 1 day": "Give start_timestamp to say from when its schedule is to be followed.",
        "FINISHED state": "A finished pipeline takes no changes; create another one.",
    }

    #: The pipeline that is to be started, where it follows its schedule already.
    _scheduled: PipelineLook | None = None

    @property
    def _api(self) -> PipelineClient:
        return PipelineClient(self)

    def create_pipeline(
        self,
        name: str,
        unique_id: str,
        *,
        description: str | None = None,
        tags: Mapping[str, str] | None = None,
    ) -> str:
        """Create a pipeline, or find the one that was created with the same name and unique id.

        See :meth:`~airflow_provider_jobs._data_pipeline.client.PipelineClient.create_pipeline`.
        """
        return self._api.create_pipeline(name, unique_id, description=description, tags=tags)

    def put_definition(self, pipeline_id: str, definition: PipelineDefinition) -> dict[str, list[str]]:
        """Save a definition in place of the pipeline's earlier one; return AWS's warnings by object.

        See :meth:`~airflow_provider_jobs._data_pipeline.client.PipelineClient.put_definition`.
        """
        return self._api.put_definition(pipeline_id, definition)

    def validate_definition(
        self, pipeline_id: str, definition: PipelineDefinition
    ) -> dict[str, dict[str, list[str]]]:
        """Ask AWS what it thinks of a definition, without saving it.

        See :meth:`~airflow_provider_jobs._data_pipeline.client.PipelineClient.validate_definition`.
        """
        return self._api.validate_definition(pipeline_id, definition)

    def get_definition(self, pipeline_id: str, version: str = "latest") -> dict[str, Any]:
        """Return a pipeline's definition in the file format.

        See :meth:`~airflow_provider_jobs._data_pipeline.client.PipelineClient.get_definition`.
        """
        return self._api.get_definition(pipeline_id, version)

    def activate_pipeline(
        self,
        pipeline_id: str,
        values: Mapping[str, Any] | Sequence[Mapping[str, str]] | None = None,
        start_timestamp: datetime | None = None,
    ) -> None:
        """Activate a pipeline; a call that fails is not repeated, since each call runs it once more.

        See :meth:`~airflow_provider_jobs._data_pipeline.client.PipelineClient.activate_pipeline`.

        :param values: by parameter, where a list gives several, or in the API's form.
        """
        self._api.activate_pipeline(pipeline_id, parameter_values(values), start_timestamp)

    def deactivate_pipeline(self, pipeline_id: str, *, cancel_active: bool = True) -> None:
        """Deactivate a pipeline.

        See :meth:`~airflow_provider_jobs._data_pipeline.client.PipelineClient.deactivate_pipeline`.
        """
        self._api.deactivate_pipeline(pipeline_id, cancel_active=cancel_active)

    def delete_pipeline(self, pipeline_id: str) -> None:
        """Delete a pipeline for good; AWS tries to cancel what it runs.

        See :meth:`~airflow_provider_jobs._data_pipeline.client.PipelineClient.delete_pipeline`.
        """
        self._api.delete_pipeline(pipeline_id)

    def list_pipelines(self) -> dict[str, str]:
        """Return the names of the account's pipelines by their ids."""
        return self._api.list_pipelines()

    def describe_pipelines(self, pipeline_ids: Collection[str]) -> dict[str, PipelineLook | Exception]:
        """Look at pipelines, 25 in a call.

        See :meth:`~airflow_provider_jobs._data_pipeline.client.PipelineClient.describe_pipelines`.
        """
        return self._api.describe_pipelines(pipeline_ids)

    def describe_pipeline(self, pipeline_id: str) -> PipelineLook:
        """Look at one pipeline.

        :raises JobNotFoundError: if there is no such pipeline.
        """
        found = self.describe_pipelines([pipeline_id])[pipeline_id]
        if isinstance(found, Exception):
            raise found
        return found

    def query_objects(
        self, pipeline_id: str, sphere: str, **selectors: tuple[str, Sequence[str]]
    ) -> list[str]:
        """Return the ids of a pipeline's objects.

        See :meth:`~airflow_provider_jobs._data_pipeline.client.PipelineClient.query_objects`.
        """
        return self._api.query_objects(pipeline_id, sphere, **selectors)

    def describe_objects(self, pipeline_id: str, object_ids: Collection[str]) -> list[dict[str, Any]]:
        """Describe objects of a pipeline, 25 in a call; those that are unknown are left out."""
        return self._api.describe_objects(pipeline_id, object_ids)

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make one API call when its turn has come; an error quotes no secret that is sent.

        See :meth:`~airflow_provider_jobs.hooks.calls.ServiceCalls.call`.
        """
        kind = (self.aws_conn_id, self._region_name, operation)
        RATE_LIMITER.wait(kind, call_rate(operation))
        try:
            return super().call(operation, **parameters)
        except (JobError, JobInputError) as error:
            if secrets := secret_values(parameters):
                # Its cause may quote them too.
                error.args, error.__cause__ = (hide(str(error), secrets),), None
            raise

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
        there = present(looks)
        for pipeline_id in sorted(pipelines):
            if pipeline_id not in looks:
                raise self.unreadable("describe_pipelines", f"it leaves out {pipeline_id}")
            look = there.get(pipeline_id)
            if look and look.activated and (pipeline_id, look.activated) not in shown:
                until = request.wait_until if pipeline_id == request.pipeline_id else None
                latest = replace(ActivationId.of(pipeline_id, None, until), time=look.activated)
                jobs[str(latest)] = latest
        found = present(self.judged(jobs, looks))
        return [SeenJob(job_id, status.state, status.started_at) for job_id, status in found.items()]

    def prepare_start(self, request: ActivationRequest) -> None:
        """Check the schedule; where the pipeline runs on demand, wait for what it runs."""
        self._scheduled = ActivationStarter(self).check(request)

    def start_job(self, identity: Identity, attempt: Attempt, request: ActivationRequest) -> JobStatus:
        """Activate the pipeline, in one call that is never repeated after a lost answer.

        A pipeline that follows its schedule already is not activated a second time: its activation is the
        job, if its parameter values are those that are asked for.
        """
        if self._scheduled is not None:
            return ActivationStarter(self).follow(self._scheduled, request)
        return ActivationStarter(self).activate(attempt, request)

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

    def judged(
        self, jobs: Mapping[str, ActivationId], looks: Mapping[str, PipelineLook | Exception]
    ) -> dict[str, JobStatus | Exception]:
        """Tell of each activation how it is, or the error that concerns it.

        See :meth:`~airflow_provider_jobs._data_pipeline.watcher.ActivationWatcher.judged`.
        """
        return ActivationWatcher(self).judged(jobs, looks)

    def stop_job(self, job_id: str, *, cancel_active: bool = True) -> bool:
        """Deactivate the pipeline, unless the activation is not its latest; wait a little for the effect.

        :param cancel_active: cancel what runs; else it goes on to its end.
        """
        return ActivationStopper(self).stop(job_id, cancel_active=cancel_active)

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """Return the activations that are at work, each with its pipeline."""
        looks = present(self.describe_pipelines(self.list_pipelines()))
        jobs = {
            pipeline_id: ActivationId(pipeline_id, "latest")
            for pipeline_id, look in looks.items()
            if not look.inactive
        }
        return {
            status.job_id: pipeline_id
            for pipeline_id, status in present(self.judged(jobs, looks)).items()
            if not status.state.ended
        }
