# SPDX-License-Identifier: Apache-2.0

"""Create Data Pipeline's pipelines, define, activate, deactivate and delete them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import Context

from airflow_provider_jobs.aws import AwsOperator, aws_template_fields
from airflow_provider_jobs.definitions import PipelineDefinition, parameter_values, pipeline_tags
from airflow_provider_jobs.exceptions import JobInputError, JobNotFoundError
from airflow_provider_jobs.hooks.activations import ActivationRequest, checked_pipeline_id
from airflow_provider_jobs.hooks.classes import DataPipelineHook
from airflow_provider_jobs.job import JobStatus, one_line
from airflow_provider_jobs.lineage import Lineage, TellsPipeline
from airflow_provider_jobs.once.mark import name_prefix
from airflow_provider_jobs.operators.context import identity
from airflow_provider_jobs.operators.context import life as life_of
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.operators.stop import StopJobOperator
from airflow_provider_jobs.pipeline_lineage import pipeline_lineage
from airflow_provider_jobs.pipeline_secrets import MasksSecrets
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


class DataPipelineCreatePipelineOperator(TellsPipeline, AwsOperator[DataPipelineHook]):
    """Create a pipeline, which is empty at first; a retry finds the one that an earlier try has created.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_CreatePipeline.html

    The result is a dictionary: ``pipeline_id``, ``pipeline_name``, ``unique_id``.

    :param pipeline_name: its name. (templated)
    :param unique_id: AWS creates one pipeline with the same name and unique id; by default there is one for
        each run of the task with its retries, and clearing the task creates another. (templated)
    :param description: up to 1,024 characters. (templated)
    :param tags: up to 10, as a dictionary or as the API's own list. (templated)
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    :raises JobInputError: for parameters that cannot work.
    :raises JobQuotaError: if the account has as many pipelines as it may.
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "description", "pipeline_name", "tags", "unique_id"
    )
    ui_color, ui_fgcolor = _COLOR, _TEXT

    def __init__(
        self,
        *,
        pipeline_name: str,
        unique_id: str | None = None,
        description: str | None = None,
        tags: Mapping[str, str] | Sequence[Mapping[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_name = pipeline_name
        self.unique_id = unique_id
        self.description = description
        self.tags = tags

    def execute(self, context: Context) -> dict[str, Any]:
        """Create the pipeline or find it."""
        unique_id = self.unique_id
        if unique_id is None:
            key, life = identity(context), life_of(context)
            unique_id = f"{name_prefix(key, 256)}{life.started}.{life.max_tries}"
        for name, value in (("pipeline_name", self.pipeline_name), ("unique_id", unique_id)):
            if not isinstance(value, str) or not 1 <= len(value) <= _NAME_LIMIT:
                raise JobInputError(f"{name}={value!r} must have 1 to {_NAME_LIMIT:,} characters.")
        pipeline_id = self.hook.create_pipeline(
            self.pipeline_name, unique_id, description=self.description, tags=pipeline_tags(self.tags)
        )
        self._touched = (pipeline_id, "created")
        self.log.info("Pipeline %s is %s.", one_line(self.pipeline_name), pipeline_id)
        return {"pipeline_id": pipeline_id, "pipeline_name": self.pipeline_name, "unique_id": unique_id}


class DataPipelinePutPipelineDefinitionOperator(MasksSecrets, TellsPipeline, AwsOperator[DataPipelineHook]):
    """Put a definition into a pipeline, in place of any earlier one.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PutPipelineDefinition.html

    The definition is checked before it is sent, and all its faults are told at once. AWS's warnings are
    logged; AWS's errors, with which a definition is stored but cannot be activated, fail the task.

    The result is a dictionary: ``pipeline_id``, ``objects`` (how many), ``warnings`` (lists by object).

    Takes the AWS parameters of :class:`DataPipelineCreatePipelineOperator`, and:

    :param pipeline_id: the pipeline. (templated)
    :param definition: in the pipeline definition file format: a dictionary, JSON text, or the path of a
        ``.json`` file beside the DAG. Texts in it are templates; in a dictionary none is taken for a file.
        (templated)
    :param pipeline_objects: instead of a definition, objects in the API's own form. (templated)
    :param parameter_objects: parameters in the API's own form, instead of those of a definition.
        (templated)
    :param parameter_values: values by parameter, where a list gives several, or the API's own form; instead
        of those of a definition. (templated)
    :raises JobInputError: with every fault by object, found before the call or by AWS.
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config",
        "definition",
        "parameter_objects",
        "parameter_values",
        "pipeline_id",
        "pipeline_objects",
    )
    template_ext: Sequence[str] = (".json",)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "definition": "json",
        "parameter_objects": "json",
        "parameter_values": "json",
        "pipeline_objects": "json",
    }
    ui_color, ui_fgcolor = _COLOR, _TEXT

    def __init__(
        self,
        *,
        pipeline_id: str,
        definition: Mapping[str, Any] | str | None = None,
        pipeline_objects: Sequence[Mapping[str, Any]] | None = None,
        parameter_objects: Sequence[Mapping[str, Any]] | None = None,
        parameter_values: Mapping[str, Any] | Sequence[Mapping[str, str]] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        self.definition = definition
        self.pipeline_objects = pipeline_objects
        self.parameter_objects = parameter_objects
        self.parameter_values = parameter_values
        if (definition is None) == (pipeline_objects is None):
            raise JobInputError("Give either definition or pipeline_objects.")

    def render_template(
        self, content: Any, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render a templated field; a text within a dictionary is never a file's name."""
        # Airflow would look for a template of the name of s3://bucket/config.json.
        files = self.template_ext
        if not isinstance(content, str):
            self.template_ext = ()
        try:
            rendered = super().render_template(content, context, jinja_env, seen_oids)
        finally:
            self.template_ext = files
        if isinstance(rendered, str) and content is self.definition:
            # Before Airflow stores it: where the text cannot be read, its secrets cannot be told.
            PipelineDefinition.from_file(rendered)
        return rendered

    def execute(self, context: Context) -> dict[str, Any]:
        """Check the definition and put it."""
        pipeline_id = checked_pipeline_id(self.pipeline_id)
        definition = self._definition()
        definition.check()
        warnings = self.hook.put_definition(pipeline_id, definition)
        self._touched = (pipeline_id, "defined")
        for where, texts in warnings.items():
            for text in texts:
                self.log.warning("AWS warns of %s: %s", one_line(where), one_line(text))
        count = len(definition.objects)
        self.log.info("Pipeline %s has its definition: %s objects.", pipeline_id, count)
        return {"pipeline_id": pipeline_id, "objects": count, "warnings": warnings}

    def _definition(self) -> PipelineDefinition:
        if self.definition is None:
            return PipelineDefinition(
                self.pipeline_objects or (), self.parameter_objects, parameter_values(self.parameter_values)
            )
        return PipelineDefinition.from_file(self.definition).with_sections(
            self.parameter_objects, parameter_values(self.parameter_values)
        )


class DataPipelineActivatePipelineOperator(MasksSecrets, StartJobOperator[DataPipelineHook]):
    """Activate a pipeline and wait for what it runs: exactly once in a run of the task and its retries.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_ActivatePipeline.html

    AWS would run a pipeline anew for each call. So the task notes in Airflow's ``task_state_store`` (Airflow
    3.3 or later) which activation came before its own, and its own. After a lost answer an activation since
    may be the task's or another's: a retry waits for its end, then activates once more; below 3.3, it waits
    for whatever the pipeline runs. If another task's on-demand activation is running, this task waits for it.

    The activation has succeeded when all its instances are FINISHED or SKIPPED; it has failed when one
    ended otherwise and no other can go on, which includes those that wait for ever because
    ``failureAndRerunMode`` is not ``cascade``. To stop it is to deactivate the pipeline and to cancel what
    runs.

    The result, and the ``extra`` of the asset events of ``outlets``, is a dictionary: ``pipeline_id``,
    ``activation_time``, ``until``, ``state``, ``instances`` (counts by status), ``instances_done``,
    ``instances_total``; times are ISO 8601 strings in UTC.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param pipeline_id: the pipeline. (templated)
    :param parameter_values: values for this activation, by parameter, where a list gives several, or in the
        API's own form. (templated)
    :param start_timestamp: from when the schedule is followed: an aware datetime or an ISO 8601 string with
        an offset. Not for pipelines on demand. AWS refuses the first activation of a schedule that began
        more than a day ago unless this is given. (templated)
    :param wait_until: of a pipeline on a schedule, wait for this activation's instances that are scheduled
        before this time; when None, wait for the pipeline's end, which a schedule has to have then. A
        pipeline on demand ends with its activation. (templated)
    :raises JobInputError: for parameters that cannot work, before the activation.
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "parameter_values", "pipeline_id", "start_timestamp", "wait_until"
    )
    template_fields_renderers: ClassVar[dict[str, str]] = {"parameter_values": "json"}
    ui_color, ui_fgcolor = _COLOR, _TEXT

    def __init__(
        self,
        *,
        pipeline_id: str,
        parameter_values: Mapping[str, Any] | Sequence[Mapping[str, str]] | None = None,
        start_timestamp: datetime | str | None = None,
        wait_until: datetime | str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        self.parameter_values = parameter_values
        self.start_timestamp = start_timestamp
        self.wait_until = wait_until

    def job_request(self, context: Context) -> ActivationRequest:
        """Return the activation that is asked for, checked."""
        return ActivationRequest(
            pipeline_id=checked_pipeline_id(self.pipeline_id),
            parameter_values=parameter_values(self.parameter_values),
            wait=self.wait_for_completion,
            start_timestamp=optional_time(self.start_timestamp, "start_timestamp"),
            wait_until=optional_time(self.wait_until, "wait_until"),
        )

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the folders and files of S3 that the pipeline's definition names."""
        definition = self.hook.get_definition(job.details["pipeline_id"], "active")
        values = {each["id"]: each["stringValue"] for each in parameter_values(self.parameter_values) or ()}
        # The DAG may have been changed while the task was deferred: AWS tells what it runs with.
        return pipeline_lineage(definition, {**values, **definition.get("values", {})})


class DataPipelineDeactivatePipelineOperator(StopJobOperator[DataPipelineHook]):
    """Deactivate a pipeline and wait until it is INACTIVE; one that is not active is as good.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DeactivatePipeline.html

    The result is a dictionary: ``pipeline_id``, ``state``. Takes the parameters of
    :class:`~airflow_provider_jobs.operators.base.JobOperator`, and:

    :param pipeline_id: the pipeline. (templated)
    :param cancel_active: cancel what runs; else it goes on to its end, and is waited for.
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "pipeline_id")
    ui_color, ui_fgcolor = _COLOR, _TEXT

    def __init__(self, *, pipeline_id: str, cancel_active: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        self.cancel_active = cancel_active

    @property
    def target_id(self) -> str:
        """The pipeline's id."""
        return checked_pipeline_id(self.pipeline_id)

    def stop(self, job_id: str) -> bool:
        """Deactivate the pipeline."""
        return self.hook.stop_job(job_id, cancel_active=self.cancel_active)


class DataPipelineDeletePipelineOperator(TellsPipeline, AwsOperator[DataPipelineHook]):
    """Delete a pipeline for good, with its definition and its history; one that is gone is as good.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_DeletePipeline.html

    Takes the AWS parameters of :class:`DataPipelineCreatePipelineOperator`, and:

    :param pipeline_id: the pipeline. (templated)
    """

    aws_hook_class = DataPipelineHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "pipeline_id")
    ui_color, ui_fgcolor = _COLOR, _TEXT

    def __init__(self, *, pipeline_id: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id

    def execute(self, context: Context) -> None:
        """Delete the pipeline."""
        pipeline_id = checked_pipeline_id(self.pipeline_id)
        self._touched = (pipeline_id, "deleted")
        try:
            self.hook.delete_pipeline(pipeline_id)
        except JobNotFoundError as error:
            self.log.info("Pipeline %s is gone already: %s", pipeline_id, error)
        else:
            self.log.info("Pipeline %s is deleted.", pipeline_id)
