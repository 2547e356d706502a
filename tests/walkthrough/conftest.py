# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from logs_insights.mocked import BACKEND
from logs_insights.operators import LogsStartQueryOperator
from one_task import OneTask

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

REGION = "us-east-1"
AWS: dict[str, Any] = {"aws_conn_id": None, "region_name": REGION}
GROUP = "/shop/web"
QUERY = "fields @timestamp, @message | sort @timestamp asc"
#: The last hours, whole: CloudWatch Logs takes no events that are weeks old.
END = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
START = END - timedelta(hours=3)


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    """AWS with queries, which end at their second look."""
    with mock_aws_jobs(backends=[BACKEND]) as control:
        yield control


def filled(group: str, **client: Any) -> Any:
    """Make a log group with an event each half hour, from an hour before the window to its end."""
    logs: Any = boto3.client("logs", region_name=REGION, **client)
    logs.create_log_group(logGroupName=group)
    logs.create_log_stream(logGroupName=group, logStreamName="one")
    times = [START + timedelta(minutes=30 * number) for number in range(-2, 7)]
    events = [
        {"timestamp": int(time.timestamp() * 1000), "message": f"request at {time:%H:%M}"} for time in times
    ]
    logs.put_log_events(logGroupName=group, logStreamName="one", logEvents=events)
    return logs


@pytest.fixture
def logs(aws: AwsJobs) -> Any:
    """The mocked CloudWatch Logs, with a log group."""
    return filled(GROUP)


@pytest.fixture(params=[False, True], ids=["sync", "deferrable"])
def make_task(request: pytest.FixtureRequest, logs: Any) -> Callable[..., OneTask]:
    """Build a task that queries the log group, waiting in either way."""

    def make(task: dict[str, Any] | None = None, **kwargs: Any) -> OneTask:
        window: dict[str, Any] = {"start_time": START, "end_time": END}
        given: dict[str, Any] = {"log_group": GROUP, "query_string": QUERY, **window, "poll_interval": 0.02}
        given = {"deferrable": request.param, **given, **kwargs}
        return OneTask(lambda: LogsStartQueryOperator(task_id="query", **AWS, **given), **(task or {}))

    return make
