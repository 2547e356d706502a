# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from job_cases import EventBus
from one_task import OneTask

from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

MakeTask = Callable[..., OneTask]


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    """AWS, whose replays deliver at once."""
    with mock_aws_jobs(seconds=0) as control:
        yield control


@pytest.fixture
def case(aws: AwsJobs) -> EventBus:
    """A bus with three events of an hour, and queues."""
    case = EventBus()
    case.prepare()
    return case


@pytest.fixture
def make(case: EventBus) -> MakeTask:
    """Build the task that replays them."""

    def make(task: dict[str, Any] | None = None, **kwargs: Any) -> OneTask:
        return OneTask(lambda: case.operator(**kwargs), **(task or {}))

    return make
