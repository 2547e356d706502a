# SPDX-License-Identifier: Apache-2.0

"""Bad input, and what AWS refuses."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobInputError, JobNotFoundError
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.testing import AwsJobs, Fault

from .replays import ARCHIVE, DAY, RULE, replay


@pytest.mark.promise("bad-input")
class TestBadInput:
    """A clear error before any call, and none that Airflow would retry."""

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"event_end_time": DAY["event_start_time"]}, "at least a second after"),
            ({"event_end_time": "2025-12-31T00:00:00+00:00"}, "CronDataIntervalTimetable"),
            ({"event_start_time": "2026-01-01T00:00:00"}, "has no time zone. Write it with an offset"),
            ({"event_start_time": datetime(2026, 1, 1)}, "has no time zone"),
            ({"event_start_time": "yesterday"}, "is not a time. Write it as"),
            ({"event_start_time": 1767225600}, "must be an aware datetime or a string"),
            ({"event_start_time": ""}, "no data interval.*Pass event_start_time"),
            ({"event_end_time": None}, "no data interval.*Pass event_end_time"),
            ({"replay_name": "x" * 65}, "1 to 64 characters"),
            ({"replay_name": "orders 1"}, "letters, digits and .-_"),
            ({"replay_name": "orders\n"}, "letters, digits and .-_"),
            ({"archive": "orders/2026"}, "neither an archive's name .* nor its ARN"),
            ({"archive": "arn:aws:events:us-east-1:123456789012:event-bus/default"}, "nor its ARN"),
            ({"archive": "x" * 49}, "1 to 48"),
            ({"archive": None}, "archive is missing"),
            ({"rule_arns": RULE}, "must be a list of texts, not str. Put a text into one"),
            ({"rule_arns": ["to queue"]}, "is neither a rule's name .* nor a rule's ARN"),
            ({"rule_arns": [RULE, RULE.replace("to-queue", "other/to-queue")]}, "several event buses"),
            ({"botocore_config": {"retries": object()}}, "cannot be sent to the triggerer"),
        ],
    )
    @pytest.mark.parametrize("deferrable", [False, True])
    def test_of_the_replay(self, aws: AwsJobs, given: dict[str, Any], message: str, deferrable: bool) -> None:
        before = aws.calls("events")
        with pytest.raises(JobInputError, match=message) as caught:
            replay(deferrable=deferrable, **given).run()
        assert isinstance(caught.value, AirflowFailException)
        assert aws.calls("events") == before

    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"poll_interval": 0}, "poll_interval=0 must be a positive number"),
            ({"poll_interval": -1}, "poll_interval=-1 must be"),
            ({"job_timeout": timedelta(0)}, "job_timeout=.* must be a positive number"),
            ({"archive_delay": timedelta(minutes=-1)}, "archive_delay=.* that is not negative"),
        ],
    )
    def test_that_shows_when_the_dag_is_read(self, given: dict[str, Any], message: str) -> None:
        with pytest.raises(JobInputError, match=message):
            replay(**given).make()

    def test_of_a_rule_of_another_bus_than_the_archives(self, aws: AwsJobs) -> None:
        with pytest.raises(JobInputError, match=r"rule/other/to-queue is not on the archive's event bus"):
            replay(rule_arns=[RULE.replace("to-queue", "other/to-queue")]).run()
        assert "StartReplay" not in aws.calls("events")

    def test_of_the_cancel(self, aws: AwsJobs) -> None:
        with pytest.raises(JobInputError, match="must be 1 to 64 characters"):
            OneTask(lambda: EventBridgeCancelReplayOperator(task_id="cancel", replay_name="a b", **AWS)).run()
        assert "DescribeReplay" not in aws.calls("events")


class TestRefusals:
    """AWS's own message, and what to check."""

    def test_of_a_missing_archive(self, aws: AwsJobs) -> None:
        with pytest.raises(
            JobNotFoundError,
            match=r"Archive no-such does not exist \(ResourceNotFoundException\)\. "
            r"Check the archive's name",
        ):
            replay(archive="no-such").run()

    def test_of_a_missing_bus(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        events = boto3.client("events", region_name=REGION)
        bus = events.create_event_bus(Name="gone")["EventBusArn"]
        events.create_archive(ArchiveName="left", EventSourceArn=bus)
        events.delete_event_bus(Name="gone")
        with pytest.raises(
            JobNotFoundError, match=r"Event bus .* does not exist.*A replay needs the event bus"
        ):
            replay(archive="left").run()

    @pytest.mark.promise("other-account")
    def test_of_another_bus(self, aws: AwsJobs, hook: EventBridgeReplayHook) -> None:
        other = boto3.client("events", region_name=REGION).create_event_bus(Name="other")["EventBusArn"]
        with pytest.raises(JobInputError, match=r"Cross event bus replay is not permitted.*name no other"):
            hook.start_replay(
                "x", ARCHIVE, DAY["event_start_time"], DAY["event_end_time"], destination_arn=other
            )

    def test_of_access(self, aws: AwsJobs) -> None:
        aws.add_fault(Fault("StartReplay", "access-denied"))
        with pytest.raises(
            Exception, match=r"AccessDenied.*role of connection None allows events:StartReplay"
        ):
            replay().run()


@pytest.mark.promise("bad-input")
def test_a_run_without_an_interval_names_the_parameter() -> None:
    from airflow.providers.common.compat.sdk import DAG

    dag = DAG("orders", schedule=None)
    operator = EventBridgeStartReplayOperator(task_id="replay", archive="orders", dag=dag)
    operator.render_template_fields({})
    with pytest.raises(JobInputError, match=r"no data interval.*Pass event_start_time"):
        operator.job_request(OneTask(lambda: operator).context(operator))
