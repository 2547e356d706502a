# SPDX-License-Identifier: Apache-2.0

"""One poll for everybody who waits: a background task that an event loop's waiters share."""

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
from airflow_provider_jobs.error_codes import ACCESS_CODES, CREDENTIAL_CODES, THROTTLING_CODES
from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
    is_passing,
)
from airflow_provider_jobs.hooks.clock import AwsClock
from airflow_provider_jobs.hooks.spec import HookSpec
from airflow_provider_jobs.watch.threads import CallThread, call_in

if TYPE_CHECKING:
    # A triggerer imports this on its event loop, which boto3 would hold up for half a second; the hook
    # is imported in the thread that uses it.
    from airflow_provider_jobs.hooks.base import JobHook

__all__ = ["SharedPoll", "Waiter"]

T = TypeVar("T")

#: Seconds in which those who begin to wait together are gathered into the first poll.
_GATHER = 1.0
#: The longest pause between polls that are throttled, in seconds.
_LONGEST_PAUSE = 300.0
#: Seconds after which the answer to a poll is no longer waited for. Each call has limits of its own; this is
#: for an endpoint that sends its answer a byte at a time.
_POLL_LIMIT = 300.0
#: How many waiters are told before the event loop gets a turn: it must never be blocked for long.
_BATCH = 10


@dataclass(eq=False, slots=True)
class Waiter:
    """Somebody who waits.

    :param job_id: the job waited for.
    :param interval: seconds between polls.
    :param since: when the waiting began, as seconds since the epoch.
    :param scope: what the job shares with others of which few may run.
    :param spec: over which connection the waiter asks, where several share a poll.
    :param not_before: by the event loop's clock, when it may start its job at the earliest.
    """

    job_id: str
    interval: float
    since: float = 0.0
    scope: str = ""
    spec: HookSpec | None = None
    not_before: float = 0.0
    updates: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    #: Returns AWS's own time; None before AWS has told it.
    aws_time: Callable[[], datetime | None] = lambda: None
    #: Whether there was an update.
    polled: bool = False


class SharedPoll(ABC):
    """A task that asks AWS once an interval, in a thread of its connection, for all waiters of an event loop.

    It begins with the first waiter and ends with the last. Waiters that leave, by an end or by being
    cancelled, leave at once. A poll that is throttled makes the next one later.
    """

    #: The metric that has the number of waiters.
    gauge: ClassVar[str]
    _of_loop: ClassVar[
        WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[type, Hashable], SharedPoll]]
    ] = WeakKeyDictionary()

    def __init__(self, spec: HookSpec) -> None:
        # A dictionary is a set that keeps the order: thousands may leave one by one.
        self._waiters: dict[Waiter, None] = {}
        self.key: Hashable = spec
        self.spec: HookSpec = spec
        self._hook: JobHook | None = None
        self._memory: dict[str, Any] = {}
        self._clock = AwsClock()
        self._thread: CallThread | None = None
        self._due = 0.0
        self._throttled = 0
        self._logged: set[str] = set()
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @property
    def waiters(self) -> list[Waiter]:
        """Those who wait now, in the order in which they came."""
        return [*self._waiters]

    @classmethod
    @asynccontextmanager
    async def waiting(
        cls, spec: HookSpec, waiter: Waiter, key: Hashable = None
    ) -> AsyncIterator[asyncio.Queue[Any]]:
        """Wait with all others that wait for the same; yields the queue of what there is to know.

        :param spec: whose jobs they are.
        :param waiter: who waits.
        :param key: what those have in common who share a poll; the connection where it is not given.
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
        """Ask once and tell the waiters; raises what the hook raises.

        :return: what went wrong.
        """

    @classmethod
    def all_here(cls) -> list[SharedPoll]:
        """Return the polls of this class in the running event loop."""
        polls = cls._of_loop.get(asyncio.get_running_loop(), {})
        return [poll for poll in polls.values() if isinstance(poll, cls)]

    def hurry(self, seconds: float) -> None:
        """Poll in so many seconds, if it would be later otherwise."""
        due = asyncio.get_running_loop().time() + seconds
        if due < self._due and not self._throttled:
            self._due = due
            self._wake.set()

    def pause(self, interval: float) -> float:
        """Return the seconds until the next poll.

        :param interval: what the waiters ask for.
        """
        return interval

    def aws_time(self) -> datetime | None:
        """Return AWS's own time; None before AWS has told it."""
        return self._clock.now()

    async def ask(self, question: Callable[[JobHook], T]) -> T:
        """Put a question to the hook in the connection's thread."""

        def answer() -> T:
            if self._hook is None:
                self._hook = self.spec.build()
                self._hook.polling = True
                # What AWS's time is, and what was learnt of its jobs, a new hook need not hear again.
                self._hook.clock, self._hook.memory = self._clock, self._memory
            with metrics.count_calls(self._hook):
                return question(self._hook)

        if self._thread is None:
            self._thread = CallThread.take(self.spec)
        try:
            return await call_in(self._thread, answer, _POLL_LIMIT)
        except TimeoutError:
            # What hangs is left to itself. Nobody else may use what it may come back to.
            self._thread.give_back()
            self._thread, self._hook = None, None
            self._memory, self._clock = {}, self._clock.copy()
            raise

    async def tell(self, waiters: Iterable[Waiter], update: Callable[[Waiter], Any]) -> None:
        """Give each waiter its update, a batch at a time."""
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
            # In a context of its own: else all that it logs would land in the first waiter's task log.
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
                    # Not wait_for: in Python 3.11 it swallows a cancel that comes with what it waits for.
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
        """Take from what went wrong whether to ask less often, and whether to read the connection again."""
        codes = {getattr(error, "code", "") for error in errors}
        throttled = codes & THROTTLING_CODES or any(isinstance(error, JobQuotaError) for error in errors)
        self._throttled = self._throttled + 1 if throttled else 0
        if codes & (CREDENTIAL_CODES | ACCESS_CODES | {"NoRegionError"}):
            # A new hook takes credentials that were rotated meanwhile, and a connection that was not found.
            self._hook = None
        if any(is_passing(error) for error in errors):
            metrics.send_soon(self.spec, "poll_errors")

    def _concerning_all(self, error: Exception) -> Exception:
        """Return what the waiters are told of a poll that failed as a whole: it says nothing of any job."""
        if isinstance(error, (JobInputError, JobNotFoundError)):
            return JobApiError(str(error), type(error).__name__, transient=True)
        # Airflow could not be asked for the connection, or the hook broke: a new one may work.
        self._hook = None if not isinstance(error, JobError) else self._hook
        return self.as_job_error(error, concerns_all=True)

    def as_job_error(self, error: Exception, concerns_all: bool) -> Exception:
        """Return what the waiters are told of an error: it is theirs as it is, or a hook broke, which passes.

        What no hook should raise is logged with its traceback, once for each place that it comes from.
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
        return JobApiError(text, type(error).__name__, transient=True, concerns_all=concerns_all)


def _origin(error: BaseException) -> str:
    """Return the error's class and the line of code that raised it."""
    cause = error.__cause__ or error
    frames = traceback.extract_tb(cause.__traceback__)
    return f"{type(cause).__name__} {frames[-1].filename}:{frames[-1].lineno}" if frames else repr(error)
