# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from airflow_features import needs

from airflow_provider_jobs.testing import AwsJobsServer

# Neither the demo nor the examples are part of the package; at the end of the path, the checkout does not
# hide what is installed.
sys.path.append(str(Path(__file__).parents[1]))

from demo.act import Aws
from demo.chain import ALL, ChainAct
from demo.plant import BUCKET, BUS, FANS, PUMPS, Machines
from demo.tally import Window

SIX, SEVEN, EIGHT = PUMPS.windows
SECOND = timedelta(seconds=1)


@needs("sdk_timetables")
class TestExample:
    """What the DAG that the asset starts makes of its asset events."""

    def windows(self, *extras: dict[str, Any]) -> Any:
        from example_dags.ingest_then_replay import PUMPS_INGESTED, ingested_windows

        events = {PUMPS_INGESTED: [SimpleNamespace(extra=extra) for extra in extras]}
        return ingested_windows.function(triggering_asset_events=events if extras else {})

    def event(self, window: Window) -> dict[str, Any]:
        start, end = window.start.isoformat(), window.end.isoformat()
        # The data ends with its last timestamp; the window does not.
        last = (window.end - timedelta(minutes=1)).isoformat()
        return {
            "data_interval_start": start,
            "data_interval_end": end,
            "data_start_time": start,
            "data_end_time": last,
        }

    def bounds(self, window: Window) -> dict[str, str]:
        return {"event_start_time": window.start.isoformat(), "event_end_time": window.end.isoformat()}

    def test_one_event_is_one_window(self) -> None:
        assert self.windows(self.event(SIX)) == [self.bounds(SIX)]

    def test_several_events_are_as_many_windows(self) -> None:
        found = self.windows(self.event(SEVEN), self.event(SIX), self.event(SEVEN))
        assert found == [self.bounds(SEVEN), self.bounds(SIX)]

    def test_no_event_is_no_window(self) -> None:
        assert self.windows() == []

    def test_an_event_made_by_hand_is_left_to_the_operators_own_message(self) -> None:
        assert self.windows({}) == [{"event_start_time": None, "event_end_time": None}]


@pytest.mark.parametrize("machines", ALL, ids=lambda machines: machines.kind)
def test_the_plant_is_the_same_every_time_and_plausible(machines: Machines) -> None:
    events = machines.events()
    assert events == machines.events()
    assert [event.time for event in events] == sorted(event.time for event in events)
    for window, number in zip(machines.windows, machines.counts, strict=True):
        times = [event.time for event in events if window.holds(event.time)]
        assert (len(times), times[0], times[-1]) == (number, window.start, window.end - SECOND)
        files = machines.files(window)
        assert files == machines.files(window)
        assert len(files) == 4
    assert events[0].time == machines.windows[0].start - SECOND
    assert events[-1].time == machines.windows[-1].end


@pytest.fixture
def aws() -> Iterator[Aws]:
    with AwsJobsServer(seconds=0) as server:
        yield Aws(server)


def ingest(aws: Aws, machines: Machines, window: Window, token: str = "once") -> None:
    source = {
        "Bucket": BUCKET,
        "Prefix": machines.prefix(window),
        "KeyPattern": "{prefix}/{component_name}/*",
    }
    aws.client("lookoutequipment").start_data_ingestion_job(
        DatasetName=machines.kind,
        IngestionInputConfiguration={"S3InputConfiguration": source},
        RoleArn="arn:aws:iam::123456789012:role/reader",
        ClientToken=f"{machines.kind} {window} {token}",
    )


def replay(aws: Aws, machines: Machines, window: Window, name: str) -> None:
    events = aws.client("events")
    archive = events.describe_archive(ArchiveName=machines.kind)
    events.start_replay(
        ReplayName=name,
        EventSourceArn=archive["ArchiveArn"],
        EventStartTime=window.start,
        EventEndTime=window.end,
        Destination={"Arn": archive["EventSourceArn"]},
    )


def test_act_finds_nothing_wrong_where_all_is_well(aws: Aws) -> None:
    act = ChainAct()
    act.seed(aws)
    for machines in ALL:
        for number, window in enumerate(machines.windows):
            ingest(aws, machines, window)
            replay(aws, machines, window, f"{machines.kind}-{number}")
    outcome = act.check(aws)
    assert outcome.problems == []
    assert outcome.totals == (
        "5 ingestion jobs: 20 files, 19 ingested, 1 discarded. 5 replays: 190 events archived, 190 received: "
        "0 missing, 0 doubled, 0 outside of their window."
    )


def test_act_finds_what_went_wrong(aws: Aws) -> None:
    act = ChainAct()
    act.seed(aws)
    ingest(aws, PUMPS, SIX)
    ingest(aws, PUMPS, SIX, "twice")
    key = next(iter(PUMPS.files(SEVEN)))
    aws.client("s3").put_object(Bucket=BUCKET, Key=key, Body=b"nonsense")
    ingest(aws, PUMPS, SEVEN)
    for name, window in (("a", SIX), ("b", SIX), ("late", Window(EIGHT.start, EIGHT.end + SECOND))):
        replay(aws, PUMPS, window, name)
    ingest(aws, FANS, FANS.windows[0])
    replay(aws, FANS, FANS.windows[0], "fans")

    assert [problem.partition(" (pump")[0].partition(" (fan")[0] for problem in act.check(aws).problems] == [
        "pumps: Mon 2026-01-12 06:00: 40 doubled",
        "pumps Mon 2026-01-12 06:00: ingested 2 times (SUCCESS, SUCCESS), not once with success.",
        "pumps: Mon 2026-01-12 07:00: 25 missing",
        f"pumps Mon 2026-01-12 07:00: of 4 files {[key, *PUMPS.discarded(SEVEN)]} were discarded; "
        f"of the 4 that were seeded it should be {PUMPS.discarded(SEVEN)}.",
        "pumps: Mon 2026-01-12 08:00: 60 missing",
        "pumps Mon 2026-01-12 08:00: ingested 0 times (), not once with success.",
        "pumps: No known job: 61 outside of the window",
        "fans: Mon 2026-01-12 07:00: 35 missing",
        "fans Mon 2026-01-12 07:00: ingested 0 times (), not once with success.",
    ]


def test_originals_do_not_reach_the_queues(aws: Aws) -> None:
    ChainAct().seed(aws)
    url = aws.client("sqs").get_queue_url(QueueName=PUMPS.kind)["QueueUrl"]
    assert "Messages" not in aws.client("sqs").receive_message(QueueUrl=url)
    late = {**PUMPS.events()[1].entry(), "EventBusName": BUS}
    aws.client("events").put_events(Entries=[late])
    assert len(aws.client("sqs").receive_message(QueueUrl=url)["Messages"]) == 1


def run(dag_id: str, window: Window | None, state: str = "success", *hours: Window) -> dict[str, Any]:
    start = window.start.isoformat() if window else None
    listed = [each.start for each in ([window] if window else hours)]
    return {"dag_id": dag_id, "data_interval_start": start, "state": state, "hours": listed}


def test_act_waits_for_the_runs_that_the_asset_starts(aws: Aws) -> None:
    act = ChainAct()
    ingested = [run("ingest_pumps", SIX), run("ingest_pumps", SEVEN), run("ingest_pumps", EIGHT, "failed")]
    assert not act.complete(ingested)
    assert not act.complete([*ingested, run("replay_pumps", None, "success", SIX)])
    both = run("replay_pumps", None, "success", SIX, SEVEN)
    assert act.complete([*ingested, both])
    assert act.label(both) == "replay_pumps            06:00 07:00"


def test_act_tells_the_progress_of_every_run(aws: Aws) -> None:
    act = ChainAct()
    act.seed(aws)
    ingest(aws, PUMPS, SIX)
    ingest(aws, FANS, FANS.windows[0])
    replay(aws, PUMPS, SIX, "six")
    runs = [
        run("ingest_pumps", SIX),
        run("ingest_pumps", SEVEN),
        run("replay_pumps", None, "success", SIX, SEVEN),
        run("ingest_then_replay_fans", FANS.windows[0]),
    ]
    told = [(progress.fraction, progress.note) for progress in act.progress(aws, runs)]
    assert told == [(1.0, "4 files"), (0.0, ""), (0.5, "40 events"), (0.5, "4 files")]
