# SPDX-License-Identifier: Apache-2.0

"""Answers that AWS does not give, or its model does not allow: errors after which a retry or poll goes on."""

from __future__ import annotations

from typing import Any

import pytest
from job_cases import CASES, REGION, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobApiError, JobOutcomeUnknownError, JobUnavailableError
from airflow_provider_jobs.testing import AwsJobs, Fault

#: The second is for botocore a fault of its own.
BODIES = ["<html>Hello</html>", "null", "[]", '{"x"']
every_body = pytest.mark.parametrize("body", BODIES)


@every_body
def test_a_description_is_an_error_that_passes(
    aws: AwsJobs, case: JobCase, make_sync: Any, body: str
) -> None:
    result = make_sync(wait_for_completion=False).run()
    hook = case.hook_class(aws_conn_id=None, region_name=REGION)
    job_id = case.core_id(case.job_id(result))
    aws.add_fault(Fault(case.describe_operation, "garbage", body=body))
    with pytest.raises(JobApiError, match=f"{case.describe_operation} .* cannot be read.*proxy") as caught:
        hook.describe_job(job_id)
    assert isinstance(caught.value, JobUnavailableError)
    assert hook.describe_job(job_id).job_id == job_id


@every_body
# The answer to an activation has no members, so that nothing of it can be missing.
@pytest.mark.parametrize("case", [each for each in CASES if each.service != "datapipeline"], indirect=True)
def test_a_start_is_in_doubt(aws: AwsJobs, case: JobCase, task: OneTask, body: str) -> None:
    aws.add_fault(Fault(case.start_operation, "garbage", when="after", body=body))
    with pytest.raises(JobApiError, match=f"{case.start_operation} .* cannot be read") as caught:
        task.run()
    assert isinstance(caught.value, JobOutcomeUnknownError)
    result = task.run()
    jobs = aws.jobs(case.service)
    assert len(jobs) == (1 if case.recognized else 2)
    assert case.job_id(result) == jobs[-1]["id"]
    assert aws.max_active(case.service) == 1


def test_what_is_wrong_before_the_call_is_told_as_it_is(case: JobCase, aws: AwsJobs) -> None:
    hook = case.hook_class(aws_conn_id=None, region_name=REGION)
    with pytest.raises(AttributeError, match="no_such_call"):
        hook.call("no_such_call")
    assert aws.calls() == {} or case.describe_operation not in aws.calls()
