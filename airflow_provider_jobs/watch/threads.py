# SPDX-License-Identifier: Apache-2.0

"""Threads for calls to AWS and for what is told on the side, apart from Airflow's and the event loop's."""

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

#: Threads for calls to AWS that a process has at most. With more connections than these some share one.
MOST_THREADS = 64
#: Seconds that a call of its own may take.
_LIMIT = 120.0
#: What a side thread holds at most; what comes on top of that is dropped.
_MOST_WAITING = 10_000


class CallThread(Executor):
    """A thread that makes the calls of one connection, one after the other.

    It is a daemon: a call that hangs holds up neither the process's end nor any other connection.
    Obtain one with :meth:`take`, and give it back with :meth:`give_back`.
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
        """Return the thread of a connection; where there are too many, the one with the fewest users.

        :param key: the connection, and what it is used for.
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
        """Say that the thread is not needed any longer; it ends when nobody needs it."""
        with self._lock:
            self._users -= 1
            if not self._users:
                self._work.put(None)

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Let the thread make a call."""
        future: Future[Any] = Future()
        self._work.put((future, lambda: fn(*args, **kwargs)))
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
    """Make a call in a thread, and return what it returns.

    Airflow's connections can be read in it. Whoever is cancelled while they wait leaves at once; the call
    then goes on without them.

    :param limit: seconds after which the answer is no longer waited for.
    :raises TimeoutError: if there is no answer by then.
    :raises Exception: what the call raised. What no event loop can pass on, such as StopIteration or
        CancelledError, becomes a RuntimeError.
    """

    def answer() -> tuple[Any, Exception | None]:
        try:
            return question(), None
        except Exception as error:
            return None, error if not isinstance(error, StopIteration) else _wrapped(error)
        except BaseException as error:
            return None, _wrapped(error)

    # It takes any executor, whatever its annotation says.
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
    """Make a call in a thread that is taken for it alone, or shared with others of the same key.

    :raises TimeoutError: if there is no answer in two minutes.
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
    """A thread for what nobody waits for, in the order in which it came: log lines, metrics.

    :param name: what it is for.
    """

    _thread: threading.Thread | None

    def __init__(self, name: str) -> None:
        self._name = name
        self.renew()

    def renew(self) -> None:
        """Begin without a thread and without anything to do, as in a forked process."""
        self._lock = threading.Lock()
        self._thread = None
        self._work: queue.Queue[tuple[contextvars.Context, Callable[[], object]]] = queue.Queue(_MOST_WAITING)

    def put(self, work: Callable[[], object]) -> None:
        """Let it do something, with the caller's context variables; dropped if too much waits already."""
        with self._lock:
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name=self._name, daemon=True)
                self._thread.start()
        try:
            self._work.put_nowait((contextvars.copy_context(), work))
        except queue.Full:
            logging.getLogger(__name__).debug("%s: too much waits, one is dropped", self._name)

    def flush(self, limit: float = 2.0) -> None:
        """Wait until all of it is done; not for an event loop's own thread.

        :param limit: seconds after which it is no longer waited for.
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
    """A forked process has none of these threads, and may have a lock that one of them held."""
    CallThread._all, CallThread._lock = [], threading.Lock()
    for side in (LOG_THREAD, METRICS_THREAD):
        side.renew()


#: Writes log lines: the triggerer's log takes them when it can.
LOG_THREAD = SideThread("airflow-provider-jobs log")
#: Sends metrics: Airflow makes its client with the first one, which may look up a host.
METRICS_THREAD = SideThread("airflow-provider-jobs metrics")

os.register_at_fork(after_in_child=_forget)
