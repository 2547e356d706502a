# SPDX-License-Identifier: Apache-2.0

"""What AWS refuses in a pipeline definition by its reference, and what it may do without.

Only what the reference says is refused before a call. Whatever else AWS finds wrong, it says itself.

https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PutPipelineDefinition.html and
https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-limits.html
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

from airflow_provider_jobs._data_pipeline.findings import Finding, label
from airflow_provider_jobs._data_pipeline.secrets import shown

__all__ = ["checked", "doubts"]

_Entries: TypeAlias = Sequence[Mapping[str, Any]]

_MAX_OBJECTS = 100
_MAX_FIELDS = 50
#: Bytes.
_MAX_NAME, _MAX_FIELD, _MAX_OBJECT = 256, 10_240, 15_360
#: The characters that the API takes in any string.
_LEGAL = re.compile(r"[\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff\r\n\t]*")


def checked(objects: _Entries, parameters: _Entries, values: _Entries) -> list[Finding]:
    """Return all that is wrong with a definition in the API's form; of one of another shape, no more."""
    findings = [*_shape(objects, "objects", "fields"), *_shape(parameters, "parameters", "attributes")]
    if findings:
        return findings
    if len(objects) > _MAX_OBJECTS:
        findings.append(Finding("the definition", f"{len(objects)} objects; AWS allows {_MAX_OBJECTS}"))
    if not objects:
        findings.append(Finding("the definition", "there are no objects in it"))
    for at, entry in enumerate(objects):
        where = label(entry, "objects", at)
        findings += [Finding(where, what) for what in _object(entry)]
    for at, entry in enumerate(parameters):
        where = label(entry, "parameters", at)
        findings += [Finding(where, what) for what in _parameter(entry)]
    findings += [
        Finding(name, f"{count} {kind} have this id; it must be unique")
        for kind, entries in (("objects", objects), ("parameters", parameters))
        for name, count in Counter(str(entry.get("id", "")) for entry in entries).items()
        if name and count > 1
    ]
    for value in values:
        findings += [
            Finding(str(value.get("id", "")) or "values", f"the value {what}")
            for what in _string(value.get("id"), value.get("stringValue"), empty=True)
        ]
    return findings


def doubts(objects: _Entries, parameters: _Entries, values: _Entries) -> list[Finding]:
    """Return what is odd about a definition without faults, and is left to AWS: it may take it.

    A value of a parameter that is not declared is in what AWS's console exports, and in AWS's guide; a
    reference to an object that is not there is in a sample of AWS's.
    """
    known = {str(entry.get("id", "")).lstrip("*") for entry in parameters}
    found = [
        Finding(name, "a value is given, but there is no such parameter")
        for name in dict.fromkeys(str(value["id"]) for value in values)
        if name.lstrip("*") not in known
    ]
    ids = {entry["id"] for entry in objects}
    for entry in objects:
        for each in entry.get("fields", ()):
            if "refValue" in each and each["refValue"] not in ids:
                what = f"refers to {shown(each['key'], each['refValue'])}, which is no object"
                found.append(Finding(entry["id"], f"{each['key']!r} {what} of this definition"))
    return found


def _shape(entries: Any, section: str, rows: str) -> Iterator[Finding]:
    """Yield what is no list of dictionaries, each with a list of dictionaries."""
    if not _is_list(entries):
        yield Finding("the definition", f"{section} must be a list, not {type(entries).__name__}")
        return
    for at, entry in enumerate(entries):
        if not isinstance(entry, Mapping):
            yield Finding(f"{section}[{at}]", f"must be a dictionary, not {type(entry).__name__}")
        elif not _is_list(found := entry.get(rows, ())) or not all(isinstance(row, Mapping) for row in found):
            what = f"{rows!r} must be a list of dictionaries, each with a key and a stringValue or refValue"
            yield Finding(label(entry, section, at), what)


def _is_list(value: Any) -> bool:
    return isinstance(value, Sequence) and not isinstance(value, (str, bytes))


def _object(entry: Mapping[str, Any]) -> Iterator[str]:
    for key in ("id", "name"):
        if not entry.get(key):
            yield f"{key!r} is missing"
        else:
            yield from _name(key, entry[key])
    fields = entry.get("fields", ())
    if len(fields) > _MAX_FIELDS:
        yield f"{len(fields)} fields; AWS allows {_MAX_FIELDS} in an object"
    size = 0
    for each in fields:
        key = str(each.get("key", ""))
        size += _bytes(key) + _bytes(each.get("stringValue", "")) + _bytes(each.get("refValue", ""))
        yield from (f"{key!r} {what}" for what in _field(each))
    if size > _MAX_OBJECT:
        yield f"{size:,} bytes in all its fields; AWS allows {_MAX_OBJECT:,} in an object"


def _field(field: Mapping[str, Any]) -> Iterator[str]:
    if not field.get("key"):
        yield "is a field without a key"
    else:
        yield from (what.partition(" ")[2] for what in _name("key", field["key"]))
    if "refValue" in field and "stringValue" in field:
        yield "has both a stringValue and a refValue; a field has one of them"
    elif "refValue" not in field:
        yield from _string(field.get("key"), field.get("stringValue"))
    elif not field["refValue"]:
        yield "is an empty reference; remove it or name an object"
    elif not isinstance(field["refValue"], str):
        yield f"is a reference to {shown(field.get('key'), field['refValue'])}, which is not text"


def _parameter(entry: Mapping[str, Any]) -> Iterator[str]:
    name = entry.get("id")
    if not name:
        yield "'id' is missing"
    elif not str(name).lstrip("*").startswith("my"):
        yield "a parameter's name must start with 'my'"
    if name:
        yield from _name("id", name)
    for each in entry.get("attributes", ()):
        key = each.get("key", "")
        if "refValue" in each:
            yield f"{key!r} is a reference; a parameter's attributes are text"
        else:
            yield from (f"{key!r} {what}" for what in _string(name, each.get("stringValue"), empty=True))


def _name(key: str, value: Any) -> Iterator[str]:
    if not isinstance(value, str):
        yield f"{key!r} is {value!r}, which is not text"
    elif _bytes(value) > _MAX_NAME:
        yield f"{key!r} has {_bytes(value):,} bytes; AWS allows {_MAX_NAME}"
    elif not _LEGAL.fullmatch(value):
        yield f"{key!r} holds a character that XML does not allow"


def _string(name: Any, value: Any, *, empty: bool = False) -> Iterator[str]:
    """Yield what is wrong with a value.

    :param empty: whether it may be empty: AWS refuses an empty field of an object, and no other.
    """
    if value is None:
        yield "has no value"
    elif not isinstance(value, str):
        yield f"is {shown(name, value)}, which is not text; in the API's own form all values are strings"
    elif not value and not empty:
        yield "is an empty string; remove it or give it a value"
    elif _bytes(value) > _MAX_FIELD:
        yield f"has {_bytes(value):,} bytes; AWS allows {_MAX_FIELD:,}"
    elif not _LEGAL.fullmatch(value):
        yield "holds a character that XML does not allow"


def _bytes(value: Any) -> int:
    # Lone surrogates have no UTF-8; they are found as characters that are not allowed.
    return len(value.encode(errors="replace")) if isinstance(value, str) else 0
