# SPDX-License-Identifier: Apache-2.0

"""What the demo counts of a trial, a replay to one consumer, and a redrive; and what it finds wrong."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from airflow_provider_jobs.hooks._delivery import ReplayDeliveryHook
from airflow_provider_jobs.testing import AwsJobsServer

# The demo is no part of the package; at the end of the path, the checkout does not hide what is installed.
sys.path.append(str(Path(__file__).parents[1]))

from demo.act import Aws
from demo.bus import make_rule, waiting
from demo.payment_count import ARCHIVE, MAIL, TRIAL_QUEUE, WARNING
from demo.payments import BUS, COUNTS, DEAD, DEAD_ARN, QUEUE, SOURCE, payments, window_from
from demo.safely import SafelyAct
from demo.tally import Window

SECOND = timedelta(seconds=1)
#: Seconds; the consumer's messages come back after one.
DEADLINE = 60
GOOD = (
    "122 payments archived, 50 of them tried, 0 seen by others then; 120 replayed, 24 failed, 24 redriven, "
    "120 taken: 0 missing, 0 doubled, 0 unwanted. 3 replays, 1 redrive."
)


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


class Played:
    """The act without its Airflow: the calls that the DAGs' tasks make, one after another."""

    def __init__(self, aws: Aws) -> None:
        self.aws, self.act, self._events = aws, SafelyAct(), aws.client("events")
        self.act.seed(aws)
        self.found = self.act.found
        bus = self._events.describe_event_bus(Name=BUS)["Arn"]
        pattern = json.dumps({"source": [SOURCE]})
        self._events.create_archive(ArchiveName=ARCHIVE, EventSourceArn=bus, EventPattern=pattern)
        self.act.set_windows(datetime.now(UTC))
        self.act.publish(aws)
        self.found.told = [f"WARNING Archive payments was created at …, {WARNING}"]

    def replay(self, name: str, window: Window, *rules: str) -> None:
        archive = self._events.describe_archive(ArchiveName=ARCHIVE)
        bus = archive["EventSourceArn"]
        arns = [self._events.describe_rule(Name=rule, EventBusName=BUS)["Arn"] for rule in rules]
        self._events.start_replay(
            ReplayName=name,
            EventSourceArn=archive["ArchiveArn"],
            EventStartTime=window.start,
            EventEndTime=window.end,
            Destination={"Arn": bus, **({"FilterArns": arns} if rules else {})},
        )

    def trial(self, *rules: str) -> None:
        """Replay the early window and the part to these rules, by default the trial's alone."""
        pattern = {"source": [SOURCE], "replay-name": [{"exists": True}]}
        make_rule(self.aws, TRIAL_QUEUE, BUS, pattern)
        self.replay("early", self.found.early, TRIAL_QUEUE)
        self.replay("part", self.found.part, *(rules or [TRIAL_QUEUE]))
        self._events.remove_targets(Rule=TRIAL_QUEUE, EventBusName=BUS, Ids=["queue"])
        self.act.note_trial(self.aws)

    def consume(self) -> None:
        def idle() -> bool:
            self.act.consumer.work()
            return self.act.consumer.idle

        until(idle)

    def check(self) -> None:
        """Check the delivery of the whole replay, as the sensor does."""
        hook = ReplayDeliveryHook(aws_conn_id="demo", figures_after=0)
        until(lambda: hook.describe_job("whole").state.ended)
        self.found.checked = hook.describe_job("whole").details["delivery"]

    def redrive(self) -> None:
        self.act.repair(self.aws)
        self.aws.client("sqs").start_message_move_task(SourceArn=DEAD_ARN)
        until(lambda: self.aws.server.jobs("sqs")[-1]["state"] == "COMPLETED")

    def until_failed(self, *, trial: tuple[str, ...] = (), replay: tuple[str, ...] = (QUEUE,)) -> None:
        """Do all that comes before the repair."""
        self.trial(*trial)
        self.replay("whole", self.found.window, *replay)
        self.consume()
        self.check()

    def all(self, *, trial: tuple[str, ...] = (), replay: tuple[str, ...] = (QUEUE,)) -> None:
        self.until_failed(trial=trial, replay=replay)
        self.redrive()
        self.consume()

    @property
    def problems(self) -> list[str]:
        return [problem.partition(" (")[0] for problem in self.act.check(self.aws).problems]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    with AwsJobsServer(seconds=0) as server:
        aws = Aws(server)
        monkeypatch.setenv("AIRFLOW_CONN_DEMO", aws.connection())
        yield aws


@pytest.fixture
def played(aws: Aws) -> Played:
    return Played(aws)


def test_payments_are_the_same_every_time_and_two_are_outside() -> None:
    window = window_from(datetime(2026, 1, 12, tzinfo=UTC))
    found = payments(window)
    assert found == payments(window)
    inside = [payment for payment in found if window.holds(payment.time)]
    assert (len(found), len(inside)) == (sum(COUNTS) + 2, sum(COUNTS))
    assert (found[0].time, found[-1].time) == (window.start - SECOND, window.end)
    assert sum(payment.currency == "JPY" for payment in inside) == 24


def test_nothing_is_wrong_where_all_is_well(played: Played) -> None:
    played.all()
    outcome = played.act.check(played.aws)
    assert (outcome.problems, outcome.totals) == ([], GOOD)
    assert outcome.rows[1] == ("Tried: the trial's queue", 50, 50, 0, 0, 0)
    assert outcome.rows[-1] == ("Taken by the consumer in the end", 120, 120, 0, 0, 0)


def test_a_trial_that_reaches_others_is_found(played: Played) -> None:
    played.all(trial=(TRIAL_QUEUE, MAIL))
    assert played.problems == [
        "Tried: the queues of all others: 50, not 0.",
        "Replayed: rules that were not named: 50, not 0.",
        "Left in a queue: 50, not 0.",
    ]


def test_a_replay_to_all_is_found(played: Played) -> None:
    played.all(replay=())
    assert played.problems == [
        "Replayed: rules that were not named: 120, not 0.",
        "Left in a queue: 120, not 0.",
    ]


def test_a_trial_to_the_consumer_is_found(played: Played) -> None:
    played.trial(QUEUE)
    played.consume()
    assert played.problems[-3:] == [
        "Tried: the trial's queue: 50 missing",
        "Taken by the consumer in the end: 120 missing",
        "Taken by the consumer in the end: 40 unwanted",
    ]


def test_a_second_replay_is_found(played: Played) -> None:
    played.all()
    played.replay("again", played.found.window, QUEUE)
    played.consume()
    assert played.problems == ["Replays: 4, not 3.", "Taken by the consumer in the end: 120 doubled"]


def test_what_is_not_redriven_is_found(played: Played) -> None:
    played.until_failed()
    assert waiting(played.aws, DEAD) == 24
    assert played.problems == [
        "Replayed, failed: the dead-letter queue: 0, not 24.",
        "Redriven from the dead-letter queue: 0, not 24.",
        "Left in a queue: 24, not 0.",
        "Redrives: 0, not 1.",
        "Taken by the consumer in the end: 24 missing",
    ]


def test_a_consumer_that_is_not_repaired_fails_again(played: Played) -> None:
    played.until_failed()
    played.redrive()
    played.act.consumer.repaired = False
    played.consume()
    assert played.problems == ["Left in a queue: 24, not 0.", "Taken by the consumer in the end: 24 missing"]


def test_a_check_that_tells_nothing_is_found(played: Played) -> None:
    played.all()
    played.found.checked = {}
    assert played.problems == [
        "Checked: what the rule has sent on: 0, not 120.",
        "Checked: the dead-letter queue: 0, not 24.",
    ]


def test_a_log_without_the_warning_is_found(played: Played) -> None:
    played.all()
    played.found.told = []
    assert played.problems == ["The log of the trial of the day before the archive has no warning."]


def test_a_story_that_ends_at_its_start_is_found(aws: Aws) -> None:
    act = SafelyAct()
    act.seed(aws)
    assert act.check(aws).problems == [
        "Replays: 0, not 3.",
        "Redrives: 0, not 1.",
        "The log of the trial of the day before the archive has no warning.",
    ]


def test_the_guide_has_the_numbers() -> None:
    guide = Path(__file__).parents[1] / "docs" / "guides" / "replay-safely.md"
    table = guide.read_text().partition("| step | payments |")[2].partition("\n\n")[0]
    numbers = [int(number) for number in re.findall(r"\| (\d+) \|$", table, re.MULTILINE)]
    window = window_from(datetime(2026, 1, 12, tzinfo=UTC))
    tried, whole = COUNTS[-1], sum(COUNTS)
    failed = [
        payment for payment in payments(window) if payment.currency == "JPY" and window.holds(payment.time)
    ]
    assert numbers == [len(payments(window)), tried, 0, whole, len(failed), len(failed), len(failed), whole]
