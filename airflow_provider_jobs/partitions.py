# SPDX-License-Identifier: Apache-2.0

"""Default windows: a run's data interval or, from Airflow 3.3, its partition."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_jobs.durations import optional_duration
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.job import utc_text
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START

__all__ = ["DefaultWindow", "is_backfill", "partition", "warn_of_future"]

#: Airflow lists a timetable's ticks between two local times. A UTC time that is interpreted as a local time
#: may be up to twelve hours late, and another hour when the clock is set back.
_MARGIN = timedelta(hours=14)
#: The next tick of a schedule for 29 February is up to eight years away.
_FARTHEST = timedelta(days=366 * 9)


class _UnknownError(Exception):
    """A partition's bounds are unknown. The message is a clause about the run, used inside a longer one."""


@dataclass(frozen=True, slots=True)
class _Partition:
    """The partition of a run.

    :param key: its key.
    :param date: when it begins, aware; None if Airflow does not provide it.
    :param dated: whether this Airflow provides partition dates to tasks; it does from 3.3.
    """

    key: str | None
    date: datetime | None
    dated: bool

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> _Partition | None:
        """Return the run's partition; None if the run has none.

        :param context: the running task instance's Airflow context.
        """
        run = context.get("dag_run")
        key = context.get("partition_key") or getattr(run, "partition_key", None)
        date = context.get("partition_date") or getattr(run, "partition_date", None)
        dated = "partition_date" in context or hasattr(run, "partition_date")
        return cls(key, date, dated) if key or date else None

    def start(self) -> datetime:
        """Return when the partition begins.

        :raises _UnknownError: if Airflow does not provide it.
        """
        if self.date is not None:
            return self.date
        why = (
            "which has no date: its key was made at run time, or the DAG's mapper derives no time from it"
            if self.dated
            else "and this Airflow gives a task only the key; Airflow 3.3 gives it the date as well"
        )
        raise _UnknownError(f"it is for the partition {self.key!r}, {why}")

    def end(self, dag: Any, length: timedelta | None) -> datetime:
        """Return when the partition ends.

        :param dag: the DAG; with a cron partition timetable, the partition ends at the next tick.
        :param length: the partition's length, which takes precedence over the timetable.
        :raises _UnknownError: if neither determines the end.
        """
        start = self.start()
        if length is not None:
            return start + length
        begins = f"its partition begins at {utc_text(start)}, and"
        ticks = _ticks(getattr(dag, "timetable", None), start)
        if not ticks:
            raise _UnknownError(f"{begins} the DAG's timetable does not determine where it ends")
        if start not in ticks:
            raise _UnknownError(f"{begins} the DAG's timetable has no tick at that time")
        return ticks[-1]


@dataclass(frozen=True, slots=True)
class DefaultWindow:
    """Which bounds of an operator's window use the default, the run's interval or partition.

    :param names: the names of the operator's two parameters.
    :param start: whether the start uses the default.
    :param end: whether the end does.
    :param length: the operator's ``partition_window``.
    """

    names: tuple[str, str]
    start: bool
    end: bool
    length: timedelta | None = None

    @classmethod
    def of(cls, partition_window: timedelta | float | None = None, **bounds: Any) -> DefaultWindow:
        """Inspect the parameters before their templates are rendered.

        :param partition_window: the length of a partition, as a timedelta or in seconds.
        :param bounds: the start and the end, under the names of the operator's parameters.
        :raises JobInputError: if ``partition_window`` is not a positive length of time.
        """
        first, last = bounds
        length = optional_duration(partition_window, "partition_window")
        return cls((first, last), bounds[first] == INTERVAL_START, bounds[last] == INTERVAL_END, length)

    @property
    def whole(self) -> bool:
        """Whether both bounds use the default."""
        return self.start and self.end

    def fill(self, context: Mapping[str, Any], start: Any, end: Any) -> tuple[Any, Any]:
        """Return the rendered bounds; defaults that rendered to nothing are replaced by the partition's.

        A bound that the user gave stays, whatever it rendered to. A data interval stays too, unless it is
        empty and the run has a partition.

        :param context: the running task instance's Airflow context.
        :param start: the rendered start.
        :param end: the rendered end.
        :raises JobInputError: if a bound uses the default, and the run has neither a data interval nor a
            partition with both bounds.
        """
        # If the DAG uses its own template delimiters, the defaults have not been rendered.
        start = context.get("data_interval_start") if start == INTERVAL_START else start
        end = context.get("data_interval_end") if end == INTERVAL_END else end
        run = _Partition.of(context)
        empty = self.whole and start == end and run is not None
        name = self.names[0]
        try:
            if self.start and (empty or start in (None, "")):
                start = _known(run).start()
            name = self.names[1]
            if self.end and (empty or end in (None, "")):
                end = _known(run).end(context.get("dag"), self.length)
        except _UnknownError as unknown:
            raise JobInputError(
                f"{name} is empty: this run has no data interval ({unknown}). Pass {name}, for example "
                f"\"{{{{ dag_run.conf['{name}'] }}}}\" or a time such as 2026-01-31T00:00:00+00:00. Or use a "
                "schedule with intervals, such as CronDataIntervalTimetable. Or use partitions with dates "
                "(Airflow 3.3): with a CronPartitionTimetable or partition_window=timedelta(...)."
            ) from None
        return start, end


def partition(context: Mapping[str, Any]) -> dict[str, str]:
    """Return the key and date of the run's partition, JSON-safe; values that the run lacks are left out.

    :param context: the running task instance's Airflow context.
    :return: ``partition_key``, and ``partition_date`` as ISO 8601 text in UTC.
    """
    run = _Partition.of(context)
    told = {"partition_key": run.key, "partition_date": utc_text(run.date)} if run else {}
    return {name: value for name, value in told.items() if value}


def is_backfill(context: Mapping[str, Any]) -> bool:
    """Whether the run belongs to a backfill.

    :param context: the running task instance's Airflow context.
    """
    return getattr(context.get("dag_run"), "run_type", None) == "backfill"


def warn_of_future(log: Any, end: datetime | None, now: datetime | None, delay: timedelta, then: str) -> None:
    """Log a warning if the window ends in the future.

    :param log: the task's logger.
    :param end: the window's end, aware; None if it is open.
    :param now: AWS's time; if None, there is no warning.
    :param delay: how far ahead the end may be without a warning.
    :param then: the consequence for the job, for the message.
    """
    if end is None or now is None or end - now <= delay:
        return
    log.warning(
        "The window ends at %s, which is %s from now: %s. If it comes from a CronPartitionTimetable: with "
        "run_offset=0, the default, a scheduled run is for the partition that begins at its time; with "
        "run_offset=-1 it is for the one that ends then.",
        end.isoformat(),
        timedelta(seconds=round((end - now).total_seconds())),
        then,
    )


def _known(run: _Partition | None) -> _Partition:
    if run is None:
        raise _UnknownError("it was triggered by an asset or without a logical date")
    return run


def _ticks(timetable: Any, date: datetime) -> list[datetime]:
    """Return ticks of a partition timetable: those in the hours before the date, and the next one after it.

    The list is empty if there are none: it is not a partition timetable, it is driven by assets, or its last
    tick is over.
    """
    try:
        from airflow.serialization.encoders import coerce_to_core_timetable
    except ImportError:  # below Airflow 3.2
        return []
    # A timetable of airflow.sdk only holds parameters; its counterpart in Airflow's core computes ticks.
    core: Any = coerce_to_core_timetable(timetable)
    if not getattr(core, "partitioned", False):
        return []
    found: list[datetime] = []
    try:
        for info in core.iter_partition_dagrun_infos(earliest=date - _MARGIN, latest=date + _FARTHEST):
            found.append(info.partition_date)
            if info.partition_date > date:
                return found
    except NotImplementedError:
        pass
    return []
