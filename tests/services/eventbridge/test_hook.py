# SPDX-License-Identifier: Apache-2.0

"""The hook of EventBridge replays by itself."""

from __future__ import annotations

import pytest
from job_cases import REGION

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobInputError,
    JobNotFoundError,
    JobRefusedError,
    JobUnavailableError,
)
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.testing import AwsJobs, Fault

from .replays import ARCHIVE, BUS, DAY, RULE


class TestHook:
    """The hook by itself."""

    @pytest.fixture
    def hook(self, aws: AwsJobs) -> EventBridgeReplayHook:
        """A hook without retries of botocore's own."""
        once = {"retries": {"total_max_attempts": 1}}
        return EventBridgeReplayHook(aws_conn_id=None, region_name=REGION, config=once)

    def test_lists_all_pages(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_quota("events", 300)
        for number in range(205):
            hook.start_replay(
                f"r{number:03}", ARCHIVE, DAY["event_start_time"], DAY["event_end_time"], destination_arn=BUS
            )
        assert len(hook.list_replays(name_prefix="r")) == 205
        assert aws.calls("events")["ListReplays"] == 3

    def test_looks_at_many_with_few_calls(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_pace()
        aws.set_quota("events", 300)
        names = [f"r{number:03}" for number in range(90)]
        for name in names:
            hook.start_replay(
                name, ARCHIVE, DAY["event_start_time"], DAY["event_end_time"], destination_arn=BUS
            )
        aws.advance("r007")
        before = aws.calls("events")
        found = hook.describe_jobs([*names, "r999"])
        after = aws.calls("events")
        assert after["ListReplays"] - before.get("ListReplays", 0) <= 4
        assert after["DescribeReplay"] - before.get("DescribeReplay", 0) == 2
        assert isinstance(found["r999"], JobNotFoundError)
        assert [name for name, job in found.items() if getattr(job, "service_state", "") == "COMPLETED"] == [
            "r007"
        ]

    def test_looks_at_those_that_run_with_one_call(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_pace()
        names = [f"r{number}" for number in range(8)]
        for name in names:
            hook.start_replay(
                name, ARCHIVE, DAY["event_start_time"], DAY["event_end_time"], destination_arn=BUS
            )
        for name in names[:5]:
            aws.advance(name, to=0.5)
        before = aws.calls("events")
        found = hook.describe_jobs(names)
        calls = {name: count - before.get(name, 0) for name, count in aws.calls("events").items()}
        # Three are left that have not begun to run: no more than a few.
        assert {name: count for name, count in calls.items() if count} == {
            "ListReplays": 1,
            "DescribeReplay": 3,
        }
        states = [getattr(found[name], "service_state", "") for name in names]
        assert states == ["RUNNING"] * 5 + ["STARTING"] * 3

    def test_keeps_what_it_found_before_aws_was_busy(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_pace()
        for name in ("a", "b", "c"):
            hook.start_replay(name, "orders", DAY["event_start_time"], DAY["event_end_time"])
        aws.add_fault(Fault("DescribeReplay", "throttle", skip=1, count=9))
        found = hook.describe_jobs(["a", "b", "c"])
        assert isinstance(found["a"], JobStatus)
        assert isinstance(found["b"], JobApiError)
        assert isinstance(found["b"], JobUnavailableError)
        assert found["c"] is found["b"]
        assert aws.calls("events")["DescribeReplay"] <= 3

    def test_keeps_a_refusal_to_the_job_it_concerns(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        aws.set_pace()
        for name in ("a", "c"):
            hook.start_replay(name, "orders", DAY["event_start_time"], DAY["event_end_time"])
        aws.add_fault(Fault("DescribeReplay", "access-denied", skip=1))
        found = hook.describe_jobs(["a", "", "c"])
        assert [type(job) for job in found.values()] == [JobStatus, JobInputError, JobRefusedError]

    def test_reads_the_bus_from_the_archive(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        hook.start_replay("one", "orders", DAY["event_start_time"], DAY["event_end_time"], rule_arns=[RULE])
        assert hook.describe_replay("one")["Destination"] == {"Arn": BUS, "FilterArns": [RULE]}

    def test_stops_only_what_runs(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        assert hook.stop_job("nobody") is False
        aws.set_pace(reads=1)
        hook.start_replay("one", "orders", DAY["event_start_time"], DAY["event_end_time"])
        assert hook.describe_job("one").service_state == "COMPLETED"
        assert hook.stop_job("one") is False
