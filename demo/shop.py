# SPDX-License-Identifier: Apache-2.0

"""Act one: a shop's archived events are replayed day by day, and each has to arrive exactly once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from airflow_provider_jobs.testing.airflow.api import AirflowApi, Row
from demo.act import Act, Aws, Backfill, Outcome, Progress
from demo.bus import drain, put_events, queue_events, windows_of_replays
from demo.shop_events import BRANCHES, COUNTS, SOURCE, WINDOWS, shop_events
from demo.tally import Tally, count, table

ARCHIVE = "orders"  # as in the example DAG


class ShopAct(Act):
    """Replay the archive ``orders`` for some days, with the DAG ``eventbridge_replay``."""

    title = "Replay a shop's archived events, a run per day"
    name = "Replays by day"
    backfills = (Backfill("eventbridge_replay", WINDOWS[0].start, WINDOWS[-1].start),)

    def __init__(self) -> None:
        self._archived: dict[str, datetime] = {}
        self._calls_before = 0

    def seed(self, aws: Aws) -> str:
        """Fill the archive, then let rules deliver to queues, which so get nothing but replays."""
        events = aws.client("events")
        bus = events.describe_event_bus(Name="default")["Arn"]
        events.create_archive(ArchiveName=ARCHIVE, EventSourceArn=bus)
        happened = shop_events()
        put_events(aws, [event.entry() for event in happened])
        for branch in BRANCHES:
            queue_events(aws, branch, "default", {"source": [SOURCE], "detail": {"branch": [branch]}})
        self._archived = {event.id: event.time for event in happened}
        self._calls_before = self._calls(aws)
        seeded = f"archive {ARCHIVE!r} with {len(happened):,} events, 2 of them just outside the days"
        return f"{seeded}; {len(BRANCHES)} rules to SQS queues"

    def progress(self, aws: Aws, runs: Sequence[Row]) -> Sequence[Progress]:
        """Find the replays by their windows."""
        replays: dict[float, Progress] = {}
        for job in aws.server.jobs("events"):
            events = job["events_replayed"]
            note = f"{events:,} event{'' if events == 1 else 's'}"
            replays[job["event_start_time"]] = Progress(job["fraction"], note)
        starts = [datetime.fromisoformat(run["data_interval_start"]).timestamp() for run in runs]
        return [replays.get(start, Progress()) for start in starts]

    def check(self, aws: Aws) -> Outcome:
        """Count what the queues received."""
        replays = windows_of_replays(aws, ARCHIVE)
        tallies = count(WINDOWS, self._archived, replays, drain(aws, BRANCHES))
        rows, sums, problems = table(tallies)
        archived, received, missing, doubled, outside = (f"{number:,}" for number in sums)
        held = aws.client("events").describe_archive(ArchiveName=ARCHIVE)["EventCount"]
        if held != len(self._archived):
            problems.append(f"The archive holds {held:,} events; {len(self._archived):,} were put into it.")
        return Outcome(
            ("Window", *Tally.COLUMNS),
            rows,
            f"{len(WINDOWS)} windows, {archived} events archived, {received} received: {missing} missing, "
            f"{doubled} doubled, {outside} outside of their window. "
            f"{self._calls(aws) - self._calls_before} StartReplay calls, {len(replays)} replays.",
            problems,
            counts={"events": (sums[0], sums[1]), "replays": (len(WINDOWS), len(replays))},
        )

    def sample(self, airflow: AirflowApi, runs: Sequence[Row]) -> Sequence[str]:
        """Show the busiest day."""
        busiest = WINDOWS[COUNTS.index(max(COUNTS))]
        run = next(run for run in runs if datetime.fromisoformat(run["data_interval_start"]) == busiest.start)
        told = self.log_lines(airflow, run, "replay", r"INFO (Started replay|\S+: [A-Z]+,)")
        return [f"What a user sees: the progress in the task log of {busiest}", *told]

    def _calls(self, aws: Aws) -> int:
        return aws.server.calls("events").get("StartReplay", 0)
