# SPDX-License-Identifier: Apache-2.0

"""Descriptions that quote other replays' marks, and names of the user's own that change with the try."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from job_cases import EventBridge
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs

CASE = EventBridge()
QUOTED = "again [airflow:000000000000/1aaaaaa.3.0.1-1abcdef]"
ONCE = {"retries": {"total_max_attempts": 1}}


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        CASE.prepare()
        yield control


@pytest.mark.promise("lost-answer")
@pytest.mark.parametrize("kept", [True, False])
@pytest.mark.parametrize("given", [{}, {"replay_name": "mine"}])
def test_a_quoted_mark_does_not_hide_a_lost_start(aws: AwsJobs, given: dict[str, str], kept: bool) -> None:
    aws.set_pace(reads=6)
    aws.set_lag("events", "lists", reads=5)
    task = OneTask(
        lambda: CASE.operator(description=QUOTED, botocore_config=ONCE, **given), store={} if kept else None
    )
    aws.add_fault(Fault("StartReplay", "drop", when="after"))
    with pytest.raises(JobApiError):
        task.run()
    result = task.run()
    assert [job["id"] for job in aws.jobs("events")] == [result["replay_name"]]


@pytest.mark.parametrize(
    ("name", "warned"), [("orders-{{ ti.try_number }}", True), ("orders-{{ ts_nodash }}", False)]
)
def test_a_name_that_changes_with_the_try_is_warned_of(
    aws: AwsJobs, name: str, warned: bool, logged: Callable[[], str]
) -> None:
    operator = CASE.operator(replay_name=name)
    operator.replay_name = "orders-1"  # as Airflow renders it
    OneTask(lambda: operator).run()
    assert ("replay_name='orders-{{ ti.try_number }}' changes with the try" in logged()) is warned


def test_a_row_without_a_name_is_an_answer_that_cannot_be_read(aws: AwsJobs) -> None:
    task = OneTask(lambda: CASE.operator(botocore_config=ONCE))
    task.run()
    aws.add_fault(Fault("ListReplays", "omit", member="Replays.ReplayName"))
    with pytest.raises(JobApiError, match="cannot be read"):
        task.run()
    assert len(aws.jobs("events")) == 1
