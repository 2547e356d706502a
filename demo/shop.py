# SPDX-License-Identifier: Apache-2.0

"""Act one: a shop's archived events are replayed day by day, and each has to arrive exactly once."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from airflow_provider_jobs.testing.airflow_api import AirflowApi, Row
from demo.act import ACCOUNT, REGION, Act, Aws, Backfill, Outcome, Progress
from demo.shop_events import BRANCHES, COUNTS, SOURCE, WINDOWS, shop_events
from demo.tally import Window, count

ARCHIVE = "orders"  # as in the example DAG
#: Lines of a task's log that are shown.
_SAMPLE = 6


class ShopAct(Act):
    """Replay the archive ``orders`` for some days, with the DAG ``eventbridge_replay``."""

    title = "Replay a shop's archived events, a run per day"
    backfills = (Backfill("eventbridge_replay", WINDOWS[0].start, WINDOWS[-1].start),)

    def __init__(self) -> None:
        self._archived: dict[str, datetime] = {}
        self._calls_before = 0

    def seed(self, aws: Aws) -> str:
        """Fill the archive, then let rules deliver to queues, which so get nothing but replays."""
        events, sqs = aws.client("events"), aws.client("sqs")
        bus = events.describe_event_bus(Name="default")["Arn"]
        events.create_archive(ArchiveName=ARCHIVE, EventSourceArn=bus)
        happened = shop_events()
        for first in range(0, len(happened), 10):
            answer = events.put_events(Entries=[event.entry() for event in happened[first : first + 10]])
            if answer["FailedEntryCount"]:
                raise RuntimeError(f"PutEvents refused events: {answer['Entries']}")
        for branch in BRANCHES:
            sqs.create_queue(QueueName=branch)
            pattern = {"source": [SOURCE], "detail": {"branch": [branch]}}
            events.put_rule(Name=branch, EventPattern=json.dumps(pattern))
            target = {"Id": "queue", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:{branch}"}
            events.put_targets(Rule=branch, Targets=[target])
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
        replays = _replays(aws)
        tallies = count(WINDOWS, self._archived, replays, _drain(aws))
        rows = [(str(tally.window or "no known job"), *tally.numbers()) for tally in tallies]
        sums = [sum(column) for column in zip(*(tally.numbers() for tally in tallies), strict=True)]
        archived, received, missing, doubled, outside = (f"{number:,}" for number in sums)
        problems = [problem for tally in tallies for problem in tally.problems()]
        held = aws.client("events").describe_archive(ArchiveName=ARCHIVE)["EventCount"]
        if held != len(self._archived):
            problems.append(f"The archive holds {held:,} events; {len(self._archived):,} were put into it.")
        return Outcome(
            ("Window", "Archived", "Received", "Missing", "Doubled", "Outside"),
            [*rows, ("Total", *sums)],
            f"{len(WINDOWS)} windows, {archived} events archived, {received} received: {missing} missing, "
            f"{doubled} doubled, {outside} outside of their window. "
            f"{self._calls(aws) - self._calls_before} StartReplay calls, {len(replays)} replays.",
            problems,
        )

    def sample(self, airflow: AirflowApi, runs: Sequence[Row]) -> Sequence[str]:
        """Show the busiest day."""
        busiest = WINDOWS[COUNTS.index(max(COUNTS))]
        run = next(run for run in runs if datetime.fromisoformat(run["data_interval_start"]) == busiest.start)
        log = airflow.log(run["dag_id"], run["dag_run_id"], "replay").splitlines()
        # A line of the log: time, level, text.
        told = [line for line in log if re.match(r"\S+ INFO (Started replay|\S+: [A-Z]+,)", line)]
        return [f"What a user sees: the progress in the task log of {busiest}", *told[-_SAMPLE:]]

    def _calls(self, aws: Aws) -> int:
        return aws.server.calls("events").get("StartReplay", 0)


def _replays(aws: Aws) -> dict[str, Window]:
    events = aws.client("events")
    found: dict[str, Window] = {}
    token: dict[str, str] = {}
    while True:
        page = events.list_replays(**token)
        for replay in page["Replays"]:
            times = (replay["EventStartTime"], replay["EventEndTime"])
            found[replay["ReplayName"]] = Window(*(time.astimezone(UTC) for time in times))
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def _drain(aws: Aws) -> Iterator[dict[str, Any]]:
    sqs = aws.client("sqs")
    for branch in BRANCHES:
        url = sqs.get_queue_url(QueueName=branch)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            yield from (json.loads(message["Body"]) for message in messages)
            done = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=url, Entries=done)
