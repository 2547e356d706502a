# SPDX-License-Identifier: Apache-2.0

"""Our backends in moto: how they are registered, and the response class that they share."""

from __future__ import annotations

import importlib
import json
import re
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from types import ModuleType, SimpleNamespace
from typing import Any, ClassVar

import moto.backend_index
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.common_types import TYPE_RESPONSE
from moto.core.exceptions import JsonRESTError
from moto.core.responses import BaseResponse
from moto.core.routing import ServiceOperationRouter

from airflow_provider_jobs.testing.control import CONTROL

#: The packages of our services; the module ``backend`` of each declares a ``BACKEND``.
SERVICE_PACKAGES = ("events", "lookoutequipment", "iotanalytics", "datapipeline", "sqs", "logs")

_PREFIX = "jobs_"


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
    """Base or mixin of our response classes: one call at a time, and no operation that is not there."""

    #: The code of the service's own HTTP 500 error.
    internal_error = "InternalFailureException"

    #: Finds the operation of a request, where its headers do not name it.
    router: ClassVar[ServiceOperationRouter | None] = None

    @property
    def arguments(self) -> dict[str, Any]:
        """The call's arguments, from its JSON body."""
        return dict(json.loads(self.body or "{}"))

    def call_action(self) -> TYPE_RESPONSE:
        """Run the operation; one that there is not is refused with 501, which clients do not retry."""
        with CONTROL.lock:
            # Jobs that go by the clock move on at any call, not only at one that shows them.
            CONTROL.tick()
            if not self._get_action():
                return self._not_implemented(f"{self.method} {self.path}")
            try:
                result: TYPE_RESPONSE = super().call_action()
            except NotImplementedError as error:
                return self._not_implemented(self._get_action(), str(error))
            return result

    def _not_implemented(self, operation: str, reason: str = "") -> TYPE_RESPONSE:
        message = f"The mocked {self.service_name} does not have {operation}. {reason}".strip()
        error = AwsError("NotImplemented", message, 501)
        return 501, {**self.response_headers, **dict(error.get_headers())}, error.get_body()


@dataclass(frozen=True)
class Backend:
    """What moto has to know of a service. Ours come before moto's own, and a user's before ours.

    :param name: the service's signing name, the first part of its host name
    :param response: the class that answers
    :param path: a regular expression of the paths it answers, beginning with a slash
    """

    name: str
    response: type[JobResponse]
    path: str = "/"

    @property
    def moto_name(self) -> str:
        """The name in moto's index: none that moto has, and another one for each class that answers."""
        return f"{_PREFIX}{self.name}_{self.response.__name__}"

    @property
    def url_base(self) -> str:
        """The host names of the service, as a regular expression."""
        return rf"https?://{re.escape(self.name)}\.(.+)\.amazonaws\.com"


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


def backends() -> list[Backend]:
    """Import the services' backends and return what they declare."""
    modules = (f"airflow_provider_jobs.testing.aws.{name}.backend" for name in SERVICE_PACKAGES)
    return [importlib.import_module(module).BACKEND for module in modules]


#: The response classes of the registered backends, by service.
_responses: dict[str, type[JobResponse]] = {}


def internal_error(service: str, default: str) -> str:
    """Return the code of a service's own HTTP 500 error.

    :param service: the name that its requests are signed with
    :param default: for a service that has no backend of ours
    """
    return _responses[service].internal_error if service in _responses else default


def router(service: str) -> ServiceOperationRouter | None:
    """Return what finds the operation of a request, if a backend of ours brings it.

    :param service: the name that its requests are signed with
    """
    return _responses[service].router if service in _responses else None


def register(more: Iterable[Backend] = ()) -> None:
    """Make our backends known to moto in this process; again without effect.

    :param more: of services that are not of this package
    """
    index = moto.backend_index.backend_url_patterns
    for backend in (*backends(), *more):
        if f"moto.{backend.moto_name}" in sys.modules:
            continue
        # moto imports `moto.<name>` and takes `<name>_backends` from it; the first pattern that matches wins.
        module = ModuleType(f"moto.{backend.moto_name}")
        setattr(module, f"{backend.moto_name}_backends", {"global": _Routes(backend)})
        sys.modules[module.__name__] = module
        _responses[backend.name] = backend.response
        index.insert(0, (backend.moto_name, re.compile(backend.url_base)))
    CONTROL.job_services = set(_responses)
    CONTROL.forget_moto = BackendDict.reset


def unregister() -> None:
    """Undo ``register``, so that a plain ``mock_aws`` means what it meant."""
    index = moto.backend_index.backend_url_patterns
    names = [name for name, _ in index if name.startswith(_PREFIX)]
    index[:] = [entry for entry in index if entry[0] not in names]
    for name in names:
        sys.modules.pop(f"moto.{name}", None)
    _responses.clear()
