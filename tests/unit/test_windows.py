# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.windows import split_window

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from([UTC, BERLIN, ZoneInfo("America/New_York"), ZoneInfo("Australia/Lord_Howe")])


def bounds(parts: list[dict[str, str]]) -> list[tuple[datetime, datetime]]:
    return [
        (datetime.fromisoformat(p["event_start_time"]), datetime.fromisoformat(p["event_end_time"]))
        for p in parts
    ]


def test_hours() -> None:
    assert split_window("2026-01-01T00:00:00Z", "2026-01-01T02:30:00Z", timedelta(hours=1)) == [
        {"event_start_time": "2026-01-01T00:00:00+00:00", "event_end_time": "2026-01-01T01:00:00+00:00"},
        {"event_start_time": "2026-01-01T01:00:00+00:00", "event_end_time": "2026-01-01T02:00:00+00:00"},
        {"event_start_time": "2026-01-01T02:00:00+00:00", "event_end_time": "2026-01-01T02:30:00+00:00"},
    ]


def test_names_are_those_of_the_operator() -> None:
    (part,) = split_window(
        "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", timedelta(days=1), names=("start_time", "end_time")
    )
    assert set(part) == {"start_time", "end_time"}


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [
        (datetime(2026, 3, 28, tzinfo=BERLIN), datetime(2026, 3, 31, tzinfo=BERLIN), [24, 23, 24]),
        (datetime(2026, 10, 24, tzinfo=BERLIN), datetime(2026, 10, 27, tzinfo=BERLIN), [24, 25, 24]),
    ],
)
def test_days_begin_at_local_midnight_across_a_clock_change(
    first: datetime, last: datetime, hours: list[int]
) -> None:
    parts = bounds(split_window(first, last, timedelta(days=1)))
    assert [(end - start).total_seconds() / 3600 for start, end in parts] == hours
    assert {start.astimezone(BERLIN).hour for start, _ in parts} == {0}


def test_hours_are_elapsed_hours_across_a_clock_change() -> None:
    first, last = datetime(2026, 10, 25, tzinfo=BERLIN), datetime(2026, 10, 26, tzinfo=BERLIN)
    parts = bounds(split_window(first, last, timedelta(hours=1)))
    assert len(parts) == 25
    assert {end - start for start, end in parts} == {timedelta(hours=1)}


# How long an example takes tells of the machine, not of the code.
@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    start=st.datetimes(datetime(2000, 1, 1), datetime(2040, 1, 1), timezones=ZONES),
    length=st.timedeltas(timedelta(seconds=1), timedelta(days=40)),
    count=st.integers(1, 60),
    days=st.integers(0, 5),
)
def test_no_gap_and_no_overlap(start: datetime, length: timedelta, count: int, days: int) -> None:
    every = timedelta(days=days) or max(length / count, timedelta(seconds=1))
    end = start.astimezone(UTC) + length
    parts = bounds(split_window(start, end, every))
    assert parts[0][0] == start.astimezone(UTC).replace(microsecond=0)
    assert parts[-1][1] == end.replace(microsecond=0)
    assert all(left < right for left, right in parts)
    assert all(earlier[1] == later[0] for earlier, later in pairwise(parts))


@pytest.mark.parametrize(
    ("start", "end", "every", "message"),
    [
        ("2026-01-02T00:00:00Z", "2026-01-01T00:00:00Z", timedelta(hours=1), "at least a second after"),
        ("2026-01-01", "2026-01-02", timedelta(hours=1), "has no time zone"),
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", timedelta(0), "positive number of seconds"),
        ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", timedelta(days=-1), "positive number of seconds"),
    ],
)
def test_bad_windows(start: str, end: str, every: timedelta, message: str) -> None:
    with pytest.raises(JobInputError, match=message):
        split_window(start, end, every)
