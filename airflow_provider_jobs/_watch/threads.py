# SPDX-License-Identifier: Apache-2.0

"""Threads for calls to AWS, log lines and metrics, separate from Airflow's and the event loop's."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import os
import queue
import threading
from collections.abc import Callable, Hashable
from concurrent.futures import Executor, Future
from typing import Any, ClassVar, TypeVar

from asgiref.sync import sync_to_async

__all__ = ["LOG_THREAD", "METRICS_THREAD", "MOST_THREADS", "CallThread", "SideThread", "call_in", "in_thread"]

T = TypeVar("T")

#: The most threads for calls to AWS in a process. With more connections, some share a thread.
MOST_THREADS = 64
#: Seconds that a call in a thread of its own may take.
_LIMIT = 120.0
#: The most items that a side thread holds; further ones are dropped.
_MOST_WAITING = 10_000


class CallThread(Executor):
    """A thread that makes the calls of one connection, one after the other.

    It is a daemon thread: a call that hangs delays neither the end of the process nor another connection.
    Obtain one with :meth:`take`, and return it with :meth:`give_back`.
    """

    _all: ClassVar[list[CallThread]] = []
    _lock: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self, key: Hashable) -> None:
        self._key = key
        self._users = 0
        self._work: queue.SimpleQueue[tuple[Future[Any], Callable[[], Any]] | None] = queue.SimpleQueue()
        threading.Thread(target=self._run, name="airflow-provider-jobs", daemon=True).start()

    @classmethod
    def take(cls, key: Hashable) -> CallThread:
        """Return the thread of a connection; if there are too many threads, the one with the fewest users.

        :param key: the connection, and what the thread is for.
        """
        with cls._lock:
            free = [each for each in cls._all if each._users]
            found = next((each for each in free if each._key == key), None)
            if found is None and (len(cls._all) < MOST_THREADS or not free):
                found = cls(key)
                cls._all.append(found)
            found = found or min(free, key=lambda each: each._users)
            found._users += 1
            return found

    def give_back(self) -> None:
        """Return the thread; it ends when it has no users."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self._work.put(None)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Make a call in the thread; it is cancelled if nobody uses the thread any more."""
        future: Future[Any] = Future()
        with self._lock:
            if self._users:
                self._work.put((future, lambda: fn(*args, **kwargs)))
            else:
                # The thread has been told to end. A call behind that would be waited for without an end.
                future.cancel()
        return future

    def _run(self) -> None:
        while (work := self._work.get()) is not None:
            future, call = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(call())
            except BaseException as error:
                future.set_exception(error)
            del work, future, call
        with self._lock:
            self._all.remove(self)


async def call_in(thread: CallThread, question: Callable[[], T], limit: float | None = None) -> T:
    """Make a call in a thread, and return its result.

    The call can read Airflow's connections. A caller that is cancelled while it waits returns at once, and
    the call continues without it.

    :param limit: seconds to wait for the answer.
    :raises TimeoutError: if there is no answer by then.
    :raises Exception: what the call raised. Exceptions that an event loop cannot pass on, such as
        StopIteration or CancelledError, become a RuntimeError.
    """

    def answer() -> tuple[Any, Exception | None]:
        try:
            return question(), None
        except Exception as error:
            return None, error if not isinstance(error, StopIteration) else _wrapped(error)
        except BaseException as error:
            return None, _wrapped(error)

    # It accepts any executor, whatever its annotation says.
    executor: Any = thread
    asked = asyncio.ensure_future(sync_to_async(answer, thread_sensitive=False, executor=executor)())
    done, _ = await asyncio.wait({asked}, timeout=limit)
    if not done:
        raise TimeoutError(f"no answer within {limit:.0f} seconds")
    result, error = asked.result()
    if error is not None:
        raise error
    answered: T = result
    return answered


async def in_thread(key: Hashable, question: Callable[[], T]) -> T:
    """Make a call in its own thread, which it shares with other calls of the same key.

    :raises TimeoutError: if there is no answer within two minutes.
    :raises Exception: what the call raised; see :func:`call_in`.
    """
    thread = CallThread.take(key)
    try:
        return await call_in(thread, question, _LIMIT)
    finally:
        thread.give_back()


def _wrapped(error: BaseException) -> RuntimeError:
    wrapped = RuntimeError(f"{type(error).__name__}: {error}")
    wrapped.__cause__ = error
    return wrapped


class SideThread:
    """A thread for work that nobody waits for, done in order: log lines, metrics.

    :param name: the thread's name, which says what it is for.
    """

    _thread: threading.Thread | None

    def __init__(self, name: str) -> None:
        self._name = name
        self.renew()

    def renew(self) -> None:
        """Reset to having no thread and no work, as in a forked process."""
        self._lock = threading.Lock()
        self._thread = None
        self._work: queue.Queue[tuple[contextvars.Context, Callable[[], object]]] = queue.Queue(_MOST_WAITING)

    def put(self, work: Callable[[], object]) -> None:
        """Add work, with the caller's context variables; it is dropped if too much is waiting."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        try:
            self._work.put_nowait((contextvars.copy_context(), work))
        except queue.Full:
            logging.getLogger(__name__).debug("%s: too much waits, one is dropped", self._name)

    def flush(self, limit: float = 2.0) -> None:
        """Wait until all work is done; do not call this in an event loop's own thread.

        :param limit: the most seconds to wait.
        """
        with self._work.all_tasks_done:
            self._work.all_tasks_done.wait_for(lambda: not self._work.unfinished_tasks, limit)

    def _run(self) -> None:
        while True:
            context, work = self._work.get()
            try:
                context.run(work)
            except Exception as error:
                logging.getLogger(__name__).debug("%s: %s", self._name, error)
            finally:
                self._work.task_done()
            del context, work


def _forget() -> None:
    """Reset after a fork: the child has none of these threads, but maybe a lock that one of them held."""
    CallThread._all, CallThread._lock = [], threading.Lock()
    for side in (LOG_THREAD, METRICS_THREAD):
        side.renew()


#: Writes log lines; the triggerer's log may be slow to accept them.
LOG_THREAD = SideThread("airflow-provider-jobs log")
#: Sends metrics; Airflow creates its client with the first one, which may resolve a host name.
METRICS_THREAD = SideThread("airflow-provider-jobs metrics")

os.register_at_fork(after_in_child=_forget)
