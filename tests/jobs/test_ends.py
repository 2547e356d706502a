# SPDX-License-Identifier: Apache-2.0

"""What comes after a job ends: outlets of any kind, long reasons, sensors that skip; for every job type."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException, Asset, AssetAlias
from job_cases import JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobError, JobFailedError
from airflow_provider_jobs.job import JobState, JobStatus, one_line
from airflow_provider_jobs.testing import AwsJobs, Fault

MakeTask = Callable[..., OneTask]
ONCE: dict[str, Any] = {"retries": {"total_max_attempts": 1}}


class AssetsAlone(dict[Any, Any]):
    """Airflow's accessors of outlet events, which know assets and aliases alone."""

    def __missing__(self, key: Any) -> Any:
        if not isinstance(key, (Asset, AssetAlias)):
            raise TypeError(f"Key should be either an asset or an asset alias, not {type(key)}")
        self[key] = SimpleNamespace(extra={}, asset_alias_events=[])
        return self[key]


def test_an_outlet_of_another_kind_fails_no_task_whose_job_has_succeeded(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, logged: Callable[[], str]
) -> None:
    asset, dataset = Asset("done"), object()
    task = make_task(outlets=[dataset, asset])
    task.outlet_events = AssetsAlone()  # type: ignore[assignment]
    result = task.run()
    assert case.job_id(result) == aws.jobs(case.service)[0]["id"]
    assert task.outlet_events[asset].extra.items() >= result.items()
    assert "does not get the result: Key should be" in logged()


def test_what_somebody_has_put_into_an_event_stays(case: JobCase, make_task: MakeTask) -> None:
    """As a ``pre_execute`` does; an alias tells the result with each of its assets."""
    asset, alias = Asset("done"), AssetAlias("any")
    task = make_task(outlets=[asset, alias])
    task.outlet_events = AssetsAlone()  # type: ignore[assignment]
    task.outlet_events[asset].extra = {"by": "us", "state": "ours"}
    told = SimpleNamespace(extra={"by": "us"})
    task.outlet_events[alias].asset_alias_events.append(told)
    result = task.run()
    assert task.outlet_events[asset].extra.items() >= {"by": "us", "state": "ours"}.items()
    assert told.extra.items() >= {**result, "by": "us"}.items()


def test_outlets_of_a_task_that_does_not_wait_are_warned_of(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, logged: Callable[[], str]
) -> None:
    aws.set_pace()
    make_task(outlets=[Asset("done")], wait_for_completion=False).run()
    assert "has only begun" in logged()


def test_a_reason_of_any_length_and_direction_is_one_line(aws: AwsJobs, case: JobCase, task: OneTask) -> None:
    aws.fail_next(case.service, "no \u202eroom\u2028 left " + "x" * 300_000)
    said = "no room left x" if case.reason("x") == "x" else case.reason("x")
    with pytest.raises(JobFailedError, match=said) as caught:
        task.run()
    assert len(str(caught.value)) < 3_000


def test_the_event_of_a_long_reason_is_short() -> None:
    told = JobStatus("job", JobState.FAILED, "FAILED", reason="y" * 300_000).to_json()
    assert len(told["reason"]) < 2_100
    assert told["reason"].endswith("… (300,000 characters)")
    assert one_line("a\u2066b\nc") == "a b c"


@pytest.fixture
def running(aws: AwsJobs, case: JobCase, make_sync: MakeTask) -> str:
    """A job that runs."""
    aws.set_pace()
    make_sync(wait_for_completion=False).run()
    return str(aws.jobs(case.service)[0]["id"])


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_look_that_is_denied_fails_a_sensor_that_skips_softly(
    aws: AwsJobs, case: JobCase, running: str, deferrable: bool
) -> None:
    """On a worker and after a deferral: ``soft_fail`` is for the job's end and the timeout."""
    look = 5 if case.service == "datapipeline" else 1
    aws.add_fault(Fault("*", "access-denied", case.service, count=1_000_000, skip=look))
    task = OneTask(
        lambda: case.sensor(running, deferrable=deferrable, soft_fail=True, timeout=60, botocore_config=ONCE)
    )
    with pytest.raises(JobError, match="AccessDenied"):
        task.run()


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_job_that_failed_and_a_timeout_skip_softly(
    aws: AwsJobs, case: JobCase, running: str, deferrable: bool
) -> None:
    late = OneTask(lambda: case.sensor(running, deferrable=deferrable, soft_fail=True, timeout=0.2))
    with pytest.raises(AirflowSkipException):
        late.run()
    aws.fail(running, "no luck")
    aws.advance(running)
    task = OneTask(lambda: case.sensor(running, deferrable=deferrable, soft_fail=True, timeout=60))
    with pytest.raises(AirflowSkipException):
        task.run()
