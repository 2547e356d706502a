# SPDX-License-Identifier: Apache-2.0

"""Activations of others beside a task's own, and answers that show an activation late."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_features import needs
from job_cases import AWS
from load_pipelines import NOW, activate, on_demand, on_schedule, stamp

from airflow_provider_jobs.exceptions import JobApiError, JobInputError, JobOutcomeUnknownError, JobQuotaError
from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
from airflow_provider_jobs.operators.data_pipeline import DataPipelineActivatePipelineOperator
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.queue import QueueTrigger

SERVICE = "datapipeline"


@contextmanager
def answered(operation: str, change: Callable[[dict[str, Any]], Any]) -> Iterator[None]:
    """Let something happen as the answers to an operator's calls of an operation arrive."""
    real = DataPipelineHook.get_client_type

    def watched(hook: DataPipelineHook, *args: Any, **kwargs: Any) -> Any:
        made: Any = real(hook, *args, **kwargs)
        made.meta.events.register(f"after-call.{SERVICE}.{operation}", lambda parsed, **_: change(parsed))
        return made

    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(DataPipelineHook, "get_client_type", watched)
        yield


def state_of_before(parsed: dict[str, Any]) -> None:
    """Show an activation beside the state that the pipeline had before."""
    for row in parsed["pipelineDescriptionList"]:
        for each in row["fields"]:
            if each["key"] == "@pipelineState":
                each["stringValue"] = "FINISHED"


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.promise("marked")
def test_a_kill_stops_an_activation_that_is_shown_beside_the_state_of_before(
    aws: AwsJobs, pipeline: Callable[..., str], deferrable: bool
) -> None:
    aws.set_pace()
    task = activate(pipeline(on_demand(A={})), wait_for_completion=False, deferrable=deferrable)
    with answered("DescribePipelines", state_of_before):
        task.run()
        operator = task.operator
        assert isinstance(operator, DataPipelineActivatePipelineOperator)
        operator.on_kill()
    assert aws.calls(SERVICE)["DeactivatePipeline"] == 1
    assert aws.jobs(SERVICE)[0]["stop_asked_at"] is not None


@needs("task_state_store")
@pytest.mark.promise("cleared")
def test_so_does_a_clear(aws: AwsJobs, pipeline: Callable[..., str]) -> None:
    aws.set_pace(reads=1_000_000)
    task = activate(pipeline(on_demand(A={})), wait_for_completion=False)
    task.run()
    task.clear()
    aws.set_clock_skew(3.0)

    def until_it_is_told_to_stop(parsed: dict[str, Any]) -> None:
        if aws.jobs(SERVICE)[0]["stop_asked_at"] is None:
            state_of_before(parsed)

    with answered("DescribePipelines", until_it_is_told_to_stop):
        task.run()
    first, second = aws.jobs(SERVICE)
    assert first["phase"] == "stopped"
    assert second["stop_asked_at"] is None


class TestAnothersActivationOnTop:
    """AWS accepts a second activation of a pipeline that runs on demand, and shows the last one only."""

    def activate_on_top(
        self, client: Any, pipeline_id: str, **given: Any
    ) -> Callable[[dict[str, Any]], None]:
        done: list[bool] = []

        def on_top(parsed: dict[str, Any]) -> None:
            if not done:
                done.append(True)
                client.activate_pipeline(pipelineId=pipeline_id, **given)

        return on_top

    def test_after_the_answer_is_not_taken_for_the_task_s(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any
    ) -> None:
        aws.set_pace()
        pipeline_id = pipeline(on_demand(A={}))
        on_top = self.activate_on_top(client, pipeline_id)

        def later(parsed: dict[str, Any]) -> None:
            headers = parsed["ResponseMetadata"]["HTTPHeaders"]
            headers["date"] = format_datetime(aws.now() - timedelta(seconds=3), usegmt=True)
            on_top(parsed)

        task = activate(pipeline_id)
        with (
            answered("ActivatePipeline", later),
            pytest.raises(JobApiError, match="then once more by somebody else") as caught,
        ):
            task.run()
        assert isinstance(caught.value, JobOutcomeUnknownError)
        assert len(aws.jobs(SERVICE)) == 2
        # Nobody's job is known to be the task's: a kill stops nothing.
        assert task.operator is not None
        task.operator.on_kill()
        assert "DeactivatePipeline" not in aws.calls(SERVICE)

    def test_with_other_parameter_values_is_not_taken_in_the_same_second_either(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any
    ) -> None:
        aws.set_pace()
        definition = {**on_demand(A={}), "parameters": [{"id": "myDay", "type": "String"}]}
        pipeline_id = pipeline(definition)
        other = [{"id": "myDay", "stringValue": "2026-01-02"}]
        on_top = self.activate_on_top(client, pipeline_id, parameterValues=other)
        with (
            answered("ActivatePipeline", on_top),
            pytest.raises(JobApiError, match="then once more by somebody else"),
        ):
            activate(pipeline_id, parameter_values={"myDay": "2026-01-01"}).run()
        assert len(aws.jobs(SERVICE)) == 2


class TestARefusedActivation:
    """AWS may refuse a second activation of a pipeline that runs on demand."""

    REFUSAL = Fault(
        "ActivatePipeline", "error", code="InvalidRequestException", status=400, message="It is active."
    )

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_queues_where_another_was_activated_since_the_checks(
        self, aws: AwsJobs, pipeline: Callable[..., str], client: Any, deferrable: bool
    ) -> None:
        pipeline_id = pipeline(on_demand(A={}))
        aws.set_pace(reads=6)
        ours: list[bool] = []

        def race(**_: Any) -> None:
            # As our call leaves, another's is accepted; ours is refused.
            if not ours:
                ours.append(True)
                client.activate_pipeline(pipelineId=pipeline_id)
                aws.add_fault(self.REFUSAL)

        real = DataPipelineHook.get_client_type

        def watched(hook: DataPipelineHook, *args: Any, **kwargs: Any) -> Any:
            made: Any = real(hook, *args, **kwargs)
            made.meta.events.register(f"before-call.{SERVICE}.ActivatePipeline", race)
            return made

        task = activate(pipeline_id, deferrable=deferrable)
        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(DataPipelineHook, "get_client_type", watched)
            if deferrable:
                task.begin()
                assert isinstance(task.trigger(), QueueTrigger)
                aws.set_clock_skew(2.0)
                while (result := task.resume(task.fire())) is None:
                    pass
            else:
                result = task.run()
        first, second = aws.jobs(SERVICE)
        assert first["state"] == "FINISHED"
        assert f"{result['pipeline_id']}@{result['activation_time'].removesuffix('+00:00')}" == second["id"]

    def test_fails_without_a_retry_where_nobody_s_runs(
        self, aws: AwsJobs, pipeline: Callable[..., str]
    ) -> None:
        aws.add_fault(self.REFUSAL)
        with pytest.raises(JobInputError, match="It is active") as caught:
            activate(pipeline(on_demand(A={}))).run()
        assert isinstance(caught.value, AirflowFailException)
        assert not isinstance(caught.value, JobQuotaError)
        assert aws.jobs(SERVICE) == []


@needs("task_state_store")
@pytest.mark.promise("lost-answer")
def test_a_lost_answer_on_an_endless_schedule_waits_until_wait_until_and_no_longer(
    aws: AwsJobs, pipeline: Callable[..., str]
) -> None:
    pipeline_id = pipeline(on_schedule(startDateTime=stamp(-timedelta(minutes=90))))
    task = activate(
        pipeline_id,
        wait_until=NOW - timedelta(minutes=10),
        deferrable=True,
        botocore_config={"retries": {"total_max_attempts": 1}},
    )
    aws.add_fault(Fault("ActivatePipeline", "drop", when="after"))
    with pytest.raises(JobApiError):
        task.run()
    (lost,) = aws.jobs(SERVICE)
    # The schedule goes on for ever; what was scheduled before that time ends.
    for step in range(1, 40):
        aws.set_clock_skew(60.0 * step)
        if step == 1:
            task.begin()
        if task.deferred is None:
            break
        task.resume(task.fire())
    assert task.deferred is None
    assert len(aws.jobs(SERVICE)) == 1
    assert lost["stop_asked_at"] is None
    assert "DeactivatePipeline" not in aws.calls(SERVICE)


def test_lineage_tells_the_values_that_the_activation_ran_with(
    aws: AwsJobs, pipeline: Callable[..., str]
) -> None:
    """The DAG was changed while the task was deferred."""
    node = {"id": "In", "type": "S3DataNode", "directoryPath": "s3://orders/#{myDay}/"}
    definition = on_demand(A={"input": {"ref": "In"}})
    definition = {
        "objects": [*definition["objects"], node],
        "parameters": [{"id": "myDay", "type": "String"}],
    }
    pipeline_id = pipeline(definition)
    task = activate(pipeline_id, parameter_values={"myDay": "1"})
    task.run()
    edited = DataPipelineActivatePipelineOperator(
        task_id="activate", pipeline_id=pipeline_id, parameter_values={"myDay": "2"}, **AWS
    )
    (source,) = edited.lineage(edited.hook.describe_job(aws.jobs(SERVICE)[0]["id"])).inputs
    assert source.name == "1"
