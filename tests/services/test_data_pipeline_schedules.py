# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline's schedules, and the sensor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from job_cases import AWS
from load_pipelines import NOW, activate, on_schedule, stamp
from one_task import OneTask

from airflow_provider_jobs.exceptions import (
    JobEndedError,
    JobFailedError,
    JobInputError,
)
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.sensors.data_pipeline import DataPipelineSensor
from airflow_provider_jobs.testing import AwsJobs


class TestSchedules:
    def test_the_end_of_a_schedule(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(timedelta(hours=-3)), occurrences="3"))
        aws.set_pace(reads=12)
        result = activate(pipeline_id).run()
        assert result["instances"] == {"FINISHED": 3}

    def test_up_to_a_time(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        """The wait is over when all before the time have ended, though the schedule goes on."""
        start = timedelta(hours=-4)
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(start)))
        until = NOW - timedelta(hours=2)
        result = activate(pipeline_id, wait_until=until).run()
        assert result["until"] == until.isoformat()
        assert result["instances"] == {"FINISHED": 2}

    def test_a_failure_after_the_time_is_none(
        self, aws: AwsJobs, pipeline: Callable[..., str], hook: DataPipelineHook
    ) -> None:
        aws.set_pace()
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(timedelta(hours=-4)), occurrences="4"))
        activate(pipeline_id, wait_for_completion=False).run()
        aws.fail(pipeline_id, "too late to matter", at=0.8)
        aws.advance(pipeline_id)
        (job,) = aws.jobs("datapipeline")
        assert hook.describe_job(f"{job['id']}..{stamp(timedelta(hours=-1))}").state is JobState.SUCCEEDED
        assert hook.describe_job(job["id"]).state is JobState.FAILED

    def test_start_timestamp_skips_what_was_before(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(timedelta(days=-3)), occurrences="73"))
        result = activate(pipeline_id, start_timestamp=NOW - timedelta(hours=2)).run()
        assert result["instances"] == {"FINISHED": 3}


class TestSensor:
    def wait(self, pipeline_id: str, **kwargs: Any) -> OneTask:
        given = {"pipeline_id": pipeline_id, "poke_interval": 0.02, **AWS, **kwargs}
        return OneTask(lambda: DataPipelineSensor(task_id="wait", **given))

    def test_the_latest_activation_is_the_default(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any
    ) -> None:
        pipeline_id = pipeline()
        aws.fail_next("datapipeline", "out of luck")
        with pytest.raises(JobFailedError):
            activate(pipeline_id).run()
        with pytest.raises(JobEndedError, match="out of luck"):
            self.wait(pipeline_id).run()
        client.activate_pipeline(pipelineId=pipeline_id)
        assert self.wait(pipeline_id).run()["state"] == "FINISHED"

    def test_up_to_a_time(self, aws: AwsJobs, pipeline: Callable[..., str], client: Any) -> None:
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(timedelta(hours=-4))))
        client.activate_pipeline(pipelineId=pipeline_id)
        assert self.wait(pipeline_id, wait_until=NOW - timedelta(hours=1)).run()["instances"] == {
            "FINISHED": 3
        }

    def test_bad_input(self, aws: AwsJobs) -> None:
        with pytest.raises(JobInputError, match="is not a pipeline's id"):
            self.wait("df-1@latest").run()
