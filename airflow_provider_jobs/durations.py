# SPDX-License-Identifier: Apache-2.0

"""Lengths of time as DAG authors write them: seconds, or a timedelta."""

from __future__ import annotations

from datetime import timedelta
from math import isfinite
from typing import Any

from airflow_provider_jobs.exceptions import JobInputError

__all__ = ["duration", "duration_or_zero", "optional_duration"]


def duration(value: Any, name: str, *, zero: bool = False, otherwise: str = "") -> timedelta:
    """Return a length of time.

    :param value: a timedelta, or a number of seconds.
    :param name: the parameter, for the message.
    :param zero: whether it may be zero.
    :param otherwise: what else it may be, for the message.
    :raises JobInputError: if it is not a length of time, or is negative or, unless allowed, zero.
    """
    number = isinstance(value, (int, float)) and not isinstance(value, bool) and isfinite(value)
    given = timedelta(seconds=value) if number else value
    if not isinstance(given, timedelta) or given < timedelta(0) or (given == timedelta(0) and not zero):
        raise JobInputError(
            f"{name}={value!r} must be a {'' if zero else 'positive '}number of seconds, or a timedelta"
            f"{' that is not negative' if zero else ''}{otherwise}."
        )
    return given


def duration_or_zero(value: Any, name: str) -> timedelta:
    """Return a length of time, which may be zero.

    :raises JobInputError: if it is none, or negative.
    """
    return duration(value, name, zero=True)


def optional_duration(value: Any, name: str) -> timedelta | None:
    """Return a length of time, or None for no limit.

    :raises JobInputError: if it is neither.
    """
    return None if value is None else duration(value, name, otherwise=", or None for no limit")
