# SPDX-License-Identifier: Apache-2.0

"""Which ingestion job a task takes for its own, and when it starts another."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from one_task import OneTask
from sensor_data import ONE_CALL, SERVICE, ingest, plant, start, tokens

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobFailedError,
    JobInputError,
    JobUnavailableError,
)
from airflow_provider_jobs.testing import AwsJobs, Fault


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with plant() as control:
        yield control


class TestOwnToken:
    """A client token of the user's own."""

    def test_is_used_and_found_again(self, aws: AwsJobs) -> None:
        task = ingest(client_token="my-hour")
        first = task.run()
        assert task.run()["job_id"] == first["job_id"]
        assert tokens(aws) == ["my-hour"]

    @pytest.mark.parametrize("store", [{}, None])
    def test_after_a_clear_is_another(self, aws: AwsJobs, store: dict[str, str] | None) -> None:
        task = ingest(client_token="my-hour", task={"store": store})
        first = task.run()
        task.clear()
        assert task.run()["job_id"] != first["job_id"]
        assert tokens(aws) == ["my-hour", "my-hour.c1" if store is None else "my-hour.2"]

    def test_is_numbered_after_a_failure(self, aws: AwsJobs) -> None:
        task = ingest(client_token="my-hour")
        aws.fail_next(SERVICE, "no luck")
        with pytest.raises(JobFailedError, match="no luck"):
            task.run()
        # Airflow's next try comes seconds later, by AWS's clock.
        aws.set_clock_skew(5.0)
        task.run()
        assert tokens(aws) == ["my-hour", "my-hour.2"]

    def test_is_the_same_job_for_whoever_repeats_the_request(self, aws: AwsJobs) -> None:
        job_id = start("my-hour")
        assert ingest(client_token="my-hour").run()["job_id"] == job_id
        assert len(aws.jobs(SERVICE)) == 1

    def test_that_another_request_took_is_an_error(self, aws: AwsJobs) -> None:
        start("my-hour", Prefix="2025/")
        (other,) = aws.jobs(SERVICE)
        aws.advance(other["id"])
        with pytest.raises(JobInputError, match="'my-hour' is taken by another request: choose another"):
            ingest(client_token="my-hour").run()
        assert len(aws.jobs(SERVICE)) == 1


class TestConflict:
    """A dataset takes one job at a time."""

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_with_another_job_waits_in_line(
        self, aws: AwsJobs, deferrable: bool, logged: Callable[[], str]
    ) -> None:
        aws.set_pace(reads=8)
        other = start("other", Prefix="2025/")
        result = ingest(deferrable=deferrable).run()
        said = logged()
        assert f"Dataset pumps takes one job at a time and runs {other}. The task waits in the queue." in said
        assert result["job_id"] != other
        assert aws.max_active(SERVICE) == 1

    @pytest.mark.parametrize("given", [{}, {"prefix": "", "key_pattern": "{prefix}/{component_name}/*"}])
    def test_with_a_job_of_the_same_input_waits_too(self, aws: AwsJobs, given: dict[str, Any]) -> None:
        """Another task may have started it."""
        aws.set_pace(reads=4)
        other = start("other", **({"Prefix": ""} if given else {}))
        assert ingest(**given).run()["job_id"] != other
        assert len(aws.jobs(SERVICE)) == 2
        assert aws.max_active(SERVICE) == 1

    def test_with_a_job_that_no_list_shows_yet_waits_too(self, aws: AwsJobs) -> None:
        aws.set_pace(reads=8)
        aws.set_lag(SERVICE, "lists", reads=3)
        other = start("other", Prefix="2025/")
        assert ingest(botocore_config=ONE_CALL).run()["job_id"] != other
        assert aws.max_active(SERVICE) == 1

    def test_over_changed_parameters_takes_the_next_token(self, aws: AwsJobs) -> None:
        # The DAG was changed between two tries; the first one's answer was lost.
        task = ingest(prefix="2027/", botocore_config=ONE_CALL)
        aws.add_fault(Fault("StartDataIngestionJob", "drop", when="after"))
        with pytest.raises(JobApiError):
            task.run()
        aws.advance(aws.jobs(SERVICE)[0]["id"])
        changed = ingest(task={"store": task.store, "tries": task.tries, "dag_version": "0199-b"})
        assert changed.run()["input"]["Prefix"] == "2026/"
        first, second = tokens(aws)
        if task.store is not None:
            assert (".1-" in first, ".2-" in second) == (True, True)
        assert first != second


class TestWithoutAStore:
    """Below Airflow 3.3 nothing remembers a job's id; the token finds the job again."""

    @pytest.fixture
    def task(self) -> OneTask:
        return ingest(botocore_config=ONE_CALL, task={"store": None})

    def test_a_retry_after_success_takes_the_result(self, aws: AwsJobs, task: OneTask) -> None:
        assert task.run()["job_id"] == task.run()["job_id"]
        assert len(aws.jobs(SERVICE)) == 1

    @pytest.mark.parametrize("failures", [1, 3])
    def test_a_retry_after_a_failure_starts_the_next(
        self, aws: AwsJobs, task: OneTask, failures: int
    ) -> None:
        aws.fail_next(SERVICE, "no luck", failures)
        for count in range(failures):
            with pytest.raises(JobFailedError, match="no luck"):
                task.run()
            # Airflow's next try comes seconds later, by AWS's clock.
            aws.set_clock_skew(5.0 * (count + 1))
        assert task.run()["state"] == "SUCCESS"
        assert [job["state"] for job in aws.jobs(SERVICE)] == ["FAILED"] * failures + ["SUCCESS"]

    def test_a_retry_takes_up_the_job_in_flight(self, aws: AwsJobs, task: OneTask) -> None:
        aws.set_pace(reads=6)
        aws.add_fault(Fault("DescribeDataIngestionJob", "access-denied", skip=1, count=3))
        with pytest.raises(JobError, match="could not be watched any longer"):
            task.run()
        (running,) = aws.jobs(SERVICE)
        assert running["state"] == "IN_PROGRESS"
        assert task.run()["job_id"] == running["id"]
        assert len(aws.jobs(SERVICE)) == 1

    @pytest.mark.promise("lost-answer")
    def test_a_lost_answer_is_had_by_asking_again(self, aws: AwsJobs, task: OneTask) -> None:
        aws.add_fault(Fault("StartDataIngestionJob", "drop", when="after"))
        with pytest.raises(JobApiError) as caught:
            task.run()
        assert isinstance(caught.value, JobUnavailableError)
        task.run()
        assert len(aws.jobs(SERVICE)) == 1

    def test_a_clear_starts_the_next(self, aws: AwsJobs, task: OneTask) -> None:
        first = task.run()
        task.clear()
        assert task.run()["job_id"] != first["job_id"]

    def test_a_job_that_fails_at_once_is_no_reason_for_more(self, aws: AwsJobs, task: OneTask) -> None:
        aws.set_pace(seconds=0)
        aws.fail_next(SERVICE, "no luck", 10)
        with pytest.raises(JobFailedError, match="no luck"):
            task.run()
        assert len(aws.jobs(SERVICE)) == 1

    def test_a_look_that_fails_after_the_start_does_no_harm(self, aws: AwsJobs, task: OneTask) -> None:
        aws.add_fault(Fault("DescribeDataIngestionJob", "throttle"))
        assert task.run()["state"] == "SUCCESS"
        assert len(aws.jobs(SERVICE)) == 1
