# SPDX-License-Identifier: Apache-2.0

"""Reads from Airflow's context what the core has to know about a running task instance."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, timedelta
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs import _options as options
from airflow_provider_jobs._once.identity import Identity, Life

if TYPE_CHECKING:
    from airflow_provider_jobs._once.attempt_log import AttemptLog
    from airflow_provider_jobs.job import JobStatus

__all__ = [
    "AttemptStore",
    "dag_version",
    "digest",
    "identity",
    "life",
    "record_end",
    "record_spent",
    "settling_time",
    "team",
    "try_number",
    "was_rescheduled",
]

_SECTION = "airflow_provider_jobs"


def identity(context: Mapping[str, Any]) -> Identity:
    """Return the task instance's identity, with ``[airflow_provider_jobs] site``."""
    ti = context["ti"]
    map_index = -1 if ti.map_index is None else ti.map_index
    return Identity(ti.dag_id, ti.run_id, ti.task_id, map_index, options.site())


def life(context: Mapping[str, Any]) -> Life:
    """Return the task instance's current life."""
    run = context["dag_run"]
    start = run.start_date.astimezone(UTC).isoformat() if run.start_date else ""
    return Life.of(start, context["ti"].max_tries or 0, getattr(run, "clear_number", None))


def try_number(context: Mapping[str, Any]) -> int:
    """Return Airflow's number of the try, from 1."""
    return max(int(context["ti"].try_number or 1), 1)


def team(context: Mapping[str, Any]) -> str | None:
    """Return the task's team, which Airflow provides from 3.3; None if it has none."""
    name: str | None = (getattr(context["ti"], "stats_tags", None) or {}).get("team_name")
    return name


def was_rescheduled(context: Mapping[str, Any]) -> bool:
    """Whether a sensor polled before in this try and was rescheduled."""
    return bool(context.get("task_reschedule_count"))


def dag_version(context: Mapping[str, Any], written: str = "") -> str | None:
    """Return the version of the DAG and of the task in it; None if unknown.

    The DAG's is Airflow's own id, which Airflow 2 does not have. The task's is needed because a worker may
    parse an edited file before Airflow has registered a new version of the DAG.

    :param written: a digest of the task's fields in the file, if there is one.
    """
    version = getattr(context["ti"], "dag_version_id", None)
    return "/".join(filter(None, (str(version or ""), written))) or None


def digest(fields: Mapping[str, Any]) -> str:
    """Return a digest of an operator's fields before their templates are rendered.

    :return: empty if a field is not a plain value, since it may differ from process to process.
    """
    try:
        text = json.dumps(fields, sort_keys=True, default=_dated)
    except TypeError:
        return ""
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _dated(value: object) -> str:
    if isinstance(value, (date, timedelta)):
        return str(value)
    raise TypeError(f"{value!r} is no plain value")


def settling_time() -> timedelta:
    """Return ``[airflow_provider_jobs] settling_time``: how long AWS may take to show a started job."""
    return timedelta(seconds=options.seconds("settling_time"))


class AttemptStore:
    """Stores the attempt log of a task instance, in Airflow's ``task_state_store``, which exists from 3.3.

    Retries do not change it; neither do clears, up to Airflow 3.3.

    :param context: the running task instance's Airflow context.
    :param key: the task instance.
    """

    def __init__(self, context: Mapping[str, Any], key: Identity) -> None:
        self._store = context.get("task_state_store")
        self._name = f"{_SECTION}.{key.digest}"

    @property
    def there(self) -> bool:
        """Whether Airflow has a store."""
        return self._store is not None

    def read(self) -> Any:
        """Return the stored rows; None if there are none."""
        return None if self._store is None else self._store.get(self._name)

    def write(self, log: AttemptLog) -> None:
        """Store the log, for as long as Airflow keeps the task instance.

        :raises Exception: if Airflow refuses, for example because the task instance already has another try.
        """
        if self._store is None:
            return
        # Airflow's default would drop the rows after some days, while the task may still be retried.
        never: timedelta | None = getattr(_airflow_sdk(), "NEVER_EXPIRE", None)
        options = {} if never is None else {"retention": never}
        self._store.set(self._name, log.to_json(), **options)


def _airflow_sdk() -> ModuleType | None:
    """Return ``airflow.sdk``; None in Airflow 2."""
    try:
        return import_module("airflow.sdk")
    except ImportError:
        return None


def record_spent(context: Mapping[str, Any], job_id: str, seconds: float, log: Any) -> None:
    """Record how long a job ran; ``job_timeout`` counts the time of all attempts of a life.

    :param seconds: how long it ran.
    :param log: the task's logger; if the time cannot be recorded, a warning is logged.
    """
    _record(context, job_id, log, "run time", spent=seconds)


def record_end(context: Mapping[str, Any], job: JobStatus, log: Any) -> bool:
    """Record how a job has ended, before its trace at AWS is deleted; a retry then takes that.

    :param job: the job's status.
    :param log: the task's logger; if the end cannot be recorded, a warning is logged.
    :return: whether it is recorded.
    """
    return _record(context, job.job_id, log, "end", ended=json.dumps(job.to_json()))


def _record(context: Mapping[str, Any], job_id: str, log: Any, what: str, **changes: Any) -> bool:
    """Change the attempt that started a job; return whether that is done."""
    from airflow_provider_jobs._once.attempt_log import AttemptLog

    key = identity(context)
    store = AttemptStore(context, key)
    if not store.there:
        return False
    try:
        attempts = AttemptLog.open(store.read(), first_try=False, identity=key.digest)
        if attempt := attempts.of_job(job_id):
            store.write(attempts.recorded(replace(attempt, **changes)))
            return True
    except Exception as error:
        log.warning("The %s of %s could not be recorded: %s", what, job_id, error)
    return False
