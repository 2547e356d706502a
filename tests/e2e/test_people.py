# SPDX-License-Identifier: Apache-2.0

"""What a person does to tasks in the UI: marks and clears, for every job type at once, in both ways."""

from __future__ import annotations

import re

import pytest

from airflow_provider_jobs.testing.server import AwsJobsServer

from .every_job import Outcome, Start, expect
from .job_types import TASKS, TYPES

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]


@pytest.mark.promise("marked")
@pytest.mark.parametrize("state", ["failed", "success"])
def test_marked(every_job: Start, state: str) -> None:
    run = every_job()
    run.until_waiting()
    run.mark(state)
    run.until_stopped()
    run.finish(state)
    assert run.outcomes() == {
        # What AWS cannot stop goes on to its end.
        task: Outcome(("cancelled" if each.case.stop_operation else "succeeded",), 1, state, 1, None)
        for task, each in TASKS.items()
    }


@pytest.mark.promise("cancel-on-kill-off")
def test_marked_but_told_to_leave_the_job(every_job: Start) -> None:
    run = every_job("every_job_left")
    run.until_waiting()
    run.mark("failed")
    run.until(
        lambda seen: seen.was_told(rf"cancel_on_kill is off: .*{re.escape(seen.jobs[0]['id'])} goes on"),
        "every task to be told",
    )
    assert [task for task, seen in run.see().items() if seen.words != ["running"]] == []
    run.finish("failed")
    assert run.outcomes() == expect(all=Outcome(("succeeded",), 1, "failed", 1, None))


@pytest.mark.promise("cleared")
def test_cleared_while_waiting(every_job: Start) -> None:
    run = every_job()
    run.until_waiting()
    # Of tasks that are cleared as they run and end in the same loop of Airflow's scheduler, it takes all but
    # the first for retried. That is no matter where the job is stopped; the one that cannot be goes alone.
    alone = "lookoutequipment_on_worker"
    run.clear([alone])
    run.until(lambda seen: seen.tries == 2, "the task that was cleared alone to begin anew", [alone])
    run.clear([task for task in TASKS if task != alone])
    run.until_stopped()
    run.finish()
    assert run.outcomes() == expect(
        all=Outcome(("cancelled", "succeeded"), 1, "success", 2, 1),
        # It cannot be stopped: another one is started when the dataset is free.
        lookoutequipment_on_worker=Outcome(("succeeded", "succeeded"), 1, "success", 2, 1),
        lookoutequipment_deferred=Outcome(("succeeded", "succeeded"), 1, "success", 2, 1),
    )


@pytest.mark.promise("cleared")
def test_cleared_after_failure_and_after_success(every_job: Start, aws: AwsJobsServer) -> None:
    for each in TYPES:
        aws.fail_next(each.name, "The disk is full", count=2)
    run = every_job("every_job_once")
    run.finish("failed")
    assert run.outcomes() == expect(all=Outcome(("failed",), 1, "failed", 1, None))
    run.clear()
    run.finish()
    assert run.outcomes() == expect(all=Outcome(("failed", "succeeded"), 1, "success", 2, 1))
    run.clear()
    run.finish()
    assert run.outcomes() == expect(all=Outcome(("failed", "succeeded", "succeeded"), 1, "success", 3, 2))
