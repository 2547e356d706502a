# SPDX-License-Identifier: Apache-2.0

"""The stop of an ended task's job: kept at until AWS has taken it, or it is not wanted any longer."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import job_targets
import pytest
from airflow.providers.common.compat.sdk import TaskInstanceState
from airflow_features import needs
from job_cases import CASES, STOPPABLE, JobCase, client
from watch.waits import PATIENCE, restored, run, spec_of, start_jobs

from airflow_provider_jobs._watch import stopping
from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers import job as job_module
from airflow_provider_jobs.triggers.job import JobTrigger

pytestmark = needs("trigger_on_kill")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses worth speaking of."""
    monkeypatch.setattr(stopping, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(stopping, "_LONGEST_PAUSE", 0.02)
    monkeypatch.setattr(job_module, "_ASK_AGAIN", 0.01)
    monkeypatch.setattr("airflow_provider_jobs._data_pipeline.stopper._WAIT", 0.0)


class Airflow:
    """What Airflow answers when it is asked for the task's state.

    :ivar answers: in turn; the last one stays. An exception is raised.
    :ivar asked: how often it was asked.
    """

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.asked = 0
        #: What happens before the answer.
        self.before: Callable[[], None] = lambda: None

    def states(self, **query: Any) -> dict[str, Any]:
        self.asked += 1
        self.before()
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, dict):
            return answer
        return {query["run_ids"][0]: {query["task_ids"][0]: answer}}


@pytest.fixture
def airflow(monkeypatch: pytest.MonkeyPatch) -> Airflow:
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

    asked = Airflow()
    monkeypatch.setattr(RuntimeTaskInstance, "get_task_states", staticmethod(asked.states))
    return asked


def kill(spec: HookSpec, job_id: str, map_index: int = -1, **arguments: Any) -> None:
    """Let Airflow end the trigger of a task that somebody ended."""
    trigger = restored(
        JobTrigger(hook_class=spec.hook_class, hook_parameters=spec.parameters, job_id=job_id, **arguments)
    )
    ti: Any = SimpleNamespace(dag_id="orders", run_id="run", task_id="replay", map_index=map_index)
    trigger.task_instance = ti

    async def test() -> None:
        async with asyncio.timeout(PATIENCE):
            await trigger.on_kill()

    run(test)


def stops(aws: AwsJobs, case: JobCase) -> int:
    return aws.calls(case.service).get(str(case.stop_operation), 0)


REPEATED: dict[str, dict[str, Any]] = {
    "concurrent": {"kind": "error", "code": "ConcurrentModificationException"},
    "drop": {"kind": "drop"},
    "hang": {"kind": "hang", "seconds": 1},
    "expired-token": {"kind": "expired-token"},
    "throttle": {"kind": "throttle"},
    "error-500": {"kind": "error"},
    "html-403": {"kind": "garbage", "status": 403, "body": "<html>Blocked</html>"},
    "unknown-key": {"kind": "error", "code": "InvalidClientTokenId", "status": 403},
}


@pytest.mark.promise("marked")
@pytest.mark.parametrize("case", STOPPABLE)
def test_a_stop_is_repeated_until_aws_takes_it(aws: AwsJobs, case: JobCase, airflow: Airflow) -> None:
    """After each of these failures in turn; with each repetition Airflow is asked again."""
    (job,) = start_jobs(case.service, 1)
    airflow.answers = [TaskInstanceState.FAILED]
    for fault in REPEATED.values():
        aws.add_fault(Fault(str(case.stop_operation), **fault))
    kill(spec_of(case.hook_class), job)
    assert stops(aws, case) == len(REPEATED) + 1
    assert airflow.asked == len(REPEATED) + 1
    assert {each["phase"] for each in aws.jobs(case.service)} <= {"stopping", "stopped"}


@pytest.mark.parametrize("case", STOPPABLE)
def test_a_stop_that_is_denied_is_given_up_after_six(
    aws: AwsJobs, case: JobCase, airflow: Airflow, logged: Callable[[], str]
) -> None:
    (job,) = start_jobs(case.service, 1)
    airflow.answers = [TaskInstanceState.FAILED]
    aws.add_fault(Fault(str(case.stop_operation), "access-denied", count=1_000))
    kill(spec_of(case.hook_class), job)
    assert stops(aws, case) == 6
    assert "could not be stopped and may go on" in logged()


def test_denials_that_are_not_in_a_row_do_not_count(aws: AwsJobs, airflow: Airflow) -> None:
    (job,) = start_jobs("events", 1)
    airflow.answers = [TaskInstanceState.FAILED]
    for kind in ("access-denied", "access-denied", "drop", "access-denied", "access-denied"):
        aws.add_fault(Fault("CancelReplay", kind))
    kill(spec_of(CASES[0].hook_class), job)
    assert aws.calls("events")["CancelReplay"] == 6
    assert aws.jobs("events")[0]["phase"] == "stopping"


@pytest.mark.parametrize(
    ("answer", "stopped"),
    [
        # The DAG was deleted, or its run: Airflow knows no such task.
        ({}, True),
        ({"run": {}}, True),
        ({"another run": {"replay": TaskInstanceState.RUNNING}}, True),
        (None, True),
        (TaskInstanceState.REMOVED, True),
        (TaskInstanceState.SUCCESS, True),
        (TaskInstanceState.FAILED, True),
        (TaskInstanceState.SKIPPED, True),
        (TaskInstanceState.UP_FOR_RETRY, True),
        (TaskInstanceState.SCHEDULED, True),
        # A try of the task decides about the job.
        (TaskInstanceState.RUNNING, False),
        (TaskInstanceState.DEFERRED, False),
    ],
)
def test_whether_a_job_is_stopped_follows_from_its_tasks_state(
    aws: AwsJobs, airflow: Airflow, answer: Any, stopped: bool
) -> None:
    (job,) = start_jobs("events", 1)
    airflow.answers = [answer]
    kill(spec_of(CASES[0].hook_class), job)
    assert aws.calls("events").get("CancelReplay", 0) == int(stopped)


def test_a_mapped_task_is_asked_for_by_its_own_name(aws: AwsJobs, airflow: Airflow) -> None:
    (job,) = start_jobs("events", 1)
    airflow.answers = [{"run": {"replay_3": TaskInstanceState.DEFERRED, "replay": TaskInstanceState.FAILED}}]
    kill(spec_of(CASES[0].hook_class), job, map_index=3)
    assert "CancelReplay" not in aws.calls("events")


def test_a_state_that_cannot_be_read_at_first_is_asked_for_again(aws: AwsJobs, airflow: Airflow) -> None:
    (job,) = start_jobs("events", 1)
    airflow.answers = [LookupError("no answer")] * 4 + [TaskInstanceState.FAILED]
    kill(spec_of(CASES[0].hook_class), job)
    assert airflow.asked == 5
    assert aws.calls("events")["CancelReplay"] == 1


def test_a_state_that_cannot_be_read_at_all_leaves_the_job(
    aws: AwsJobs, airflow: Airflow, logged: Callable[[], str]
) -> None:
    (job,) = start_jobs("events", 1)
    airflow.answers = [LookupError("no answer")]
    kill(spec_of(CASES[0].hook_class), job)
    assert "CancelReplay" not in aws.calls("events")
    assert "the task's state could not be read (no answer)" in logged()


@pytest.mark.parametrize("state", [TaskInstanceState.RUNNING, TaskInstanceState.DEFERRED])
def test_a_stop_is_not_repeated_once_a_new_try_is_at_work(
    aws: AwsJobs, airflow: Airflow, state: str, logged: Callable[[], str]
) -> None:
    (job,) = start_jobs("events", 1)
    airflow.answers = [None, None, state]
    aws.add_fault(Fault("CancelReplay", "throttle", count=1_000))
    kill(spec_of(CASES[0].hook_class), job)
    assert aws.calls("events")["CancelReplay"] == 2
    assert "the task goes on, and its new try decides" in logged()


def test_a_repeated_stop_goes_on_while_the_state_cannot_be_read(aws: AwsJobs, airflow: Airflow) -> None:
    (job,) = start_jobs("events", 1)
    airflow.answers = [TaskInstanceState.FAILED, LookupError("no answer")]
    aws.add_fault(Fault("CancelReplay", "throttle", count=3))
    kill(spec_of(CASES[0].hook_class), job)
    assert aws.calls("events")["CancelReplay"] == 4


def test_a_newer_activation_is_never_deactivated(aws: AwsJobs, airflow: Airflow) -> None:
    """Not by the first stop, and not by one that is repeated while somebody activates the pipeline again."""
    case = next(case for case in CASES if case.service == "datapipeline")
    (job,) = start_jobs("datapipeline", 1)
    pipeline_id = job.partition("@")[0]
    began = aws.now()
    activated: list[Any] = []
    aws.add_fault(Fault("DeactivatePipeline", "drop"))

    def again() -> None:
        """Somebody activates the pipeline again, between the stop that got lost and the next."""
        if airflow.asked != 2:
            return
        while (aws.now() - began).total_seconds() < case.shortest:
            time.sleep(0.05)
        client("datapipeline").deactivate_pipeline(pipelineId=pipeline_id)
        aws.advance(aws.jobs("datapipeline")[0]["id"])
        client("datapipeline").activate_pipeline(pipelineId=pipeline_id)
        activated.append(aws.calls("datapipeline")["DeactivatePipeline"])

    airflow.answers, airflow.before = [{}], again
    kill(spec_of(case.hook_class), job)
    assert activated == [aws.calls("datapipeline")["DeactivatePipeline"]]
    _, new = aws.jobs("datapipeline")
    assert new["phase"] in ("starting", "running")
    kill(spec_of(case.hook_class), job)
    assert activated == [aws.calls("datapipeline")["DeactivatePipeline"]]


@pytest.mark.parametrize("case", STOPPABLE)
def test_a_job_that_has_ended_or_is_gone_is_nothing_to_stop(
    aws: AwsJobs, case: JobCase, airflow: Airflow, logged: Callable[[], str]
) -> None:
    (job,) = start_jobs(case.service, 1)
    airflow.answers = [TaskInstanceState.FAILED]
    aws.advance(aws.jobs(case.service)[0]["id"])
    kill(spec_of(case.hook_class), job)
    assert "had ended already" in logged()
    gone = {
        "events": "gone",
        "iotanalytics": "gone/7",
        "datapipeline": "df-GONE@2026-01-01T00:00:00",
        "eventbridgev2": "gone",
        "logs": "00000000-0000-4000-8000-000000000000",
        "sqs": f"{job_targets.DEAD_ARN.format('gone')}@1767225600000",
    }
    kill(spec_of(case.hook_class), gone[case.service])
    assert "had ended already" in logged()


def test_with_cancel_on_kill_off_nothing_is_asked(aws: AwsJobs, airflow: Airflow) -> None:
    (job,) = start_jobs("events", 1)
    airflow.answers = [TaskInstanceState.FAILED]
    kill(spec_of(CASES[0].hook_class), job, cancel_on_kill=False)
    assert airflow.asked == 0
    assert "CancelReplay" not in aws.calls("events")
