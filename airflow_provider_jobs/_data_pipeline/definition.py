# SPDX-License-Identifier: Apache-2.0

"""Definitions of Data Pipeline: what is put into a pipeline, checked.

https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-writing-pipeline-definition.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass, field
from typing import Any

from airflow_provider_jobs._data_pipeline.checks import checked, doubts
from airflow_provider_jobs._data_pipeline.file_format import DefinitionFile, read_values, written
from airflow_provider_jobs._data_pipeline.findings import Finding, refusal
from airflow_provider_jobs._data_pipeline.secrets import secret_values
from airflow_provider_jobs.exceptions import JobInputError

__all__ = ["PipelineDefinition", "parameter_values", "pipeline_tags"]


@dataclass(frozen=True, slots=True, repr=False)
class PipelineDefinition:
    """A definition in the API's own form, in which nothing is wrong that can be known before a call.

    https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-limits.html

    :param objects: ``pipelineObjects``: ``id``, ``name`` and ``fields`` of each.
    :param parameters: ``parameterObjects``: ``id`` and ``attributes`` of each; None leaves them out of the
        call.
    :param values: ``parameterValues``: ``id`` and ``stringValue`` of each; None leaves them out.
    :param findings: what was found wrong before, in reading a file.
    :param ignored: sections of a file that are not sent.
    :raises JobInputError: with every fault that AWS would refuse, listed by object.
    """

    objects: Sequence[Mapping[str, Any]]
    parameters: Sequence[Mapping[str, Any]] | None = None
    values: Sequence[Mapping[str, Any]] | None = None
    findings: InitVar[Sequence[Finding]] = ()
    ignored: Sequence[str] = field(default=(), compare=False)

    def __post_init__(self, findings: Sequence[Finding]) -> None:
        found = [*findings, *checked(self.objects, self.parameters or (), self.values or ())]
        if found:
            raise refusal(found)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.objects)} objects)"

    @classmethod
    def from_file(
        cls,
        definition: Mapping[str, Any] | str,
        parameters: Sequence[Mapping[str, Any]] | None = None,
        values: Sequence[Mapping[str, Any]] | None = None,
    ) -> PipelineDefinition:
        """Read the pipeline definition file format; see
        :meth:`~airflow_provider_jobs._data_pipeline.file_format.DefinitionFile.read`.

        :param definition: JSON text, or what it means; left as it is.
        :param parameters: instead of those of the definition, in the API's form.
        :param values: instead of those of the definition, in the API's form.
        :raises JobInputError: if the text is no JSON, if there are no objects to look at, or with every
            fault, listed by object.
        """
        read = DefinitionFile.read(definition)
        return cls(
            read.objects,
            read.parameters if parameters is None else parameters,
            read.values if values is None else values,
            read.findings,
            read.ignored,
        )

    def to_file(self) -> dict[str, Any]:
        """Return the definition in the file format; a key that comes once has its value, else a list."""
        return written(self.objects, self.parameters, self.values)

    def doubts(self) -> list[str]:
        """Return what is odd about the definition, and is left to AWS; see
        :func:`~airflow_provider_jobs._data_pipeline.checks.doubts`.
        """
        found = doubts(self.objects, self.parameters or (), self.values or ())
        return [f"{each.where}: {each.what}" for each in found]

    def secrets(self) -> set[str]:
        """Return the values that no message may quote."""
        return secret_values([*self.objects, *(self.parameters or ()), *(self.values or ())])

    def arguments(self) -> dict[str, Any]:
        """Return the parameters of PutPipelineDefinition and ValidatePipelineDefinition."""
        return {
            "pipelineObjects": [*self.objects],
            "parameterObjects": None if self.parameters is None else [*self.parameters],
            "parameterValues": None if self.values is None else [*self.values],
        }


def parameter_values(given: Any) -> list[dict[str, str]] | None:
    """Write parameter values as the API wants them.

    :param given: a dictionary (a list repeats its id), or the API's own list of ``id`` and ``stringValue``.
    :raises JobInputError: with every value that is none.
    """
    if given is None:
        return None
    findings: list[Finding] = []
    values = list(read_values(given, findings))
    if findings:
        raise JobInputError(f"parameter_values: {'; '.join(found.what for found in findings)}.")
    return values


def pipeline_tags(given: Any) -> dict[str, str] | None:
    """Read a pipeline's tags.

    :param given: a dictionary, or the API's own list of ``key`` and ``value``.
    :raises JobInputError: if they are none.
    """
    try:
        tags = (
            {each["key"]: each["value"] for each in given} if isinstance(given, list) else dict(given or {})
        )
    except (KeyError, TypeError, ValueError):
        tags = {"": None}
    if not all(isinstance(each, str) for pair in tags.items() for each in pair):
        raise JobInputError(
            f"tags={given!r} must be a dictionary of texts, or a list of dictionaries with key and value."
        )
    return tags or None
