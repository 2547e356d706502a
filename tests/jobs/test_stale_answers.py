# SPDX-License-Identifier: Apache-2.0

"""One answer that knows less than the one before ends no wait; for every job type."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from job_cases import CASES, JobCase
from one_task import OneTask

from airflow_provider_jobs._watch.patience import Outlook, Patience
from airflow_provider_jobs.exceptions import JobNotFoundError
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.testing import AwsJobs, Fault

#: What AWS answers of a job that it does not know, by the call that describes it.
UNKNOWN = {
    "DescribeReplay": "ResourceNotFoundException",
    "DescribeDataIngestionJob": "ResourceNotFoundException",
    "DescribePipeline": "ResourceNotFoundException",
    "DescribePipelines": "PipelineNotFoundException",
    "DescribeExportTasks": "ResourceNotFoundException",
    "DescribeExport": "ExportNotFoundException",
    "ListMessageMoveTasks": "ResourceNotFoundException",
    "ListSubscribers": "ResourceNotFoundException",
}


@pytest.mark.parametrize("case", CASES, indirect=True)
def test_a_job_that_was_seen_and_is_not_found_once_is_waited_for(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask]
) -> None:
    aws.set_pace(reads=4)
    # After the start and a poll that sees the job, another replica answers.
    skip = case.looks_to_start + 1
    code = UNKNOWN[case.describe_operation]
    aws.add_fault(Fault(case.describe_operation, "error", skip=skip, code=code, status=400))
    result = make_task({"retries": 0}).run()
    assert case.job_id(result) == aws.jobs(case.service)[0]["id"]
    assert len(aws.jobs(case.service)) == 1


class TestPatience:
    START = datetime(2026, 1, 1, tzinfo=UTC)

    def hear(self, patience: Patience, update: Any, seconds: float) -> Outlook:
        return patience.hear(update, now=seconds, aws_now=self.START + timedelta(seconds=seconds)).outlook

    def test_within_the_settling_time_of_the_start_not_found_means_not_yet_also_after_a_sight(self) -> None:
        patience = Patience("j", settling_time=60.0)
        job = JobStatus("j", JobState.RUNNING, "RUNNING", started_at=self.START)
        assert self.hear(patience, job, 1) is Outlook.WAITS
        assert self.hear(patience, JobNotFoundError("none"), 30) is Outlook.WAITS
        assert self.hear(patience, job, 31) is Outlook.WAITS
        assert self.hear(patience, JobNotFoundError("none"), 61) is Outlook.HOPELESS
