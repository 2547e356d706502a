# SPDX-License-Identifier: Apache-2.0

"""What is particular to redrives of SQS; what they share with all job types is in ``tests/jobs``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import job_targets
import pytest
from airflow_features import needs
from job_cases import AWS, client
from one_task import OneTask

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobFailedError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
    JobUnavailableError,
)
from airflow_provider_jobs.hooks.sqs import SqsRedriveHook
from airflow_provider_jobs.operators.sqs import SqsCancelMessageMoveTaskOperator
from airflow_provider_jobs.sensors.sqs import SqsMessageMoveTaskSensor
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.queue import QueueTrigger

MakeTask = Callable[..., OneTask]
Texts = Callable[[str], list[str]]
DEAD = job_targets.DEAD_ARN.format("orders")
OTHER = "arn:aws:sqs:us-east-1:123456789012:other"


def test_the_dead_letters_go_back_to_their_queue(
    aws: AwsJobs, make_task: MakeTask, texts: Texts, logged: Callable[[], str]
) -> None:
    result = make_task().run()
    assert texts("orders") == [f"order {number}" for number in range(4)]
    assert texts("orders-dead") == []
    assert result == {
        "source_arn": DEAD,
        "since": datetime.fromisoformat(result["started_at"]).isoformat(timespec="milliseconds"),
        "destination_arn": None,
        "state": "COMPLETED",
        "started_at": result["started_at"],
        "messages_moved": 4,
        "messages_to_move": 4,
    }
    assert "COMPLETED, 100%, 4 of 4 messages moved" in logged()


def test_they_go_to_another_queue_no_faster_than_is_asked(
    aws: AwsJobs, make_task: MakeTask, texts: Texts
) -> None:
    client("sqs").create_queue(QueueName="other")
    result = make_task(destination_arn=OTHER, max_messages_per_second="20").run()
    assert (result["destination_arn"], len(texts("other"))) == (OTHER, 4)
    (row,) = SqsRedriveHook(**AWS).list_redrives(DEAD)
    assert row["MaxNumberOfMessagesPerSecond"] == 20


def test_a_message_of_no_queue_fails_the_task_with_aws_s_reason(aws: AwsJobs, make_task: MakeTask) -> None:
    url = client("sqs").get_queue_url(QueueName="orders-dead")["QueueUrl"]
    client("sqs").send_message(QueueUrl=url, MessageBody="sent directly")
    with pytest.raises(JobFailedError, match="ended FAILED: CouldNotDetermineMessageSource"):
        make_task().run()


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
    assert aws.calls("sqs")["StartMessageMoveTask"] == 2
    assert aws.max_active("sqs") == 1


def test_a_retry_after_a_lost_call_starts_it(aws: AwsJobs, make_task: MakeTask) -> None:
    task = make_task()
    aws.add_fault(Fault("StartMessageMoveTask", "drop"))
    with pytest.raises(JobApiError):
        task.run()
    assert task.run()["messages_moved"] == 4
    assert len(aws.jobs("sqs")) == 1


def test_a_queue_with_a_redrive_makes_the_task_wait_in_line(
    aws: AwsJobs, hook: SqsRedriveHook, make_task: MakeTask, logged: Callable[[], str]
) -> None:
    aws.set_pace("sqs", reads=6)
    hook.start_redrive(DEAD)
    assert make_task().run()["messages_moved"] == 0
    assert aws.calls("sqs")["StartMessageMoveTask"] == 2
    assert f"A redrive of {DEAD} is RUNNING. The task waits in the queue." in logged()


def test_aws_own_refusal_of_a_second_redrive_is_a_wait_too(
    aws: AwsJobs, hook: SqsRedriveHook, make_task: MakeTask
) -> None:
    """Two tasks may look before either has started: the list is late."""
    aws.set_pace()
    aws.set_lag("sqs", "lists", reads=100)
    hook.start_redrive(DEAD)
    task = make_task(deferrable=True)
    task.begin()
    assert isinstance(task.trigger(), QueueTrigger)
    assert aws.calls("sqs")["StartMessageMoveTask"] == 2


def test_a_full_account_is_a_wait_too(aws: AwsJobs, hook: SqsRedriveHook) -> None:
    aws.set_quota("sqs", 1)
    hook.start_redrive(DEAD)
    with pytest.raises(JobQuotaError, match="AWS runs 100 redrives in an account at once"):
        hook.start_redrive(job_targets.dead_letters(client, "other"))


def test_only_the_queues_that_are_waited_for_are_counted(aws: AwsJobs, hook: SqsRedriveHook) -> None:
    aws.set_pace()
    other = job_targets.dead_letters(client, "other")
    for queue in (DEAD, other):
        hook.start_redrive(queue)
    assert set(hook.active_jobs([DEAD]).values()) == {DEAD}
    assert set(hook.active_jobs([DEAD, other, f"{DEAD}-gone"]).values()) == {DEAD, other}


def test_a_redrive_that_the_list_does_not_show_yet_is_told_by_the_time_of_its_start(
    aws: AwsJobs, make_task: MakeTask
) -> None:
    """An earlier one, long ago, is not taken for it."""
    aws.set_clock_skew(-60)
    make_task().run()
    aws.set_clock_skew(0)
    aws.set_lag("sqs", "lists", seconds=0.5)
    task = make_task()
    task.run_id = "another"
    result = task.run()
    assert [job["id"].partition("@")[2] for job in aws.jobs("sqs")][1:] == [
        str(round(datetime.fromisoformat(result["since"]).timestamp() * 1000))
    ]


def test_a_redrive_is_stopped_by_its_start_s_handle_while_no_list_shows_it(
    aws: AwsJobs, make_task: MakeTask
) -> None:
    aws.set_pace()
    aws.set_lag("sqs", "lists", reads=100)
    task = make_task(wait_for_completion=False)
    task.run()
    assert task.operator is not None
    task.operator.on_kill()
    assert aws.jobs("sqs")[0]["state"] == "CANCELLING"


def test_without_that_handle_the_stop_has_to_be_repeated(aws: AwsJobs, hook: SqsRedriveHook) -> None:
    aws.set_pace()
    began = int(aws.now().timestamp() * 1000)
    aws.set_lag("sqs", "lists", reads=2)
    hook.start_redrive(DEAD)
    with pytest.raises(JobUnavailableError, match="cannot be cancelled yet"):
        hook.stop_job(f"{DEAD}@{began}")
    with pytest.raises(JobUnavailableError, match="cannot be cancelled yet"):
        hook.stop_job(f"{DEAD}@{began}")
    assert hook.stop_job(f"{DEAD}@{began}") is True
    # It is being stopped already.
    aws.set_lag()
    assert hook.stop_job(f"{DEAD}@{began}") is True


def test_to_stop_one_that_has_ended_or_is_long_gone_is_no_error(aws: AwsJobs, hook: SqsRedriveHook) -> None:
    hook.start_redrive(DEAD)
    (job,) = aws.jobs("sqs")
    aws.advance(job["id"])
    assert hook.stop_job(job["id"]) is False
    assert hook.stop_job(f"{DEAD}@{int((aws.now() - timedelta(days=9)).timestamp() * 1000)}") is False
    assert hook.stop_job(f"{DEAD}-gone@1767225600000") is False


def test_one_that_ends_as_it_is_cancelled_is_no_error(
    aws: AwsJobs, hook: SqsRedriveHook, monkeypatch: pytest.MonkeyPatch
) -> None:
    aws.set_pace()
    hook.start_redrive(DEAD)
    (job,) = aws.jobs("sqs")
    conn = hook.conn
    conn.meta.events.register(
        "before-call.sqs.CancelMessageMoveTask", lambda **_: aws.advance(job["id"]) if conn else None
    )
    assert hook.stop_job(job["id"]) is False
    assert hook.describe_job(job["id"]).service_state == "COMPLETED"


def test_one_that_aws_no_longer_shows_is_not_taken_for_another(aws: AwsJobs, hook: SqsRedriveHook) -> None:
    aws.set_pace(seconds=0)
    for _ in range(11):
        hook.start_redrive(DEAD)
    gone, oldest, *_, newest = (job["id"] for job in aws.jobs("sqs"))
    since = int(newest.partition("@")[2]) + 1
    looks = hook.describe_jobs([oldest, newest, gone, f"{DEAD}@{since}"])
    found = [isinstance(look, JobNotFoundError) for look in looks.values()]
    assert found == [False, False, True, True]


def test_the_queue_alone_is_its_newest_redrive(aws: AwsJobs, hook: SqsRedriveHook) -> None:
    with pytest.raises(JobNotFoundError, match="has had no redrive that AWS shows"):
        hook.describe_job(DEAD)
    aws.set_pace(seconds=0)
    for _ in range(2):
        hook.start_redrive(DEAD)
    assert hook.describe_job(DEAD).job_id == aws.jobs("sqs")[1]["id"]


@pytest.mark.parametrize("deferrable", [False, True])
def test_a_sensor_and_a_cancel_find_the_redrive_that_somebody_started(
    aws: AwsJobs, hook: SqsRedriveHook, deferrable: bool
) -> None:
    aws.set_pace(reads=9)
    hook.start_redrive(DEAD)
    given: dict[str, Any] = {"source_arn": DEAD, "deferrable": deferrable, **AWS}
    cancel = OneTask(lambda: SqsCancelMessageMoveTaskOperator(task_id="stop", poll_interval=0.02, **given))
    assert cancel.run()["state"] == "CANCELLED"
    hook.start_redrive(DEAD)
    wait = OneTask(lambda: SqsMessageMoveTaskSensor(task_id="wait", poke_interval=0.02, **given))
    assert (wait.run()["state"], wait.run()["messages_moved"]) == ("COMPLETED", 4)


def test_an_answer_without_a_list_is_none_where_there_must_be_one(aws: AwsJobs, hook: SqsRedriveHook) -> None:
    aws.add_fault(Fault("ListMessageMoveTasks", "omit", member="Results", count=2))
    assert hook.list_redrives(DEAD) == []
    with pytest.raises(JobApiError, match="it has no Results"):
        hook.list_redrives(DEAD, known=True)
    # Not AWS's: it has no id.
    aws.add_fault(Fault("ListMessageMoveTasks", "garbage", body="{}"))
    with pytest.raises(JobApiError, match="it has no Results"):
        hook.list_redrives(DEAD)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"source_arn": "orders-dead"}, "source_arn='orders-dead' must be a queue's ARN"),
        ({"destination_arn": "orders"}, "destination_arn='orders' must be a queue's ARN"),
        ({"destination_arn": f"{OTHER}.fifo"}, "is not of the same type as source_arn"),
        (
            {"max_messages_per_second": 501},
            "max_messages_per_second=501 must be a whole number from 1 to 500",
        ),
        ({"max_messages_per_second": "0"}, "must be a whole number from 1 to 500"),
        ({"max_messages_per_second": "fast"}, "must be a whole number from 1 to 500"),
    ],
)
def test_bad_input_fails_before_any_call(
    aws: AwsJobs, make_task: MakeTask, given: dict[str, Any], message: str
) -> None:
    before = aws.calls("sqs")
    with pytest.raises(JobInputError, match=message):
        make_task(**given).run()
    assert aws.calls("sqs") == before


def test_a_queue_that_is_no_dead_letter_queue_is_explained(make_task: MakeTask) -> None:
    with pytest.raises(JobInputError, match="must be the dead-letter queue of another SQS queue"):
        make_task(source_arn=DEAD.removesuffix("-dead")).run()


def test_a_redrive_s_id_is_refused_where_it_is_none(hook: SqsRedriveHook) -> None:
    with pytest.raises(JobInputError, match="is neither a queue's ARN"):
        hook.describe_job("orders@1")
