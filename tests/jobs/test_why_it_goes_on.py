# SPDX-License-Identifier: Apache-2.0

"""Why a job is not stopped with the task that waits for it: the log gives the true reason."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import timedelta

import pytest
from airflow_features import needs
from job_cases import CASES, KNOWING, JobCase
from load_pipelines import activate, on_schedule, stamp
from one_task import OneTask

from airflow_provider_jobs._data_pipeline.definition import PipelineDefinition
from airflow_provider_jobs.exceptions import JobApiError
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.job import JobTrigger

MakeTask = Callable[..., OneTask]
NAMELESS = [case for case in CASES if not case.recognized]


def told(task: OneTask, logged: Callable[[], str]) -> str:
    """What the trigger of a waiting task says when a person ends the task."""
    trigger = task.trigger()
    assert isinstance(trigger, JobTrigger)
    logged()
    asyncio.run(trigger.on_kill())
    (line,) = [line for line in logged().splitlines() if " goes on." in line]
    return line


@needs("task_state_store")
@pytest.mark.parametrize("case", NAMELESS, indirect=True)
def test_a_job_that_may_be_another_s(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, logged: Callable[[], str]
) -> None:
    aws.set_pace()
    task = make_deferrable()
    aws.add_fault(Fault(case.start_operation, "drop", when="after"))
    with pytest.raises(JobApiError):
        task.run()
    aws.set_clock_skew(2.0)
    task.begin()
    assert "It may not be this task's: " in told(task, logged)
    assert case.stop_operation not in aws.calls(case.service)


@pytest.mark.parametrize("case", KNOWING, indirect=True)
@pytest.mark.parametrize("cancel", [True, False])
def test_a_job_of_an_earlier_life(
    aws: AwsJobs, case: JobCase, make_deferrable: MakeTask, cancel: bool, logged: Callable[[], str]
) -> None:
    if cancel and case.stops_at_once:
        pytest.skip("A stop takes effect at once, so that nothing is waited for")
    aws.set_pace()
    task = make_deferrable(wait_for_completion=False, cancel_on_kill=cancel)
    task.run()
    task.clear()
    task.begin()
    line = told(task, logged)
    if not case.stop_operation:
        assert f"{case.hook_class.label} cannot stop it: " in line
    else:
        assert ("It was told to stop before: " if cancel else "cancel_on_kill is off: ") in line


def test_an_activation_that_was_there_before(aws: AwsJobs, logged: Callable[[], str]) -> None:
    hook = DataPipelineHook(aws_conn_id=None, region_name="us-east-1")
    pipeline_id = hook.create_pipeline("hourly", "hourly")
    start, end = stamp(timedelta(minutes=-30)), stamp(timedelta(days=1))
    hook.put_definition(
        pipeline_id, PipelineDefinition.from_file(on_schedule(startDateTime=start, endDateTime=end))
    )
    aws.set_pace()
    hook.activate_pipeline(pipeline_id)
    task = activate(pipeline_id, deferrable=True)
    task.begin()
    assert "It existed before this task: " in told(task, logged)
