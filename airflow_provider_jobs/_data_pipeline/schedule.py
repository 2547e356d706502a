# SPDX-License-Identifier: Apache-2.0

"""The schedules of a pipeline's definition, as far as they can be read without AWS.

https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/dp-object-schedule.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_jobs._data_pipeline.activation import read_time

__all__ = ["endless_schedules", "is_on_demand", "schedules_over"]

_PERIOD = re.compile(r"(\d+)\s+(minute|hour|day|week)s?", re.IGNORECASE)


def is_on_demand(objects: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a pipeline runs on demand, not by a schedule.

    :param objects: in the file format.
    """
    return any(
        each["id"] == "Default" and str(each.get("scheduleType", "")).lower() == "ondemand"
        for each in objects
    )


def endless_schedules(objects: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the ids of the schedules that have no end."""
    return [each["id"] for each in _schedules(objects) if not (_has(each, "endDateTime", "occurrences"))]


def schedules_over(objects: Sequence[Mapping[str, Any]], start: datetime) -> dict[str, datetime]:
    """Return the ends of all schedules if none of them has anything from a time on, else nothing.

    An end that is not written in full, such as one with an expression, counts as still to come.

    :param start: aware.
    """
    ends = {each["id"]: _end(each) for each in _schedules(objects)}
    over = {name: end for name, end in ends.items() if end is not None and end <= start}
    return over if len(over) == len(ends) else {}


def _schedules(objects: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    return [each for each in objects if each.get("type") == "Schedule"]


def _has(schedule: Mapping[str, Any], *names: str) -> bool:
    return any(schedule.get(name) for name in names)


def _end(schedule: Mapping[str, Any]) -> datetime | None:
    with suppress(TypeError, ValueError, OverflowError):
        if end := read_time(schedule.get("endDateTime")):
            return end
        start = read_time(schedule.get("startDateTime"))
        period = _PERIOD.fullmatch(str(schedule.get("period", "")).strip())
        if start and period and (occurrences := schedule.get("occurrences")):
            return start + int(occurrences) * timedelta(**{f"{period[2].lower()}s": int(period[1])})
    return None
