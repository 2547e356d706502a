# SPDX-License-Identifier: Apache-2.0

"""Time windows: parsing, defaults and splitting."""

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

#: Templates for the bounds of the run's data interval; they render to an empty string if the run has none.
INTERVAL_START = "{{ data_interval_start | default('', true) }}"
INTERVAL_END = "{{ data_interval_end | default('', true) }}"
#: Types of runs that were triggered by a person or another DAG.
_TRIGGERED = frozenset({"manual", "operator_triggered"})

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, slots=True)
class Window:
    """A span of time in UTC and whole seconds; its start is before its end."""

    start: datetime
    end: datetime

    @classmethod
    def parse(cls, start: Any, end: Any, *, names: tuple[str, str]) -> Window:
        """Parse a window from two parameters.

        :param start: an aware datetime or an ISO 8601 string with an offset.
        :param end: the same.
        :param names: the parameters' names, for error messages.
        :raises JobInputError: if a time is missing, cannot be parsed or has no offset, or if the end is not
            after the start.
        """
        window = cls(parse_time(start, names[0]), parse_time(end, names[1]))
        if window.start >= window.end:
            raise JobInputError(
                f"{names[1]} ({window.end.isoformat()}) must be at least a second after "
                f"{names[0]} ({window.start.isoformat()}). If both come from the data interval: in Airflow 3 "
                "a cron schedule has an empty interval; use schedule=CronDataIntervalTimetable(...) for one "
                "that spans the time between runs."
            )
        return window

    def to_json(self) -> dict[str, str]:
        """Return the bounds as ISO 8601 strings."""
        return {"start": self.start.isoformat(), "end": self.end.isoformat()}


def interval(context: Mapping[str, Any]) -> dict[str, str | None]:
    """Return the bounds of the run's data interval, JSON-safe; None for each if the run has none.

    :param context: the running task instance's Airflow context.
    """
    return {name: utc_text(context.get(name)) for name in ("data_interval_start", "data_interval_end")}


def inferred_interval(context: Mapping[str, Any]) -> str | None:
    """Return the data interval of a triggered run as text for a message; None for other runs.

    Airflow infers it from the DAG's schedule: the last period, which the scheduled run has as well.

    :param context: the running task instance's Airflow context.
    """
    start, end = interval(context).values()
    triggered = getattr(context["dag_run"], "run_type", None) in _TRIGGERED
    return f"{start} to {end}" if triggered and start and end and start != end else None


def parse_time(value: Any, name: str) -> datetime:
    """Parse a time and truncate it to whole seconds in UTC; see :func:`exact_time`."""
    # The services use whole seconds. Truncation keeps adjacent windows adjacent.
    return exact_time(value, name).replace(microsecond=0)


def exact_time(value: Any, name: str) -> datetime:
    """Parse a time and convert it to UTC.

    :param value: an aware datetime or an ISO 8601 string with an offset.
    :param name: the parameter's name, for error messages.
    :raises JobInputError: if it is missing, cannot be parsed or has no offset.
    """
    if value is None or value == "":
        raise JobInputError(
            f"{name} is empty: its template rendered to nothing, as data_interval_start does in a run that "
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
    """Parse an optional time; None stays None. See :func:`parse_time`."""
    return None if value is None else parse_time(value, name)


def split_window(
    start: datetime | str,
    end: datetime | str,
    every: timedelta | float,
    *,
    names: tuple[str, str] = ("event_start_time", "event_end_time"),
) -> list[dict[str, str]]:
    """Split a window into parts for ``.expand_kwargs``, without gaps or overlaps.

    A length of whole days counts calendar days in the start's time zone, so daily parts begin at the same
    local time even across a daylight-saving change. Any other length counts elapsed time. The last part is
    shorter if the window is not a multiple of the length.

    :param start: an aware datetime or an ISO 8601 string with an offset.
    :param end: the same.
    :param every: the length of a part, as a timedelta or in seconds.
    :param names: the names for the parts' bounds; use those of the operator's parameters.
    :return: the two bounds of each part, as ISO 8601 strings in UTC.
    :raises JobInputError: if the window is invalid, or ``every`` is shorter than a second.
    """
    window = Window.parse(start, end, names=("start", "end"))
    every = duration(every, "every")
    if every < timedelta(seconds=1):
        raise JobInputError(f"every={every} must be at least a second.")
    if len(names) != len(fields(Window)):
        raise JobInputError(f"names={names!r} must be two names: for the parts' starts and for their ends.")
    zoned = datetime.fromisoformat(start.strip()) if isinstance(start, str) else start
    first = pendulum.instance(window.start).in_timezone(pendulum.instance(zoned).timezone or pendulum.UTC)
    whole_days = every.days if every == timedelta(days=every.days) else 0
    seconds = 0 if whole_days else int(every.total_seconds())

    parts: list[dict[str, str]] = []
    left = window.start
    while left < window.end:
        # Each bound is computed from the first one. Otherwise a local time that a clock change skips would
        # shift all later bounds.
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
