# SPDX-License-Identifier: Apache-2.0

"""The result tells what the reprocessing was started for, whatever the DAG says by the time it ends."""

from __future__ import annotations

from typing import Any

import pytest
from airflow_features import needs
from one_task import OneTask
from reprocessings import SERVICE, reprocess, starts

from airflow_provider_jobs.exceptions import JobApiError, JobUnavailableError
from airflow_provider_jobs.testing import AwsJobs, Fault

RAN = {
    "start_time": "2026-01-01T00:00:00+00:00",
    "end_time": "2026-01-01T02:00:00+00:00",
    "s3_paths": None,
}
EDITED: dict[str, Any] = {"start_time": "2026-01-03T00:00:00+00:00", "end_time": "2026-01-04T00:00:00+00:00"}


def told(result: dict[str, Any]) -> dict[str, Any]:
    return {name: result[name] for name in RAN}


def deferred(**kwargs: Any) -> OneTask:
    task = reprocess(deferrable=True, **kwargs)
    task.begin()
    return task


@pytest.mark.parametrize("edit", [EDITED, {"start_time": "{{ no_time }}", "end_time": "{{ any_more }}"}])
def test_after_an_edit_while_the_task_was_deferred(aws: AwsJobs, edit: dict[str, Any]) -> None:
    task = deferred()
    event = task.fire()
    task.make = reprocess(deferrable=True, **edit).make
    result = task.resume(event)
    assert told(result) == RAN
    assert result["reprocessing_id"] == aws.jobs(SERVICE)[0]["id"]


@needs("task_state_store")
@pytest.mark.parametrize("deferrable", [False, True])
def test_after_a_template_that_differs_from_try_to_try(aws: AwsJobs, deferrable: bool) -> None:
    """The same version of the DAG: the job of the first try is taken up."""
    aws.set_pace(reads=4)
    task = reprocess(wait_for_completion=False)
    first = task.run()["reprocessing_id"]
    task.make = reprocess(deferrable=deferrable, **EDITED).make
    result = task.run()
    assert (result["reprocessing_id"], told(result)) == (first, RAN)
    # So does the try after that, which finds it ended.
    assert told(task.run()) == RAN
    assert starts(aws) == 1


@needs("task_state_store")
def test_of_more_paths_than_are_noted_is_left_open_where_it_cannot_be_told(aws: AwsJobs) -> None:
    aws.set_pace(reads=4)
    task = reprocess(wait_for_completion=False)
    task.run()
    assert task.store is not None
    (key,) = task.store
    asked = task.store[key].index('"asked"')
    task.store[key] = task.store[key][: asked - 2] + "}]}"
    task.make = reprocess(**EDITED).make
    assert told(task.run()) == {"start_time": None, "end_time": None, "s3_paths": None}
    task.make = reprocess().make
    assert told(task.run()) == RAN


def test_a_deferral_of_a_release_that_kept_less_tells_the_request_of_now(aws: AwsJobs) -> None:
    task = deferred()
    assert task.deferred is not None
    assert task.deferred.kwargs is not None
    del task.deferred.kwargs["asked"]
    assert told(task.resume(task.fire())) == RAN


@pytest.mark.parametrize("member", ["reprocessingSummaries.status", "reprocessingSummaries.id"])
def test_a_summary_that_lacks_a_member_fails_no_task_for_good(aws: AwsJobs, member: str) -> None:
    task = reprocess(wait_for_completion=False)
    task.run()
    fault = Fault("DescribePipeline", "omit", member=f"pipeline.{member}")
    aws.add_fault(fault)
    other = reprocess({"run_id": "another"})
    with pytest.raises(JobApiError, match="cannot be read") as caught:
        other.run()
    assert isinstance(caught.value, JobUnavailableError)
    other.run()
    assert len(aws.jobs(SERVICE)) == 2
