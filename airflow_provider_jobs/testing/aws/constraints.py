# SPDX-License-Identifier: Apache-2.0

"""The constraints of AWS's own service models, which boto3 mostly leaves to the service to check."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

from botocore.exceptions import UnknownServiceError
from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StructureShape
from moto.core.exceptions import JsonRESTError

#: What a request's values are in JSON, for the types that are sent as they are.
TYPES: Mapping[str, type[Any]] = {
    "structure": dict,
    "map": dict,
    "list": list,
    "string": str,
    "integer": int,
    "long": int,
    "boolean": bool,
}

#: The code of a service's error for an argument that is not valid, where it is not ValidationException.
CODES: Mapping[str, str] = {
    "datapipeline": "InvalidRequestException",
    "logs": "InvalidParameterException",
    "eventbridgev2": "InvalidInputException",
}

#: Enumerations that AWS names in the order of the alphabet, not in the model's.
SORTED = ("ReplayState",)
#: Enumerations that AWS names from the model's last to its first.
REVERSED = ("ExportFormat",)

#: What AWS's patterns have that Python's do not, or that Python reads in another way.
CLASSES = {
    r"\p{ASCII}": r"[\x00-\x7F]",
    r"[\P{M}\p{M}]": r"[\s\S]",
    r"\p{L}\p{Z}\p{N}": r"\w\s",
    # Java writes what is beyond 16 bits as pairs.
    r"\uD800\uDC00-\uDBFF\uDFFF": r"\U00010000-\U0010FFFF",
}


def check_json(service: str, operation: str, body: str | bytes) -> None:
    """Refuse a call of a JSON service that breaks the constraints of botocore's model, as AWS does.

    An operation or a service that botocore does not know is not checked.

    :param service: the service's name as in ``boto3.client(name)``
    :param operation: as AWS spells it
    :param body: the request's
    """
    known = service_model(service)
    if known is None or operation not in known.operation_names:
        return
    try:
        request = json.loads(body or "{}")
    except ValueError:
        request = None
    if not isinstance(request, dict):
        raise JsonRESTError("SerializationException", "The body is not a JSON object.")
    model = known.operation_model(operation)
    if model.input_shape is not None:
        check_input(model, request, CODES.get(service, "ValidationException"))


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
        raise JsonRESTError(code, f"{len(violations)} validation {errors} detected: {'; '.join(violations)}")


@cache
def service_model(service: str) -> ServiceModel | None:
    """Return botocore's model of a service; None if it has none.

    :param service: the service's name as in ``boto3.client(name)``
    """
    try:
        return ServiceModel(Loader().load_service_model(service, "service-2"), service)
    except UnknownServiceError:
        return None


def content_type(service: str) -> str:
    """Return the content type of a JSON service's answers, e.g. ``application/x-amz-json-1.1``.

    :param service: the service's name as in ``boto3.client(name)``
    """
    model = service_model(service)
    version = model.metadata.get("jsonVersion", "1.1") if model else "1.1"
    return f"application/x-amz-json-{version}"


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    if not _is_of_type(shape, value):
        raise JsonRESTError("SerializationException", f"The value at '{path}' is not a {shape.type_name}.")
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


def _is_of_type(shape: Shape, value: Any) -> bool:
    expected = TYPES.get(shape.type_name, object)
    return isinstance(value, expected) and (expected is not int or not isinstance(value, bool))


def _of_members(shape: StructureShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for name, member in shape.members.items():
        inner = f"{path}.{name[0].lower()}{name[1:]}".lstrip(".")
        if value.get(name) is not None:
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
        values = sorted(limits["enum"]) if shape.name in SORTED else limits["enum"]
        values = values[::-1] if shape.name in REVERSED else values
        yield f"satisfy enum value set: [{', '.join(values)}]"
    if "pattern" in limits and not re.fullmatch(_python(limits["pattern"]), value):
        yield f"satisfy regular expression pattern: {limits['pattern']}"


def _python(pattern: str) -> str:
    """Return a model's pattern as Python writes it."""
    for theirs, ours in CLASSES.items():
        pattern = pattern.replace(theirs, ours)
    return pattern
