# SPDX-License-Identifier: Apache-2.0

"""Windows of time: how users write them, whence they come, and how a wide one is cut into many."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import UTC, datetime, timedelta
from typing import Any

import pendulum

from airflow_provider_jobs.durations import duration
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.job import utc_text

__all__ = [
    "INTERVAL_END",
    "INTERVAL_START",
    "Window",
    "exact_time",
    "inferred_interval",
    "interval",
    "milliseconds",
    "moment",
    "optional_time",
    "parse_time",
    "split_window",
]

#: Templates for the bounds of the run's data interval; empty for a run that has none.
INTERVAL_START = "{{ data_interval_start | default('', true) }}"
INTERVAL_END = "{{ data_interval_end | default('', true) }}"
#: Types of runs that a person or another DAG has asked for.
_TRIGGERED = frozenset({"manual", "operator_triggered"})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time in whole seconds, in UTC, its start before its end."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, start: Any, end: Any, *, names: tuple[str, str]) -> Window:
        """Read a window from two parameters.

        :param start: an aware datetime or an ISO 8601 string with an offset.
        :param end: the same.
        :param names: the parameters' names, for the message.
        :raises JobInputError: if a time is missing, unreadable or without an offset, or the end does
            not come after the start.
        """
        window = cls(parse_time(start, names[0]), parse_time(end, names[1]))
        if window.start >= window.end:
            raise JobInputError(
                f"{names[1]} ({window.end.isoformat()}) must be at least a second after "
                f"{names[0]} ({window.start.isoformat()}). If both come from the data interval: a cron "
                "schedule has an empty interval in Airflow 3; write "
                "schedule=CronDataIntervalTimetable(...) to get one that spans the time between runs."
            )
        return window

    def to_json(self) -> dict[str, str]:
        """Return the bounds as ISO 8601 strings."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}


def interval(context: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the bounds of the run's data interval, JSON-safe; None where the run has none.

    :param context: the running task instance's Airflow context.
    """
    return {name: utc_text(context.get(name)) for name in ("data_interval_start", "data_interval_end")}


def inferred_interval(context: Mapping[str, Any]) -> str | None:
    """Return the data interval of a run that somebody has triggered, for a message; None of any other run.

    Airflow gives such a run the last period of the DAG's schedule, which the scheduled run has too.

    :param context: the running task instance's Airflow context.
    """
    start, end = interval(context).values()
    triggered = getattr(context["dag_run"], "run_type", None) in _TRIGGERED
    return f"{start} to {end}" if triggered and start and end and start != end else None


def parse_time(value: Any, name: str) -> datetime:
    """Read a time, and cut it to whole seconds in UTC; see :func:`exact_time`."""
    # The services count in whole seconds, so that windows which touch before still touch after.
    return exact_time(value, name).replace(microsecond=0)


def exact_time(value: Any, name: str) -> datetime:
    """Read a time, and return it in UTC.

    :param value: an aware datetime or an ISO 8601 string with an offset.
    :param name: the parameter's name, for the message.
    :raises JobInputError: if it is missing, unreadable or without an offset.
    """
    if value is None or value == "":
        raise JobInputError(
            f"{name} is empty: what it was given came to nothing, as data_interval_start does in a run that "
            f"has no data interval. Pass {name}, for example \"{{{{ dag_run.conf['{name}'] }}}}\" or a time "
            "such as 2026-01-31T00:00:00+00:00."
        )
    if isinstance(value, str):
        try:
            value = datetime.fromisoformat(value.strip())
        except ValueError:
            raise JobInputError(
                f"{name}={value!r} is not a time. Write it as 2026-01-31T00:00:00+00:00."
            ) from None
    if not isinstance(value, datetime):
        raise JobInputError(
            f"{name} must be an aware datetime or a string such as 2026-01-31T00:00:00+00:00, "
            f"not {type(value).__name__}."
        )
    if value.tzinfo is None or value.utcoffset() is None:
        raise JobInputError(
            f"{name}={value.isoformat()!r} has no time zone. Write it with an offset, such as "
            f"{value.isoformat()}+00:00, or use a datetime that has tzinfo."
        )
    return value.astimezone(UTC)


def optional_time(value: Any, name: str) -> datetime | None:
    """Read a time that may be left out, which None is; see :func:`parse_time`."""
    return None if value is None else parse_time(value, name)


def split_window(
    start: datetime | str,
    end: datetime | str,
    every: timedelta | float,
    *,
    names: tuple[str, str] = ("event_start_time", "event_end_time"),
) -> list[dict[str, str]]:
    """Cut a window into parts for ``.expand_kwargs``, without gap or overlap.

    A number of whole days counts calendar days in the start's time zone, so that daily parts begin at
    the same local time across a daylight-saving change; any other length counts elapsed time. The last
    part is shorter where the window is no multiple.

    :param start: an aware datetime or an ISO 8601 string with an offset.
    :param end: the same.
    :param every: the length of a part, as a timedelta or in seconds.
    :param names: the names that the parts' bounds get, those of the operator's parameters.
    :return: for each part its two bounds, as ISO 8601 strings in UTC.
    :raises JobInputError: if the window is not one, or ``every`` is shorter than a second.
    """
    window = Window.parse(start, end, names=("start", "end"))
    every = duration(every, "every")
    if every < timedelta(seconds=1):
        raise JobInputError(f"every={every} must be at least a second.")
    if len(names) != len(fields(Window)):
        raise JobInputError(f"names={names!r} must be two: of the parts' starts, and of their ends.")
    zoned = datetime.fromisoformat(start.strip()) if isinstance(start, str) else start
    first = pendulum.instance(window.start).in_timezone(pendulum.instance(zoned).timezone or pendulum.UTC)
    whole_days = every.days if every == timedelta(days=every.days) else 0
    seconds = 0 if whole_days else int(every.total_seconds())

    parts: list[dict[str, str]] = []
    left = window.start
    while left < window.end:
        # Every bound is reckoned from the first, so that a local time which a clock change skipped
        # does not shift the bounds after it.
        count = len(parts) + 1
        bound = first.add(days=whole_days * count, seconds=seconds * count).astimezone(UTC)
        right = min(bound, window.end)
        parts.append({names[0]: left.isoformat(), names[1]: right.isoformat()})
        left = right
    return parts


def moment(milliseconds: int | None) -> datetime | None:
    """Return a time that a service gives in milliseconds since the epoch, aware, in UTC."""
    return None if milliseconds is None else _EPOCH + milliseconds * _MILLISECOND


def milliseconds(time: datetime) -> int:
    """Return an aware time in milliseconds since the epoch."""
    return (time - _EPOCH) // _MILLISECOND
