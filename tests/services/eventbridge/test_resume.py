# SPDX-License-Identifier: Apache-2.0

"""A retry that goes on where an earlier replay has failed: nothing is left out, and little is sent twice."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from job_cases import REGION
from one_task import OneTask

from airflow_provider_jobs._eventbridge.replay import ReplayRequest
from airflow_provider_jobs._eventbridge.resume import resumption
from airflow_provider_jobs._once.fingerprint import Fingerprint
from airflow_provider_jobs.exceptions import JobError, JobTimeoutError
from airflow_provider_jobs.testing import AwsJobs

from .replays import DAY, replay

START: datetime = DAY["event_start_time"]
#: Of the window, with two events each.
MINUTES = 20
SPAN = {"event_start_time": START, "event_end_time": START + timedelta(minutes=MINUTES)}


@pytest.fixture
def got(aws: AwsJobs) -> Any:
    """What the consumer has got since it was asked last: how often each event."""
    events, sqs = boto3.client("events", region_name=REGION), boto3.client("sqs", region_name=REGION)
    url = sqs.create_queue(QueueName="orders")["QueueUrl"]
    entries: list[Any] = [
        {
            "Source": "shop",
            "DetailType": "order",
            "Detail": json.dumps({"order": number}),
            "Time": START + timedelta(seconds=30 * number),
        }
        for number in range(2 * MINUTES)
    ]
    for first in range(0, len(entries), 10):
        events.put_events(Entries=entries[first : first + 10])
    events.put_rule(Name="orders", EventPattern='{"source": ["shop"]}')
    target: Any = {"Id": "1", "Arn": f"arn:aws:sqs:{REGION}:123456789012:orders"}
    events.put_targets(Rule="orders", Targets=[target])

    def since() -> Counter[int]:
        found = Counter[int]()
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            found.update(json.loads(each["Body"])["detail"]["order"] for each in messages)
            gone: Any = [{"Id": str(n), "ReceiptHandle": m["ReceiptHandle"]} for n, m in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=url, Entries=gone)
        return found

    return since


def windows(aws: AwsJobs) -> list[float]:
    """Where each replay began, in minutes of the window."""
    starts = [job["event_start_time"] for job in aws.jobs("events")]
    return [(start - START.timestamp()) / 60 for start in starts]


def failed(aws: AwsJobs, task: OneTask, at: float) -> None:
    aws.fail_next("events", "InternalError", at=at)
    with pytest.raises(JobError, match="ended FAILED"):
        task.run()


@pytest.mark.parametrize(("deferrable", "replay_name"), [(True, None), (False, "mine")])
def test_a_replay_that_failed_at_60_percent_is_resumed(
    aws: AwsJobs, got: Any, deferrable: bool, replay_name: str | None
) -> None:
    task = replay(**SPAN, resume=True, deferrable=deferrable, replay_name=replay_name)
    failed(aws, task, 0.6)
    result = task.run()
    # The last event of the twelfth minute is any of its two.
    began = windows(aws)[1]
    assert began in (10, 10.5)
    count = got()
    assert count.keys() == set(range(2 * MINUTES))
    # The whole window again would have sent 24 twice.
    twice = {order for order, times in count.items() if times == 2}
    assert twice == set(range(round(2 * began), 24))
    assert max(count.values()) == 2
    first, second = (job["id"] for job in aws.jobs("events"))
    assert result["replay_name"] == second
    assert result["event_start_time"] == START.isoformat()
    from_, reached, most = (START + timedelta(minutes=began + each) for each in (0, 1, 2))
    assert result["resumed"] == {
        "from": from_.isoformat(),
        "sent_twice": {"start": from_.isoformat(), "end": most.isoformat()},
        "replays": [
            {
                "replay_name": first,
                "state": "FAILED",
                "event_start_time": START.isoformat(),
                "event_last_replayed_time": reached.isoformat(),
            }
        ],
    }


def test_without_being_asked_a_retry_replays_the_whole_window(aws: AwsJobs, got: Any) -> None:
    task = replay(**SPAN)
    failed(aws, task, 0.6)
    assert "resumed" not in task.run()
    assert windows(aws) == [0, 0]


def test_a_clear_asks_for_the_whole_window(aws: AwsJobs, got: Any) -> None:
    task = replay(**SPAN, resume=True)
    failed(aws, task, 0.6)
    task.clear()
    assert "resumed" not in task.run()
    assert windows(aws) == [0, 0]


def test_a_life_in_doubt_asks_for_the_whole_window(aws: AwsJobs, got: Any) -> None:
    task = replay(**SPAN, resume=True)
    failed(aws, task, 0.6)
    task.clear_number += 1
    task.run()
    assert windows(aws) == [0, 0]


def test_failure_after_failure_goes_on_and_a_retry_tells_the_same(aws: AwsJobs, got: Any) -> None:
    task = replay(**SPAN, resume=True, if_empty="fail", deferrable=True)
    failed(aws, task, 0.3)
    failed(aws, task, 0.0)  # this one replays nothing
    failed(aws, task, 0.6)
    result = task.run()
    starts = windows(aws)
    assert 0 < starts[1] == starts[2] < starts[3]
    count = got()
    assert count.keys() == set(range(2 * MINUTES))
    assert 0 < sum(count.values()) - 2 * MINUTES <= 4 + 4
    assert [each["event_start_time"] for each in result["resumed"]["replays"]] == [
        (START + timedelta(minutes=each)).isoformat() for each in (0, starts[2])
    ]
    # A worker that dies before it hands on its result: the next try finds the same.
    assert task.run() == result


def test_a_changed_request_asks_for_its_whole_window(aws: AwsJobs, got: Any) -> None:
    task = replay(**SPAN, resume=True)
    failed(aws, task, 0.6)
    task.make = replay(**{**SPAN, "event_end_time": START + timedelta(minutes=15)}, resume=True).make
    task.run()
    assert windows(aws) == [0, 0]


def test_resuming_uses_the_time_of_the_whole_life(aws: AwsJobs, got: Any) -> None:
    aws.set_pace()
    task = replay(**SPAN, resume=True, deferrable=True, job_timeout=100)
    task.start()
    aws.set_clock_skew(120)
    (job,) = aws.jobs("events")
    aws.fail(job["id"], "InternalError")
    aws.advance(job["id"])
    with pytest.raises(JobError, match="ended FAILED"):
        task.resume(task.fire())
    with pytest.raises(JobTimeoutError, match="is used up"):
        task.run()
    assert len(windows(aws)) == 1


def test_a_gap_between_replays_is_not_taken_for_covered() -> None:
    def row(name: str, start: int, last: int | None, end: int = MINUTES) -> dict[str, Any]:
        minutes = {"EventStartTime": start, "EventLastReplayedTime": last, "EventEndTime": end}
        times = {key: START + timedelta(minutes=value) for key, value in minutes.items() if value is not None}
        return {"ReplayName": name, "State": "FAILED", **times}

    def begins(*rows: dict[str, Any]) -> float | None:
        found = resumption(rows, START, START + timedelta(minutes=MINUTES))
        return None if found is None else (found.start - START).total_seconds() / 60

    assert begins(row("a", 0, 10), row("b", 9, 15)) == 14
    assert begins(row("a", 0, 10), row("b", 11, 15)) == 9
    assert begins(row("b", 9, 15)) is None
    assert begins(row("a", 0, None), row("b", 0, 12)) == 11
    assert begins(row("a", 0, 10, end=15)) is None
    assert begins(row("a", 0, 1)) is None


def test_no_decision_sees_that_a_retry_goes_on() -> None:
    asked = ReplayRequest("orders", START, START + timedelta(minutes=MINUTES))
    assert Fingerprint.of(replace(asked, resume=True).facts()) == Fingerprint.of(asked.facts())
