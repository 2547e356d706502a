# SPDX-License-Identifier: Apache-2.0

"""The constraints of AWS's own service models, which boto3 mostly leaves to the service to check."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, ServiceModel, Shape, StructureShape

from airflow_provider_jobs.testing.moto_ext import AwsError

#: The types that occur in the requests of our services.
TYPES: dict[str, type[Any]] = {"structure": dict, "list": list, "string": str, "integer": int}

#: What AWS's patterns have that Python's do not.
CLASSES = {r"\p{ASCII}": r"[\x00-\x7F]"}


def check(service: str, operation: str, request: dict[str, Any]) -> None:
    """Refuse a request that breaks the constraints of the service's model, as AWS does.

    :param service: the service's name as in ``boto3.client(name)``
    :param operation: as AWS spells it
    :param request: the call's arguments
    """
    shape = _model(service).operation_model(operation).input_shape
    assert shape is not None
    violations = list(_violations(shape, request, ""))
    if violations:
        errors = "error" if len(violations) == 1 else "errors"
        message = f"{len(violations)} validation {errors} detected: {'; '.join(violations)}"
        raise AwsError("ValidationException", message)


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, TYPES[shape.type_name]):
        raise AwsError("SerializationException", f"The value at '{path}' is not a {shape.type_name}.")
    if isinstance(shape, StructureShape):
        yield from _of_members(shape, value, path)
        return
    for constraint in _broken(shape, value):
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {constraint}"
    if isinstance(shape, ListShape):
        for position, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}.{position}.member")


def _of_members(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        inner = f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
        if name in value:
            yield from _violations(member, value[name], inner)
        elif name in shape.required_members:
            yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    limits = shape.metadata
    number, what = (value, "value") if shape.type_name == "integer" else (len(value), "length")
    if number < limits.get("min", number):
        yield f"have {what} greater than or equal to {limits['min']}"
    if number > limits.get("max", number):
        yield f"have {what} less than or equal to {limits['max']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"satisfy enum value set: [{', '.join(limits['enum'])}]"
    if "pattern" in limits and not re.fullmatch(_python(limits["pattern"]), value):
        yield f"satisfy regular expression pattern: {limits['pattern']}"


def _python(pattern: str) -> str:
    for theirs, ours in CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    return pattern
