# SPDX-License-Identifier: Apache-2.0

"""IoT Analytics on the wire: REST-JSON by our service model, which moto does not know."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from botocore.utils import parse_timestamp
from moto.core.common_types import TYPE_RESPONSE
from moto.core.model import OperationModel, ServiceModel
from moto.core.parse import RestJSONParser
from moto.core.request import Request
from moto.core.responses import ActionResult
from moto.core.routing import ServiceOperationRouter
from moto.core.serialize import RestJSONSerializer
from werkzeug.exceptions import NotFound

from airflow_provider_jobs.service_models import MODELS
from airflow_provider_jobs.testing.moto_ext import AwsError, JobResponse

MODEL = ServiceModel(
    json.loads((MODELS / "iotanalytics" / "2017-11-27" / "service-2.json").read_text()), "iotanalytics"
)
ROUTER = ServiceOperationRouter(MODEL)


class RestResponse(JobResponse):
    """Reads requests and writes answers as the model says. Operations return ``ActionResult``."""

    @property
    def arguments(self) -> dict[str, Any]:
        """The call's arguments from path, query and body, within the model's constraints."""
        request = self.normalized_request
        parser = RestJSONParser(self._operation, timestamp_parser=parse_timestamp)
        arguments: dict[str, Any] = parser.parse(
            {
                "method": request.method,
                "values": request.values,
                "headers": request.headers,
                "body": self.body,
                "url_path": request.path,
                "url_params": self.uri_match,
            }
        )
        violations = list(_violations(self._operation.input_shape, arguments, ""))
        if violations:
            detected = (
                "1 validation error" if len(violations) == 1 else f"{len(violations)} validation errors"
            )
            raise AwsError("InvalidRequestException", f"{detected} detected: {'; '.join(violations)}")
        return arguments

    def serialized(self, action_result: ActionResult) -> TYPE_RESPONSE:
        """Write an operation's result."""
        answer = RestJSONSerializer(self._operation).serialize(action_result.result)
        return answer["status_code"], {**self.response_headers, **answer["headers"]}, answer["body"]

    @property
    def _operation(self) -> OperationModel:
        operation: OperationModel = MODEL.operation_model(self._get_action())
        return operation

    def _get_action_from_method_and_request_uri(self, request: Request) -> str:
        try:
            operation, self.uri_match = ROUTER.match(request)
        except NotFound:
            return ""
        return str(operation.name)


def _violations(shape: Any, value: Any, at: str) -> Iterator[str]:
    for constraint in _broken(shape, value):
        yield f"Value '{value}' at '{at}' failed to satisfy constraint: Member must {constraint}"
    for name, part, inner in _parts(shape, value):
        yield from _violations(part, inner, f"{at}.{name}".lstrip("."))


def _parts(shape: Any, value: Any) -> Iterator[tuple[str, Any, Any]]:
    if shape.type_name == "structure":
        yield from ((name, shape.members[name], inner) for name, inner in value.items())
    elif shape.type_name == "list":
        yield from ((f"{position}.member", shape.member, inner) for position, inner in enumerate(value, 1))
    elif shape.type_name == "map":
        yield from (("key", shape.key, key) for key in value)
        yield from ((key, shape.value, inner) for key, inner in value.items())


def _broken(shape: Any, value: Any) -> Iterator[str]:
    limits = shape.metadata
    what = "value" if shape.type_name == "integer" else "length"
    if "min" in limits and _measure(value) < limits["min"]:
        yield f"have {what} greater than or equal to {limits['min']}"
    if "max" in limits and _measure(value) > limits["max"]:
        yield f"have {what} less than or equal to {limits['max']}"
    if "pattern" in limits and not re.fullmatch(limits["pattern"], value):
        yield f"satisfy regular expression pattern: {limits['pattern']}"
    for name in limits.get("required", ()):
        if name not in value:
            yield f"have {name}"


def _measure(value: Any) -> int:
    return value if isinstance(value, int) else len(value)
