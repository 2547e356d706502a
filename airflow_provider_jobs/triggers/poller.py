# SPDX-License-Identifier: Apache-2.0

"""One look at AWS for everybody who waits: a background task that an event loop's waiters share."""

from __future__ import annotations

import asyncio
import contextvars
import random
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar
from weakref import WeakKeyDictionary

from airflow.providers.common.compat.sdk import AirflowNotFoundException
from asgiref.sync import sync_to_async

from airflow_provider_jobs import metrics
from airflow_provider_jobs.exceptions import JobApiError, JobError, JobInputError, is_passing
from airflow_provider_jobs.hooks.clock import AwsClock
from airflow_provider_jobs.hooks.spec import HookSpec

if TYPE_CHECKING:
    # A triggerer imports this on its event loop, which boto3 would hold up for half a second; the hook
    # is imported in the thread that uses it.
    from airflow_provider_jobs.hooks.base import JobHook

__all__ = ["JobPoller", "SharedLook", "Waiter"]

T = TypeVar("T")

#: Seconds in which those who begin to wait together are gathered into the first look.
_GATHER = 1.0
#: The longest pause between looks, in seconds, however often they fail.
_LONGEST_PAUSE = 300.0
#: How many waiters are told before the event loop gets a turn: it must never be blocked for long.
_BATCH = 10


@dataclass(eq=False, slots=True)
class Waiter:
    """Somebody who waits.

    :param job_id: the job waited for.
    :param interval: seconds between looks.
    :param since: when the waiting began, as seconds since the epoch.
    :param scope: what the job shares with others of which few may run.
    """

    job_id: str
    interval: float
    since: float = 0.0
    scope: str = ""
    updates: asyncio.Queue[Any] = field(default_factory=asyncio.Queue)
    #: Returns AWS's own time; None before AWS has told it.
    aws_time: Callable[[], datetime | None] = lambda: None
    #: Whether there was an update.
    polled: bool = False


class SharedLook(ABC):
    """A task that looks at AWS once an interval, in a thread, for all waiters of one hook and event loop.

    It begins with the first waiter and ends with the last. Waiters that leave, by an end or by being
    cancelled, leave at once. A look that fails for a passing reason makes the next one later.
    """

    #: The metric that has the number of waiters.
    gauge: ClassVar[str]
    _of_loop: ClassVar[
        WeakKeyDictionary[asyncio.AbstractEventLoop, dict[tuple[type, HookSpec], SharedLook]]
    ] = WeakKeyDictionary()

    def __init__(self, spec: HookSpec) -> None:
        self.waiters: list[Waiter] = []
        self._spec = spec
        self._hook: JobHook | None = None
        self._clock = AwsClock()
        self._due = 0.0
        self._failures = 0
        self._wake = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def waiting(cls, spec: HookSpec, waiter: Waiter) -> AsyncIterator[asyncio.Queue[Any]]:
        """Wait with all others that wait for the same; yields the queue of what there is to know.

        :param spec: whose jobs they are.
        :param waiter: who waits.
        """
        looks = cls._of_loop.setdefault(asyncio.get_running_loop(), {})
        look = looks.get((cls, spec))
        if look is None:
            look = looks[cls, spec] = cls(spec)
        look._join(waiter)
        try:
            with metrics.count_wait(cls.gauge, spec.hook_class):
                yield waiter.updates
        finally:
            look.waiters.remove(waiter)
            if not look.waiters and looks.get((cls, spec)) is look:
                del looks[cls, spec]
                if look._task is not None:
                    look._task.cancel()

    @abstractmethod
    async def look(self) -> bool:
        """Look once and tell the waiters; raises what the hook raises.

        :return: whether all went well; if not, the next look is later.
        """

    def aws_time(self) -> datetime | None:
        """Return AWS's own time; None before AWS has told it."""
        return self._clock.now()

    async def ask(self, question: Callable[[JobHook], T]) -> T:
        """Put a question to the hook in a thread, which Airflow's connection lookup needs too."""

        def answer() -> T:
            if self._hook is None:
                self._hook = self._spec.build()
                # What AWS's time is, a new hook need not hear again.
                self._hook.clock = self._clock
            with metrics.count_calls(self._hook):
                return question(self._hook)

        return await sync_to_async(answer, thread_sensitive=False)()

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
        self.waiters.append(waiter)
        if self._task is None:
            self._due = now + min(_GATHER, waiter.interval)
            # In a context of its own: else all that it logs would land in the first waiter's task log.
            self._task = asyncio.create_task(self._run(), context=contextvars.Context())
        elif now + waiter.interval < self._due and not self._failures:
            self._due = now + waiter.interval
            self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        while True:
            while (pause := self._due - loop.time()) > 0:
                try:
                    await asyncio.wait_for(self._wake.wait(), pause)
                except TimeoutError:
                    break
                self._wake.clear()
            try:
                well = await self.look()
            except Exception as error:
                well = False
                told = _as_job_error(error)
                await self.tell(self.waiters, lambda _, told=told: told)  # type: ignore[misc]
            self._failures = 0 if well else self._failures + 1
            if not well:
                # A new hook reads the connection again and takes credentials that were rotated meanwhile.
                self._hook = None
                metrics.send_soon(self._spec.hook_class, "poll_errors")
            metrics.send_waits(self.gauge, self._spec.hook_class)
            interval = min((waiter.interval for waiter in self.waiters), default=_GATHER)
            pause = min(interval * 2 ** min(self._failures, 10), max(interval, _LONGEST_PAUSE))
            self._due = loop.time() + pause * random.uniform(0.9, 1.1)


class JobPoller(SharedLook):
    """Tells every waiter how its job is: its status, or the error that befell it."""

    gauge = "jobs_watched"

    async def look(self) -> bool:
        """Look at all jobs in as few calls as the service allows."""
        waiters = [*self.waiters]
        job_ids = list(dict.fromkeys(waiter.job_id for waiter in waiters))
        found = await self.ask(lambda hook: hook.describe_jobs(job_ids))
        await self.tell(waiters, lambda waiter: found[waiter.job_id])
        return not any(isinstance(job, Exception) and is_passing(job) for job in found.values())


def _as_job_error(error: Exception) -> Exception:
    if isinstance(error, (JobError, JobInputError)):
        return error
    # Airflow itself could not be asked for the connection, or the hook broke: only the former passes.
    passing = isinstance(error, (OSError, TimeoutError)) and not isinstance(error, AirflowNotFoundException)
    return JobApiError(f"{type(error).__name__}: {error}", type(error).__name__, transient=passing)
