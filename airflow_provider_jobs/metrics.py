# SPDX-License-Identifier: Apache-2.0

"""The metrics that are sent through Airflow's own metrics client, wherever ``[metrics]`` points it."""

from __future__ import annotations

import asyncio
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.module_loading import import_string

from airflow_provider_jobs.job import JobStatus

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.base import JobHook

__all__ = [
    "METRICS",
    "PREFIX",
    "Metric",
    "count_calls",
    "count_wait",
    "send",
    "send_duration",
    "send_soon",
    "send_waits",
]

#: What all names begin with; before it comes what Airflow is told to put there, by default ``airflow.``.
PREFIX = "airflow_provider_jobs."


@dataclass(frozen=True, slots=True)
class Metric:
    """What a metric is.

    :param kind: ``counter``, ``gauge`` or ``timer``.
    :param unit: what its number counts.
    :param tags: the tags that it is sent with.
    """

    kind: str
    unit: str
    tags: tuple[str, ...] = ("service",)


#: All metrics by name, without the prefix. docs/metrics.md tells when each is sent.
METRICS: Mapping[str, Metric] = {
    "job_started": Metric("counter", "jobs"),
    "job_reattached": Metric("counter", "jobs"),
    "job_stopped": Metric("counter", "jobs"),
    "start_in_doubt": Metric("counter", "waits"),
    "job_duration": Metric("timer", "milliseconds", ("service", "outcome")),
    "jobs_watched": Metric("gauge", "tasks", ("service", "hostname")),
    "quota_waiting": Metric("gauge", "tasks", ("service", "hostname")),
    "poll_calls": Metric("counter", "calls"),
    "poll_errors": Metric("counter", "looks"),
}

# How many tasks wait in this process, by gauge and by the dotted path of their hook's class.
_waits: Counter[tuple[str, str]] = Counter()
# Held from reading that until it is sent: else of two threads the one with the older number could come last.
_turn = threading.Lock()


def send(name: str, value: float | timedelta = 1, **tags: str) -> None:
    """Send a metric; what goes wrong with it is no trouble of the task's.

    The first one in a process makes Airflow's client, which may read files and look up a host: not for an
    event loop's own thread.

    :param name: one of :data:`METRICS`.
    :param value: what is added to a counter, a gauge's value, or a timer's time.
    """
    try:
        stats = _client()
        method = {"counter": stats.incr, "gauge": stats.gauge, "timer": stats.timing}[METRICS[name].kind]
        method(PREFIX + name, value, tags=tags)
    except Exception as error:
        logging.getLogger(__name__).debug("Metric %s was not sent: %s", name, error)


def send_soon(hook_class: str, name: str, value: float | timedelta = 1, **tags: str) -> None:
    """Send a metric from an event loop: in a thread, without waiting for it.

    :param hook_class: dotted path of the hook's class, which knows the service.
    """
    _soon(lambda: send(name, value, service=_service(hook_class), **tags))


def send_duration(hook_class: str, job: JobStatus) -> None:
    """Send from an event loop how long a job took that has been seen to have ended."""
    if job.started_at:
        send_soon(hook_class, "job_duration", datetime.now(UTC) - job.started_at, outcome=job.state.value)


@contextmanager
def count_wait(gauge: str, hook_class: str) -> Iterator[None]:
    """Count a task that waits."""
    _waits[gauge, hook_class] += 1
    try:
        yield
    finally:
        _waits[gauge, hook_class] -= 1
        if not _waits[gauge, hook_class]:
            send_waits(gauge, hook_class)


def send_waits(gauge: str, hook_class: str) -> None:
    """Send from an event loop how many tasks wait in this process."""

    def attempt() -> None:
        service, hostname = _service(hook_class), socket.gethostname()
        with _turn:
            send(gauge, _waits[gauge, hook_class], service=service, hostname=hostname)

    _soon(attempt)


@contextmanager
def count_calls(hook: JobHook) -> Iterator[None]:
    """Send how many calls a look has made; not for an event loop's own thread."""
    before = hook.calls
    try:
        yield
    finally:
        send("poll_calls", hook.calls - before, service=hook.service)


def _soon(send_it: Callable[[], None]) -> None:
    def attempt() -> None:
        # What nobody waits for would be logged as an error.
        with suppress(Exception):
            send_it()

    # A loop that is being shut down takes nothing more.
    with suppress(RuntimeError):
        asyncio.get_running_loop().run_in_executor(None, attempt)


def _service(hook_class: str) -> str:
    service: str = import_string(hook_class).service
    return service


def _client() -> Any:
    from airflow.providers.common.compat.sdk import Stats

    # From Airflow 3.2 this client is set up in workers, and elsewhere only by what this import does
    # (apache/airflow#69172); before it sets itself up.
    with suppress(ImportError):
        import airflow.sdk.serde  # noqa: F401

    return Stats
