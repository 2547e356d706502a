# SPDX-License-Identifier: Apache-2.0

"""Tokens that were used before: what AWS answers them with is told from a new job."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from one_task import OneTask
from sensor_data import SERVICE, ingest, plant, tokens

from airflow_provider_jobs.exceptions import JobFailedError
from airflow_provider_jobs.testing import AwsJobs


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with plant() as control:
        yield control


def fails(aws: AwsJobs, task: OneTask) -> None:
    aws.fail_next(SERVICE, "no luck")
    with pytest.raises(JobFailedError, match="no luck"):
        task.run()


def test_without_a_store_each_try_after_a_failure_starts_another_job(aws: AwsJobs) -> None:
    task = ingest(task={"store": None})
    for tries in (1, 2, 3):
        fails(aws, task)
        assert len(set(tokens(aws))) == len(aws.jobs(SERVICE)) == tries
    task.run()
    assert len(aws.jobs(SERVICE)) == 4


def test_a_run_that_is_made_again_does_not_fail_with_the_job_of_the_run_before(aws: AwsJobs) -> None:
    """As ``airflow dags test`` does it on Airflow 2.11, with the same start."""
    fails(aws, ingest())
    aws.set_clock_skew(120.0)
    again = ingest()
    assert again.run()["job_id"] == aws.jobs(SERVICE)[1]["id"]


def test_the_user_s_own_is_not_used_again_where_airflow_deletes_the_log_at_success(aws: AwsJobs) -> None:
    store: dict[str, str] = {}
    task = ingest(client_token="my-hour", task={"store": store})
    fails(aws, task)
    first = task.run()
    store.clear()
    task.clear()
    fails(aws, task)
    assert task.run()["job_id"] != first["job_id"]
    assert tokens(aws) == ["my-hour", "my-hour.2", "my-hour.c2", "my-hour.c2.2"]
