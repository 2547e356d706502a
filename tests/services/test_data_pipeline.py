# SPDX-License-Identifier: Apache-2.0

"""What is particular to Data Pipeline's activations."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_features import needs
from load_pipelines import NOW, activate, on_demand, on_schedule, stamp

from airflow_provider_jobs._data_pipeline import starter
from airflow_provider_jobs.exceptions import JobApiError, JobFailedError, JobOutcomeUnknownError
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.testing import AwsJobs, Fault


class TestActivate:
    @pytest.mark.parametrize(
        ("given", "message"),
        [
            ({"pipeline_id": "df 1"}, "is not a pipeline's id"),
            ({"pipeline_id": "df-1@2026-01-01T00:00:00"}, "is not a pipeline's id"),
            ({"pipeline_id": None}, "pipeline_id is missing"),
            ({"parameter_values": "x"}, "must be a dictionary or a list"),
            ({"parameter_values": {"myX": None}}, "'myX' is null, which is no text"),
            ({"start_timestamp": "yesterday"}, "start_timestamp='yesterday' is not a time"),
            ({"wait_until": datetime(2026, 1, 1)}, "has no time zone"),
            ({"wait_until": ""}, "no data interval.*Pass wait_until"),
        ],
    )
    @pytest.mark.parametrize("deferrable", [False, True])
    @pytest.mark.promise("bad-input")
    def test_bad_input(self, aws: AwsJobs, given: dict[str, Any], message: str, deferrable: bool) -> None:
        with pytest.raises(AirflowFailException, match=message):
            activate(**{"pipeline_id": "df-1", **given}, deferrable=deferrable).run()
        assert aws.calls("datapipeline") == {}

    @pytest.mark.parametrize(
        ("definition", "given", "message"),
        [
            (on_demand(A={}), {"start_timestamp": NOW}, "start_timestamp is given, but .* runs on demand"),
            (on_demand(A={}), {"wait_until": NOW}, "wait_until is given, but .* runs on demand"),
            (
                on_schedule(startAt="FIRST_ACTIVATION_DATE_TIME"),
                {},
                "never ends: schedule Hourly has neither",
            ),
            (
                on_schedule(startDateTime=stamp(timedelta(days=-3)), occurrences="2"),
                {},
                "earlier than 1 day.*Give start_timestamp",
            ),
        ],
    )
    @pytest.mark.promise("bad-input")
    def test_input_that_does_not_fit_the_definition(
        self, aws: AwsJobs, pipeline: Callable[..., str], definition: Any, given: Any, message: str
    ) -> None:
        with pytest.raises(AirflowFailException, match=message):
            activate(pipeline(definition), **given).run()
        assert aws.jobs("datapipeline") == []

    def test_values_that_no_parameter_declares_are_taken(
        self, aws: AwsJobs, pipeline: Callable[..., str]
    ) -> None:
        """AWS's reference refuses none: what its console exports has such, and its guide."""
        activate(pipeline(on_demand(A={})), parameter_values={"myX": 1, "myFlags": ""}).run()
        assert aws.jobs("datapipeline")[0]["parameters"] == {"myX": "1", "myFlags": ""}

    def test_the_result(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        definition = {**on_demand(A={}), "parameters": [{"id": "myDay"}]}
        pipeline_id = pipeline(definition)
        result = activate(pipeline_id, parameter_values={"myDay": "2026-01-31"}).run()
        assert result == {
            "pipeline_id": pipeline_id,
            "activation_time": result["activation_time"],
            "until": None,
            "state": "FINISHED",
            "instances": {"FINISHED": 1},
            "instances_done": 1,
            "instances_total": 1,
        }
        assert datetime.fromisoformat(result["activation_time"]).tzinfo is not None
        assert aws.jobs("datapipeline")[0]["parameters"] == {"myDay": "2026-01-31"}

    def test_progress_is_instances_done_of_all(
        self, aws: AwsJobs, pipeline: Callable[..., str], logged: Callable[[], str]
    ) -> None:
        aws.set_pace(reads=12)
        activate(pipeline()).run()
        assert re.search(r"SCHEDULED, 50%, (about \S+ left, )?1 of 2 instances done", logged())

    def test_a_failure_names_the_objects_their_errors_and_the_source_of_a_cascade(
        self, aws: AwsJobs, pipeline: Callable[..., str]
    ) -> None:
        cascade = {"failureAndRerunMode": "cascade"}
        pipeline_id = pipeline(on_demand(A=cascade, B={"dependsOn": {"ref": "A"}, **cascade}))
        aws.fail_next("datapipeline", "the disk is full", at=0.25)
        with pytest.raises(JobFailedError) as caught:
            activate(pipeline_id).run()
        assert re.search(
            rf"Activation {pipeline_id}@\S+ ended FAILED: @A_\S+ is FAILED: the disk is full "
            r"\(ActivityFailed:SystemException\); @B_\S+ is CASCADE_FAILED, because @A_\S+ failed\. ",
            str(caught.value),
        )

    def test_what_waits_for_ever_ends_the_wait_and_a_retry_activates_again(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any
    ) -> None:
        """Without a cascade dependents stay WAITING_ON_DEPENDENCIES, and the pipeline SCHEDULED."""
        pipeline_id = pipeline(
            on_demand(A={}, B={"dependsOn": {"ref": "A"}}, C={"dependsOn": {"ref": "B"}}, D={})
        )
        aws.fail_next("datapipeline", "the disk is full", at=0.1)
        task = activate(pipeline_id)
        with pytest.raises(JobFailedError) as caught:
            task.run()
        assert re.search(
            r"@A_\S+ is FAILED: the disk is full .*@B_\S+ waits for ever for @A_\S+, which ended without "
            r"success; @C_\S+ waits for ever for @B_.*stays SCHEDULED.*failureAndRerunMode",
            str(caught.value),
        )
        task.run()
        assert [job["state"] for job in aws.jobs("datapipeline")][-1] == "FINISHED"

    def test_one_that_failed_attempts_but_not_all_has_succeeded(
        self, aws: AwsJobs, pipeline: Callable[..., str]
    ) -> None:
        aws.set_quota("datapipeline-failed-attempts", 1)
        assert activate(pipeline(on_demand(A={"maximumRetries": 1}))).run()["state"] == "FINISHED"

    def test_another_task_s_run_on_demand_is_waited_for(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any, logged: Callable[[], str]
    ) -> None:
        pipeline_id = pipeline()
        aws.set_pace(seconds=3)
        client.activate_pipeline(pipelineId=pipeline_id)
        aws.set_pace(reads=2)
        activate(pipeline_id, poll_interval=0.1).run()
        assert [job["state"] for job in aws.jobs("datapipeline")] == ["FINISHED"] * 2
        assert aws.max_active("datapipeline") == 1
        assert "to activate it now would cancel that. The task waits in the queue." in logged()

    @pytest.mark.parametrize("kind", ["throttle", "expired-token", "access-denied"])
    @pytest.mark.promise("lost-answer")
    def test_a_refused_activation_is_not_taken_for_another_task_s(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any, kind: Any
    ) -> None:
        pipeline_id = pipeline()
        task = activate(pipeline_id, botocore_config={"retries": {"total_max_attempts": 1}})
        aws.add_fault(Fault("ActivatePipeline", kind))
        with pytest.raises(JobApiError):
            task.run()
        aws.set_pace(seconds=0)
        client.activate_pipeline(pipelineId=pipeline_id)
        task.run()
        assert len(aws.jobs("datapipeline")) == 2

    @pytest.mark.promise("lost-answer")
    def test_a_call_that_was_lost_on_its_way_is_not_repeated_but_left_to_a_retry(
        self, aws: AwsJobs, pipeline: Callable[..., str]
    ) -> None:
        task = activate(pipeline())
        aws.add_fault(Fault("ActivatePipeline", "drop"))
        with pytest.raises(JobApiError):
            task.run()
        assert aws.calls("datapipeline")["ActivatePipeline"] == 1
        task.run()
        assert len(aws.jobs("datapipeline")) == 1

    @pytest.mark.promise("throttled")
    def test_a_throttled_call_is_repeated(self, aws: AwsJobs, pipeline: Callable[..., str]) -> None:
        aws.add_fault(Fault("ActivatePipeline", "throttle"))
        activate(pipeline()).run()
        assert aws.calls("datapipeline")["ActivatePipeline"] == 2

    @needs("task_state_store")
    @pytest.mark.parametrize("kind", ["throttle", "access-denied"])
    @pytest.mark.promise("lost-answer")
    def test_an_activation_that_cannot_be_looked_at_is_left_to_a_retry(
        self,
        aws: AwsJobs,
        pipeline: Callable[..., str],
        kind: Any,
        logged: Callable[[], str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        task = activate(pipeline(), botocore_config={"retries": {"total_max_attempts": 1}})
        monkeypatch.setattr(starter, "_SHOWN", 0.0)
        # The first two polls are those before the activation.
        aws.add_fault(Fault("DescribePipelines", kind, skip=2))
        with pytest.raises(JobApiError, match="AWS does not show it yet") as caught:
            task.run()
        assert isinstance(caught.value, JobOutcomeUnknownError)
        assert "was activated; then a poll failed: DescribePipelines" in logged()
        # It may be another task's activation by then: its end is waited for.
        task.run()
        assert aws.calls("datapipeline")["ActivatePipeline"] == 2
        assert aws.max_active("datapipeline") == 1

    @needs("task_state_store")
    def test_later_tries_and_a_clear_leave_a_lost_answer_behind(
        self, aws: AwsJobs, pipeline: Callable[..., str]
    ) -> None:
        """What a lost answer may have started is waited for once; later activations are not taken for it."""
        task = activate(pipeline(), botocore_config={"retries": {"total_max_attempts": 1}})
        aws.add_fault(Fault("ActivatePipeline", "drop", when="after"))
        with pytest.raises(JobApiError):
            task.run()
        first = task.run()
        task.clear()
        second = task.run()
        assert task.run() == second != first
        assert len(aws.jobs("datapipeline")) == 3
        assert "DeactivatePipeline" not in aws.calls("datapipeline")

    def test_an_activation_that_a_person_replaced_has_failed(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any, hook: DataPipelineHook
    ) -> None:
        aws.set_pace()
        pipeline_id = pipeline()
        activate(pipeline_id, wait_for_completion=False).run()
        client.activate_pipeline(pipelineId=pipeline_id)
        first = hook.describe_job(aws.jobs("datapipeline")[0]["id"])
        assert (first.state, first.service_state) == (JobState.CANCELLED, "CANCELED")
        assert "the pipeline was activated again at" in str(first.reason)
        assert not hook.stop_job(first.job_id)
        assert "DeactivatePipeline" not in aws.calls("datapipeline")

    def test_a_kill_waits_a_little_until_the_pipeline_is_inactive(
        self, aws: AwsJobs, pipeline: Callable[..., str], hook: DataPipelineHook
    ) -> None:
        aws.set_pace(reads=1000)
        pipeline_id = pipeline()
        activate(pipeline_id, wait_for_completion=False).run()
        assert hook.stop_job(aws.jobs("datapipeline")[0]["id"])
        assert aws.jobs("datapipeline")[0]["state"] == "INACTIVE"
