# SPDX-License-Identifier: Apache-2.0

"""One poll for all waiters: a background task that the waiters of an event loop share."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import random
import traceback
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Hashable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

from airflow_provider_jobs import metrics
from airflow_provider_jobs._watch.threads import CallThread, call_in
from airflow_provider_jobs.error_codes import ACCESS_CODES, CREDENTIAL_CODES, THROTTLING_CODES
from airflow_provider_jobs.exceptions import (
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
    JobUnavailableError,
    is_transient,
)
from airflow_provider_jobs.hooks._clock import AwsClock
from airflow_provider_jobs.hooks._spec import HookSpec

if TYPE_CHECKING:
    # A triggerer imports this module on its event loop, which importing boto3 would block for half a second;
    # the hook is imported in the thread that uses it.
    from airflow_provider_jobs.hooks.base import JobHook

__all__ = ["SharedPoll", "Waiter"]

T = TypeVar("T")

#: Seconds to collect waiters that begin together for the first poll.
_GATHER = 1.0
#: The longest pause between polls that are throttled, in seconds.
_LONGEST_PAUSE = 300.0
#: Seconds to wait for a poll's answer. Each call has its own limits; this one is for an endpoint that sends
#: its answer a byte at a time.
_POLL_LIMIT = 300.0
#: How many waiters get their update before the event loop has a turn: it must never be blocked for long.
_BATCH = 10


@dataclass(eq=False, slots=True)
class Waiter:
    """A task that waits.

    :param job_id: the job that it waits for.
    :param interval: seconds between polls.
    :param since: when the wait began, in seconds since the epoch.
    :param scope: the resource for which AWS runs only a few jobs at once, such as a dataset; may be empty.
    :param spec: the waiter's connection, where several connections share a poll.
    :param not_before: the earliest time at which it may start its job, by the event loop's clock.
    """

    job_id: str
    interval: float
    since: float = 0.0
    scope: str = ""
    spec: HookSpec | None = None
    not_before: float = 0.0
    updates: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    #: Returns AWS's own time; None while it is unknown.
    aws_time: Callable[[], datetime | None] = lambda: None
    #: Whether there was an update.
    polled: bool = False


class SharedPoll(ABC):
    """A task that polls AWS once per interval, in its connection's thread, for all waiters of an event loop.

    It begins with the first waiter and ends with the last. A waiter whose job has ended or that is cancelled
    leaves at once. After a throttled poll the next one comes later.
    """

    #: The metric that has the number of waiters.
    gauge: ClassVar[str]
    _of_loop: ClassVar[
        WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[type, Hashable], SharedPoll]]
    ] = WeakKeyDictionary()

    def __init__(self, spec: HookSpec) -> None:
        # A dictionary serves as an ordered set: thousands of waiters may leave one by one.
        self._waiters: dict[Waiter, None] = {}
        self.key: Hashable = spec
        self.spec: HookSpec = spec
        self._hook: JobHook | None = None
        self._memory: dict[str, Any] = {}
        self._clock = AwsClock()
        self._thread: CallThread | None = None
        self._due = 0.0
        self._throttled = 0
        #: How many API calls the last poll made.
        self._calls = 0
        self._logged: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiters(self) -> list[Waiter]:
        """The current waiters, in the order of arrival."""
        return [*self._waiters]

    @classmethod
    @asynccontextmanager
    async def waiting(
        cls, spec: HookSpec, waiter: Waiter, key: Hashable = None
    ) -> AsyncIterator[asyncio.Queue[Any]]:
        """Join the shared poll; yields the queue of the waiter's updates.

        :param spec: the connection and hook of the jobs.
        :param waiter: the waiter.
        :param key: what the waiters of a shared poll have in common; by default the connection.
        """
        key = spec if key is None else key
        polls = cls._of_loop.setdefault(asyncio.get_running_loop(), {})
        poll = polls.get((cls, key))
        if poll is None:
            poll = polls[cls, key] = cls(spec)
            poll.key = key
        poll._join(waiter)
        try:
            with metrics.count_wait(cls.gauge, spec):
                yield waiter.updates
        finally:
            del poll._waiters[waiter]
            if not poll._waiters and polls.get((cls, key)) is poll:
                del polls[cls, key]
                poll._end()

    @abstractmethod
    async def poll(self) -> Iterable[Exception]:
        """Poll once and give the waiters their updates; raises what the hook raises.

        :return: the errors.
        """

    @classmethod
    def all_here(cls) -> list[SharedPoll]:
        """Return the polls of this class in the running event loop."""
        polls = cls._of_loop.get(asyncio.get_running_loop(), {})
        return [poll for poll in polls.values() if isinstance(poll, cls)]

    def hurry(self, seconds: float) -> None:
        """Poll after this many seconds, unless a poll is due earlier."""
        due = asyncio.get_running_loop().time() + seconds
        if due < self._due and not self._throttled:
            self._due = due
            self._wake.set()

    def pause(self, interval: float) -> float:
        """Return the seconds until the next poll.

        :param interval: the interval that the waiters ask for.
        """
        return interval

    def aws_time(self) -> datetime | None:
        """Return AWS's own time; None while it is unknown."""
        return self._clock.now()

    async def ask(self, question: Callable[[JobHook], T]) -> T:
        """Call the hook in the connection's thread."""

        def answer() -> T:
            if self._hook is None:
                self._hook = self.spec.build()
                self._hook.polling = True
                # A new hook takes over AWS's time and what was learnt about the jobs.
                self._hook.clock, self._hook.memory = self._clock, self._memory
            before = self._hook.calls
            try:
                with metrics.count_calls(self._hook):
                    return question(self._hook)
            finally:
                self._calls = self._hook.calls - before

        if self._thread is None:
            self._thread = CallThread.take(self.spec)
        try:
            return await call_in(self._thread, answer, _POLL_LIMIT)
        except TimeoutError:
            # The hanging call is abandoned. Nothing that it may still use is used again.
            self._thread.give_back()
            self._thread, self._hook = None, None
            self._memory, self._clock = {}, self._clock.copy()
            raise

    async def tell(self, waiters: Iterable[Waiter], update: Callable[[Waiter], Any]) -> None:
        """Give each waiter its update, in batches."""
        for count, waiter in enumerate([*waiters], start=1):
            waiter.polled = True
            waiter.updates.put_nowait(update(waiter))
            if count % _BATCH == 0:
                await asyncio.sleep(0)

    def _join(self, waiter: Waiter) -> None:
        now = asyncio.get_running_loop().time()
        waiter.aws_time = self.aws_time
        self._waiters[waiter] = None
        if self._task is None:
            self._due = now + min(_GATHER, waiter.interval)
            # In its own context: otherwise everything that it logs would go to the first waiter's task log.
            self._task = asyncio.create_task(self._run(), context=contextvars.Context())
        else:
            self.hurry(waiter.interval)

    def _end(self) -> None:
        if self._task is not None:
            self._task.cancel()
        if self._thread is not None:
            self._thread.give_back()
            self._thread = None

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while (pause := self._due - loop.time()) > 0:
                try:
                    # Not wait_for: in Python 3.11 it swallows a cancellation that comes at the same time.
                    async with asyncio.timeout(pause):
                        await self._wake.wait()
                except TimeoutError:
                    break
                self._wake.clear()
            try:
                errors = [*await self.poll()]
            except Exception as error:
                told = self._concerning_all(error)
                errors = [told]
                await self.tell(self.waiters, lambda _, told=told: told)  # type: ignore[misc]
            self._learn(errors)
            metrics.send_waits(self.gauge, self.spec)
            interval = min((waiter.interval for waiter in self._waiters), default=_GATHER)
            if self._throttled:
                pause = min(interval * 2 ** min(self._throttled, 10), max(interval, _LONGEST_PAUSE))
            else:
                pause = self.pause(interval)
            self._due = loop.time() + pause * random.uniform(0.9, 1.1)

    def _learn(self, errors: Iterable[Exception]) -> None:
        """Decide from the errors whether to poll less often, and whether to read the connection again."""
        codes = {getattr(error, "code", "") for error in errors}
        throttled = codes & THROTTLING_CODES or any(isinstance(error, JobQuotaError) for error in errors)
        self._throttled = self._throttled + 1 if throttled else 0
        if codes & (CREDENTIAL_CODES | ACCESS_CODES | {"NoRegionError"}):
            # A new hook uses rotated credentials, and finds a connection that was missing before.
            self._hook = None
        if any(is_transient(error) for error in errors):
            metrics.send_soon(self.spec, "poll_errors")

    def _concerning_all(self, error: Exception) -> Exception:
        """Return the update for a poll that failed completely, and so says nothing about any job."""
        if isinstance(error, (JobInputError, JobNotFoundError)):
            return JobUnavailableError(str(error), type(error).__name__)
        # Reading the connection from Airflow failed, or the hook is broken: a new one may work.
        self._hook = None if not isinstance(error, JobError) else self._hook
        return self.as_job_error(error, concerns_all=True)

    def as_job_error(self, error: Exception, concerns_all: bool) -> Exception:
        """Return the update for an error: the error itself, or a transient one if the hook is broken.

        An exception that no hook should raise is logged with its traceback, once per line that raised it.
        """
        if isinstance(error, (JobError, JobInputError)):
            return error
        text = f"{type(error).__name__}: {error}"
        where = _origin(error)
        if where not in self._logged:
            self._logged.add(where)
            logging.getLogger(__name__).warning(
                "Polling for %s failed: %s", self.spec.hook_class, text, exc_info=error
            )
        return JobUnavailableError(text, type(error).__name__, concerns_all=concerns_all)


def _origin(error: BaseException) -> str:
    """Return the error's class and the line of code that raised it."""
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    return f"{type(cause).__name__} {frames[-1].filename}:{frames[-1].lineno}" if frames else repr(error)
