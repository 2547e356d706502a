# SPDX-License-Identifier: Apache-2.0

"""The constraints of AWS's own service models, which boto3 mostly leaves to the service to check."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape

from airflow_provider_jobs.testing.moto_ext import AwsError

#: What a request's values are in JSON, for the types that are sent as they are.
TYPES: Mapping[str, type[Any]] = {"structure": dict, "list": list, "string": str, "integer": int}

#: What AWS's patterns have that Python's do not.
CLASSES = {
    r"\p{ASCII}": r"[\x00-\x7F]",
    # Java writes what is beyond 16 bits as pairs.
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
}


def check(service: str, operation: str, request: dict[str, Any]) -> None:
    """Refuse a JSON request that breaks the constraints of botocore's model of the service, as AWS does.

    :param service: the service's name as in ``boto3.client(name)``
    :param operation: as AWS spells it
    :param request: the call's arguments
    """
    check_input(_model(service).operation_model(operation), request, "ValidationException")


def check_input(operation: OperationModel, request: dict[str, Any], code: str) -> None:
    """Refuse a request that breaks the constraints of an operation's input.

    :param operation: as a model has it
    :param request: the call's arguments
    :param code: of the service's error
    """
    shape = operation.input_shape
    assert shape is not None
    violations = list(_violations(shape, request, ""))
    if violations:
        errors = "error" if len(violations) == 1 else "errors"
        raise AwsError(code, f"{len(violations)} validation {errors} detected: {'; '.join(violations)}")


@cache
def _model(service: str) -> ServiceModel:
    return ServiceModel(Loader().load_service_model(service, "service-2"), service)


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not isinstance(value, TYPES.get(shape.type_name, object)):
        raise AwsError("SerializationException", f"The value at '{path}' is not a {shape.type_name}.")
    if isinstance(shape, StructureShape):
        yield from _of_members(shape, value, path)
        return
    for constraint in _broken(shape, value):
        yield f"Value '{value}' at '{path}' failed to satisfy constraint: Member must {constraint}"
    if isinstance(shape, ListShape):
        for position, item in enumerate(value, 1):
            yield from _violations(shape.member, item, f"{path}.{position}.member")
    if isinstance(shape, MapShape):
        for key, item in value.items():
            yield from _violations(shape.key, key, f"{path}.key")
            yield from _violations(shape.value, item, f"{path}.{key}")


def _of_members(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        inner = f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
        if name in value:
            yield from _violations(member, value[name], inner)
        elif name in shape.required_members:
            yield f"Value null at '{inner}' failed to satisfy constraint: Member must not be null"


def _broken(shape: Shape, value: Any) -> Iterator[str]:
    limits = shape.metadata
    measure, what = (int, "value") if shape.type_name in ("integer", "long") else (len, "length")
    if "min" in limits and measure(value) < limits["min"]:
        yield f"have {what} greater than or equal to {limits['min']}"
    if "max" in limits and measure(value) > limits["max"]:
        yield f"have {what} less than or equal to {limits['max']}"
    if "enum" in limits and value not in limits["enum"]:
        yield f"satisfy enum value set: [{', '.join(limits['enum'])}]"
    if "pattern" in limits and not re.fullmatch(_python(limits["pattern"]), value):
        yield f"satisfy regular expression pattern: {limits['pattern']}"


def _python(pattern: str) -> str:
    for theirs, ours in CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    return pattern
