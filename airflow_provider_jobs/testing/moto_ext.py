# SPDX-License-Identifier: Apache-2.0

"""Our backends in moto: how they are registered, and the response class that they share."""

from __future__ import annotations

import importlib
import json
import logging
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import moto.backend_index
import moto.core.config
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError, ServiceNotWhitelisted
from moto.core.responses import BaseResponse
from moto.core.routing import ServiceOperationRouter

from airflow_provider_jobs.testing.aws.cloudwatch import enter_cloudwatch, leave_cloudwatch
from airflow_provider_jobs.testing.aws.constraints import check_json, content_type
from airflow_provider_jobs.testing.control import CONTROL

log = logging.getLogger(__name__)

#: The packages of our services; the module ``backend`` of each declares a ``BACKEND``.
SERVICE_PACKAGES = (
    "events",
    "lookoutequipment",
    "iotanalytics",
    "datapipeline",
    "sqs",
    "logs",
    "dynamodb",
    "eventsv2",
)

_PREFIX = "jobs_"

#: Headers of moto's answers that AWS does not send, or not like that.
_NOT_AWS = ("status", "content-type")

_stubber: Any = importlib.import_module("moto.core.botocore_stubber")


class AwsError(JsonRESTError):
    """An error as AWS's JSON and REST-JSON services answer it.

    :param code: e.g. ``ResourceNotFoundException``
    :param message: AWS's own words
    :param status: the HTTP status
    """

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        super().__init__(code, message)
        self.code = status


class JobResponse(BaseResponse):
    """Base or mixin of our response classes: one call at a time, and no operation that is not there.

    What a call of a JSON service has for arguments is checked by botocore's model before its method runs.
    """

    #: The code of the service's own HTTP 500 error.
    internal_error = "InternalFailureException"

    #: The HTTP status of the service's ThrottlingException.
    throttling_status = 400

    #: Finds the operation of a request, where its headers do not name it.
    router: ClassVar[ServiceOperationRouter | None] = None

    @property
    def service(self) -> str:
        """The name that the service's requests are signed with."""
        return self.service_name or ""

    @property
    def arguments(self) -> dict[str, Any]:
        """The call's arguments, from its JSON body; a null counts as no argument."""
        return {name: value for name, value in json.loads(self.body or "{}").items() if value is not None}

    def checks(self, operation: str) -> bool:
        """Tell whether an operation of a JSON service is held to the constraints of botocore's model."""
        return True

    def call_action(self) -> TYPE_RESPONSE:
        """Run the operation and answer in the service's own protocol, whatever comes of it.

        One that there is not is refused with 501, which clients do not retry.
        """
        with CONTROL.lock:
            # Jobs that go by the clock move on at any call, not only at one that shows them.
            CONTROL.tick()
            _note_resets()
            status, headers, body = self._answer(self._get_action() or "")
            # A job that takes no time has ended with the call that started it.
            CONTROL.tick()
        return status, self._as_aws_sends_them(headers), body

    def _answer(self, operation: str) -> TYPE_RESPONSE:
        if not operation:
            return self._not_implemented(f"{self.method} {self.path}")
        try:
            return self._run(operation)
        except JsonRESTError as error:
            return self._refusal(error)
        except NotImplementedError as error:
            return self._not_implemented(operation, str(error))
        except Exception as error:
            if isinstance(error, KeyError) and error.args == (self.region,):
                # What moto raises of a Region that the service is not in.
                reason = "On AWS there is no address to connect to."
                return self._not_implemented(f"the Region {self.region}", reason)
            log.exception("The mocked %s cannot do this %s.", self.service, operation)
            return self._not_implemented(f"{operation} with these arguments", repr(error))

    def _run(self, operation: str) -> TYPE_RESPONSE:
        if self.router is None and self.checks(operation):
            check_json(self.service, operation, self.body)
        return super().call_action()

    def _not_implemented(self, what: str, reason: str = "") -> TYPE_RESPONSE:
        message = f"The mocked {self.service} does not have {what}. {reason}".strip()
        return self._refusal(AwsError("NotImplemented", message, 501))

    def _refusal(self, error: JsonRESTError) -> TYPE_RESPONSE:
        headers, body = self._enrich_response(
            {**self.response_headers, **dict(error.get_headers())}, error.get_body()
        )
        return error.code, headers, body

    def _as_aws_sends_them(self, headers: dict[str, Any]) -> dict[str, Any]:
        kept = {name: value for name, value in headers.items() if name.lower() not in _NOT_AWS}
        rest = self.router is not None
        return {**kept, "Content-Type": "application/json" if rest else content_type(self.service)}


@dataclass(frozen=True)
class Backend:
    """What moto has to know of a service. Ours come before moto's own, and a user's takes the place of ours
    of the same name.

    :param name: the service's signing name, or boto3's for one that signs as another does
    :param response: the class that answers
    :param path: a regular expression of the paths it answers, beginning with a slash
    :param host: a regular expression of other host names it has, up to the Region
    :param target: what the paths of its calls name it, if it speaks Smithy's RPC v2
    """

    name: str
    response: type[JobResponse]
    path: str = "/"
    host: str = ""
    target: str | None = None

    @property
    def moto_name(self) -> str:
        """The name in moto's index: none that moto has."""
        return _PREFIX + self.name

    @property
    def url_base(self) -> str:
        """The host names of the service, as a regular expression: those of FIPS and dual-stack too."""
        host = f"(?:{re.escape(self.name)}|{self.host})" if self.host else re.escape(self.name)
        return rf"https?://{host}(?:-fips)?\.(.+)\.(?:amazonaws\.com|api\.aws)"


class _Routes(BaseBackend):
    """The routes of a service, in the form that moto asks for. They hold no state: a service keeps its state
    in a BackendDict of its own or in moto's, which lets us answer for a service and share moto's data.
    """

    def __init__(self, backend: Backend) -> None:
        super().__init__("us-east-1", "000000000000")
        self._backend = backend

    @property
    def _url_module(self) -> SimpleNamespace:
        paths = {"{0}" + self._backend.path: self._backend.response.dispatch}
        return SimpleNamespace(url_bases=[self._backend.url_base], url_paths=paths)


class _Reset(BaseBackend):
    """Tells the control object that moto was reset: with what it had, its jobs are gone."""

    def reset(self) -> None:
        """Do so. It is called in the midst of moto's reset, so it may wait for no lock."""
        CONTROL.moto_was_reset.set()


_RESETS = BackendDict(_Reset, "jobs", use_boto3_regions=False, additional_regions=["aws"])


def _note_resets() -> None:
    # moto resets what was used since the last reset, and then forgets that it was.
    _RESETS["000000000000"]["aws"]


def backends() -> list[Backend]:
    """Import the services' backends and return what they declare."""
    modules = (f"airflow_provider_jobs.testing.aws.{name}.backend" for name in SERVICE_PACKAGES)
    return [importlib.import_module(module).BACKEND for module in modules]


#: The response classes of the registered backends, by service.
_responses: dict[str, type[JobResponse]] = {}

#: The registered backends that speak Smithy's RPC v2, by what paths name them.
_targets: dict[str, Backend] = {}


def backend_of(target: str) -> Backend | None:
    """Return the backend that the path of a call names.

    :param target: the service as the path names it
    """
    return _targets.get(target)


def internal_error(service: str, default: str) -> str:
    """Return the code of a service's own HTTP 500 error.

    :param service: the name that its requests are signed with
    :param default: for a service that has no backend of ours
    """
    return _responses[service].internal_error if service in _responses else default


def throttling_status(service: str) -> int:
    """Return the HTTP status of a service's ThrottlingException.

    :param service: the name that its requests are signed with
    """
    return _responses[service].throttling_status if service in _responses else 400


def router(service: str) -> ServiceOperationRouter | None:
    """Return what finds the operation of a request, if a backend of ours brings it.

    :param service: the name that its requests are signed with
    """
    return _responses[service].router if service in _responses else None


def plain_name(moto_name: str) -> str:
    """Return the name by which moto's configuration calls a service.

    :param moto_name: its name in moto's index
    """
    return moto_name.removeprefix(_PREFIX)


def _is_whitelisted(moto_name: str) -> bool:
    service = plain_name(moto_name)
    if not moto.core.config.service_whitelisted(service):
        raise ServiceNotWhitelisted(service)
    return True


def is_passed_through(moto_name: str) -> bool:
    """Tell whether moto's configuration lets a service's calls through to AWS.

    :param moto_name: its name in moto's index
    """
    return moto.core.config.passthrough_service(plain_name(moto_name))


def register(more: Iterable[Backend] = ()) -> None:
    """Make our backends known to moto in this process; again without effect.

    :param more: of services that are not of this package, or that take the place of ours
    """
    index = moto.backend_index.backend_url_patterns
    # A user's takes the place of ours, and keeps it.
    new = [backend for backend in backends() if backend.name not in _responses]
    for backend in (*new, *more):
        if _responses.get(backend.name) is backend.response:
            continue
        # moto imports `moto.<name>` and takes `<name>_backends` from it; the first pattern that matches wins.
        module = ModuleType(f"moto.{backend.moto_name}")
        setattr(module, f"{backend.moto_name}_backends", {"global": _Routes(backend)})
        sys.modules[module.__name__] = module
        _responses[backend.name] = backend.response
        if backend.target is not None:
            _targets[backend.target] = backend
        if backend.moto_name not in dict(index):
            index.insert(0, (backend.moto_name, re.compile(backend.url_base)))
    CONTROL.job_services = set(_responses)
    CONTROL.forget_moto = BackendDict.reset
    enter_cloudwatch()
    # moto looks a service up in its configuration by the name in its index.
    _stubber.service_whitelisted = _is_whitelisted
    _stubber.passthrough_service = is_passed_through


def unregister() -> None:
    """Undo ``register``, so that a plain ``mock_aws`` means what it meant."""
    index = moto.backend_index.backend_url_patterns
    names = [name for name, _ in index if name.startswith(_PREFIX)]
    index[:] = [entry for entry in index if entry[0] not in names]
    for name in names:
        sys.modules.pop(f"moto.{name}", None)
    _responses.clear()
    _targets.clear()
    leave_cloudwatch()
    _stubber.service_whitelisted = moto.core.config.service_whitelisted
    _stubber.passthrough_service = moto.core.config.passthrough_service
