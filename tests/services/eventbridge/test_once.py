# SPDX-License-Identifier: Apache-2.0

"""Replays by their names and marks: names at AWS's limit, texts in the way, lists that lag."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from airflow_features import FEATURES
from job_cases import EventBridge, client
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError, JobFailedError
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs

CASE = EventBridge()
ONCE: dict[str, Any] = {"retries": {"total_max_attempts": 1}}


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        CASE.prepare()
        yield control


def replay(**kwargs: Any) -> OneTask:
    run_id = kwargs.pop("run_id", "scheduled__2026-01-02T00:00:00+00:00")
    return OneTask(lambda: CASE.operator(botocore_config=ONCE, **kwargs), run_id=run_id)


def names(aws: AwsJobs) -> list[str]:
    return [job["id"] for job in aws.jobs("events")]


@pytest.mark.parametrize("length", [60, 62, 63, 64])
def test_a_retry_s_name_fits_where_the_user_s_own_has_no_room_left(aws: AwsJobs, length: int) -> None:
    name = "n" * length
    task = replay(replay_name=name)
    aws.fail_next("events", "no luck")
    with pytest.raises(JobFailedError):
        task.run()
    task.run()
    task.clear()
    task.run()
    first, second, third = names(aws)
    assert first == name
    assert (second, third) == (f"{name[:62]}.2", f"{name[:62]}.3")
    assert task.run()["replay_name"] == third


@pytest.mark.parametrize("break_", ["\n", "\r\n", "\u2028"])
def test_line_breaks_do_not_reach_aws(aws: AwsJobs, break_: str) -> None:
    replay(run_id=f"manual{break_}run").run()
    replay(run_id="b", description=f"for{break_}the books").run()
    for name, text in zip(names(aws), ("manual run [airflow:", "for the books [airflow:"), strict=True):
        description = client("events").describe_replay(ReplayName=name)["Description"]
        assert text in description
        assert len(description.splitlines()) == 1


@pytest.mark.promise("lost-answer")
@pytest.mark.parametrize("where", ["lists", "descriptions"])
@pytest.mark.parametrize("deferrable", [False, True])
def test_an_own_name_with_another_description_in_each_try_is_found_after_a_lost_answer(
    aws: AwsJobs, where: Any, deferrable: bool
) -> None:
    tries = count(1)
    task = OneTask(
        lambda: CASE.operator(
            replay_name="mine", description=f"try {next(tries)}", botocore_config=ONCE, deferrable=deferrable
        )
    )
    aws.add_fault(Fault("StartReplay", "drop", when="after"))
    with pytest.raises(JobApiError):
        task.run()
    aws.set_lag("events", where, reads=1)
    result = None
    while result is None and task.tries < 4:
        # While AWS does not describe the replay whose name is taken, a retry looks again.
        with suppress(JobApiError):
            result = task.run()
    assert result is not None
    assert names(aws) == [result["replay_name"]] == ["mine"]


@pytest.mark.promise("cleared")
@pytest.mark.parametrize("deferrable", [False, True])
def test_a_stop_s_answer_is_believed_where_the_list_lags(aws: AwsJobs, deferrable: bool) -> None:
    """A person has cancelled the replay, and the list says RUNNING for a while: it is decided once a poll."""
    aws.set_pace(reads=1_000_000)
    task = replay(deferrable=deferrable, poll_interval=0.5, wait_for_completion=False)
    task.run()
    (name,) = names(aws)
    aws.set_lag("events", "lists", reads=4)
    EventBridgeReplayHook(aws_conn_id=None, region_name="us-east-1").stop_job(name)
    client("events").describe_replay(ReplayName=name)  # has stopped
    task.clear()
    before = aws.calls("events")
    aws.set_pace(reads=2)
    task.run()
    calls = {operation: made - before.get(operation, 0) for operation, made in aws.calls("events").items()}
    assert calls["CancelReplay"] == 1
    if FEATURES[
        "task_state_store"
    ].found():  # without notes it also looks while it waits for what may show yet
        assert calls["ListReplays"] <= 6
    assert calls["StartReplay"] == 1
    assert aws.jobs("events")[0]["phase"] == "stopped"
    assert aws.max_active("events") == 1
