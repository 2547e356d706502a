# SPDX-License-Identifier: Apache-2.0

"""Put a definition into a pipeline of Data Pipeline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack, cast

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs.aws import AwsOperator, aws_template_fields
from airflow_provider_jobs.data_pipeline.activation import checked_pipeline_id
from airflow_provider_jobs.data_pipeline.definition import PipelineDefinition, parameter_values
from airflow_provider_jobs.data_pipeline.file_format import DefinitionFile
from airflow_provider_jobs.data_pipeline.secrets import MasksSecrets
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks.classes import DataPipelineHook
from airflow_provider_jobs.job import one_line
from airflow_provider_jobs.lineage import TellsPipeline
from airflow_provider_jobs.operator_parameters import AwsOperatorParameters
from airflow_provider_jobs.operators.handed import PushesIds
from airflow_provider_jobs.parameters import JobReference, Reader, is_literal

__all__ = ["DataPipelinePutPipelineDefinitionOperator"]


class DataPipelinePutPipelineDefinitionOperator(
    MasksSecrets, PushesIds, TellsPipeline, AwsOperator[DataPipelineHook]
):
    """Put a definition into a pipeline, in place of any earlier one.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PutPipelineDefinition.html

    The definition is checked before it is sent, and all its faults are told at once. AWS's warnings are
    logged; AWS's errors, with which a definition is stored but cannot be activated, fail the task.

    The result is a dictionary: ``pipeline_id``, ``objects`` (how many), ``warnings`` (lists by object).

    Takes the AWS parameters of :class:`DataPipelineCreatePipelineOperator`, and:

    :param pipeline_id: the pipeline's id, or the create's ``.output``. (templated)
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
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"pipeline_id": checked_pipeline_id}
    template_ext: Sequence[str] = (".json",)
    template_fields_renderers: ClassVar[dict[str, str]] = {
        "definition": "json",
        "parameter_objects": "json",
        "parameter_values": "json",
        "pipeline_objects": "json",
    }
    ui_color: str = "#ed7100"
    ui_fgcolor: str = "#ffffff"

    def __init__(
        self,
        *,
        pipeline_id: JobReference,
        definition: Mapping[str, Any] | str | XComArg | None = None,
        pipeline_objects: Sequence[Mapping[str, Any] | XComArg] | XComArg | None = None,
        parameter_objects: Sequence[Mapping[str, Any] | XComArg] | XComArg | None = None,
        parameter_values: Mapping[str, Any] | Sequence[Mapping[str, str | XComArg]] | XComArg | None = None,
        **kwargs: Unpack[AwsOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        # As they are once their templates are rendered.
        self.definition: Mapping[str, Any] | str | None = cast("Mapping[str, Any] | str | None", definition)
        self.pipeline_objects: Sequence[Mapping[str, Any]] | None = cast(
            "Sequence[Mapping[str, Any]] | None", pipeline_objects
        )
        self.parameter_objects: Sequence[Mapping[str, Any]] | None = cast(
            "Sequence[Mapping[str, Any]] | None", parameter_objects
        )
        self.parameter_values = parameter_values
        self._check_choice()
        self._read_literals()
        # A text may be the name of a file, which is read with the templates.
        parts = (definition, pipeline_objects, parameter_objects, parameter_values)
        if not isinstance(definition, str) and is_literal(parts):
            self._definition()

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
            DefinitionFile.read(rendered)
        return rendered

    def execute(self, context: Context) -> dict[str, Any]:
        """Check the definition and put it."""
        self._check_choice()
        pipeline_id = self.read("pipeline_id")
        definition = self._definition()
        warnings = self.hook.put_definition(pipeline_id, definition)
        self._touched = (pipeline_id, "defined")
        self.hand_on(context, {"pipeline_id": pipeline_id})
        for where, texts in warnings.items():
            for text in texts:
                self.log.warning("AWS warns of %s: %s", one_line(where), one_line(text))
        count = len(definition.objects)
        self.log.info("Pipeline %s has its definition: %s objects.", pipeline_id, count)
        return {"pipeline_id": pipeline_id, "objects": count, "warnings": warnings}

    def _check_choice(self) -> None:
        if (self.definition is None) == (self.pipeline_objects is None):
            raise JobInputError("Give either definition or pipeline_objects.")

    def _definition(self) -> PipelineDefinition:
        if self.definition is None:
            return PipelineDefinition(
                self.pipeline_objects or (), self.parameter_objects, parameter_values(self.parameter_values)
            )
        return PipelineDefinition.from_file(
            self.definition, self.parameter_objects, parameter_values(self.parameter_values)
        )
