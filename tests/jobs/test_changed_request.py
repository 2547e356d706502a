# SPDX-License-Identifier: Apache-2.0

"""A retry after the DAG was changed to another request: the log says why the earlier job does not count."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import job_targets
from airflow_features import needs
from job_cases import JobCase, client
from one_task import OneTask

from airflow_provider_jobs.testing import AwsJobs

pytestmark = [needs("task_state_store")]


def other_request(case: JobCase) -> dict[str, Any]:
    """Arguments of the case's operator that ask for something else."""
    match case.service:
        case "events":
            return {"event_end_time": "2026-01-01T12:00:00+00:00"}
        case "lookoutequipment":
            return {"role_arn": "arn:aws:iam::123456789012:role/other"}
        case "iotanalytics":
            return {"end_time": "2026-01-01T01:00:00+00:00"}
        case "logs":
            return {"log_stream_name_prefix": "web-1"}
        case "eventbridgev2":
            return {"role_arn": "arn:aws:iam::123456789012:role/other"}
        case "dynamodb":
            return {"s3_prefix": "other"}
        case "sqs":
            return {"max_messages_per_second": 100}
    return {"pipeline_id": job_targets.load(client, "other")}


def changed(make_task: Callable[..., OneTask], case: JobCase, task: OneTask) -> OneTask:
    """The same task instance after the edit."""
    later = {"store": task.store, "tries": task.tries, "dag_version": "0199-b"}
    return make_task(later, **other_request(case))


def test_a_job_that_has_succeeded(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask], logged: Callable[[], str]
) -> None:
    task = make_task()
    first = case.job_id(task.run())
    logged()
    second = case.job_id(changed(make_task, case, task).run())
    assert [job["id"] for job in aws.jobs(case.service)] == [first, second]
    told = "has succeeded, but does not count: a request from before the DAG was changed."
    assert f"{first} {told}" in logged()


def test_a_job_in_flight(
    aws: AwsJobs, case: JobCase, make_task: Callable[..., OneTask], logged: Callable[[], str]
) -> None:
    aws.set_pace(reads=4)
    # The worker dies right after the start: the try without a wait leaves the job as such a death does.
    task = make_task(wait_for_completion=False)
    first = case.job_id(task.run())
    logged()
    second = case.job_id(changed(make_task, case, task).run())
    assert [job["id"] for job in aws.jobs(case.service)] == [first, second]
    assert aws.max_active(case.service) == 1
    verb = "Stopping" if case.stop_operation else "Waiting for the end of"
    lines = [line for line in logged().splitlines() if f"{verb} {case.hook_class.noun} " in line]
    assert "ours, this life; a request from before the DAG was changed." in lines[0]
