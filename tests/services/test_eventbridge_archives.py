# SPDX-License-Identifier: Apache-2.0

"""What is said of an archive before a replay, and what becomes of a replay without any event."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import job_targets
import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException
from job_cases import AWS, client
from one_task import OneTask

from airflow_provider_jobs._eventbridge.archive import doubts, expected_events
from airflow_provider_jobs.exceptions import JobEndedError, JobInputError
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

START, END = datetime(2026, 1, 10, tzinfo=UTC), datetime(2026, 1, 11, tzinfo=UTC)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
#: An archive of which nothing is to be said.
GOOD = {"ArchiveName": "orders", "State": "ENABLED", "CreationTime": START - DAY, "RetentionDays": 0}


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs(reads=2) as control:
        job_targets.archive(client, "orders")
        yield control


def replay(**kwargs: Any) -> OneTask:
    given = {"event_start_time": START, "event_end_time": END, "poll_interval": 0.02, **AWS, **kwargs}
    return OneTask(lambda: EventBridgeStartReplayOperator(task_id="replay", archive="orders", **given))


@pytest.mark.parametrize(
    ("archive", "told"),
    [
        ({}, []),
        ({"State": None, "CreationTime": None, "RetentionDays": None}, []),
        ({"State": "DISABLED"}, ["Archive orders is DISABLED. While it is, no events come into it."]),
        ({"State": "CREATE_FAILED", "StateReason": "no key"}, ["is CREATE_FAILED: no key. While"]),
        ({"CreationTime": END}, ["was created at 2026-01-11T00:00:00+00:00, after all of the window"]),
        ({"CreationTime": START + DAY / 2}, ["after a part of the window"]),
        ({"CreationTime": START}, []),
        ({"RetentionDays": 60}, []),
        ({"RetentionDays": 50}, []),
        ({"RetentionDays": 49}, ["for 49 days, since 2026-01-11T00:00:00+00:00: all of the window is older"]),
        ({"RetentionDays": 7, "State": "DISABLED"}, ["is DISABLED", "all of the window is older"]),
    ],
)
def test_what_is_said_of_an_archive(archive: dict[str, Any], told: list[str]) -> None:
    found = list(doubts({**GOOD, **archive}, START, END, NOW))
    assert len(found) == len(told)
    assert all(part in sentence for part, sentence in zip(told, found, strict=True))


def test_retention_is_told_where_the_time_is_known() -> None:
    assert list(doubts({**GOOD, "RetentionDays": 1}, START, END, None)) == []


@pytest.mark.parametrize(
    ("archive", "expected"),
    [
        ({"EventCount": 1000, "CreationTime": NOW - 100 * DAY}, 10),
        ({"EventCount": 1000, "CreationTime": NOW - 1000 * DAY, "RetentionDays": 100}, 10),
        ({"EventCount": 1000, "CreationTime": START + DAY / 2}, round(1000 / 99)),
        ({"EventCount": 1000, "CreationTime": END}, 0),
        ({"EventCount": 0, "CreationTime": START}, None),
        ({"EventCount": None, "CreationTime": START}, None),
        ({"EventCount": 5, "CreationTime": None}, None),
        ({"EventCount": 5, "CreationTime": NOW}, None),
    ],
)
def test_how_many_events_are_to_be_expected(archive: dict[str, Any], expected: int | None) -> None:
    assert expected_events({**GOOD, **archive}, START, END, NOW) == expected


def test_a_window_of_before_the_archive_is_warned_of(aws: AwsJobs, logged: Callable[[], str]) -> None:
    assert replay().run()["state"] == "COMPLETED"
    assert "after all of the window: it has events from before that only if they came later" in logged()


@pytest.mark.parametrize("deferrable", [False, True])
class TestWithoutEvents:
    def test_it_succeeds_with_a_warning(
        self, aws: AwsJobs, logged: Callable[[], str], deferrable: bool
    ) -> None:
        assert replay(deferrable=deferrable).run()["state"] == "COMPLETED"
        assert "has completed and replayed no event: the archive had none of 2026-01-10" in logged()

    @pytest.mark.parametrize(("if_empty", "error"), [("skip", AirflowSkipException), ("fail", JobEndedError)])
    def test_it_skips_or_fails(
        self, aws: AwsJobs, if_empty: str, error: type[Exception], deferrable: bool
    ) -> None:
        task = replay(if_empty=if_empty, deferrable=deferrable)
        with pytest.raises(error, match="has completed and replayed no event"):
            task.run()
        assert aws.calls("events")["StartReplay"] == 1

    def test_with_an_event_it_succeeds(
        self, aws: AwsJobs, logged: Callable[[], str], deferrable: bool
    ) -> None:
        events = boto3.client("events", region_name=AWS["region_name"])
        entry: Any = {"Source": "shop", "DetailType": "order", "Detail": "{}", "Time": START + DAY / 2}
        events.put_events(Entries=[entry])
        result = replay(if_empty="fail", deferrable=deferrable).run()
        assert result["event_last_replayed_time"] is not None
        assert "replayed no event" not in logged()


def test_another_word_fails_with_the_dag_s_file() -> None:
    with pytest.raises(JobInputError, match="if_empty='no' must be one of succeed, skip, fail"):
        replay(if_empty="no").make()
