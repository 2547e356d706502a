# SPDX-License-Identifier: Apache-2.0

"""Smithy's RPC v2 with CBOR, a protocol that moto does not have: how a service is called and answers by it.

Models https://smithy.io/2.0/additional-specs/protocols/smithy-rpc-v2.html. The library is imported once such
a call comes, so the other services do without it.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.core.request import Request
from moto.core.utils import camelcase_to_underscores

from airflow_provider_jobs.testing.aws.constraints import CODES, check_input, service_model
from airflow_provider_jobs.testing.moto_ext import AwsError, JobResponse

PROTOCOL = "rpc-v2-cbor"
CONTENT_TYPE = "application/cbor"
HEADERS: Mapping[str, str] = {"smithy-protocol": PROTOCOL, "Content-Type": CONTENT_TYPE}

_PATH = re.compile(r"/service/(?P<target>[^/]+)/operation/(?P<operation>[^/]+)$")


def is_cbor(request: Request) -> bool:
    """Tell whether a request is a call by this protocol."""
    return bool(request.headers.get("smithy-protocol") == PROTOCOL and _PATH.search(request.path))


def target_of(path: str) -> tuple[str, str]:
    """Return a path's service, by the name that its model calls it on the wire, and its operation.

    :param path: of a call by this protocol
    """
    found = _PATH.search(path)
    return (found["target"], found["operation"]) if found else ("", "")


def decode(body: bytes) -> Any:
    """Read a body; timestamps become datetimes.

    :raises ValueError: if it is not CBOR
    """
    import cbor2

    try:
        return cbor2.loads(body)
    except (cbor2.CBORDecodeError, EOFError) as error:
        raise ValueError(str(error)) from error


def encode(value: Any) -> bytes:
    """Write a body; datetimes become timestamps."""
    import cbor2

    written: bytes = cbor2.dumps(value, datetime_as_timestamp=True)
    return written


def refusal(code: str, message: str) -> bytes:
    """Write an error.

    :param code: e.g. ``ResourceNotFoundException``
    :param message: AWS's own words
    """
    return encode({"__type": code, "Message": message})


class CborResponse(JobResponse):
    """Reads requests and writes answers. Operations are methods that return an answer's members."""

    use_raw_body = True
    service_name: str

    @property
    def arguments(self) -> dict[str, Any]:
        """The call's arguments, within the model's constraints; a null counts as no argument."""
        try:
            request = decode(self.body) if self.body else {}
        except ValueError:
            request = None
        if not isinstance(request, dict):
            raise AwsError("SerializationException", "The body is not a CBOR map.")
        request = {name: value for name, value in request.items() if value is not None}
        known, operation = service_model(self.service), self._get_action()
        if known is not None and operation in known.operation_names:
            check_input(known.operation_model(operation), request, CODES[self.service])
        return request

    def _get_action(self) -> str:
        return target_of(self.path)[1]

    def _run(self, operation: str) -> TYPE_RESPONSE:
        method = getattr(self, camelcase_to_underscores(operation), None)
        if method is None:
            raise NotImplementedError
        self._authenticate_and_authorize_normal_action(operation)
        answer = {name: value for name, value in method().items() if value is not None}
        return 200, dict(self.response_headers), encode(answer)

    def _refusal(self, error: JsonRESTError) -> TYPE_RESPONSE:
        return error.code, dict(self.response_headers), refusal(error.error_type, error.message)

    def _as_aws_sends_them(self, headers: dict[str, Any]) -> dict[str, Any]:
        return {**super()._as_aws_sends_them(headers), **HEADERS, "x-amzn-RequestId": str(uuid4())}
