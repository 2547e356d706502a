# SPDX-License-Identifier: Apache-2.0

"""What AWS answers to a start and right after it: other clocks, refused looks, tokens that were used."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from airflow_features import needs
from sensor_data import SERVICE, ingest, plant, tokens

from airflow_provider_jobs.exceptions import JobFailedError
from airflow_provider_jobs.testing import AwsJobs, Fault


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with plant() as control:
        yield control


@pytest.mark.parametrize("seconds", [3, 3600])
@pytest.mark.parametrize("kept", [True, False])
def test_a_job_that_fails_at_once_is_started_once_where_its_time_is_behind_aws_s_date(
    aws: AwsJobs, seconds: int, kept: bool
) -> None:
    aws.set_pace(seconds=0)
    aws.fail_next(SERVICE, "no access", 10)
    made = aws.now().timestamp() - seconds
    aws.add_fault(Fault("DescribeDataIngestionJob", "alter", member="CreatedAt", value=made, count=50))
    with pytest.raises(JobFailedError, match="no access"):
        ingest({"store": {} if kept else None}).run()
    assert len(aws.jobs(SERVICE)) == 1


def test_a_refused_look_after_an_accepted_start_drops_nothing(aws: AwsJobs) -> None:
    fault = Fault("DescribeDataIngestionJob", "error", code="ValidationException", status=400)
    aws.add_fault(fault)
    task = ingest()
    result = task.run()
    assert result["job_id"] == aws.jobs(SERVICE)[0]["id"]
    assert task.run()["job_id"] == result["job_id"]
    assert len(aws.jobs(SERVICE)) == 1


@needs("task_state_store")
@pytest.mark.promise("cleared")
def test_a_clear_starts_another_one_where_airflow_has_dropped_the_notes_at_the_success(aws: AwsJobs) -> None:
    """Airflow's own ``[state_store] clear_on_success``, and a token of the user's own."""
    task = ingest(client_token="my-hour")
    first = task.run()
    assert task.store is not None
    task.store.clear()
    task.clear()
    assert task.run()["job_id"] != first["job_id"]
    assert tokens(aws) == ["my-hour", "my-hour.c1"]
