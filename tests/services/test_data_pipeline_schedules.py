# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline's schedules, and the sensor."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowSkipException
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


class TestNothingToRun:
    """A schedule that is over: the first three hours of ten days ago, followed from an hour ago on."""

    @pytest.fixture
    def over(self, pipeline: Callable[..., str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., OneTask]:
        # AWS shows an activation late, so the task waits before it takes nothing for all.
        monkeypatch.setattr("airflow_provider_jobs._data_pipeline.watcher.SETTLES", 0.0)
        begun = stamp(timedelta(days=-10))
        pipeline_id = pipeline(on_schedule(startDateTime=begun, occurrences="3"))
        start = NOW - timedelta(hours=1)
        return lambda **kwargs: activate(pipeline_id, start_timestamp=start, **kwargs)

    def test_it_is_told_before_and_after_and_succeeds(
        self, over: Callable[..., OneTask], logged: Callable[[], str]
    ) -> None:
        result = over().run()
        assert (result["state"], result["instances_total"]) == ("FINISHED", 0)
        lines = logged()
        assert "has nothing to run from start_timestamp on: schedule Hourly ended at" in lines
        assert "has ended and ran nothing: the pipeline's schedule has no instance from" in lines

    @pytest.mark.parametrize("deferrable", [False, True])
    @pytest.mark.parametrize(("if_empty", "error"), [("skip", AirflowSkipException), ("fail", JobEndedError)])
    def test_it_skips_or_fails(
        self,
        aws: AwsJobs,
        over: Callable[..., OneTask],
        if_empty: str,
        error: type[Exception],
        deferrable: bool,
    ) -> None:
        with pytest.raises(error, match="has ended and ran nothing"):
            over(if_empty=if_empty, deferrable=deferrable).run()
        assert aws.calls("datapipeline")["ActivatePipeline"] == 1

    def test_with_an_instance_it_succeeds(
        self, aws: AwsJobs, pipeline: Callable[..., str], logged: Callable[[], str]
    ) -> None:
        pipeline_id = pipeline(on_schedule(startDateTime=stamp(timedelta(days=-3)), occurrences="73"))
        start = NOW - timedelta(hours=2)
        assert activate(pipeline_id, start_timestamp=start, if_empty="fail").run()["instances_total"] == 3
        assert "nothing" not in logged()

    def test_another_word_fails_with_the_dag_s_file(self) -> None:
        with pytest.raises(JobInputError, match="if_empty='no' must be one of succeed, skip, fail"):
            activate("df-1", if_empty="no").make()


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
