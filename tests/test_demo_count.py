# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_jobs.testing import AwsJobsServer

# The demo is no part of the package; at the end of the path, the checkout does not hide what is installed.
sys.path.append(str(Path(__file__).parents[1]))

from demo.act import Aws
from demo.reprocessing import WINDOWS as HOURS
from demo.reprocessing import AgainAct, ReprocessingAct, iot_client
from demo.shop import ARCHIVE, ShopAct
from demo.shop_events import WINDOWS, shop_events
from demo.tally import Tally, Window, count

START = datetime(2026, 1, 8, tzinfo=UTC)
DAY, SECOND = timedelta(days=1), timedelta(seconds=1)
FIRST, EMPTY, LAST = (Window(START + n * DAY, START + (n + 1) * DAY) for n in range(3))
REPLAYS = {"one": FIRST, "two": EMPTY, "three": LAST}
ARCHIVED = {
    "eve": FIRST.start - SECOND,
    "a": FIRST.start,
    "b": FIRST.end - SECOND,
    "c": LAST.start,
    "d": LAST.start + SECOND,
    "morrow": LAST.end,
}


def message(replay: str, event: str, time: datetime | None = None) -> dict[str, Any]:
    time = time or ARCHIVED[event]
    return {"replay-name": replay, "time": f"{time:%Y-%m-%dT%H:%M:%SZ}", "detail": {"event": event}}


ALL = [message("one", "a"), message("one", "b"), message("three", "c"), message("three", "d")]


def tallies(messages: list[dict[str, Any]]) -> list[Tally]:
    return count((FIRST, EMPTY, LAST), ARCHIVED, REPLAYS, messages)


def problems(messages: list[dict[str, Any]]) -> list[str]:
    return [problem for tally in tallies(messages) for problem in tally.problems()]


def test_all_is_well() -> None:
    assert [tally.numbers() for tally in tallies(ALL)] == [(2, 2, 0, 0, 0), (0, 0, 0, 0, 0), (2, 2, 0, 0, 0)]
    assert problems(ALL) == []


def test_missing() -> None:
    assert tallies(ALL[1:])[0].numbers() == (2, 1, 1, 0, 0)
    assert problems(ALL[1:]) == ["Thu 2026-01-08: 1 missing (a)."]
    assert problems([]) == ["Thu 2026-01-08: 2 missing (a, b).", "Sat 2026-01-10: 2 missing (c, d)."]


def test_doubled() -> None:
    assert tallies([*ALL, *ALL[:1], *ALL[:1]])[0].numbers() == (2, 4, 0, 2, 0)
    assert problems([*ALL, ALL[3]]) == ["Sat 2026-01-10: 1 doubled (d)."]


@pytest.mark.parametrize(
    ("stray", "window"),
    [
        (message("one", "eve"), "Thu 2026-01-08"),
        (message("three", "morrow"), "Sat 2026-01-10"),
        (message("two", "b"), "Fri 2026-01-09"),
        (message("three", "b"), "Sat 2026-01-10"),
        (message("one", "never-archived", FIRST.start), "Thu 2026-01-08"),
        (message("one", "a", FIRST.start + SECOND), "Thu 2026-01-08"),
        (message("unknown", "a"), "No known job"),
    ],
)
def test_outside(stray: dict[str, Any], window: str) -> None:
    event = stray["detail"]["event"]
    assert problems([*ALL, stray]) == [f"{window}: 1 outside of the window ({event})."]


def test_event_of_a_wrong_replay_is_missing_in_its_own() -> None:
    assert problems([message("three", "a"), *ALL[1:]]) == [
        "Thu 2026-01-08: 1 missing (a).",
        "Sat 2026-01-10: 1 outside of the window (a).",
    ]


def test_message_without_a_replay_is_no_replay() -> None:
    original = message("one", "a")
    del original["replay-name"]
    assert problems([*ALL, original]) == ["No known job: 1 outside of the window (a)."]
    assert tallies([*ALL, original])[-1].numbers() == (0, 1, 0, 0, 1)


def test_shop_events_are_the_same_every_time_and_plausible() -> None:
    events = shop_events()

    assert events == shop_events()
    assert [event.time for event in events] == sorted(event.time for event in events)
    assert len({event.id for event in events}) == len(events) > 2000
    for window in WINDOWS:
        times = [event.time for event in events if window.holds(event.time)]
        assert not times or (times[0], times[-1]) == (window.start, window.end - SECOND)
    assert any(not any(window.holds(event.time) for event in events) for window in WINDOWS)
    assert (events[0].time, events[-1].time) == (WINDOWS[0].start - SECOND, WINDOWS[-1].end)
    last: dict[int, str] = {}
    before = {"Order Placed": None, "Order Shipped": "Order Placed", "Order Returned": "Order Shipped"}
    for event in events:
        assert last.get(event.order) == before[event.kind]
        last[event.order] = event.kind


@pytest.fixture
def aws() -> Iterator[Aws]:
    with AwsJobsServer(seconds=0) as server:
        yield Aws(server)


def test_act_finds_what_replays_did_wrong(aws: Aws) -> None:
    act = ShopAct()
    act.seed(aws)
    events = aws.client("events")
    archive = events.describe_archive(ArchiveName=ARCHIVE)
    monday, tuesday = WINDOWS[-2:]
    late = Window(tuesday.start, tuesday.end + SECOND)  # no window that was asked for
    for name, window in (("m1", monday), ("m2", monday), ("late", late)):
        events.start_replay(
            ReplayName=name,
            EventSourceArn=archive["ArchiveArn"],
            EventStartTime=window.start,
            EventEndTime=window.end,
            Destination={"Arn": archive["EventSourceArn"]},
        )

    outcome = act.check(aws)

    assert outcome.totals == (
        "6 windows, 2,820 events archived, 1,331 received: 2,350 missing, 470 doubled, "
        "391 outside of their window. 3 StartReplay calls, 3 replays."
    )
    found = [problem.partition(" (")[0] for problem in outcome.problems]
    assert found == [
        "Thu 2026-01-08: 520 missing",
        "Fri 2026-01-09: 610 missing",
        "Sat 2026-01-10: 830 missing",
        "Mon 2026-01-12: 470 doubled",
        "Tue 2026-01-13: 390 missing",
        "No known job: 391 outside of the window",
    ]


def test_act_finds_what_reprocessings_did_wrong(aws: Aws) -> None:
    first, again = ReprocessingAct(), AgainAct()
    first.seed(aws)
    api = iot_client(aws)

    def reprocess(*hours: Window) -> None:
        for hour in hours:
            api.start_pipeline_reprocessing(pipelineName="cleaning", startTime=hour.start, endTime=hour.end)

    reprocess(*HOURS)
    assert not first.check(aws).problems
    again.seed(aws)
    late = Window(HOURS[-1].start, HOURS[-1].end + SECOND)  # no window that was asked for
    reprocess(*HOURS[1:], HOURS[1], late)

    outcome = again.check(aws)

    assert outcome.totals == (
        "10 hours, 2,280 messages in the channel, 2,591 reprocessed: 310 missing, 290 doubled, "
        "331 outside of their hour. 11 StartPipelineReprocessing calls, 11 reprocessings."
    )
    found = [problem.partition(" (")[0] for problem in outcome.problems]
    assert found == [
        "Thu 2026-01-08 19:00: 310 missing",
        "Thu 2026-01-08 20:00: 290 doubled",
        "No known job: 331 outside of the window",
        "There were 11 reprocessings for 10 hours.",
    ]
