# SPDX-License-Identifier: Apache-2.0

"""Whatever a client sends, a mocked service answers in its own protocol."""

from __future__ import annotations

import json
import re
import warnings
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.exceptions import ClientError
from botocore.model import ListShape, MapShape, Shape, StructureShape
from testing.conftest import Cloud

from airflow_provider_jobs.service_models import use_service_models
from airflow_provider_jobs.testing import Fault
from airflow_provider_jobs.testing.aws.constraints import CLASSES, service_model

#: The content type of each service's answers, and the code of its error for an argument that is not valid.
SERVICES = {
    "events": ("application/x-amz-json-1.1", "ValidationException"),
    "datapipeline": ("application/x-amz-json-1.1", "InvalidRequestException"),
    "lookoutequipment": ("application/x-amz-json-1.0", "ValidationException"),
    "iotanalytics": ("application/json", "InvalidRequestException"),
}
JSON_SERVICES = [service for service in SERVICES if service != "iotanalytics"]


def unchecked(cloud: Cloud, service: str) -> Any:
    """A client that leaves all checks to the service, as other SDKs do."""
    session = boto3.session.Session("testing", "testing", region_name="us-east-1")
    use_service_models(session)
    config = Config(parameter_validation=False, retries={"total_max_attempts": 1})
    client: Any = session.client(
        service,  # type: ignore[call-overload] # any service
        endpoint_url=cloud.endpoint_url,
        config=config,
    )
    cloud.closing.callback(client.close)
    return client


def response(client: Any, operation: str, arguments: dict[str, Any]) -> dict[str, Any]:
    """What an operation answers, an error or not."""
    try:
        answer: dict[str, Any] = client._make_api_call(operation, arguments)
    except ClientError as error:
        answer = dict(error.response)
    return answer


def least(shape: Shape | None) -> Any:
    """The least argument of a shape, with little regard for its constraints."""
    match shape:
        case StructureShape():
            return {name: least(shape.members[name]) for name in shape.required_members}
        case ListShape():
            return [least(shape.member)]
        case MapShape():
            return {}
        case None:
            return {}
        case _ if "enum" in shape.metadata:
            return shape.metadata["enum"][0]
        case _:
            kinds = {"integer": 1, "long": 1, "boolean": True, "timestamp": 1, "double": 1.0, "float": 1.0}
            return kinds.get(shape.type_name, "a")


def wrong(answer: dict[str, Any], content_type: str) -> str | None:
    """What is wrong with an answer, if anything."""
    metadata = answer["ResponseMetadata"]
    headers, status = metadata["HTTPHeaders"], metadata["HTTPStatusCode"]
    if status not in (200, 201, 202, 204, 400, 404, 409, 429, 501):
        return f"status {status}: {answer.get('Error')}"
    if headers["content-type"] != content_type:
        return str(headers["content-type"])
    if "status" in headers or "x-amzn-requestid" not in headers:
        return str(headers)
    if status >= 400 and not re.fullmatch(r"\w+Exception|NotImplemented", answer["Error"]["Code"]):
        return f"error {answer['Error']}"
    return None


@pytest.mark.parametrize("service", SERVICES)
def test_every_operation_is_answered_in_the_services_protocol(cloud: Cloud, service: str) -> None:
    client, (content_type, _) = unchecked(cloud, service), SERVICES[service]
    found = {}
    for operation in client.meta.service_model.operation_names:
        shape = client.meta.service_model.operation_model(operation).input_shape
        found[operation] = wrong(response(client, operation, least(shape)), content_type)
    assert {operation: what for operation, what in found.items() if what} == {}


@pytest.mark.parametrize("service", JSON_SERVICES)
def test_every_required_member_that_is_missing_is_refused(cloud: Cloud, service: str) -> None:
    client, (_, code) = unchecked(cloud, service), SERVICES[service]
    model = client.meta.service_model
    found = {}
    for operation in model.operation_names:
        shape = model.operation_model(operation).input_shape
        for missing in shape.required_members if shape else ():
            # A token that boto3 adds is not missing.
            if shape.members[missing].metadata.get("idempotencyToken"):
                continue
            arguments = {name: value for name, value in least(shape).items() if name != missing}
            error = response(client, operation, arguments).get("Error", {})
            path = f"{missing[0].lower()}{missing[1:]}"
            told = f"Value null at '{path}' failed to satisfy constraint: Member must not be null"
            if error.get("Code") != code or told not in error["Message"]:
                found[operation, missing] = error
    assert found == {}


@pytest.mark.parametrize("service", JSON_SERVICES)
@pytest.mark.parametrize("body", [b"{", b"[]", b'"a"', b"null"])
def test_a_body_that_is_no_object(cloud: Cloud, service: str, body: bytes) -> None:
    client = unchecked(cloud, service)
    operation = {"events": "ListReplays", "datapipeline": "ListPipelines"}.get(service, "ListDatasets")

    def send(request: AWSRequest, **_: Any) -> None:
        request.data = body

    client.meta.events.register(f"before-sign.{service}.{operation}", send)
    answer = response(client, operation, {})
    assert answer["Error"]["Code"] == "SerializationException"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 400


@pytest.mark.parametrize("service", SERVICES)
def test_an_error_by_a_fault_is_written_as_the_services_own(cloud: Cloud, service: str) -> None:
    client, (content_type, _) = unchecked(cloud, service), SERVICES[service]
    operation = {"events": "ListReplays", "lookoutequipment": "ListDatasets"}.get(service, "ListPipelines")
    cloud.aws.add_fault(Fault(operation, "throttle", service=service))
    answer = response(client, operation, {})
    assert answer["Error"]["Code"] == "ThrottlingException"
    assert wrong(answer, content_type) is None


def test_a_null_is_as_good_as_no_argument(cloud: Cloud) -> None:
    client = unchecked(cloud, "events")

    def send(request: AWSRequest, **_: Any) -> None:
        request.data = json.dumps({"Limit": None, "NamePrefix": None})

    client.meta.events.register("before-sign.events.ListReplays", send)
    assert client.list_replays()["Replays"] == []


def test_an_argument_of_another_type(cloud: Cloud) -> None:
    client = unchecked(cloud, "events")
    for value in ("5", True, 1.5, [5]):
        answer = response(client, "ListReplays", {"Limit": value})
        assert answer["Error"]["Code"] == "SerializationException", value


@pytest.mark.parametrize("service", [*JSON_SERVICES, "eventbridgev2"])
def test_all_patterns_of_the_models_can_be_checked(service: str) -> None:
    model = service_model(service)
    if model is None:
        pytest.skip(f"This boto3 does not know {service}.")
    with warnings.catch_warnings(action="error"):
        for name in model.shape_names:
            pattern = model.shape_for(name).metadata.get("pattern", "")
            for theirs, ours in CLASSES.items():
                pattern = pattern.replace(theirs, ours)
            assert re.compile(pattern), name
            assert r"\p" not in pattern.lower(), name


def test_texts_beyond_the_basic_plane(cloud: Cloud) -> None:
    """The model of Data Pipeline writes them as pairs of surrogates."""
    client = unchecked(cloud, "datapipeline")
    assert client.create_pipeline(name="\U0001f600", uniqueId="one")["pipelineId"]
    refused = response(client, "CreatePipeline", {"name": "\x00", "uniqueId": "two"})
    assert refused["Error"]["Code"] == "InvalidRequestException"
