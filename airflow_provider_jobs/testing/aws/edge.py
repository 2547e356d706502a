# SPDX-License-Identifier: Apache-2.0

"""The edge of the mocked AWS: every call passes it, in process and over HTTP, and meets its faults here."""

from __future__ import annotations

import io
import json
import select
import socket
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any, NoReturn, cast

from botocore.awsrequest import AWSPreparedRequest
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from moto.core.common_types import TYPE_RESPONSE
from moto.core.models import botocore_stubber
from moto.core.request import Request

from airflow_provider_jobs.testing.aws import cbor
from airflow_provider_jobs.testing.aws.calls import Call, call_of, is_mocked
from airflow_provider_jobs.testing.aws.faults import CHANGES, ERRORS, ActiveFault, Fault
from airflow_provider_jobs.testing.control import CONTROL

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment


_JSON = {"Content-Type": "application/x-amz-json-1.1"}


class Edge(ABC):
    """One call's way in and out. Subclasses know how a connection ends without an answer."""

    @abstractmethod
    def drop(self) -> NoReturn:
        """Close the connection."""

    @abstractmethod
    def hang(self, seconds: float) -> NoReturn:
        """Answer nothing until the client gives up.

        :param seconds: the longest that it lasts; then the connection closes
        """

    def answer(self, call: Call, serve: Callable[[], TYPE_RESPONSE]) -> TYPE_RESPONSE:
        """Answer a call, unless a fault gets in its way.

        :param call: the call
        :param serve: lets it take effect, and gives AWS's own answer
        """
        met = CONTROL.count_call(call.service, call.operation)
        if met is None:
            return serve()
        fault = met.fault
        early = fault.when == "before" and fault.kind not in CHANGES
        if early and (instead := self._suffer(call, fault)) is not None:
            return instead
        answer = serve()
        if fault.kind in CHANGES:
            return _changed(answer, met, call.protocol)
        if not early:
            answer = self._suffer(call, fault) or answer
        return answer

    def _suffer(self, call: Call, fault: Fault) -> TYPE_RESPONSE | None:
        if fault.kind in ERRORS:
            return call.refusal(fault)
        match fault.kind:
            case "drop":
                self.drop()
            case "hang":
                self.hang(fault.seconds)
            case "garbage":
                own = dict(cbor.HEADERS) if call.protocol == "cbor" else _JSON
                headers = {"Content-Type": "text/html"} if fault.body.startswith("<") else own
                return fault.status or 200, headers, fault.body
        time.sleep(fault.seconds)
        return None


class InProcess(Edge):
    """A call of a client in this process. botocore's own errors stand for what it would meet on a socket.

    :param url: where the client sent it
    """

    def __init__(self, url: str) -> None:
        self._url = url

    def answer(self, call: Call, serve: Callable[[], TYPE_RESPONSE]) -> TYPE_RESPONSE:
        """Answer with AWS's time in the ``Date`` header; what is due by then has happened."""
        CONTROL.tick()
        status, headers, body = super().answer(call, serve)
        return status, {**_undated(headers), "Date": date()}, body

    def drop(self) -> NoReturn:
        """Raise what botocore raises when a connection closes."""
        raise ConnectionClosedError(endpoint_url=self._url)

    def hang(self, seconds: float) -> NoReturn:
        """Raise what botocore raises when it gives up, without the wait."""
        raise ReadTimeoutError(endpoint_url=self._url)


def enter_process() -> None:
    """Let calls of this process's clients pass the edge while moto is active."""
    inner = type(botocore_stubber).process_request

    def process_request(request: AWSPreparedRequest) -> TYPE_RESPONSE | None:
        call = call_of(_sent(request)) if is_mocked(request.url) else None
        if call is None:
            return inner(botocore_stubber, request)

        def serve() -> TYPE_RESPONSE:
            answer = inner(botocore_stubber, request)
            assert answer is not None, f"moto mocks {request.url}, so it answers"
            return answer

        return InProcess(request.url).answer(call, serve)

    botocore_stubber.process_request = process_request  # type: ignore[method-assign]


def leave_process() -> None:
    """Undo ``enter_process``."""
    vars(botocore_stubber).pop("process_request", None)


def _sent(request: AWSPreparedRequest) -> Request:
    # A body that is a stream can be read once, and moto will. Only a form's is needed here.
    body = request.body if _is_form(request.headers.get("Content-Type", "")) else None
    return Request.from_primitives(request.method, request.url, request.headers, body)


def _is_form(content_type: str | bytes) -> bool:
    text = content_type.decode() if isinstance(content_type, bytes) else content_type
    return text.startswith("application/x-www-form-urlencoded")


class _ConnectionLostError(Exception):
    """There is nobody to answer any more."""


class OverHttp(Edge):
    """A call that came to the server.

    :param environ: the request's, from werkzeug
    """

    def __init__(self, environ: WSGIEnvironment) -> None:
        self._socket: socket.socket = environ["werkzeug.socket"]

    def drop(self) -> NoReturn:
        """Shut the connection down."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        raise _ConnectionLostError

    def hang(self, seconds: float) -> NoReturn:
        """Wait until the client has closed the connection, and close it as well."""
        select.select([self._socket], [], [], seconds)
        self.drop()


def over_http(services: WSGIApplication) -> WSGIApplication:
    """Let the calls to a server pass the edge.

    :param services: moto's application
    """

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if length := int(environ.get("CONTENT_LENGTH") or 0):
            # A form is read twice; and a hang would take a body that is still to come for the end.
            body = environ["wsgi.input"].read(length)
            call = call_of(_Received({**environ, "wsgi.input": io.BytesIO(body)}))
            environ["wsgi.input"] = io.BytesIO(body)
        else:
            call = call_of(_Received(environ))
        if call is None:
            return services(environ, start_response)
        try:
            status, headers, body = OverHttp(environ).answer(call, lambda: _served(services, environ))
        except _ConnectionLostError:
            start_response("500 Nobody is there", [])
            return []
        headers = _undated(headers)  # the server writes it
        content = body if isinstance(body, bytes) else str(body).encode()
        if "content-length" not in {name.lower() for name in headers}:
            headers = {**headers, "Content-Length": str(len(content))}
        start_response(f"{status} {status}", list(headers.items()))
        return [content]

    return application


class _Received(Request):
    from_wsgi_server = True


def _served(services: WSGIApplication, environ: WSGIEnvironment) -> TYPE_RESPONSE:
    begun: list[Any] = []

    def start_response(status: str, headers: list[tuple[str, str]], *_: Any) -> Callable[[bytes], object]:
        begun[:] = status, headers
        return lambda data: None

    parts = services(environ, start_response)
    try:
        body = b"".join(parts)
    finally:
        getattr(parts, "close", lambda: None)()
    status, headers = begun
    return int(status.split()[0]), dict(headers), body


def date() -> str:
    """Return AWS's time as the ``Date`` header has it."""
    return format_datetime(CONTROL.clock(), usegmt=True)


def _undated(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() != "date"}


def _changed(answer: TYPE_RESPONSE, met: ActiveFault, protocol: str) -> TYPE_RESPONSE:
    status, headers, body = answer
    assert met.fault.member is not None
    try:
        content = cbor.decode(cast("bytes", body)) if protocol == "cbor" else json.loads(body)
    except ValueError:
        content = None  # an answer of another kind
    if not _change(content, met.fault.member.split("."), met.fault):
        met.missed()
        return answer
    kept = {name: value for name, value in headers.items() if name.lower() != "content-length"}
    return status, kept, cbor.encode(content) if protocol == "cbor" else json.dumps(content)


def _change(content: Any, path: list[str], fault: Fault) -> bool:
    """Change what is at the end of a path, in each row of a list; tell whether it was there."""
    first, *rest = path
    if isinstance(content, list):
        return any([_change(each, path, fault) for each in content])
    if not isinstance(content, dict) or first not in content:
        return False
    if rest:
        return _change(content[first], rest, fault)
    if fault.kind == "omit":
        del content[first]
    else:
        content[first] = fault.value
    return True
