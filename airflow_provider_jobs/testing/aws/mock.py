# SPDX-License-Identifier: Apache-2.0

"""``mock_aws_jobs``: moto with our backends, in process."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from threading import Lock
from types import TracebackType
from typing import TYPE_CHECKING, Any, TypeVar, cast

from moto import mock_aws
from moto.core.models import MockAWS

from airflow_provider_jobs.testing.aws.decorated_class import decorate_class
from airflow_provider_jobs.testing.aws.edge import enter_process, leave_process
from airflow_provider_jobs.testing.aws.faults import UnmetFaultError
from airflow_provider_jobs.testing.aws.outer import OuterMoto
from airflow_provider_jobs.testing.aws_jobs import AwsJobs
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import Backend, register, unregister
from airflow_provider_jobs.testing.pace import Pace

if TYPE_CHECKING:
    from moto.core.config import DefaultConfig

#: A function, a coroutine function or a class.
F = TypeVar("F", bound=Callable[..., Any])


class mock_aws_jobs:
    """Mock AWS in this process, as a context manager or as a decorator of a function or a class.

    It works around moto's ``mock_aws``: the same fake credentials, and all of moto's services. A function
    with a parameter ``aws`` is given the control object, as is a method whose name begins with ``test``. Jobs
    that go by seconds move on whenever a mocked service or the control object is called.

    The outermost block has an AWS of its own, also within a ``mock_aws``, whose AWS is there again after it.
    A class has one for each test, from its ``setup_method`` or ``setUp`` on.

    :param reads: a job is at its end at its n-th read; None with no seconds is by hand only
    :param seconds: a job takes so many wall-clock seconds, instead of reads
    :param backends: of services that are not of this package
    :param config: as that of ``mock_aws``, e.g. ``{"core": {"service_whitelist": ["events"]}}``; it ends with
        the block
    :raises UnmetFaultError: at its end, if no call met a fault that was asked for; not if it ends by an error
    """

    _lock = Lock()
    _depth = 0
    _outer: OuterMoto

    def __init__(
        self,
        *,
        reads: int | None = 2,
        seconds: float | None = None,
        backends: Sequence[Backend] = (),
        config: DefaultConfig | None = None,
    ) -> None:
        self._pace = Pace(reads=reads) if seconds is None else Pace(seconds=seconds)
        self._backends = backends
        self._config = config
        self._entered: list[MockAWS] = []
        #: The error that the latest block ended by.
        self.ended_by: BaseException | None = None

    def __enter__(self) -> AwsJobs:
        with self._lock:
            if mock_aws_jobs._depth == 0:
                mock_aws_jobs._outer = OuterMoto()
                CONTROL.clear(self._pace)
                enter_process()
            register(self._backends)
            mock_aws_jobs._depth += 1
        mock = mock_aws(config=self._config)
        mock.start()
        self._entered.append(mock)
        self.ended_by = None
        return CONTROL

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.ended_by = error
        mock = self._entered.pop()
        mock.stop()
        # moto leaves a nested mock's configuration in force until the outermost ends.
        mock._user_config_mock.stop()
        unmet: list[str] = []
        with self._lock:
            mock_aws_jobs._depth -= 1
            if mock_aws_jobs._depth == 0:
                unmet = CONTROL.unmet_faults()
                leave_process()
                unregister()
                CONTROL.clear(self._pace)
                mock_aws_jobs._outer.restore()
        if unmet and error is None:
            raise UnmetFaultError(unmet)

    def __call__(self, decorated: F) -> F:
        """Decorate a function, a coroutine function, or the tests of a class."""
        if inspect.isclass(decorated):
            return cast("F", decorate_class(decorated, self))
        return cast("F", self._decorate(decorated))

    def _decorate(self, function: Callable[..., Any]) -> Callable[..., Any]:
        parameters = inspect.signature(function).parameters

        def given(aws: AwsJobs, kwargs: dict[str, Any]) -> dict[str, Any]:
            return {**kwargs, "aws": aws} if "aws" in parameters else kwargs

        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self as aws:
                    return await function(*args, **given(aws, kwargs))

        else:

            @functools.wraps(function)
            def wrapper(*args: Any, **kwargs: Any) -> Any:
                with self as aws:
                    return function(*args, **given(aws, kwargs))

        # pytest looks for a fixture for every parameter that it sees.
        seen = [parameter for name, parameter in parameters.items() if name != "aws"]
        wrapper.__signature__ = inspect.Signature(seen)  # type: ignore[attr-defined]
        return wrapper
