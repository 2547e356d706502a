# SPDX-License-Identifier: Apache-2.0

"""Credentials that are refused in the middle of a wait, or that were never accepted; for every job type."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from job_cases import CASES, REGION, JobCase
from one_task import OneTask
from watch.waits import ONE_CALL, Wait, end_jobs, run, spec_of, start_jobs, until

from airflow_provider_jobs.exceptions import JobApiError, JobOutcomeUnknownError
from airflow_provider_jobs.testing import AwsJobs, Fault

ROLE = "arn:aws:iam::123456789012:role/starter"
#: How STS refuses a role at a renewal.
STS: dict[str, dict[str, Any]] = {
    "IDPCommunicationError": {"code": "IDPCommunicationError", "status": 400},
    "RegionDisabled": {"code": "RegionDisabledException", "status": 403},
    "AccessDenied": {"code": "AccessDenied", "status": 403},
    "InvalidClientTokenId": {"code": "InvalidClientTokenId", "status": 403},
    "ServiceUnavailable": {"code": "ServiceUnavailable", "status": 503},
}
#: What AWS says of a key that was deleted, and of any in a Region that is not enabled.
NEVER_VALID = ("UnrecognizedClientException", "InvalidClientTokenId", "OptInRequired")


@pytest.fixture
def role(monkeypatch: pytest.MonkeyPatch) -> str:
    """A connection that assumes a role."""
    extra = {"role_arn": ROLE, "region_name": REGION}
    monkeypatch.setenv(
        "AIRFLOW_CONN_ROLE", json.dumps({"conn_type": "aws", "login": "a", "password": "b", "extra": extra})
    )
    return "role"


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("refusal", STS)
def test_a_refusal_of_sts_is_not_aws_s_answer_about_the_job(
    aws: AwsJobs, case: JobCase, role: str, refusal: str
) -> None:
    (job,) = start_jobs(case.service, 1)
    aws.add_fault(Fault("AssumeRole", "error", service="sts", count=9, message="No.", **STS[refusal]))
    hook = case.hook_class(aws_conn_id=role, config=ONE_CALL)
    with pytest.raises(JobApiError, match=re.escape(STS[refusal]["code"])) as caught:
        hook.describe_job(job)
    told = str(caught.value)
    assert "was not sent: AssumeRole was refused" in told
    assert "trust policy" in told
    # It would send the reader to the wrong policy.
    assert f"allows {case.service}:" not in told
    assert not isinstance(caught.value, JobOutcomeUnknownError)


@pytest.mark.promise("aws-gone")
@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("refusal", STS)
def test_a_wait_outlasts_a_refusal_of_sts(aws: AwsJobs, case: JobCase, role: str, refusal: str) -> None:
    (job,) = start_jobs(case.service, 1)
    fault = Fault("AssumeRole", "error", service="sts", count=5, **STS[refusal])
    aws.add_fault(fault)

    async def test() -> None:
        wait = Wait(job, spec_of(case.hook_class, aws_conn_id=role, region_name=None), seen=True)
        await until(lambda: not aws.unmet_faults() and aws.calls("sts").get("AssumeRole", 0) > 5)
        assert not wait.over
        end_jobs(aws, case.service)
        await until(lambda: wait.over)
        assert wait.state == "succeeded"

    run(test)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("deferrable", [False, True])
def test_a_sensor_waits_for_a_role_that_cannot_be_assumed_for_now(
    aws: AwsJobs, case: JobCase, role: str, deferrable: bool
) -> None:
    """From its first look on: STS is busy."""
    job = started(aws, case)
    aws.add_fault(Fault("AssumeRole", "error", service="sts", count=2, **STS["ServiceUnavailable"]))
    assert sensor(case, job, deferrable, aws_conn_id=role).run()["state"] == case.succeeded


def started(aws: AwsJobs, case: JobCase) -> str:
    """Start a job that runs for some looks; returns what a sensor knows it by."""
    aws.set_pace(reads=30)
    case.prepare()
    return case.job_id(OneTask(lambda: case.operator(wait_for_completion=False)).run())


def sensor(case: JobCase, job: str, deferrable: bool, **kwargs: Any) -> OneTask:
    given = {"deferrable": deferrable, "timeout": 60, "botocore_config": ONE_CALL, **kwargs}
    return OneTask(lambda: case.sensor(job, **given))


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("code", NEVER_VALID)
@pytest.mark.parametrize("deferrable", [False, True])
def test_credentials_that_were_never_accepted_are_an_error_at_once(
    aws: AwsJobs, case: JobCase, code: str, deferrable: bool
) -> None:
    job = started(aws, case)
    aws.add_fault(Fault("*", "error", service=case.service, count=9, code=code, status=403))
    with pytest.raises(JobApiError, match=r"may have been deleted.*not enabled the Region"):
        sensor(case, job, deferrable).run()


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("code", NEVER_VALID)
def test_credentials_that_were_good_before_are_waited_for(
    aws: AwsJobs, case: JobCase, code: str, deferrable: bool
) -> None:
    job = started(aws, case)
    before = sum(aws.calls(case.service).values())
    case.hook_class(aws_conn_id=None, region_name=REGION).describe_job(case.core_id(job))
    look = sum(aws.calls(case.service).values()) - before
    aws.add_fault(Fault("*", "error", service=case.service, skip=look, count=2, code=code, status=403))
    assert sensor(case, job, deferrable).run()["state"] == case.succeeded
