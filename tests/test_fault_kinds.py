# SPDX-License-Identifier: Apache-2.0

"""What the kinds of fault do to calls, seen from boto3."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import Any

import boto3
import job_targets
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError
from fault_kinds import KINDS, Strikes
from fault_matrix import struck
from job_cases import client
from jobs import under_every_fault
from known_faults import KNOWN, known

from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs


@pytest.fixture
def cloud() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as aws:
        job_targets.archive(client, "orders")
        yield aws


class Client:
    """Calls EventBridge, each call once, and says what came of it."""

    def __init__(self) -> None:
        once: Any = {"total_max_attempts": 1}
        self._events = boto3.client("events", "us-east-1", config=Config(retries=once))
        self._archive = self._events.describe_archive(ArchiveName="orders")

    def start(self) -> str:
        return self.call(
            "start_replay",
            ReplayName="again",
            EventSourceArn=self._archive["ArchiveArn"],
            EventStartTime="2026-01-01T00:00:00Z",
            EventEndTime="2026-01-02T00:00:00Z",
            Destination={"Arn": self._archive["EventSourceArn"]},
        )

    def call(self, operation: str, **parameters: Any) -> str:
        try:
            answer = getattr(self._events, operation)(**parameters)
        except (ClientError, BotoCoreError, AttributeError) as error:
            return type(error).__name__
        return "empty" if answer.keys() == {"ResponseMetadata"} else "answered"


def on(kind: str) -> Strikes:
    strikes = Strikes(KINDS[kind], "a test")
    strikes.on = True
    return strikes


def test_the_first_call_of_each_operation_that_reads_is_struck(cloud: AwsJobs) -> None:
    calls = Client()
    with struck(on("reads-error")):
        came = [calls.call("list_replays"), calls.call("list_archives"), calls.call("list_replays")]
        assert came == ["InternalException", "InternalException", "answered"]
        assert calls.start() == "answered"
    assert cloud.calls("events")["ListReplays"] == 1, "what AWS never saw is not counted"


def test_polls_are_struck_after_the_start(cloud: AwsJobs) -> None:
    calls = Client()
    with struck(on("polls-null")):
        assert calls.call("list_replays") == "answered"
        calls.start()
        came = [calls.call("describe_replay", ReplayName="again") for _ in range(2)]
        assert came == ["AttributeError", "answered"]


def test_an_answer_without_the_member_is_not_struck(cloud: AwsJobs) -> None:
    calls = Client()
    strikes = on("reads-no-inner-member")
    with struck(strikes):
        calls.call("list_replays")  # no rows yet
        assert strikes.count == 0
        calls.start()
        calls.call("list_replays")
        assert strikes.count == 1


def test_a_start_takes_effect_and_its_answer_is_lost(cloud: AwsJobs) -> None:
    calls = Client()
    with struck(on("start-lost")):
        assert calls.start() == "ConnectionClosedError"
        assert calls.call("describe_replay", ReplayName="again") == "answered"
    assert cloud.calls("events")["StartReplay"] == 1


def test_only_starts_that_aws_knows_again_are_lost() -> None:
    assert on("start-lost").fault("iotanalytics", "StartPipelineReprocessing") is None
    assert on("start-throttle").fault("iotanalytics", "StartPipelineReprocessing") is not None


def test_a_tests_own_fault_comes_first(cloud: AwsJobs) -> None:
    calls = Client()
    cloud.add_fault(Fault("StartReplay", "garbage", body="{}"))
    with struck(on("start-lost")):
        assert [calls.start(), calls.start()] == ["empty", "ConnectionClosedError"]


def test_nothing_is_struck_while_a_test_is_set_up(cloud: AwsJobs) -> None:
    calls = Client()
    strikes = on("reads-error")
    strikes.on = False
    with struck(strikes):
        assert calls.call("list_replays") == "answered"
    assert strikes.count == 0


def test_chance_is_the_same_each_time() -> None:
    def chosen() -> list[bool]:
        strikes = on("chance")
        return [strikes.fault("events", "ListReplays") is not None for _ in range(100)]

    assert chosen() == chosen()
    assert 5 < sum(chosen()) < 40


@pytest.mark.parametrize(("kind", "test", "why"), KNOWN)
def test_what_is_known_is_of_kinds_that_there_are(kind: str, test: str, why: str) -> None:
    assert any(known(each, f"{test}[{each}]") == why for each in KINDS if fnmatchcase(each, kind))
    assert any(fnmatchcase(name, f"{test.partition('*')[0]}*") for name in vars(under_every_fault))
