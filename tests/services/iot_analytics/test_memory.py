# SPDX-License-Identifier: Apache-2.0

"""Reprocessings have neither name nor token: how a task finds its own again, and when it cannot."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow_features import needs
from job_cases import IotAnalytics
from one_task import OneTask
from reprocessings import SERVICE, age, client, messages, reprocess, reprocessings, starts

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobFailedError,
    JobNotFoundError,
    JobOutcomeUnknownError,
)
from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.delay import DelayTrigger


def settle(task: OneTask) -> None:
    """Let the time pass in which AWS may not show a start yet."""
    while isinstance(task.trigger(), DelayTrigger):
        task.resume(task.fire())


def waits_for(task: OneTask) -> str:
    trigger: Any = task.trigger()
    return str(trigger.job_id)


@pytest.mark.promise("lost-answer")
class TestLostAnswer:
    """A start whose answer never came: what the next try makes of it."""

    def lose(self, aws: AwsJobs, task: OneTask, when: Any = "after") -> None:
        aws.add_fault(Fault("StartPipelineReprocessing", "drop", when=when))
        with pytest.raises(JobApiError) as caught:
            task.run()
        assert isinstance(caught.value, JobOutcomeUnknownError)

    @needs("task_state_store")
    def test_the_only_one_since_is_waited_for(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        """It may be somebody else's: AWS does not tell."""
        hook.start_reprocessing("cleaning")
        age()
        task = reprocess()
        self.lose(aws, task)
        assert task.run()["reprocessing_id"] == aws.jobs(SERVICE)[2]["id"]
        assert starts(aws) == 3
        assert "CancelPipelineReprocessing" not in aws.calls(SERVICE)

    @needs("task_state_store")
    def test_what_others_start_later_is_not_waited_for(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        aws.set_pace()
        task = reprocess(deferrable=True)
        self.lose(aws, task)
        aws.set_clock_skew(10.0)
        task.begin()
        lost = aws.jobs(SERVICE)[0]["id"]
        assert waits_for(task) == f"cleaning/{lost}"
        hook.start_reprocessing("cleaning")
        aws.advance(lost)
        task.resume(task.fire())
        assert starts(aws) == 3
        assert waits_for(task) == f"cleaning/{aws.jobs(SERVICE)[2]['id']}"

    def test_none_since_means_that_it_starts_one(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        hook.start_reprocessing("cleaning")
        age()
        task = reprocess()
        self.lose(aws, task, "before")
        assert task.run()["reprocessing_id"] == aws.jobs(SERVICE)[1]["id"]
        assert messages(aws) == [3, 2]

    @needs("task_state_store")
    def test_several_since_are_all_waited_for(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        task = reprocess()
        self.lose(aws, task)
        other = hook.start_reprocessing("cleaning")
        mine = aws.jobs(SERVICE)[0]["id"]
        assert task.run()["reprocessing_id"] not in (mine, other)
        assert starts(aws) == 3
        assert "CancelPipelineReprocessing" not in aws.calls(SERVICE)

    @needs("task_state_store")
    @pytest.mark.promise("cleared")
    def test_then_a_clear_waits_too_and_says_how_to_go_on(
        self, aws: AwsJobs, logged: Callable[[], str]
    ) -> None:
        aws.set_pace()
        task = reprocess(deferrable=True)
        self.lose(aws, task)
        lost = aws.jobs(SERVICE)[0]["id"]
        task.clear()
        aws.set_clock_skew(10.0)
        task.begin()
        assert starts(aws) == 1
        assert f"cancel cleaning/{lost}, and this task goes on" in logged()
        assert "CancelPipelineReprocessing" not in aws.calls(SERVICE)
        aws.advance(lost)
        task.resume(task.fire())
        assert starts(aws) == 2

    @needs("task_state_store")
    def test_of_a_second_attempt_leaves_the_first_out(self, aws: AwsJobs) -> None:
        task = reprocess()
        aws.fail_next(SERVICE, "no luck")
        with pytest.raises(JobFailedError):
            task.run()
        self.lose(aws, task)
        assert task.run()["reprocessing_id"] == aws.jobs(SERVICE)[2]["id"]
        assert starts(aws) == 3

    @pytest.mark.parametrize("kind", ["throttle", "expired-token", "access-denied"])
    def test_a_refusal_leaves_nothing_in_doubt(self, aws: AwsJobs, hook: IotAnalyticsHook, kind: Any) -> None:
        """What others start after a refused call is not this task's."""
        task = reprocess()
        aws.add_fault(Fault("StartPipelineReprocessing", kind))
        with pytest.raises(JobApiError) as caught:
            task.run()
        assert not isinstance(caught.value, JobOutcomeUnknownError)
        other = hook.start_reprocessing("cleaning")
        assert task.run()["reprocessing_id"] != other

    def test_is_never_repeated_by_botocore(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        for retries in ({"max_attempts": 4}, {"total_max_attempts": 4, "mode": "standard"}):
            aws.reset()
            IotAnalytics().prepare()
            task = reprocess(botocore_config={"retries": retries})
            self.lose(aws, task)
            assert starts(aws) == 1


class TestWithoutAMemory:
    """Airflow before 3.3 keeps nothing for a task: best effort, and this is what it comes to."""

    def test_all_goes_well_where_nothing_goes_wrong(self, aws: AwsJobs) -> None:
        for deferrable in (False, True):
            assert reprocess({"store": None}, deferrable=deferrable).run()["state"] == "SUCCEEDED"
        assert starts(aws) == 2

    def test_a_deferred_wait_survives_since_its_trigger_knows_the_id(self, aws: AwsJobs) -> None:
        aws.set_pace()
        task = reprocess({"store": None}, deferrable=True)
        task.begin()
        (job,) = aws.jobs(SERVICE)
        aws.advance(job["id"])
        assert task.resume(task.fire())["reprocessing_id"] == job["id"]
        assert starts(aws) == 1

    def test_a_try_after_a_lost_answer_starts_another_one(self, aws: AwsJobs) -> None:
        task = reprocess({"store": None})
        aws.add_fault(Fault("StartPipelineReprocessing", "drop", when="after"))
        with pytest.raises(JobApiError):
            task.run()
        assert task.run()["reprocessing_id"] == aws.jobs(SERVICE)[1]["id"]
        assert starts(aws) == 2

    def test_a_try_after_a_crash_waits_for_what_runs(self, aws: AwsJobs) -> None:
        aws.set_pace()
        task = reprocess({"store": None}, deferrable=True)
        task.begin()
        task.begin()
        settle(task)
        assert starts(aws) == 1
        aws.advance(aws.jobs(SERVICE)[0]["id"])
        task.resume(task.fire())
        settle(task)
        assert starts(aws) == 2


class TestVanished:
    """AWS does not say how long it keeps the summaries."""

    def forget(self, *ids: str) -> None:
        for each in ids:
            del reprocessings()[each]

    @needs("task_state_store")
    def test_while_it_is_watched(self, aws: AwsJobs) -> None:
        aws.set_pace()
        task = reprocess(wait_for_completion=False)
        started = task.run()["reprocessing_id"]
        waiting = reprocess({"store": task.store}, deferrable=True)
        waiting.begin()
        self.forget(started)
        event = waiting.fire()
        with pytest.raises(
            JobError, match=r"could not be watched any longer.*has no reprocessing .* dropped"
        ):
            waiting.resume(event)

    @needs("task_state_store")
    def test_before_a_retry(self, aws: AwsJobs) -> None:
        task = reprocess()
        self.forget(task.run()["reprocessing_id"])
        with pytest.raises(
            JobNotFoundError, match=r"so it is unknown whether it succeeded\. .*clear it to start another one"
        ):
            task.run()
        task.clear()
        assert task.run()["state"] == "SUCCEEDED"
        assert starts(aws) == 2

    @needs("task_state_store")
    def test_of_an_earlier_attempt_is_no_matter(self, aws: AwsJobs) -> None:
        task = reprocess()
        aws.fail_next(SERVICE, "no luck")
        with pytest.raises(JobFailedError):
            task.run()
        result = task.run()
        self.forget(aws.jobs(SERVICE)[0]["id"])
        assert task.run() == result

    def test_with_its_pipeline(self, aws: AwsJobs, hook: IotAnalyticsHook) -> None:
        job_id = hook.start_reprocessing("cleaning")
        client(hook).delete_pipeline(pipelineName="cleaning")
        with pytest.raises(JobNotFoundError, match="Pipeline cleaning does not exist"):
            hook.describe_job(f"cleaning/{job_id}")
        assert hook.stop_job(f"cleaning/{job_id}") is False
