# SPDX-License-Identifier: Apache-2.0

"""Put a definition into a pipeline of Data Pipeline."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from os import PathLike, fspath
from typing import Any, ClassVar, Unpack, cast

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs._data_pipeline.activation import checked_pipeline_id
from airflow_provider_jobs._data_pipeline.definition import PipelineDefinition, parameter_values
from airflow_provider_jobs._data_pipeline.file_format import DefinitionFile
from airflow_provider_jobs._data_pipeline.secrets import MasksSecrets, secret_values
from airflow_provider_jobs._data_pipeline.templates import check_templates
from airflow_provider_jobs.aws import AwsOperator, aws_template_fields
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.hooks._classes import DataPipelineHook
from airflow_provider_jobs.job import one_line
from airflow_provider_jobs.lineage import TellsPipeline
from airflow_provider_jobs.operator_parameters import AwsOperatorParameters
from airflow_provider_jobs.operators._handed import PushesIds
from airflow_provider_jobs.parameters import JobReference, Reader, is_literal, truth

__all__ = ["DataPipelinePutPipelineDefinitionOperator"]

#: The fields that are the definition itself.
_PARTS = ("definition", "pipeline_objects", "parameter_objects")
#: Sections that AWS's console and boto3 add; nobody misses them.
_NOT_OURS = ("metadata", "ResponseMetadata")


class DataPipelinePutPipelineDefinitionOperator(
    MasksSecrets, PushesIds, TellsPipeline, AwsOperator[DataPipelineHook]
):
    """Put a definition into a pipeline, in place of any earlier one.

    https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PutPipelineDefinition.html

    The definition is checked before it is sent, and all its faults are told at once. AWS's warnings are
    logged; AWS's errors, with which a definition is stored but cannot be activated, fail the task. What is
    odd and not refused by AWS's reference, such as a value of a parameter that is not declared, is logged.

    The result is a dictionary.

    Takes the AWS parameters of :class:`DataPipelineCreatePipelineOperator`, and:

    :param pipeline_id: the pipeline's id, or the create's ``.output``. (templated)
    :param definition: in the pipeline definition file format, or as GetPipelineDefinition answers: a
        dictionary, JSON text, or the path of a ``.json`` file beside the DAG. Texts in it are templates; in
        a dictionary none is taken for a file. Sections that the format does not have, such as ``metadata``,
        are not sent. (templated)
    :param pipeline_objects: instead of a definition, objects in the API's own form. (templated)
    :param parameter_objects: parameters in the API's own form, instead of those of a definition.
        (templated)
    :param parameter_values: values by parameter, where a list gives several, or the API's own form; instead
        of those of a definition. (templated)
    :param render_definition: whether texts in ``definition``, ``pipeline_objects`` and
        ``parameter_objects`` are templates; if False, only those in ``parameter_values`` are.
    :result pipeline_id: the pipeline's id
    :result objects: how many objects the definition has
    :result warnings: AWS's warnings, as lists by object
    :raises JobInputError: with every fault by object, found before the call or by AWS; when the templates are
        rendered, for a text that Jinja cannot read, or would drop a part of as a comment.
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
    #: Whether texts stay as they are: those within a definition that is not rendered.
    _verbatim: bool = False

    def __init__(
        self,
        *,
        pipeline_id: JobReference,
        definition: Mapping[str, Any] | str | PathLike[str] | XComArg | None = None,
        pipeline_objects: Sequence[Mapping[str, Any] | XComArg] | XComArg | None = None,
        parameter_objects: Sequence[Mapping[str, Any] | XComArg] | XComArg | None = None,
        parameter_values: Mapping[str, Any] | Sequence[Mapping[str, str | XComArg]] | XComArg | None = None,
        render_definition: bool = True,
        **kwargs: Unpack[AwsOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.pipeline_id = pipeline_id
        # As they are once their templates are rendered.
        given = fspath(definition) if isinstance(definition, PathLike) else definition
        self.definition: Mapping[str, Any] | str | None = cast("Mapping[str, Any] | str | None", given)
        self.pipeline_objects: Sequence[Mapping[str, Any]] | None = cast(
            "Sequence[Mapping[str, Any]] | None", pipeline_objects
        )
        self.parameter_objects: Sequence[Mapping[str, Any]] | None = cast(
            "Sequence[Mapping[str, Any]] | None", parameter_objects
        )
        self.parameter_values = parameter_values
        self.render_definition = truth(render_definition, "render_definition")
        self._check_choice()
        self.finish_parameters()
        # A text may be the name of a file, which is read with the templates.
        parts = (definition, pipeline_objects, parameter_objects)
        literal = self._is_literal(parts) if render_definition else is_literal(parts, marks=())
        if literal and not isinstance(definition, str) and self._is_literal(parameter_values):
            self._definition()

    def render_template(
        self, content: Any, context: Context, jinja_env: Any = None, seen_oids: set[int] | None = None
    ) -> Any:
        """Render a templated field; a text within a dictionary is never a file's name."""
        if self._verbatim and isinstance(content, str):
            return content
        name = self._own_name(content)
        verbatim = name in _PARTS and not self.render_definition
        if name and not verbatim:
            self._check_templates(content, jinja_env or self.get_template_env(), name)
        # Airflow would look for a template of the name of s3://bucket/config.json.
        before = self.template_ext, self._verbatim
        if not isinstance(content, str):
            self.template_ext, self._verbatim = (), self._verbatim or verbatim
        try:
            if verbatim and isinstance(content, str):
                self._mask(secret_values(content))
                rendered = content
            else:
                rendered = super().render_template(content, context, jinja_env, seen_oids)
        finally:
            self.template_ext, self._verbatim = before
        if isinstance(rendered, str) and name == "definition":
            # Before Airflow stores it: where the text cannot be read, its secrets cannot be told.
            DefinitionFile.read(rendered)
        return rendered

    def _own_name(self, content: Any) -> str | None:
        """Return the name of the field that is rendered; None of a part of one."""
        return next((name for name in (*_PARTS, "parameter_values") if content is getattr(self, name)), None)

    def _check_templates(self, content: Any, jinja_env: Any, name: str) -> None:
        """Refuse text that Jinja cannot read; Airflow logs the field, so its secrets are masked."""
        more = ", or set render_definition=False" if name in _PARTS else ""
        try:
            check_templates(content, jinja_env, name, more)
        except JobInputError:
            self._mask(secret_values(content))
            raise

    def execute(self, context: Context) -> dict[str, Any]:
        """Check the definition and put it."""
        self._check_choice()
        pipeline_id = self.read("pipeline_id")
        definition = self._definition()
        for section in definition.ignored:
            level = logging.INFO if section in _NOT_OURS else logging.WARNING
            self.log.log(level, "The definition's section %s is not sent.", one_line(repr(section)))
        for doubt in definition.doubts():
            self.log.warning("The definition may have a fault. %s.", one_line(doubt))
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
