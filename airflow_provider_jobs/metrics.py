# SPDX-License-Identifier: Apache-2.0

"""The metrics, which are sent through Airflow's own metrics client, as configured in ``[metrics]``."""

from __future__ import annotations

import logging
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.module_loading import import_string

from airflow_provider_jobs._watch.threads import METRICS_THREAD
from airflow_provider_jobs.job import JobStatus

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks._spec import HookSpec
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
    "tags_of",
]

#: The prefix of all names. Airflow puts its own prefix in front of it, by default ``airflow.``.
PREFIX = "airflow_provider_jobs."


# Tags of all metrics. None of them has a separate value per job or task.
_SHARED_TAGS = ("service", "connection", "region")


@dataclass(frozen=True, slots=True)
class Metric:
    """Describes a metric.

    :param kind: ``counter``, ``gauge`` or ``timer``.
    :param unit: the unit of its value.
    :param tags: the names of its tags.
    """

    kind: str
    unit: str
    tags: tuple[str, ...] = _SHARED_TAGS


#: All metrics by name, without the prefix. docs/metrics.md says when each is sent.
METRICS: Mapping[str, Metric] = {
    "job_started": Metric("counter", "jobs"),
    "job_reattached": Metric("counter", "jobs"),
    "job_stopped": Metric("counter", "jobs"),
    "start_in_doubt": Metric("counter", "waits"),
    "job_duration": Metric("timer", "milliseconds", (*_SHARED_TAGS, "outcome")),
    "jobs_watched": Metric("gauge", "tasks", (*_SHARED_TAGS, "hostname")),
    "quota_waiting": Metric("gauge", "tasks", (*_SHARED_TAGS, "hostname")),
    "poll_calls": Metric("counter", "calls"),
    "poll_errors": Metric("counter", "polls"),
}

# The number of waiting tasks in this process, by gauge and tags.
_waits: Counter[tuple[str, tuple[str, ...]]] = Counter()


def send(name: str, value: float | timedelta = 1, /, **tags: str) -> None:
    """Send a metric. Failures are logged at debug level and never affect the task.

    The first call in a process creates Airflow's client, which may read files and resolve a host name, so do
    not call this in an event loop's own thread.

    :param name: one of :data:`METRICS`.
    :param value: a counter's increment, a gauge's value, or a timer's duration.
    """
    try:
        stats = _client()
        method = {"counter": stats.incr, "gauge": stats.gauge, "timer": stats.timing}[METRICS[name].kind]
        method(PREFIX + name, value, tags=tags)
    except Exception as error:
        logging.getLogger(__name__).debug("Metric %s was not sent: %s", name, error)


def tags_of(hook: JobHook, team: str | None = None) -> dict[str, str]:
    """Return the tags of a hook's metrics: service, connection and Region.

    :param team: the task's team, added as a tag if known.
    """
    # The connection's Region is only known once there is a client.
    region = hook.conn_region_name if "conn" in vars(hook) else hook._region_name
    of_team = {"team_name": team} if team else {}
    return {**_tags(type(hook).service, hook.aws_conn_id, region), **of_team}


def send_soon(spec: HookSpec, name: str, value: float | timedelta = 1, **tags: str) -> None:
    """Send a metric from an event loop, in a thread and without waiting for it.

    :param spec: the hook.
    """
    METRICS_THREAD.put(lambda: send(name, value, **_tags_of(spec), **tags))


def send_duration(spec: HookSpec, job: JobStatus, now: datetime | None) -> None:
    """Send from an event loop how long a job took; call it when a poll has seen the job's end.

    :param now: AWS's time, aware; if None, nothing is sent.
    """
    if job.started_at and now:
        took = max(now - job.started_at, timedelta(0))
        send_soon(spec, "job_duration", took, outcome=job.state.value)


@contextmanager
def count_wait(gauge: str, spec: HookSpec) -> Iterator[None]:
    """Count a task as waiting."""
    key = (gauge, _key(spec))
    _waits[key] += 1
    try:
        yield
    finally:
        _waits[key] -= 1
        if not _waits[key]:
            send_waits(gauge, spec)


def send_waits(gauge: str, spec: HookSpec) -> None:
    """Send from an event loop how many tasks wait in this process."""

    def attempt() -> None:
        # One thread sends them all and reads each number when sending it, so the latest is sent last.
        send(gauge, _waits[gauge, _key(spec)], hostname=socket.gethostname(), **_tags_of(spec))

    METRICS_THREAD.put(attempt)


@contextmanager
def count_calls(hook: JobHook) -> Iterator[None]:
    """Send the number of calls that a poll made; do not use this in an event loop's own thread."""
    before = hook.calls
    try:
        yield
    finally:
        send("poll_calls", hook.calls - before, **tags_of(hook))


@cache
def _key(spec: HookSpec) -> tuple[str, ...]:
    """Return the values that determine a hook's tags, without importing the hook."""
    given = spec.parameters
    return spec.hook_class, given.get("aws_conn_id") or "", given.get("region_name") or ""


def _tags_of(spec: HookSpec) -> dict[str, str]:
    hook_class, connection, region = _key(spec)
    return _tags(import_string(hook_class).service, connection, region)


def _tags(service: str, connection: str | None, region: str | None) -> dict[str, str]:
    return {"service": service, "connection": connection or "none", "region": region or "connection"}


def _client() -> Any:
    from airflow.providers.common.compat.sdk import Stats

    # From Airflow 3.2, workers set up this client; elsewhere only this import does (apache/airflow#69172).
    # Before 3.2 the client sets itself up.
    with suppress(ImportError):
        import airflow.sdk.serde  # noqa: F401

    return Stats
