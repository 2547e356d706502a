# SPDX-License-Identifier: Apache-2.0

"""What Data Pipeline finds wrong with a definition: fatal errors, errors and warnings.

The fatal errors are those of
https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_PutPipelineDefinition.html and of
https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-limits.html. AWS lists no other errors:
where no answer of AWS's is known, the words are ours. A value of a parameter that is not declared is none:
AWS's guide has such. Assumption: neither is a schedule that is not there in a definition that runs on demand,
as in AWS's sample json-to-dynamodb.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any, TypeAlias
from zlib import crc32

from airflow_provider_jobs.testing.aws.datapipeline.definition import (
    DEFAULT,
    RESOURCES,
    Definition,
    own_values,
    parse_period,
    parse_time,
)
from airflow_provider_jobs.testing.moto_ext import AwsError

#: An object's id, empty if it has none, and what is wrong with it.
Problem: TypeAlias = tuple[str, str]
Check: TypeAlias = Callable[[Definition], Iterator[Problem]]

MAX_OBJECTS = 100
MAX_FIELDS = 50
#: Bytes.
MAX_NAME, MAX_FIELD, MAX_OBJECT = 256, 10_240, 15_360
MIN_PERIOD = timedelta(minutes=15)


def invalid(message: str) -> AwsError:
    """Make the error that Data Pipeline answers to whatever it does not accept."""
    return AwsError("InvalidRequestException", message)


def refuse_fatal(definition: Definition, *more: Problem) -> None:
    """Raise AWS's error if the definition cannot be saved.

    :param definition: as it was put
    :param more: fatal errors known already
    """
    fatal = [*more, *_run(FATAL, definition)]
    if fatal:
        # As on AWS, whose message shows the errors as Java shows an object: by class and hash.
        errors = ", ".join(
            f"com.amazon.setl.webservice.ValidationError@{crc32(repr(problem).encode()):08x}"
            for problem in fatal
        )
        raise invalid(
            "Pipeline definition has errors: Could not save the pipeline definition due to FATAL errors: "
            f"[{errors}] Please call Validate to validate your pipeline"
        )


def refuse_errors(definition: Definition) -> None:
    """Raise if the definition cannot be activated."""
    errors = [f"{object_id}: {error}" for object_id, error in _run(ERRORS, definition)]
    errors += [f"{name}: Parameter has no value" for name in definition.missing_values()]
    if not definition.activities:
        errors.append("Pipeline has no activity")
    if errors:
        raise invalid(
            f"Pipeline definition has errors: {'; '.join(errors)} "
            "Please call Validate to validate your pipeline"
        )


def validate(definition: Definition) -> dict[str, Any]:
    """Answer as PutPipelineDefinition and ValidatePipelineDefinition do."""
    # The other checks rely on ids and on values that are there.
    fatal = _run(FATAL, definition)
    errors = fatal or _run(ERRORS, definition)
    return {
        "errored": bool(errors),
        "validationErrors": _by_object(errors, "errors"),
        "validationWarnings": _by_object([] if fatal else _run(WARNINGS, definition), "warnings"),
    }


def _run(checks: tuple[Check, ...], definition: Definition) -> list[Problem]:
    return [problem for check in checks for problem in check(definition)]


def _by_object(problems: list[Problem], key: str) -> list[dict[str, Any]]:
    grouped: dict[str, list[str]] = {}
    for object_id, problem in problems:
        grouped.setdefault(object_id, []).append(problem)
    return [{**({"id": object_id} if object_id else {}), key: found} for object_id, found in grouped.items()]


def _size(*texts: str) -> int:
    return sum(len(text.encode()) for text in texts)


def _too_many(definition: Definition) -> Iterator[Problem]:
    if len(definition.objects) > MAX_OBJECTS:
        yield "", f"The number of objects exceeds the maximum allowed, {MAX_OBJECTS}"


def _identity(definition: Definition) -> Iterator[Problem]:
    for obj in definition.objects:
        for key in ("id", "name"):
            value = obj.get(key, "")
            if not value:
                yield obj.get("id", ""), f"Object is missing the '{key}' field"
            elif _size(value) > MAX_NAME:
                yield obj.get("id", ""), f"'{key}' is longer than {MAX_NAME} bytes"


def _empty(definition: Definition) -> Iterator[Problem]:
    for obj in definition.objects:
        for field in obj.get("fields", ()):
            if not (field.get("stringValue") or field.get("refValue")):
                yield obj.get("id", ""), f"'{field['key']}' is empty"


def _oversize(definition: Definition) -> Iterator[Problem]:
    for obj in definition.objects:
        fields = [(f["key"], f.get("stringValue") or f.get("refValue", "")) for f in obj.get("fields", ())]
        if len(fields) > MAX_FIELDS:
            yield obj.get("id", ""), f"Object has more than {MAX_FIELDS} fields"
        if sum(_size(*field) for field in fields) > MAX_OBJECT:
            yield obj.get("id", ""), f"Object is larger than {MAX_OBJECT} bytes"
        for key, value in fields:
            if _size(value) > MAX_FIELD:
                yield obj.get("id", ""), f"'{key}' is longer than {MAX_FIELD} bytes"


def _duplicates(definition: Definition) -> Iterator[Problem]:
    for object_id, count in Counter(obj["id"] for obj in definition.objects).items():
        if count > 1:
            yield object_id, "Object id is not unique"


def _references(definition: Definition) -> Iterator[Problem]:
    for obj in definition.objects:
        for field in obj["fields"]:
            ref = field.get("refValue")
            if field["key"] == "schedule" and definition.on_demand:
                continue
            if ref and ref not in definition.by_id:
                yield obj["id"], f"'{field['key']}' references an object '{ref}' that does not exist"


def _types(definition: Definition) -> Iterator[Problem]:
    # An object that is there to be inherited from needs no type.
    parents = {parent for obj in definition.objects for parent in own_values(obj, "parent")}
    for object_id in definition.by_id:
        if definition.type_of(object_id) is None and object_id not in {DEFAULT, *parents}:
            yield object_id, "'type' is missing"


def _activities(definition: Definition) -> Iterator[Problem]:
    for activity in definition.activities:
        if not (definition.value_of(activity, "maximumRetries") or "0").isdecimal():
            yield activity, "'maximumRetries' must be a number"
        if not (definition.values_of(activity, "runsOn") or definition.values_of(activity, "workerGroup")):
            yield activity, "One of 'runsOn' or 'workerGroup' is required"
        if activity not in definition.levels:
            yield activity, "Object depends on itself through its dependencies"


def _scheduling(definition: Definition) -> Iterator[Problem]:
    if definition.on_demand:
        return
    for activity in definition.activities:
        schedules = definition.values_of(activity, "schedule")
        if not schedules:
            yield activity, "'schedule' is missing"
        for schedule in schedules:
            kind = definition.type_of(schedule) if schedule in definition.by_id else "Schedule"
            if kind != "Schedule":
                yield (
                    activity,
                    f"'schedule' values must be of type 'Schedule'. Found values of type '{kind or DEFAULT}'",
                )


def _schedules(definition: Definition) -> Iterator[Problem]:
    for schedule in definition.by_id:
        if definition.type_of(schedule) != "Schedule":
            continue
        values = {
            key: definition.value_of(schedule, key)
            for key in ("period", "startDateTime", "endDateTime", "startAt", "occurrences")
        }
        yield from ((schedule, error) for error in _schedule_errors(values))


def _schedule_errors(values: dict[str, str | None]) -> Iterator[str]:
    period = parse_period(values["period"] or "")
    if period is None:
        yield "'period' is missing or is no period"
    elif period < MIN_PERIOD:
        yield "'period' must be at least 15 minutes"
    if (values["startDateTime"] is None) == (values["startAt"] is None):
        yield "One of 'startDateTime' or 'startAt' is required"
    start, end = (parse_time(values[key] or "") for key in ("startDateTime", "endDateTime"))
    for key, time in (("startDateTime", start), ("endDateTime", end)):
        if values[key] and time is None:
            # https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_ValidatePipelineDefinition.html
            yield f"INVALID_FIELD_VALUE: '{key}' value must be a literal datetime value."
    if start and end and start >= end:
        yield "'endDateTime' must be after 'startDateTime'"
    if not (values["occurrences"] or "1").isdecimal():
        yield "'occurrences' must be a number"


def _parameters(definition: Definition) -> Iterator[Problem]:
    for name in (parameter["id"] for parameter in definition.parameters):
        if not name.lstrip("*").startswith("my"):
            yield name, "Parameter names must start with 'my'"


def _recommendations(definition: Definition) -> Iterator[Problem]:
    for resource in definition.by_id:
        if definition.type_of(resource) in RESOURCES and not definition.values_of(resource, "terminateAfter"):
            yield (
                resource,
                "'terminateAfter' is missing. It is recommended to set this to avoid leaving resource "
                "running for long duration.",
            )
    if DEFAULT not in definition.by_id or not definition.values_of(DEFAULT, "pipelineLogUri"):
        yield (
            DEFAULT,
            "'pipelineLogUri'is missing. It is recommended to set this value on Default object "
            "for better troubleshooting.",
        )


FATAL: tuple[Check, ...] = (_too_many, _identity, _empty, _oversize)
ERRORS: tuple[Check, ...] = (
    _duplicates,
    _references,
    _types,
    _activities,
    _scheduling,
    _schedules,
    _parameters,
)
WARNINGS: tuple[Check, ...] = (_recommendations,)
