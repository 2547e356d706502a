# SPDX-License-Identifier: Apache-2.0

"""A process that is held up between AWS's list of jobs and the start: it lists the jobs again."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest
from airflow_features import needs
from job_cases import DataPipeline, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobUnavailableError
from airflow_provider_jobs.operators import _runner
from airflow_provider_jobs.testing import AwsJobs

MakeTask = Callable[..., OneTask]
Clock = Callable[[Callable[[], float]], None]
Logged = Callable[[], str]
AGAIN = "It lists them again."
#: Longer than the settling time, in seconds.
LONG = 61.0


class Rows(dict[str, str]):
    """What Airflow stores of a task; the process stands still while it stores an attempt.

    :param times: how often that happens
    """

    def __init__(self, times: int) -> None:
        super().__init__()
        self.times, self.now = times, 0.0

    def __setitem__(self, key: str, value: str) -> None:
        super().__setitem__(key, value)
        if self.times and json.loads(value)["attempts"]:
            self.times -= 1
            self.now += LONG


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """Set the clock of the process; the settling time is a minute."""
    monkeypatch.setenv("AIRFLOW__AIRFLOW_PROVIDER_JOBS__SETTLING_TIME", "60")

    def use(now: Callable[[], float]) -> None:
        monkeypatch.setattr(_runner, "time", SimpleNamespace(monotonic=now))

    return use


def starts(aws: AwsJobs, case: JobCase) -> int:
    return aws.calls(case.service).get(case.start_operation, 0)


@needs("task_state_store")
def test_held_up_once_it_lists_the_jobs_again_in_the_same_try(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, clock: Clock, logged: Logged
) -> None:
    rows = Rows(times=1)
    clock(lambda: rows.now)
    result = make_task({"store": rows}).run()
    assert [job["id"] for job in aws.jobs(case.service)] == [case.job_id(result)]
    assert starts(aws, case) == 1
    line = f"held up for 61 seconds after AWS had listed the {case.hook_class.noun}s. {AGAIN}"
    assert logged().count(line) == 1


@needs("task_state_store")
def test_held_up_again_and_again_the_try_fails_and_has_started_nothing(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, clock: Clock, logged: Logged
) -> None:
    rows = Rows(times=5)
    clock(lambda: rows.now)
    task = make_task({"store": rows})
    with pytest.raises(JobUnavailableError, match="held up 5 times, lastly for 61 seconds, after AWS had"):
        task.run()
    assert logged().count(AGAIN) == 4
    assert aws.jobs(case.service) == []
    assert starts(aws, case) == 0
    result = task.run()
    assert [job["id"] for job in aws.jobs(case.service)] == [case.job_id(result)]


@pytest.mark.parametrize("case", [DataPipeline()], indirect=True)
def test_checks_that_take_long_are_not_made_twice(
    aws: AwsJobs, case: JobCase, make_task: MakeTask, clock: Clock, logged: Logged
) -> None:
    """Each call takes 25 seconds: the list and the checks together take longer than the settling time."""
    clock(lambda: 25.0 * sum(aws.calls().values()))
    result = make_task().run()
    assert [job["id"] for job in aws.jobs(case.service)] == [case.job_id(result)]
    assert logged().count(AGAIN) == 1
    assert aws.calls(case.service)["GetPipelineDefinition"] == 1
