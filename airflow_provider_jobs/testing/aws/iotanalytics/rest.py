# SPDX-License-Identifier: Apache-2.0

"""IoT Analytics on the wire: REST-JSON by our service model, which moto does not know."""

from __future__ import annotations

import json
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
from airflow_provider_jobs.testing.aws.constraints import check_input
from airflow_provider_jobs.testing.moto_ext import JobResponse

MODEL = ServiceModel(
    json.loads((MODELS / "iotanalytics" / "2017-11-27" / "service-2.json").read_text()), "iotanalytics"
)
ROUTER = ServiceOperationRouter(MODEL)


class RestResponse(JobResponse):
    """Reads requests and writes answers as the model says. Operations return ``ActionResult``."""

    router = ROUTER
    throttling_status = 429

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
        check_input(self._operation, arguments, "InvalidRequestException")
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
