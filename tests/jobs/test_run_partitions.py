# SPDX-License-Identifier: Apache-2.0

"""Runs that are for a partition: where their jobs' windows come from, and what the outlets' events tell."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pendulum
import pytest
from airflow.providers.common.compat.sdk import DAG, Asset
from airflow_features import needs
from job_cases import CASES, EventBridge, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START

#: Those whose job has a window, which comes from the run by default.
WINDOWED = [case for case in CASES if case.service in ("events", "iotanalytics")]
NAMES = {"events": ("event_start_time", "event_end_time"), "iotanalytics": ("start_time", "end_time")}
KEY = "2026-01-08T00:00:00"
DAY = datetime(2026, 1, 8, tzinfo=UTC)
DATED = {"partition_key": KEY, "partition_date": DAY}
HOUR = timedelta(hours=1)

windowed = pytest.mark.parametrize("case", WINDOWED, indirect=True)


class ForPartition(OneTask):
    """A task of a run that is for a partition, whose templates are rendered."""

    #: What Airflow tells of the partition; of its date from 3.3.
    told: dict[str, Any]
    run_type = "scheduled"
    schedule: Any = None
    rendered: Sequence[str] = (INTERVAL_START, INTERVAL_END)

    def context(self, operator: Any) -> Any:
        """Return its context."""
        context = super().context(operator)
        dag = DAG("orders", schedule=self.schedule)
        about = {**vars(context["dag_run"]), **self.told, "run_type": self.run_type}
        context |= {**self.told, "dag_run": SimpleNamespace(**about), "dag": dag}
        for name in operator.template_fields:
            if (value := getattr(operator, name)) in self.rendered:
                setattr(operator, name, operator.render_template(value, context, dag.get_template_env()))
        return context


def task(case: JobCase, told: dict[str, Any], schedule: Any = None, **given: Any) -> ForPartition:
    start, end = NAMES[case.service]
    asked = {start: INTERVAL_START, end: INTERVAL_END, **given}
    made = ForPartition(lambda: case.operator(**asked))
    made.interval, made.told, made.schedule = None, told, schedule
    return made


def cron(text: str, timezone: str = "UTC") -> Any:
    """A partition timetable, of an Airflow that has it."""
    return import_module("airflow.sdk").CronPartitionTimetable(text, timezone=timezone)


@windowed
@pytest.mark.parametrize("length", [HOUR, 3600])
def test_the_window_is_the_partitions(aws: AwsJobs, case: JobCase, length: Any, deferrable: bool) -> None:
    result = task(case, DATED, partition_window=length, deferrable=deferrable).run()
    assert [result[name] for name in NAMES[case.service]] == [
        "2026-01-08T00:00:00+00:00",
        "2026-01-08T01:00:00+00:00",
    ]


@windowed
@pytest.mark.parametrize("which", [0, 1])
def test_a_bound_that_is_given_stays(aws: AwsJobs, case: JobCase, which: int) -> None:
    given = ["2026-01-07T22:00:00+00:00", "2026-01-08T05:00:00+00:00"][which]
    result = task(case, DATED, **{NAMES[case.service][which]: given}, partition_window=HOUR).run()
    expected = ["2026-01-08T00:00:00+00:00", "2026-01-08T01:00:00+00:00"]
    expected[which] = given
    assert [result[name] for name in NAMES[case.service]] == expected


@windowed
def test_the_data_interval_comes_first(aws: AwsJobs, case: JobCase) -> None:
    asked = task(case, DATED, partition_window=HOUR)
    asked.interval = (DAY + 5 * HOUR, DAY + 7 * HOUR)
    result = asked.run()
    assert [result[name] for name in NAMES[case.service]] == [
        "2026-01-08T05:00:00+00:00",
        "2026-01-08T07:00:00+00:00",
    ]


@windowed
def test_but_not_an_empty_one(aws: AwsJobs, case: JobCase, logged: Callable[[], str]) -> None:
    """Airflow's API gives such a one to a run of a partition that is triggered with a logical date."""
    asked = task(case, DATED, partition_window=HOUR)
    asked.interval, asked.run_type = (DAY + 5 * HOUR, DAY + 5 * HOUR), "manual"
    assert asked.run()[NAMES[case.service][0]] == "2026-01-08T00:00:00+00:00"
    assert "This run was triggered, not scheduled" not in logged()


@needs("partition_date")
@windowed
@pytest.mark.parametrize(
    ("text", "timezone", "begins", "ends"),
    [
        ("@hourly", "UTC", "2026-01-08T00:00:00", "2026-01-08T01:00:00"),
        ("@monthly", "UTC", "2026-02-01T00:00:00", "2026-03-01T00:00:00"),
        ("0 0 29 2 *", "UTC", "2096-02-29T00:00:00", "2104-02-29T00:00:00"),
        # Days of 23 and of 25 hours.
        ("@daily", "Europe/Berlin", "2026-03-28T23:00:00", "2026-03-29T22:00:00"),
        ("@daily", "Europe/Berlin", "2026-10-24T22:00:00", "2026-10-25T23:00:00"),
        # The hour that comes twice.
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:00:00", "2026-10-25T00:30:00"),
        ("*/30 * * * *", "Europe/Berlin", "2026-10-25T00:30:00", "2026-10-25T01:00:00"),
        ("@daily", "Pacific/Kiritimati", "2026-01-07T10:00:00", "2026-01-08T10:00:00"),
        ("@hourly", "Etc/GMT+12", "2026-01-08T00:00:00", "2026-01-08T01:00:00"),
    ],
)
def test_a_cron_partition_ends_with_the_next_tick(
    case: JobCase, text: str, timezone: str, begins: str, ends: str
) -> None:
    date = datetime.fromisoformat(begins).replace(tzinfo=UTC)
    asked = task(case, {"partition_key": "k", "partition_date": date}, cron(text, timezone))
    operator: Any = asked.make()
    request = operator.job_request(asked.context(operator))
    assert request.start == date
    assert request.end == datetime.fromisoformat(ends).replace(tzinfo=UTC)


@needs("partition_date")
@pytest.mark.parametrize(("offset", "begins"), [(0, DAY), (-1, DAY - 24 * HOUR)])
def test_a_scheduled_run_is_for_the_partition_that_begins_with_it(offset: int, begins: datetime) -> None:
    """Or for the one that ends then; why docs/backfills.md and the warning name ``run_offset``."""
    made = import_module("airflow.sdk").CronPartitionTimetable("@daily", timezone="UTC", run_offset=offset)
    core: Any = import_module("airflow.serialization.encoders").coerce_to_core_timetable(made)
    restriction = import_module("airflow.timetables.base").TimeRestriction(
        pendulum.instance(DAY), None, catchup=True
    )
    info = core.next_dagrun_info_v2(last_dagrun_info=None, restriction=restriction)
    assert (info.run_after, info.partition_date) == (DAY, begins)


@windowed
@pytest.mark.parametrize(
    ("conf", "expected"),
    [
        ({}, ["2026-01-08T00:00:00+00:00", "2026-01-09T00:00:00+00:00"]),
        ({"start": "2026-01-08T06:00:00+00:00"}, ["2026-01-08T06:00:00+00:00", "2026-01-09T00:00:00+00:00"]),
    ],
)
def test_the_templates_of_the_page_on_backfills(
    case: JobCase, conf: dict[str, Any], expected: list[str]
) -> None:
    page = (Path(__file__).parents[2] / "docs" / "backfills.md").read_text()
    templates = re.findall(r'"(\{\{ .* or partition_date.* \}\})"', page)
    dated = {**DATED, "partition_date": pendulum.instance(DAY)}
    made = task(case, {**dated, "conf": conf}, **dict(zip(NAMES[case.service], templates, strict=True)))
    made.rendered = templates
    result = made.run()
    assert [result[name] for name in NAMES[case.service]] == expected


NEITHER = "triggered by an asset or without a logical date"


@windowed
@pytest.mark.parametrize(
    ("told", "given", "message"),
    [
        ({}, {}, NEITHER),
        ({}, {"partition_window": HOUR}, NEITHER),
        ({"partition_key": None, "partition_date": None}, {}, NEITHER),
        # As in Airflow 3.2.
        ({"partition_key": KEY}, {"partition_window": HOUR}, "Airflow 3.3 gives it the date as well"),
        ({"partition_key": "eu", "partition_date": None}, {"partition_window": HOUR}, "which has no date"),
        (DATED, {}, "DAG's timetable does not determine where it ends"),
    ],
)
def test_else_the_error_names_the_ways(
    aws: AwsJobs, case: JobCase, told: dict[str, Any], given: dict[str, Any], message: str
) -> None:
    name = NAMES[case.service][1 if told.get("partition_date") else 0]
    ways = rf"Pass {name}.*CronDataIntervalTimetable.*partition_window=timedelta"
    with pytest.raises(JobInputError, match=rf"{message}.*{ways}"):
        task(case, told, **given).run()
    assert case.start_operation not in aws.calls(case.service)


@needs("partition_date")
@windowed
def test_a_date_between_the_ticks_is_an_error(case: JobCase) -> None:
    """A run that is triggered with a key of days, under a timetable that ticks at six."""
    asked = task(case, DATED, cron("0 6 * * *"))
    with pytest.raises(JobInputError, match="the DAG's timetable has no tick at that time"):
        asked.run()


@needs("partition_date")
@windowed
def test_partition_window_wins_over_the_timetable(aws: AwsJobs, case: JobCase) -> None:
    result = task(case, DATED, cron("0 6 * * *"), partition_window=HOUR).run()
    assert result[NAMES[case.service][1]] == "2026-01-08T01:00:00+00:00"


@windowed
@pytest.mark.parametrize("length", [0, -1, "1h"])
def test_a_partition_window_is_a_positive_length(case: JobCase, length: Any) -> None:
    with pytest.raises(JobInputError, match="partition_window="):
        case.operator(partition_window=length)


@pytest.mark.parametrize(
    ("told", "extra"),
    [
        (DATED, {"partition_key": KEY, "partition_date": "2026-01-08T00:00:00+00:00"}),
        ({"partition_key": "eu", "partition_date": None}, {"partition_key": "eu"}),
        ({"partition_key": "eu"}, {"partition_key": "eu"}),
        ({"partition_key": None, "partition_date": None}, {}),
    ],
)
def test_the_outlets_events_tell_the_partition(
    case: JobCase, told: dict[str, Any], extra: dict[str, Any]
) -> None:
    outlet = Asset("orders_again")
    asked = ForPartition(lambda: case.operator(outlets=[outlet]))
    asked.told = told
    asked.run()
    event = asked.outlet_events[outlet]
    assert {name: value for name, value in event.extra.items() if name.startswith("partition_")} == extra
    # Airflow itself gives the event the run's partition.
    assert not hasattr(event, "partition_keys")


@windowed
@pytest.mark.parametrize(("ahead", "warned"), [(timedelta(hours=2), True), (-HOUR, False)])
def test_a_window_that_ends_in_the_future_is_warned_of_by_awss_clock(
    aws: AwsJobs, case: JobCase, logged: Callable[[], str], ahead: timedelta, warned: bool
) -> None:
    # By the worker's clock it would be the other way round.
    aws.set_clock_skew(-3 * 3600 if warned else 3 * 3600)
    now = datetime.now(UTC) + (-3 if warned else 3) * HOUR
    dated = {"partition_key": "k", "partition_date": now + ahead - HOUR}
    task(case, dated, partition_window=HOUR, deferrable=True).begin()
    said = logged()
    assert ("The window ends at" in said) is warned
    assert ("run_offset=-1" in said) is warned
    # A replay waits for the end of its window, a reprocessing does not.
    waits = warned and case.service == "events"
    assert (case.start_operation not in aws.calls(case.service)) is waits


@pytest.fixture
def replays(aws: AwsJobs) -> EventBridge:
    """An archive; its replays stand still."""
    case = EventBridge()
    case.prepare()
    aws.set_pace()
    return case


def beside(case: JobCase, run_id: str, told: dict[str, Any] = DATED, **given: Any) -> ForPartition:
    made = task(case, told, partition_window=HOUR, deferrable=True, **given)
    made.run_id, made.run_type = run_id, "backfill"
    return made


def test_a_replay_of_the_same_window_is_named_before_another_in_a_backfill(
    aws: AwsJobs, replays: EventBridge, logged: Callable[[], str]
) -> None:
    beside(replays, "backfill__1").begin()
    assert "is in flight" not in logged()
    (first,) = aws.jobs("events")
    other = {**DATED, "partition_date": DAY + HOUR}
    beside(replays, "backfill__2", other).begin()
    assert "is in flight" not in logged()

    beside(replays, "backfill__3").begin()

    assert f"Another replay of this archive and window is in flight: {first['id']}. " in logged()
    assert len(aws.jobs("events")) == 3


def test_it_is_looked_for_in_backfills_alone(
    aws: AwsJobs, replays: EventBridge, logged: Callable[[], str]
) -> None:
    beside(replays, "backfill__1").begin()
    listed = aws.calls("events")["ListReplays"]
    again = beside(replays, "scheduled__1")
    again.run_type = "scheduled"
    again.begin()
    assert aws.calls("events")["ListReplays"] == listed + 1
    assert "is in flight" not in logged()


@pytest.mark.parametrize("kind", ["access-denied", "error", "drop"])
def test_where_it_cannot_be_looked_for_the_replay_starts(
    aws: AwsJobs, replays: EventBridge, logged: Callable[[], str], kind: Any
) -> None:
    # The first list finds the task's own replays.
    aws.add_fault(Fault("ListReplays", kind, service="events", skip=1, count=1))
    once = {"retries": {"total_max_attempts": 1}}
    beside(replays, "backfill__1", botocore_config=once).begin()
    assert "Replays of the same window could not be looked for" in logged()
    assert len(aws.jobs("events")) == 1
