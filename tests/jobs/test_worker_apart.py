# SPDX-License-Identifier: Apache-2.0

"""A Region that only the worker knows: the triggerer goes by what the worker has resolved."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from job_cases import JobCase
from one_task import OneTask, next_event

from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]
#: What a DAG says that leaves the Region to the machine.
HERE = {"aws_conn_id": None, "region_name": None}


@contextmanager
def region(name: str | None) -> Iterator[None]:
    """Be on a machine whose own Region is this one, or that has none."""
    with pytest.MonkeyPatch.context() as machine:
        for variable in ("AWS_DEFAULT_REGION", "AWS_REGION"):
            machine.delenv(variable, raising=False)
        if name:
            machine.setenv("AWS_DEFAULT_REGION", name)
        yield


@pytest.fixture(params=["eu-west-1", None], ids=["another-region", "no-region"])
def there(request: pytest.FixtureRequest) -> str | None:
    """The triggerer's own Region."""
    region: str | None = request.param
    return region


def test_a_job_is_watched_in_the_region_in_which_it_was_started(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, there: str | None
) -> None:
    task = make_deferrable(**HERE)
    with region("us-east-1"):
        assert task.begin() is None
    with region(there):
        event = task.fire()
    with region("us-east-1"):
        job_id = case.job_id(task.resume(event))
    (job,) = aws.jobs(case.service)
    assert (job["id"], job["state"]) == (job_id, case.succeeded)


def test_a_sensor_watches_in_the_region_in_which_it_has_looked(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, there: str | None
) -> None:
    aws.set_pace(reads=4)
    started = case.job_id(make_deferrable(wait_for_completion=False).run())
    sensor = OneTask(lambda: case.sensor(started, deferrable=True, **HERE))
    with region("us-east-1"):
        sensor.begin()
    assert sensor.deferred is not None
    with region(there):
        event = sensor.fire()
    assert event["job"]["service_state"] == case.succeeded


def test_a_task_queues_in_the_region_in_which_it_was_refused(
    aws: AwsJobs,
    case: JobCase,
    make_deferrable: MakeTask,
    there: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws.set_pace(reads=1_000_000)
    quota = case.small_quota(monkeypatch)
    case.limit(aws, quota)
    with region("us-east-1"):
        for number in range(quota + 1):
            task = make_deferrable(
                {"run_id": str(number)}, **{**HERE, **case.apart(number), "poll_interval": 0.02}
            )
            task.begin()
    queued = task.trigger()
    assert isinstance(queued, QueueTrigger)

    async def is_held_up() -> bool:
        called = asyncio.ensure_future(next_event(queued))
        done, _ = await asyncio.wait({called}, timeout=0.5)
        called.cancel()
        return not done

    with region(there):
        assert asyncio.run(is_held_up())
