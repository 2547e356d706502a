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

#: Airflow lists a timetable's ticks between two local times; read as such, a time in UTC may be up to twelve
#: hours later than it is, and one more where the clock is set back.
_MARGIN = timedelta(hours=14)
#: The next tick of a schedule for 29 February is up to eight years away.
_FARTHEST = timedelta(days=366 * 9)


class _UnknownError(Exception):
    """A partition's bounds are not known; the message goes on with a sentence about the run."""


@dataclass(frozen=True, slots=True)
class _Partition:
    """The partition that a run is for.

    :param key: its key.
    :param date: when it begins, aware; None where Airflow does not tell.
    :param dated: whether this Airflow tells tasks dates of partitions; it does from 3.3.
    """

    key: str | None
    date: datetime | None
    dated: bool

    @classmethod
    def of(cls, context: Mapping[str, Any]) -> _Partition | None:
        """Return the run's partition; None for a run that has none.

        :param context: the running task instance's Airflow context.
        """
        run = context.get("dag_run")
        key = context.get("partition_key") or getattr(run, "partition_key", None)
        date = context.get("partition_date") or getattr(run, "partition_date", None)
        dated = "partition_date" in context or hasattr(run, "partition_date")
        return cls(key, date, dated) if key or date else None

    def start(self) -> datetime:
        """Return when the partition begins.

        :raises _UnknownError: if Airflow does not tell.
        """
        if self.date is not None:
            return self.date
        why = (
            "which has no date: its key was made at run time, or the DAG's mapper makes no time of it"
            if self.dated
            else "and this Airflow tells a task only the key; Airflow 3.3 tells the date as well"
        )
        raise _UnknownError(f"it is for the partition {self.key!r}, {why}")

    def end(self, dag: Any, length: timedelta | None) -> datetime:
        """Return when the partition ends.

        :param dag: the DAG; under a cron partition timetable its next tick is the end.
        :param length: how long the partition is, which wins over the timetable.
        :raises _UnknownError: if neither tells the end.
        """
        start = self.start()
        if length is not None:
            return start + length
        begins = f"its partition begins at {utc_text(start)}, and"
        ticks = _ticks(getattr(dag, "timetable", None), start)
        if not ticks:
            raise _UnknownError(f"{begins} the timetable of the DAG does not tell where it ends")
        if start not in ticks:
            raise _UnknownError(f"{begins} the timetable of the DAG has no tick then")
        return ticks[-1]


@dataclass(frozen=True, slots=True)
class DefaultWindow:
    """Which bounds of an operator's window were left to the run.

    :param names: the names of the operator's two parameters.
    :param start: whether the start was left to the run.
    :param end: whether the end was.
    :param length: the operator's ``partition_window``.
    """

    names: tuple[str, str]
    start: bool
    end: bool
    length: timedelta | None = None

    @classmethod
    def of(cls, partition_window: timedelta | float | None = None, **bounds: Any) -> DefaultWindow:
        """Look at the parameters before their templates are rendered.

        :param partition_window: how long a partition is, as a timedelta or in seconds.
        :param bounds: the start and the end, under the names of the operator's parameters.
        :raises JobInputError: if ``partition_window`` is no positive length of time.
        """
        first, last = bounds
        length = optional_duration(partition_window, "partition_window")
        return cls((first, last), bounds[first] == INTERVAL_START, bounds[last] == INTERVAL_END, length)

    @property
    def whole(self) -> bool:
        """Whether both bounds were left to the run."""
        return self.start and self.end

    def fill(self, context: Mapping[str, Any], start: Any, end: Any) -> tuple[Any, Any]:
        """Return the rendered bounds, with the partition's in place of those that came to nothing.

        A bound that was given stays, whatever it has come to. A data interval stays too, unless it is empty
        and the run has a partition.

        :param context: the running task instance's Airflow context.
        :param start: the start, rendered.
        :param end: the end, rendered.
        :raises JobInputError: if a bound was left to a run that has neither a data interval nor a partition
            with both bounds.
        """
        # Under delimiters of the DAG's own, the defaults have not been rendered.
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
                "(Airflow 3.3): of a CronPartitionTimetable, or with partition_window=timedelta(...)."
            ) from None
        return start, end


def partition(context: Mapping[str, Any]) -> dict[str, str]:
    """Return key and date of the run's partition, JSON-safe; only what the run has.

    :param context: the running task instance's Airflow context.
    :return: ``partition_key``, and ``partition_date`` as ISO 8601 text in UTC.
    """
    run = _Partition.of(context)
    told = {"partition_key": run.key, "partition_date": utc_text(run.date)} if run else {}
    return {name: value for name, value in told.items() if value}


def is_backfill(context: Mapping[str, Any]) -> bool:
    """Whether the run is one of a backfill.

    :param context: the running task instance's Airflow context.
    """
    return getattr(context.get("dag_run"), "run_type", None) == "backfill"


def warn_of_future(log: Any, end: datetime | None, now: datetime | None, delay: timedelta, then: str) -> None:
    """Warn of a window that ends in the future.

    :param log: the task's logger.
    :param end: the window's end, aware; None where it is open.
    :param now: AWS's time; where it is not known, nothing is said.
    :param delay: up to how far the end may lie ahead without a warning.
    :param then: what that means for the job.
    """
    if end is None or now is None or end - now <= delay:
        return
    log.warning(
        "The window ends at %s, which is %s from now: %s. Where it comes from a CronPartitionTimetable: with "
        "run_offset=0, its default, a scheduled run is for the partition that begins with it; run_offset=-1 "
        "makes it the one that ends then.",
        end.isoformat(),
        timedelta(seconds=round((end - now).total_seconds())),
        then,
    )


def _known(run: _Partition | None) -> _Partition:
    if run is None:
        raise _UnknownError("it was triggered by an asset or without a logical date")
    return run


def _ticks(timetable: Any, date: datetime) -> list[datetime]:
    """Return ticks of a partition timetable: those of some hours before the date, and the next after it.

    None where it has none: it is none of partitions, it follows assets, or its last tick is over.
    """
    try:
        from airflow.serialization.encoders import coerce_to_core_timetable
    except ImportError:  # below Airflow 3.2
        return []
    # A timetable of airflow.sdk holds its parameters only; its counterpart in Airflow's core can count.
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
