# SPDX-License-Identifier: Apache-2.0

"""Workers that die, answers that get lost and jobs that fail: every job type at once, in both ways."""

from __future__ import annotations

from typing import Any

import pytest

from airflow_provider_jobs.testing import Fault
from airflow_provider_jobs.testing.server import AwsJobsServer

from .every_job import UNHARMED, Outcome, Start, expect
from .gateway import Gateway
from .job_types import TASKS, TYPES

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

#: One job, taken to its end in the second try.
RETRIED = UNHARMED._replace(tries=2)


def found_again(repeatable: bool) -> Outcome:
    """What comes of a task whose start had no answer.

    Where AWS tells by neither name nor token whose job it is, its end is waited for, then there is one more.
    """
    return RETRIED if repeatable else Outcome(("succeeded", "succeeded"), 1, "success", 2, 1)


@pytest.mark.promise("worker-killed-before-start")
def test_killed_before_the_start_call(every_job: Start, gateway: Gateway) -> None:
    gateway.hold()
    run = every_job()
    run.airflow.wait_for(lambda: gateway.held >= len(TASKS), timeout=180, what="the first calls")
    run.kill_workers(len(TASKS))
    gateway.drop()
    gateway.open()
    run.until_waiting(tries=2)
    run.finish()
    assert run.outcomes() == expect(all=RETRIED)


@pytest.mark.promise("worker-killed-during-start")
def test_killed_before_the_answer_came(every_job: Start, aws: AwsJobsServer) -> None:
    for each in TYPES:
        aws.add_fault(Fault(each.case.start_operation, "slow", each.name, when="after", count=2, seconds=60))
    run = every_job()
    run.until(lambda seen: len(seen.jobs) == 1, "every job")
    run.kill_workers(len(TASKS))
    run.until_waiting(tries=2)
    run.finish()
    assert run.outcomes() == {task: found_again(each.case.repeatable) for task, each in TASKS.items()}


@pytest.mark.promise("worker-killed-while-waiting")
def test_killed_while_waiting(every_job: Start) -> None:
    run = every_job()
    run.until_waiting()
    run.kill_workers(len(TYPES))
    run.until_retried()
    run.finish()
    assert run.outcomes() == expect(on_worker=RETRIED, deferred=UNHARMED)


@pytest.mark.promise("marked")
def test_terminated_while_waiting(every_job: Start) -> None:
    """A worker that is shut down takes its jobs along, and the retries start anew."""
    run = every_job()
    run.until_waiting()
    run.terminate_workers(len(TYPES))
    run.until_retried()
    run.finish()
    anew = Outcome(("cancelled", "succeeded"), 1, "success", 2, 1)
    assert run.outcomes() == expect(
        on_worker=anew,
        deferred=UNHARMED,
        # What AWS cannot stop is taken up.
        lookoutequipment_on_worker=RETRIED,
        # AWS does not say that it is being cancelled: the second try waits for it, and fails with it.
        iotanalytics_on_worker=anew._replace(tries=3),
    )


@pytest.mark.promise("lost-answer")
@pytest.mark.parametrize(("kind", "when"), [("error", "before"), ("drop", "after")])
def test_a_start_call_without_an_answer(every_job: Start, aws: AwsJobsServer, kind: Any, when: Any) -> None:
    """Where AWS knows a call for the same again, botocore repeats it; else the retry waits and starts one."""
    for each in TYPES:
        aws.add_fault(Fault(each.case.start_operation, kind, each.name, when=when, count=2))
    run = every_job()
    run.until(lambda seen: seen.waits, "every task to wait")
    run.finish()
    lost = found_again(repeatable=when == "before")
    assert run.outcomes() == {
        task: UNHARMED if each.case.repeatable else lost for task, each in TASKS.items()
    }


@pytest.mark.promise("failed-job")
def test_jobs_that_fail(every_job: Start, aws: AwsJobsServer) -> None:
    for each in TYPES:
        aws.fail_next(each.name, "The disk is full", count=2)
    run = every_job()
    run.until_waiting()
    run.finish()
    assert run.outcomes() == expect(all=Outcome(("failed", "succeeded"), 1, "success", 2, 1))
    assert run.without(lambda each: each.case.reason("The disk is full"), try_number=1) == []
    assert run.without(lambda each: "A retry starts a new one.", try_number=1) == []


@pytest.mark.promise("job-timeout")
def test_deadlines(every_job: Start) -> None:
    run = every_job("every_job_hurried")
    run.until(lambda seen: seen.state == "failed", "every task to fail")
    outcomes = {
        task: Outcome(("cancelled" if each.case.stop_operation else "succeeded",), 1, "failed", 1, None)
        for task, each in TASKS.items()
    }
    run.until_stopped()
    run.finish("failed")
    assert run.outcomes() == outcomes
    assert run.without(lambda each: "job_timeout is 0:00:10; it ") == []


@pytest.mark.promise("bad-input")
def test_bad_input(every_job: Start, aws: AwsJobsServer) -> None:
    before = [aws.calls(each.name) for each in TYPES]
    run = every_job(**{task: each.impossible for task, each in TASKS.items()})
    run.finish("failed")
    assert run.outcomes() == expect(all=Outcome((), 0, "failed", 1, None))
    assert run.without(lambda each: f"{each.impossible!r} ") == []
    assert [aws.calls(each.name) for each in TYPES] == before
