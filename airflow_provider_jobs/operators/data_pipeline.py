# SPDX-License-Identifier: Apache-2.0

"""Create Data Pipeline's pipelines, define, activate, deactivate and delete them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs._data_pipeline.activation import ActivationRequest, checked_pipeline_id, job_ids
from airflow_provider_jobs._data_pipeline.definition import parameter_values, pipeline_tags
from airflow_provider_jobs._data_pipeline.lineage import pipeline_lineage
from airflow_provider_jobs._data_pipeline.secrets import MasksSecrets
from airflow_provider_jobs._once.mark import name_prefix
from airflow_provider_jobs.aws import AwsOperator, aws_template_fields
from airflow_provider_jobs.exceptions import JobInputError, JobNotFoundError
from airflow_provider_jobs.hooks._classes import DataPipelineHook
from airflow_provider_jobs.job import JobStatus, one_line
from airflow_provider_jobs.lineage import Lineage, TellsPipeline
from airflow_provider_jobs.operator_parameters import (
    AwsOperatorParameters,
    JobOperatorParameters,
    StartJobParameters,
)
from airflow_provider_jobs.operators._context import identity
from airflow_provider_jobs.operators._context import life as life_of
from airflow_provider_jobs.operators._handed import AbsentIds, PushesIds
from airflow_provider_jobs.operators.if_empty import IfEmpty, nothing_done, read_if_empty
from airflow_provider_jobs.operators.put_definition import DataPipelinePutPipelineDefinitionOperator
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.operators.stop import StopJobOperator
from airflow_provider_jobs.parameters import Checked, JobReference, Reader, optional, text, truth
from airflow_provider_jobs.windows import optional_time

__all__ = [
    "DataPipelineActivatePipelineOperator",
    "DataPipelineCreatePipelineOperator",
    "DataPipelineDeactivatePipelineOperator",
    "DataPipelineDeletePipelineOperator",
    "DataPipelinePutPipelineDefinitionOperator",
]

_COLOR, _TEXT = "#ed7100", "#ffffff"
#: Characters in a pipeline's name and in its unique id.
_NAME_LIMIT = 1024


def _name(value: Any, name: str) -> str:
    given = text(value, name)
    if not 1 <= len(given) <= _NAME_LIMIT:
        raise JobInputError(f"{name}={given!r} must have 1 to {_NAME_LIMIT:,} characters.")
    return given


class DataPipelineCreatePipelineOperator(PushesIds, TellsPipeline, AwsOperator[DataPipelineHook]):
    """Create a pipeline, which is empty at first; a retry finds the one that an earlier try has created.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_CreatePipeline.html

    The result is a dictionary.

    :param pipeline_name: its name. (templated)
    :param unique_id: AWS creates one pipeline with the same name and unique id; by default there is one for
        each run of the task with its retries, and clearing the task creates another. (templated)
    :param description: up to 1,024 characters. (templated)
    :param tags: up to 10, as a dictionary or as the API's own list. (templated)
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    :result pipeline_id: the pipeline's id
    :result pipeline_name: its name
    :result unique_id: the id by which a retry finds it
    :raises JobInputError: for parameters that cannot work.
    :raises JobQuotaError: if the account has as many pipelines as it may.
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "description", "pipeline_name", "tags", "unique_id"
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "description": optional(text),
        "pipeline_name": _name,
        "tags": lambda value, _: pipeline_tags(value),
        "unique_id": optional(_name),
    }
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(
        self,
        *,
        pipeline_name: str | XComArg,
        unique_id: str | XComArg | None = None,
        description: str | XComArg | None = None,
        tags: Mapping[str, str | XComArg] | Sequence[Mapping[str, str | XComArg]] | XComArg | None = None,
        **kwargs: Unpack[AwsOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_name = pipeline_name
        self.unique_id = unique_id
        self.description = description
        self.tags = tags
        self.finish_parameters()

    def execute(self, context: Context) -> dict[str, Any]:
        """Create the pipeline or find it."""
        name, unique_id = self.read("pipeline_name"), self.read("unique_id")
        if unique_id is None:
            key, life = identity(context), life_of(context)
            unique_id = f"{name_prefix(key, 256)}{life.started}.{life.max_tries}"
        pipeline_id = self.hook.create_pipeline(
            name, unique_id, description=self.read("description"), tags=self.read("tags")
        )
        self._touched = (pipeline_id, "created")
        self.hand_on(context, {"pipeline_id": pipeline_id})
        self.log.info("Pipeline %s is %s.", one_line(name), pipeline_id)
        return {"pipeline_id": pipeline_id, "pipeline_name": name, "unique_id": unique_id}


class DataPipelineActivatePipelineOperator(MasksSecrets, StartJobOperator[DataPipelineHook]):
    """Activate a pipeline and wait for what it runs: exactly once in a run of the task and its retries.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_ActivatePipeline.html

    Every call would run the pipeline once more. So the task notes in Airflow's ``task_state_store`` (Airflow
    3.3 or later) which activation came before its own, and its own. After a lost answer an activation since
    may be the task's or another's: a retry waits for its end, then activates once more; below 3.3, it waits
    for whatever the pipeline runs. If another task's on-demand activation is running, this task waits for it.

    The activation has succeeded when all its instances are FINISHED or SKIPPED; it has failed when one
    ended otherwise and no other can go on, which includes those that wait for ever because
    ``failureAndRerunMode`` is not ``cascade``. To stop it is to deactivate the pipeline and to cancel what
    runs.

    The result, which the asset events of ``outlets`` have in their ``extra``, is a dictionary; times are
    ISO 8601 strings in UTC.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param pipeline_id: the pipeline's id, or the create's or the put's ``.output``. (templated)
    :param parameter_values: values for this activation, by parameter, where a list gives several, or in the
        API's own form. (templated)
    :param start_timestamp: from when the schedule is followed: an aware datetime or an ISO 8601 string with
        an offset. Not for pipelines on demand. AWS refuses the first activation of a schedule that began
        more than a day ago unless this is given. (templated)
    :param wait_until: of a pipeline on a schedule, wait for this activation's instances that are scheduled
        before this time; when None, wait for the pipeline's end, which a schedule has to have then. A
        pipeline on demand ends with its activation. (templated)
    :param if_empty: what becomes of the task if its activation ends with nothing run, such as that of a
        schedule that is over: ``succeed`` with a warning, ``skip`` or ``fail``.
    :result pipeline_id: the pipeline's id
    :result activation_time: when the pipeline was activated
    :result until: the time of ``wait_until``; None without one
    :result state: ``FINISHED``, or what became of it otherwise
    :result instances: how many instances there are, by their status
    :result instances_done: how many of them have ended
    :result instances_total: how many there are
    :raises JobInputError: for parameters that cannot work, before the activation.
    :raises JobEndedError: if nothing was run and ``if_empty`` is ``fail``; without a retry.
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "parameter_values", "pipeline_id", "start_timestamp", "wait_until"
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"parameter_values": "json"}
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "parameter_values": lambda value, _: parameter_values(value),
        "pipeline_id": checked_pipeline_id,
        "start_timestamp": optional_time,
        "wait_until": optional_time,
    }
    _narrowing: ClassVar[frozenset[str]] = frozenset({"parameter_values", "start_timestamp", "wait_until"})
    if_empty = Checked(read_if_empty)
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(
        self,
        *,
        pipeline_id: JobReference,
        parameter_values: Mapping[str, Any] | Sequence[Mapping[str, str | XComArg]] | XComArg | None = None,
        start_timestamp: datetime | str | XComArg | None = None,
        wait_until: datetime | str | XComArg | None = None,
        if_empty: IfEmpty = "succeed",
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        self.parameter_values = parameter_values
        self.start_timestamp = start_timestamp
        self.wait_until = wait_until
        self.if_empty = if_empty
        self.finish_parameters()

    def job_request(self, context: Context) -> ActivationRequest:
        """Return the activation that is asked for, checked."""
        return ActivationRequest(
            pipeline_id=self.read("pipeline_id"),
            parameter_values=self.read("parameter_values"),
            wait=self.wait_for_completion,
            start_timestamp=self.read("start_timestamp"),
            wait_until=self.read("wait_until"),
        )

    def check_result(self, job: JobStatus) -> None:
        """Look whether anything was run.

        :raises AirflowSkipException: if nothing was and ``if_empty`` is ``skip``.
        :raises JobEndedError: if nothing was and ``if_empty`` is ``fail``.
        """
        # Where the event does not tell, as that of another release may, nothing is said.
        if job.details.get("instances_total", 1):
            return
        until = job.details.get("until")
        since = self.start_timestamp or "it"
        what = (
            f"Activation {job.job_id} has ended and ran nothing: the pipeline's schedule has no instance "
            f"from {since} on{f' and before {until}' if until else ''}."
        )
        advice = "Correct the schedule, start_timestamp or wait_until, then clear the task."
        nothing_done(self.if_empty, what, advice, self.log)

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the pipeline, and the activation by its time."""
        return job_ids(job.job_id)

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the folders and files of S3 that the pipeline's definition names."""
        definition = self.hook.get_definition(job.details["pipeline_id"], "active")
        values = {each["id"]: each["stringValue"] for each in self.read("parameter_values") or ()}
        # The DAG may have been changed while the task was deferred: AWS tells what it runs with.
        return pipeline_lineage(definition, {**values, **definition.get("values", {})})


class DataPipelineDeactivatePipelineOperator(StopJobOperator[DataPipelineHook]):
    """Deactivate a pipeline and wait until it is INACTIVE; one that is not active counts as deactivated.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DeactivatePipeline.html

    The result is a dictionary.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.base.JobOperator`, and:

    :param pipeline_id: the pipeline's id, or the ``.output`` of the task that has it. (templated)
    :param cancel_active: cancel what runs; else it goes on to its end, and is waited for.
    :result pipeline_id: the pipeline's id
    :result state: AWS's state, such as ``INACTIVE``
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "pipeline_id")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"pipeline_id": checked_pipeline_id}
    id_parameters: ClassVar[tuple[str, ...]] = ("pipeline_id",)
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(
        self,
        *,
        pipeline_id: JobReference,
        cancel_active: bool = True,
        **kwargs: Unpack[JobOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        self.cancel_active = truth(cancel_active, "cancel_active")
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The pipeline's id."""
        pipeline_id: str = self.read("pipeline_id")
        return pipeline_id

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the pipeline's id."""
        return {"pipeline_id": job.job_id}

    def stop(self, job_id: str) -> bool:
        """Deactivate the pipeline."""
        return self.hook.stop_job(job_id, cancel_active=self.cancel_active)


class DataPipelineDeletePipelineOperator(AbsentIds, TellsPipeline, AwsOperator[DataPipelineHook]):
    """Delete a pipeline for good, with its definition and its history; one that is gone counts as deleted.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DeletePipeline.html

    Takes the AWS parameters of :class:`DataPipelineCreatePipelineOperator`, and:

    :param pipeline_id: the pipeline's id, or the ``.output`` of the task that has it. (templated)
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "pipeline_id")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"pipeline_id": checked_pipeline_id}
    id_parameters: ClassVar[tuple[str, ...]] = ("pipeline_id",)
    ui_color: str = _COLOR
    ui_fgcolor: str = _TEXT

    def __init__(self, *, pipeline_id: JobReference, **kwargs: Unpack[AwsOperatorParameters]) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        self.finish_parameters()

    def execute(self, context: Context) -> None:
        """Delete the pipeline."""
        if self.nothing_handed_on():
            self.log.info("There is no pipeline to delete: no pipeline_id was handed on.")
            return
        pipeline_id = self.read("pipeline_id")
        self._touched = (pipeline_id, "deleted")
        try:
            self.hook.delete_pipeline(pipeline_id)
        except JobNotFoundError as error:
            self.log.info("Pipeline %s is gone already: %s", pipeline_id, error)
        else:
            self.log.info("Pipeline %s is deleted.", pipeline_id)
