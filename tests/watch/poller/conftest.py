# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator

import pytest

from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

from .watchers import Poll


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs(reads=None) as control:
        control.set_quota("events", 1000)
        yield control


@pytest.fixture
def polls(aws: AwsJobs, monkeypatch: pytest.MonkeyPatch) -> list[Poll]:
    """The finished polls, with the calls that each made; exact if only one poll runs at a time."""
    finished: list[Poll] = []
    describe = EventBridgeReplayHook.describe_jobs

    def described(self: EventBridgeReplayHook, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        before = Counter(aws.calls("events"))
        try:
            return describe(self, job_ids)
        finally:
            finished.append(Poll(self.region_name, Counter(aws.calls("events")) - before))

    monkeypatch.setattr(EventBridgeReplayHook, "describe_jobs", described)
    return finished


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[JobHook]:
    """The hooks that were built so far."""
    built: list[JobHook] = []
    build = HookSpec.build

    def recorded(self: HookSpec) -> JobHook:
        built.append(build(self))
        return built[-1]

    monkeypatch.setattr(HookSpec, "build", recorded)
    return built
