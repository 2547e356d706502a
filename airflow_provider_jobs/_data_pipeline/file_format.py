# SPDX-License-Identifier: Apache-2.0

"""The pipeline definition file format, which people write, read into the API's form and written from it.

https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-writing-pipeline-definition.html
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import NoneType
from typing import Any, TypeAlias

from airflow_provider_jobs._data_pipeline.findings import Finding, label
from airflow_provider_jobs._data_pipeline.secrets import shown
from airflow_provider_jobs.exceptions import JobInputError

__all__ = ["DefinitionFile", "read_values", "written"]

#: A field of an object or an attribute of a parameter as the API has it: a key and a string or reference.
_Field: TypeAlias = dict[str, str]

_SECTIONS = ("objects", "parameters", "values")
#: The same sections as GetPipelineDefinition answers with them.
_API_SECTIONS = ("pipelineObjects", "parameterObjects", "parameterValues")


@dataclass(frozen=True, slots=True, repr=False)
class DefinitionFile:
    """A definition that was read, with what was found wrong in reading it.

    :param objects: ``pipelineObjects``.
    :param parameters: ``parameterObjects``; None without that section.
    :param values: ``parameterValues``; None without that section.
    :param findings: what the API's form cannot show.
    :param ignored: further sections, which are not sent, such as the ``metadata`` of AWS's console.
    """

    objects: Sequence[Mapping[str, Any]]
    parameters: Sequence[Mapping[str, Any]] | None
    values: Sequence[Mapping[str, Any]] | None
    findings: Sequence[Finding]
    ignored: Sequence[str] = ()

    @classmethod
    def read(cls, definition: Mapping[str, Any] | str) -> DefinitionFile:
        """Read the file format, or the API's own form as GetPipelineDefinition answers with it.

        Of the file format, numbers and booleans become strings, a list becomes a field for each of its
        items, ``{"ref": id}`` a reference; an object without a name is named by its id.

        :param definition: JSON text, or what it means; left as it is.
        :raises JobInputError: if the text is no JSON, or there are no objects to look at.
        """
        data = _load(definition) if isinstance(definition, str) else definition
        if isinstance(data, Mapping) and "objects" not in data and "pipelineObjects" in data:
            return cls._of_answer(data)
        return cls._of_file(data)

    @classmethod
    def _of_answer(cls, data: Mapping[str, Any]) -> DefinitionFile:
        objects, parameters, values = (data.get(name) for name in _API_SECTIONS)
        findings = [*_repeated(data, "the definition"), *_repeated_within(data)]
        if values is not None:
            values = list(read_values(values, findings))
        ignored = tuple(name for name in data if name not in _API_SECTIONS)
        return cls(objects or (), parameters, values, findings, ignored)

    @classmethod
    def _of_file(cls, data: Any) -> DefinitionFile:
        if not isinstance(data, Mapping) or not _is_list(data.get("objects")):
            raise JobInputError(
                'The pipeline definition has no list "objects". It is a JSON object with the sections '
                '"objects", and if needed "parameters" and "values". A list of objects in the API\'s own '
                "form is given as pipeline_objects."
            )
        findings = _repeated(data, "the definition")
        objects = [_entry(item, "fields", at, findings) for at, item in enumerate(data["objects"])]
        parameters = None
        if not isinstance(data.get("parameters", []), (list, tuple, NoneType)):
            findings.append(Finding("the definition", "the section 'parameters' must be a list"))
        elif data.get("parameters") is not None:
            parameters = [
                _entry(item, "attributes", at, findings) for at, item in enumerate(data["parameters"])
            ]
        values = None
        if data.get("values") is not None:
            findings += _repeated(data["values"], "values")
            values = list(read_values(data["values"], findings))
        ignored = tuple(name for name in data if name not in _SECTIONS)
        return cls(objects, parameters, values, tuple(findings), ignored)


def written(
    objects: Sequence[Mapping[str, Any]],
    parameters: Sequence[Mapping[str, Any]] | None,
    values: Sequence[Mapping[str, Any]] | None,
) -> dict[str, Any]:
    """Return the API's form in the file format; a key that comes once has its value, else a list."""
    sections: dict[str, Any] = {"objects": [_to_entry(item, "fields") for item in objects]}
    if parameters:
        sections["parameters"] = [_to_entry(item, "attributes") for item in parameters]
    if values:
        sections["values"] = _grouped((value["id"], value["stringValue"]) for value in values)
    return sections


def read_values(given: Any, findings: list[Finding]) -> Iterator[dict[str, str]]:
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
        # A line break within a string is none of JSON's, but samples of AWS's have it.
        return json.loads(text, object_pairs_hook=_pairs, strict=False)
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


def _repeated_within(data: Mapping[str, Any]) -> Iterator[Finding]:
    """Yield the repeated keys of what a definition in the API's form holds."""
    for section in _API_SECTIONS:
        entries = data.get(section)
        for at, entry in enumerate(entries if isinstance(entries, (list, tuple)) else ()):
            yield from _repeated(entry, f"{section}[{at}]")


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


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
    if kind == "fields" and _in_api_form(item.get("fields")):
        findings.append(Finding(where, "has its fields in the API's own form; give it as pipeline_objects"))
        names.append("fields")
    entry[kind] = [
        made
        for key, value in item.items()
        if key not in names
        for made in _fields(key, value, where, findings)
    ]
    return entry


def _in_api_form(fields: Any) -> bool:
    """Whether a field of that name is the API's list of keys and values."""
    return isinstance(fields, list) and any(isinstance(each, Mapping) and "key" in each for each in fields)


def _fields(key: str, value: Any, where: str, findings: list[Finding]) -> Iterator[_Field]:
    for each in value if isinstance(value, (list, tuple)) else [value]:
        findings += _repeated(each, where)
        if isinstance(each, Mapping) and set(each) == {"ref"} and isinstance(each["ref"], str):
            yield {"key": key, "refValue": each["ref"]}
        elif (text := _text(each)) is not None:
            yield {"key": key, "stringValue": text}
        else:
            findings.append(Finding(where, f"{key!r} is {shown(key, each)}, which is neither text nor a ref"))


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
