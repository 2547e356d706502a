# SPDX-License-Identifier: Apache-2.0

"""``mock_aws_jobs``: moto with our backends, in process."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Sequence
from threading import Lock
from types import TracebackType
from typing import Any, TypeVar, cast

from moto import mock_aws
from moto.core.models import MockAWS

from airflow_provider_jobs.testing.aws.edge import enter_process, leave_process
from airflow_provider_jobs.testing.aws.faults import UnmetFaultError
from airflow_provider_jobs.testing.aws_jobs import AwsJobs
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import Backend, register, unregister
from airflow_provider_jobs.testing.pace import Pace

F = TypeVar("F", bound=Callable[..., Any])


class mock_aws_jobs:
    """Mock AWS in this process, as a context manager or as a decorator of a function.

    It works around moto's ``mock_aws``: the same fake credentials, and all of moto's services. A function
    with a parameter ``aws`` is given the control object. Jobs that go by seconds move on whenever one of
    their services or the control object is called.

    :param reads: a job is at its end at its n-th read; None with no seconds is by hand only
    :param seconds: a job takes so many wall-clock seconds, instead of reads
    :param backends: of services that are not of this package
    :raises UnmetFaultError: at its end, if no call met a fault that was asked for; not if it ends by an error
    """

    _lock = Lock()
    _depth = 0

    def __init__(
        self, *, reads: int | None = 2, seconds: float | None = None, backends: Sequence[Backend] = ()
    ) -> None:
        self._pace = Pace(reads=reads) if seconds is None else Pace(seconds=seconds)
        self._backends = backends
        self._entered: list[MockAWS] = []

    def __enter__(self) -> AwsJobs:
        with self._lock:
            if mock_aws_jobs._depth == 0:
                CONTROL.clear(self._pace)
                enter_process()
            register(self._backends)
            mock_aws_jobs._depth += 1
        mock = mock_aws()
        mock.start()
        self._entered.append(mock)
        return CONTROL

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._entered.pop().stop()
        unmet: list[str] = []
        with self._lock:
            mock_aws_jobs._depth -= 1
            if mock_aws_jobs._depth == 0:
                unmet = CONTROL.unmet_faults()
                leave_process()
                unregister()
                CONTROL.clear(self._pace)
        if unmet and error is None:
            raise UnmetFaultError(unmet)

    def __call__(self, function: F) -> F:
        """Decorate a function, or a coroutine function."""
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
        return cast("F", wrapper)
