# SPDX-License-Identifier: Apache-2.0

"""Definitions of Data Pipeline: from the file format that people write to the API's, and back.

https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-writing-pipeline-definition.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from airflow_provider_jobs.data_pipeline.checks import Finding, checked, label
from airflow_provider_jobs.data_pipeline.secrets import secret_values, shown
from airflow_provider_jobs.exceptions import JobInputError

__all__ = ["PipelineDefinition", "parameter_values", "pipeline_tags"]

#: A field of an object or an attribute of a parameter as the API has it: a key and a string or reference.
_Field: TypeAlias = dict[str, str]

_SECTIONS = ("objects", "parameters", "values")


@dataclass(frozen=True, slots=True, repr=False)
class PipelineDefinition:
    """A definition in the API's own form.

    :param objects: ``pipelineObjects``: ``id``, ``name`` and ``fields`` of each.
    :param parameters: ``parameterObjects``: ``id`` and ``attributes`` of each; None leaves them out of the
        call.
    :param values: ``parameterValues``: ``id`` and ``stringValue`` of each; None leaves them out.
    """

    objects: Sequence[Mapping[str, Any]]
    parameters: Sequence[Mapping[str, Any]] | None = None
    values: Sequence[Mapping[str, Any]] | None = None
    _findings: Sequence[Finding] = field(default=(), compare=False)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self.objects)} objects)"

    @classmethod
    def from_file(cls, definition: Mapping[str, Any] | str) -> PipelineDefinition:
        """Read the pipeline definition file format.

        Numbers and booleans become strings, a list becomes a field for each of its items,
        ``{"ref": id}`` a reference; an object without a name is named by its id. What is wrong is kept for
        :meth:`check`, which tells all of it at once.

        :param definition: JSON text, or what it means; left as it is.
        :raises JobInputError: if the text is no JSON, or there are no objects to look at.
        """
        findings: list[Finding] = []
        data = _load(definition) if isinstance(definition, str) else definition
        if not isinstance(data, Mapping) or not isinstance(data.get("objects"), Sequence):
            raise JobInputError(
                'The pipeline definition has no list "objects". It is a JSON object with the sections '
                '"objects", and if needed "parameters" and "values".'
            )
        findings += _repeated(data, "the definition")
        findings += [
            Finding("the definition", f"the section {name!r} is not one of {', '.join(_SECTIONS)}")
            for name in data
            if name not in _SECTIONS
        ]
        objects = [_entry(item, "fields", at, findings) for at, item in enumerate(data["objects"])]
        parameters = None
        if data.get("parameters") is not None:
            parameters = [
                _entry(item, "attributes", at, findings) for at, item in enumerate(data["parameters"])
            ]
        values = None
        if data.get("values") is not None:
            findings += _repeated(data["values"], "values")
            values = list(_values(data["values"], findings))
        return cls(objects, parameters, values, tuple(findings))

    def with_sections(
        self, parameters: Sequence[Mapping[str, Any]] | None, values: Sequence[Mapping[str, Any]] | None
    ) -> PipelineDefinition:
        """Return the definition with other parameters or values, where they are given."""
        return PipelineDefinition(
            self.objects,
            self.parameters if parameters is None else parameters,
            self.values if values is None else values,
            self._findings,
        )

    def to_file(self) -> dict[str, Any]:
        """Return the definition in the file format; a key that comes once has its value, else a list."""
        sections: dict[str, Any] = {"objects": [_to_entry(item, "fields") for item in self.objects]}
        if self.parameters:
            sections["parameters"] = [_to_entry(item, "attributes") for item in self.parameters]
        if self.values:
            sections["values"] = _grouped((value["id"], value["stringValue"]) for value in self.values)
        return sections

    def check(self) -> None:
        """Check the definition against all that AWS would refuse and that can be known before.

        https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-limits.html

        :raises JobInputError: with every fault, listed by object.
        """
        findings = [*self._findings, *checked(self.objects, self.parameters or (), self.values or ())]
        if not findings:
            return
        by_object: dict[str, list[str]] = {}
        for found in findings:
            by_object.setdefault(found.where, []).append(found.what)
        count = f"{len(findings)} fault{'' if len(findings) == 1 else 's'}"
        lines = [
            line for where, whats in by_object.items() for line in (where, *(f"  - {what}" for what in whats))
        ]
        raise JobInputError(
            f"The pipeline definition has {count} and was not sent. Mend these, then clear the task:\n"
            + "\n".join(f"  {line}" for line in lines)
        )

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
    values = list(_values(given, findings))
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


class _Object(dict[str, Any]):
    """A JSON object that remembers the keys it had more than once: the last one silently wins in JSON."""

    repeated: Sequence[str] = ()


def _pairs(pairs: list[tuple[str, Any]]) -> _Object:
    read = _Object(pairs)
    keys = [key for key, _ in pairs]
    read.repeated = [key for key in read if keys.count(key) > 1]
    return read


def _load(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_pairs)
    except ValueError as error:
        why = f"The pipeline definition is not JSON: {error}."
        if text.rstrip().endswith(".json"):
            why += f" {text!r} was not found: a file is looked for beside the DAG and in template_searchpath."
        raise JobInputError(why) from None


def _repeated(data: Any, where: str) -> list[Finding]:
    return [
        Finding(where, f"key {key!r} is there more than once and JSON keeps only the last; write one list")
        for key in getattr(data, "repeated", ())
    ]


def _entry(item: Any, kind: str, at: int, findings: list[Finding]) -> dict[str, Any]:
    """Turn an object or a parameter of the file into the API's form."""
    what = "objects" if kind == "fields" else "parameters"
    if not isinstance(item, Mapping):
        findings.append(Finding(f"{what}[{at}]", f"must be a JSON object, not {type(item).__name__}"))
        return {}
    entry: dict[str, Any] = {"id": item["id"]} if "id" in item else {}
    where = label(entry, what, at)
    findings += _repeated(item, where)
    names = ["id"]
    if kind == "fields":
        names.append("name")
        # As the AWS command line does.
        entry["name"] = item.get("name", item.get("id", ""))
    entry[kind] = [
        made
        for key, value in item.items()
        if key not in names
        for made in _fields(key, value, where, findings)
    ]
    return entry


def _fields(key: str, value: Any, where: str, findings: list[Finding]) -> Iterator[_Field]:
    for each in value if isinstance(value, (list, tuple)) else [value]:
        findings += _repeated(each, where)
        if isinstance(each, Mapping) and set(each) == {"ref"} and isinstance(each["ref"], str):
            yield {"key": key, "refValue": each["ref"]}
        elif (text := _text(each)) is not None:
            yield {"key": key, "stringValue": text}
        else:
            findings.append(Finding(where, f"{key!r} is {shown(key, each)}, which is neither text nor a ref"))


def _values(given: Any, findings: list[Finding]) -> Iterator[dict[str, str]]:
    """Yield the API's parameter values out of a dictionary or of the API's own list."""
    if isinstance(given, Mapping):
        pairs = [
            (name, each)
            for name, value in given.items()
            for each in (value if isinstance(value, (list, tuple)) else [value])
        ]
    elif isinstance(given, Sequence) and not isinstance(given, str):
        pairs = [
            (str(each.get("id", "")), each.get("stringValue")) if isinstance(each, Mapping) else ("", each)
            for each in given
        ]
    else:
        findings.append(Finding("values", f"must be a dictionary or a list, not {type(given).__name__}"))
        return
    for name, value in pairs:
        if (text := _text(value)) is not None:
            yield {"id": name, "stringValue": text}
        else:
            findings.append(Finding("values", f"{name!r} is {shown(name, value)}, which is no text"))


def _text(value: Any) -> str | None:
    """Write a value as the service wants it; None if it is none."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return str(value)
    if isinstance(value, int) or (isinstance(value, float) and math.isfinite(value)):
        return repr(value)
    return None


def _to_entry(item: Mapping[str, Any], kind: str) -> dict[str, Any]:
    head = {key: item[key] for key in ("id", "name") if key in item}
    rows = ((row["key"], row.get("stringValue", {"ref": row.get("refValue")})) for row in item.get(kind, ()))
    return {**head, **_grouped(rows)}


def _grouped(rows: Iterator[tuple[str, Any]]) -> dict[str, Any]:
    grouped: dict[str, list[Any]] = {}
    for key, value in rows:
        grouped.setdefault(key, []).append(value)
    return {key: values[0] if len(values) == 1 else values for key, values in grouped.items()}
