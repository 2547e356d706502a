# SPDX-License-Identifier: Apache-2.0

"""An API call as it arrives: which operation of which service it is, and how that service writes errors."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from functools import cache
from uuid import uuid4
from xml.sax.saxutils import escape

import moto.backend_index
import moto.core.config
from botocore.exceptions import UnknownServiceError
from moto.core.common_types import TYPE_RESPONSE
from moto.core.request import Request
from moto.core.routing import ServiceOperationRouter, get_service_router
from moto.core.utils import get_equivalent_url_in_aws_domain
from moto.iam.models import get_account_id_from
from moto.utilities.utils import get_partition
from werkzeug.exceptions import NotFound

from airflow_provider_jobs.testing import moto_ext
from airflow_provider_jobs.testing.aws import cbor
from airflow_provider_jobs.testing.aws.constraints import content_type
from airflow_provider_jobs.testing.aws.faults import Fault

_SCOPE = re.compile(r"Credential=([^/]+)/[^/]+/([^/]+)/([^/]+)/aws4_request")

_EXPIRED = "The security token included in the request is expired"
_UNKNOWN = "The request processing has failed because of an unknown error."


@dataclass(frozen=True)
class Call:
    """A call of an operation.

    :param service: the name that the request is signed with, or boto3's for one that signs as another does
    :param operation: as AWS spells it; empty if the request is none that is known
    :param protocol: ``json``, ``query``, ``rest-json``, ``rest-xml`` or ``cbor``
    :param account: the caller's account
    :param region: the Region it goes to
    :param prefix: of the operation's IAM action
    """

    service: str
    operation: str
    protocol: str
    account: str
    region: str
    prefix: str

    def refusal(self, fault: Fault) -> TYPE_RESPONSE:
        """Answer with the AWS error that a fault asks for.

        :param fault: of a kind that answers with an error
        """
        code, status, message = self._standard(fault.kind)
        if fault.code is not None:
            code, status = fault.code, 400
        return self._error(code, fault.status or status, message if fault.message is None else fault.message)

    def _standard(self, kind: str) -> tuple[str, int, str]:
        xml = self.protocol in ("query", "rest-xml")
        s3 = self.protocol == "rest-xml"
        match kind:
            case "throttle":
                return ("SlowDown", 503, "Please reduce your request rate.") if s3 else (
                    "Throttling" if xml else "ThrottlingException",
                    moto_ext.throttling_status(self.service),
                    "Rate exceeded",
                )  # fmt: skip
            case "expired-token":
                return ("ExpiredToken", 400 if s3 else 403, _EXPIRED) if xml else (
                    "ExpiredTokenException", 400, _EXPIRED
                )  # fmt: skip
            case "access-denied":
                user = f"arn:{get_partition(self.region)}:iam::{self.account}:user/testing"
                message = f"User: {user} is not authorized to perform: {self.prefix}:{self.operation}"
                status = 403 if self.protocol == "cbor" else 400
                return ("AccessDenied", 403, message) if xml else ("AccessDeniedException", status, message)
            case _:
                return (
                    moto_ext.internal_error(self.service, "InternalError" if s3 else "InternalFailure"),
                    500,
                    _UNKNOWN,
                )

    def _error(self, code: str, status: int, message: str) -> TYPE_RESPONSE:
        request_id = str(uuid4())
        headers = {"x-amzn-RequestId": request_id}
        if self.protocol == "cbor":
            return status, {**headers, **cbor.HEADERS}, cbor.refusal(code, message)
        if self.protocol in ("json", "rest-json"):
            kind = content_type(self.service) if self.protocol == "json" else "application/json"
            headers |= {"Content-Type": kind, "x-amzn-ErrorType": code}
            return status, headers, json.dumps({"__type": code, "message": message})
        headers["Content-Type"] = "text/xml"
        told = f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"
        if self.protocol == "rest-xml":
            return status, headers, f"<Error>{told}<RequestId>{request_id}</RequestId></Error>"
        error = f"<Error><Type>Sender</Type>{told}</Error><RequestId>{request_id}</RequestId>"
        return status, headers, f"<ErrorResponse>{error}</ErrorResponse>"


def call_of(request: Request) -> Call | None:
    """Tell which call a request is; None if it goes to nothing that moto mocks.

    :param request: as moto sees it
    """
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    host = "" if scope or request.from_wsgi_server else request.host
    if not scope and not request.form.get("Action"):
        return None
    key, region, service = scope.groups() if scope else ("", "us-east-1", host.partition(".")[0] or "sts")
    service = prefix = service.lower()
    if cbor.is_cbor(request):
        named, operation = cbor.target_of(request.path)
        backend, protocol = moto_ext.backend_of(named), "cbor"
        service = service if backend is None else backend.name
    elif target := request.headers.get("X-Amz-Target"):
        operation, protocol = target.rpartition(".")[2], "json"
    elif action := request.form.get("Action"):
        operation, protocol = action, "query"
    else:
        protocol = "rest-xml" if service == "s3" else "rest-json"
        operation = _routed(service, request)
    account = get_account_id_from(key) if key else "123456789012"
    return Call(service, operation, protocol, account, region, prefix)


def is_mocked(url: str) -> bool:
    """Tell whether moto answers a URL, and does not let its calls through to AWS.

    :param url: with or without a query
    """
    parsed, _ = get_equivalent_url_in_aws_domain(url)
    address = f"{parsed.scheme}://{parsed.netloc}{parsed.path}"
    if moto.core.config.passthrough_url(address):
        return False
    names = (name for name, pattern in moto.backend_index.backend_url_patterns if pattern.match(address))
    first = next(names, None)
    return first is not None and not moto_ext.is_passed_through(first)


def _routed(service: str, request: Request) -> str:
    router = moto_ext.router(service) or _moto_router(service)
    if router is None:
        return ""
    try:
        operation, _ = router.match(request)
    except NotFound:
        return ""
    return str(operation.name)


@cache
def _moto_router(service: str) -> ServiceOperationRouter | None:
    try:
        return get_service_router(service)
    except UnknownServiceError:
        return None
