# SPDX-License-Identifier: Apache-2.0

"""The job type of the documentation's walk-through keeps the promises that the package's own keep."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import sqs_redrive
from airflow_features import needs
from one_task import OneTask
from sqs_redrive.hook import SqsRedriveHook
from sqs_redrive.sensors import SqsMessageMoveTaskSensor
from walkthrough.conftest import AWS, Queues, filled

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobEndedError,
    JobFailedError,
    JobInputError,
    JobNotFoundError,
    JobTimeoutError,
)
from airflow_provider_jobs.testing import AwsJobs, AwsJobsServer, Fault
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]


def starts(aws: AwsJobs) -> int:
    return aws.calls("sqs").get("StartMessageMoveTask", 0)


# [start: test]
def test_it_moves_the_dead_letters_back(aws: AwsJobs, queues: Queues, make_task: MakeTask) -> None:
    result = make_task().run()
    assert (result["state"], result["messages_moved"]) == ("COMPLETED", 5)
    assert queues.texts(queues.dead_url) == []
    assert queues.texts(queues.url) == [f"order {number}" for number in range(5)]


@needs("task_state_store")
def test_a_retry_after_a_lost_answer_waits_for_what_it_may_have_started(
    aws: AwsJobs, make_task: MakeTask
) -> None:
    task = make_task()
    aws.add_fault(Fault("StartMessageMoveTask", "drop", when="after"))
    with pytest.raises(JobApiError, match="StartMessageMoveTask"):
        task.run()
    # It may be somebody else's: SQS does not tell.
    assert task.run()["messages_moved"] == 0
    assert starts(aws) == 2
    assert aws.max_active("sqs") == 1


# [end: test]


def test_a_retry_after_a_lost_call_starts_it(aws: AwsJobs, make_task: MakeTask) -> None:
    task = make_task()
    aws.add_fault(Fault("StartMessageMoveTask", "drop"))
    with pytest.raises(JobApiError):
        task.run()
    assert task.run()["messages_moved"] == 5
    assert len(aws.jobs("sqs")) == 1


def test_a_clear_starts_one_more(aws: AwsJobs, make_task: MakeTask) -> None:
    task = make_task()
    first = task.run()
    task.clear()
    second = task.run()
    assert second["messages_moved"] == 0
    assert second["after"] > first["after"]
    assert len(aws.jobs("sqs")) == 2


def test_a_failure_says_why_and_a_retry_starts_the_next(aws: AwsJobs, make_task: MakeTask) -> None:
    aws.fail_next("sqs", "AWS.SimpleQueueService.NonExistentQueue")
    task = make_task()
    with pytest.raises(JobFailedError, match=r"ended FAILED: AWS\.SimpleQueueService\.NonExistentQueue"):
        task.run()
    assert task.run()["state"] == "COMPLETED"


def test_a_queue_with_a_redrive_makes_the_task_wait_in_line(
    aws: AwsJobs, queues: Queues, make_task: MakeTask, logged: Callable[[], str]
) -> None:
    aws.set_pace("sqs", reads=4)
    hook = SqsRedriveHook(**AWS)
    hook.start_redrive(queues.dead_arn)
    result = make_task().run()
    assert result["messages_moved"] == 0
    assert starts(aws) == 2
    assert f"A redrive of {queues.dead_arn} is RUNNING. The task waits in the queue." in logged()


def test_only_the_queues_that_are_waited_for_are_counted(
    aws: AwsJobs, make_queues: Callable[[str], Queues]
) -> None:
    hook = SqsRedriveHook(**AWS)
    aws.set_pace()
    first, second = make_queues("first"), make_queues("second")
    hook.start_redrive(first.dead_arn)
    hook.start_redrive(second.dead_arn)
    assert set(hook.active_jobs([first.dead_arn]).values()) == {first.dead_arn}
    assert set(hook.active_jobs([first.dead_arn, second.dead_arn]).values()) == {
        first.dead_arn,
        second.dead_arn,
    }


def test_aws_own_refusal_of_a_second_redrive_is_a_wait_too(
    aws: AwsJobs, queues: Queues, make_task: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two tasks may look before either has started."""
    aws.set_pace()
    monkeypatch.setattr(SqsRedriveHook, "prepare_start", lambda _, __: None)
    SqsRedriveHook(**AWS).start_redrive(queues.dead_arn)
    task = make_task(deferrable=True)
    task.begin()
    assert isinstance(task.trigger(), QueueTrigger)


def test_a_job_timeout_cancels_it(aws: AwsJobs, queues: Queues, make_task: MakeTask) -> None:
    aws.set_pace()
    with pytest.raises(JobTimeoutError, match="it is being stopped"):
        make_task(job_timeout=timedelta(milliseconds=1)).run()
    assert aws.jobs("sqs")[0]["state"] == "CANCELLING"
    assert len(queues.texts(queues.dead_url)) == 5


def test_to_stop_one_that_has_ended_is_no_error(aws: AwsJobs, queues: Queues) -> None:
    hook = SqsRedriveHook(**AWS)
    hook.start_redrive(queues.dead_arn)
    job_id = f"{queues.dead_arn}@0"
    aws.advance(aws.jobs("sqs")[0]["id"])
    assert hook.stop_job(job_id) is False
    assert hook.describe_job(job_id).service_state == "COMPLETED"


def test_the_progress_is_told(aws: AwsJobs, queues: Queues) -> None:
    aws.set_pace()
    hook = SqsRedriveHook(**AWS)
    hook.start_redrive(queues.dead_arn, max_per_second=1)
    aws.advance(aws.jobs("sqs")[0]["id"], to=0.6)
    job = hook.describe_job(f"{queues.dead_arn}@0")
    assert (job.progress, job.note) == (0.6, "3 of 5 messages moved")


def test_one_that_aws_no_longer_shows_is_not_taken_for_another(aws: AwsJobs, queues: Queues) -> None:
    aws.set_pace(seconds=0)
    hook = SqsRedriveHook(**AWS)
    for _ in range(10):
        hook.start_redrive(queues.dead_arn)
    newest, *_, oldest = (row["StartedTimestamp"] for row in hook.list_redrives(queues.dead_arn))
    looks = hook.describe_jobs([f"{queues.dead_arn}@{since}" for since in (oldest, oldest - 1, newest)])
    assert [isinstance(look, JobNotFoundError) for look in looks.values()] == [False, True, True]


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"source_arn": "orders-dead"}, "source_arn='orders-dead' is not a queue's ARN"),
        ({"destination_arn": "orders"}, "destination_arn='orders' is not a queue's ARN"),
        ({"max_per_second": 501}, "max_per_second=501 must be 1 to 500"),
    ],
)
def test_bad_input_fails_before_any_call(
    aws: AwsJobs, make_task: MakeTask, given: dict[str, Any], message: str
) -> None:
    before = aws.calls("sqs")
    with pytest.raises(JobInputError, match=message):
        make_task(**given).run()
    assert aws.calls("sqs") == before


def test_a_queue_that_is_no_dead_letter_queue_is_explained(queues: Queues, make_task: MakeTask) -> None:
    with pytest.raises(JobInputError, match=r"must be the dead-letter queue, not the queue"):
        make_task(source_arn=queues.dead_arn.removesuffix("-dead")).run()


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize("after", [None, 0])
def test_the_sensor_waits_for_it(queues: Queues, deferrable: bool, after: int | None) -> None:
    SqsRedriveHook(**AWS).start_redrive(queues.dead_arn)
    task = OneTask(
        lambda: SqsMessageMoveTaskSensor(
            task_id="wait",
            source_arn=queues.dead_arn,
            after=after,
            deferrable=deferrable,
            poke_interval=0.02,
            **AWS,
        )
    )
    assert task.run()["messages_moved"] == 5


def test_the_sensor_fails_with_it(aws: AwsJobs, queues: Queues) -> None:
    aws.fail_next("sqs", "no")
    SqsRedriveHook(**AWS).start_redrive(queues.dead_arn)
    sensor = SqsMessageMoveTaskSensor(task_id="wait", source_arn=queues.dead_arn, poke_interval=0.02, **AWS)
    with pytest.raises(JobEndedError, match="ended FAILED: no"):
        OneTask(lambda: sensor).run()


def test_the_server_has_it_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that a real Airflow can be tested with it."""
    monkeypatch.setenv("PYTHONPATH", str(Path(sqs_redrive.__file__).parents[1]))
    with AwsJobsServer(seconds=0, backends=["sqs_redrive.mocked:BACKEND"]) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        queues = filled("orders")
        SqsRedriveHook(**AWS).start_redrive(queues.dead_arn)
        assert server.jobs("sqs")[0]["state"] == "COMPLETED"
        assert len(queues.texts(queues.url)) == 5


@needs("task_sdk")
def test_the_example_dag_stands() -> None:
    example = importlib.import_module("redrive_orders")
    (task,) = example.dag.tasks
    assert (task.task_id, task.aws_hook_class) == ("redrive", SqsRedriveHook)
    assert task.deferrable
