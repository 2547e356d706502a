# SPDX-License-Identifier: Apache-2.0

"""A try that fails while its job goes on, and what follows: a clear, a retry, an edited DAG.

Every job type at once, in both ways. The tries fail since AWS refuses for a while to describe jobs.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from typing import Any

import pytest

from airflow_provider_jobs.testing import Fault
from airflow_provider_jobs.testing.local_airflow import LocalAirflow
from airflow_provider_jobs.testing.server import AwsJobsServer

from .edited import YEAR, DagFile, prepare, prepare_data
from .every_job import UNHARMED, EveryJob, Outcome, Seen, Start
from .job_types import TASKS, TYPES, WAYS, calls

pytestmark = [pytest.mark.e2e, pytest.mark.postgres]

#: Ways in which AWS does not stop a job.
NO_STOP: dict[str, dict[str, Any]] = {
    "AccessDenied": {"kind": "access-denied"},
    "ConcurrentModificationException": {"kind": "error", "code": "ConcurrentModificationException"},
    "Throttling": {"kind": "throttle"},
    "Connection was closed": {"kind": "drop"},
}
ON_WORKER, DEFERRED = WAYS
STOPPABLE = [task for task, each in TASKS.items() if each.case.stop_operation]


@pytest.fixture
def dag_file(airflow: LocalAirflow) -> Iterator[DagFile]:
    """The file of the DAGs that are edited; it is put back."""
    with DagFile(airflow.dags_folder).restored() as file:
        yield file


@pytest.fixture
def start(airflow: LocalAirflow, aws: AwsJobsServer) -> Iterator[Callable[..., EveryJob]]:
    """Start a run of a DAG that is edited; takes the DAG's id and the ways of its tasks."""
    prepare_data(aws)
    with ExitStack() as stack:

        def start(dag_id: str, *ways: str) -> EveryJob:
            run = EveryJob(airflow, aws, prepare(aws, dag_id, ways), dag_id)
            stack.callback(run.close)
            return run

        yield start
        aws.clear_faults()


def refuse_to_describe(aws: AwsJobsServer, until: str, *runs: EveryJob) -> None:
    """Let AWS refuse to describe jobs until every task's try has failed of it. The jobs go on.

    :param until: the state of a task whose try has failed
    """
    for each in TYPES:
        for operation in {each.case.describe_operation, each.case.list_operation}:
            aws.add_fault(Fault(operation, "access-denied", each.name, probability=1.0, optional=True))
    for run in runs:
        run.until(lambda seen: seen.state == until, f"every try to fail, and every task to be {until}")
    aws.clear_faults()


def clear_in_vain(run: EveryJob, tasks: list[str], told: str, fault: dict[str, Any]) -> None:
    """Clear tasks while AWS does not stop jobs; on return they have failed of that."""
    aws, before = run.aws, {task: seen.tries for task, seen in run.see().items()}
    for each in TYPES:
        if each.case.stop_operation:
            aws.add_fault(Fault(each.case.stop_operation, service=each.name, probability=1.0, **fault))
    run.clear(tasks)
    run.until(
        lambda seen: seen.state == "failed" and seen.tries == before[seen.task] + 1,
        f"every stop to fail: {told}",
        tasks,
    )
    assert unlike(run, ["running"], tasks) == []
    assert [task for task in tasks if told not in run.log(task)] == []
    assert aws.unmet_faults() == []
    aws.clear_faults()


def unlike(run: EveryJob, words: list[str], tasks: Iterable[str] | None = None) -> list[str]:
    """The tasks whose jobs are not like this, of some or of all."""
    seen = run.see()
    return [task for task in tasks or run.targets if seen[task].words != words]


def replaced(run: EveryJob) -> None:
    """Wait until every task's first job was told to stop or is waited for, then bring it to its end.

    On return every task has its second job.
    """

    def second(seen: Seen) -> bool:
        (old, *others), word = seen.jobs, seen.words[0]
        left = word == "stopping" or (
            not seen.type.case.stop_operation and "Waiting for the end of" in seen.log
        )
        if left and seen.may_go_on and old["ended_at"] is None:
            assert others == []
            run.aws.advance(old["id"])
        return len(others) == 1

    run.until(second, "every first job to end and a second to start")


def overlapping(run: EveryJob) -> list[str]:
    """The tasks of which a job was started before the one before had ended."""
    return [
        task
        for task, seen in run.see().items()
        if any(
            new["started_at"] < old["ended_at"] for old, new in zip(seen.jobs, seen.jobs[1:], strict=False)
        )
    ]


def one_after_the_other(run: EveryJob, tries: Mapping[str, int]) -> dict[str, Outcome]:
    """What is expected of tasks whose first job was stopped, or waited for where AWS cannot stop it."""
    ends = {task: "cancelled" if TASKS[task].case.stop_operation else "succeeded" for task in run.targets}
    return {task: Outcome((end, "succeeded"), 1, "success", tries[task], 1) for task, end in ends.items()}


@pytest.mark.promise("cleared")
def test_a_finished_run_is_cleared_whose_jobs_go_on(every_job: Start, aws: AwsJobsServer) -> None:
    run = every_job("every_job_once")
    run.until_waiting()
    refuse_to_describe(aws, "failed", run)
    run.airflow.wait_run(run.dag_id, run.run_id, ("failed",))
    assert unlike(run, ["running"]) == []
    run.clear()
    replaced(run)
    run.finish()
    assert overlapping(run) == []
    assert run.outcomes() == one_after_the_other(run, dict.fromkeys(TASKS, 2))


@pytest.mark.promise("cleared")
def test_a_clear_whose_stop_fails(every_job: Start, aws: AwsJobsServer) -> None:
    """Deferred tasks are cleared as they wait, the others after the run has finished, again and again."""
    run = every_job("every_job_once")
    run.until_waiting()
    deferred, on_worker = (
        [task for task in STOPPABLE if task.endswith(way)] for way in (DEFERRED, ON_WORKER)
    )
    first, *others = NO_STOP.items()
    clear_in_vain(run, deferred, *first)
    refuse_to_describe(aws, "failed", run)
    for told, fault in others:
        run.airflow.wait_run(run.dag_id, run.run_id, ("failed",))
        clear_in_vain(run, on_worker, told, fault)
    run.airflow.wait_run(run.dag_id, run.run_id, ("failed",))
    run.clear()
    replaced(run)
    run.finish()
    assert overlapping(run) == []
    tries = dict.fromkeys(TASKS, 2) | dict.fromkeys(deferred, 3) | dict.fromkeys(on_worker, 2 + len(others))
    assert run.outcomes() == one_after_the_other(run, tries)


def test_retries_are_edited_between_two_tries(
    start: Callable[..., EveryJob], aws: AwsJobsServer, dag_file: DagFile
) -> None:
    """A job that goes on is adopted, and the result of one that has succeeded meanwhile is taken."""
    two_to_five = start("two_to_five", DEFERRED, ON_WORKER)
    five_to_two = start("five_to_two", DEFERRED, ON_WORKER)
    three_to_four = start("three_to_four", DEFERRED)
    runs = [two_to_five, five_to_two, three_to_four]
    for run in runs:
        run.until_waiting()
    refuse_to_describe(aws, "up_for_retry", *runs)
    before = calls(aws)
    ended = [(two_to_five, DEFERRED), (five_to_two, ON_WORKER)]
    for run, way in ended:
        for task, seen in run.see().items():
            if task.endswith(way):
                aws.advance(seen.jobs[0]["id"])
    dag_file.edit("two_to_five", retries=5, delay=1)
    dag_file.edit("five_to_two", retries=2, delay=1)
    dag_file.edit("three_to_four", retries=4, delay=1)
    for run in runs:
        run.until(lambda seen: seen.tries == 2 and (seen.waits or seen.state == "success"), "the retries")
        run.finish()
        assert run.outcomes() == dict.fromkeys(run.targets, UNHARMED._replace(tries=2))
    assert calls(aws) == before


def test_the_request_is_edited_between_two_tries(
    start: Callable[..., EveryJob], aws: AwsJobsServer, dag_file: DagFile
) -> None:
    """The earlier request's job does not count, whether it goes on or has succeeded meanwhile."""
    run, ended = start("other_request", DEFERRED, ON_WORKER), start("other_request_ended", DEFERRED)
    for each in (run, ended):
        each.until_waiting()
    refuse_to_describe(aws, "up_for_retry", run, ended)
    for seen in ended.see().values():
        aws.advance(seen.jobs[0]["id"])
    for each in (run, ended):
        dag_file.edit(each.dag_id, delay=1, year=2026)
    replaced(run)
    for each in (run, ended):
        each.finish()
        assert overlapping(each) == []
        years = {task: [YEAR[seen.type.name](job) for job in seen.jobs] for task, seen in each.see().items()}
        assert years == {task: [2025, 2026] for task in each.targets}
    assert run.outcomes() == one_after_the_other(run, dict.fromkeys(run.targets, 2))
    assert ended.outcomes() == dict.fromkeys(
        ended.targets, Outcome(("succeeded", "succeeded"), 1, "success", 2, 1)
    )
    for each, told in ((run, ""), (ended, "does not count: ")):
        told += "a request from before the DAG was changed"
        assert [task for task in each.targets if told not in each.log(task)] == []


def test_a_retry_reads_the_edited_request_before_airflow_does(
    start: Callable[..., EveryJob], aws: AwsJobsServer, dag_file: DagFile
) -> None:
    run = start("unread_edit", DEFERRED)
    run.until_waiting()
    run.airflow.kill("dag-processor", signal.SIGSTOP, children=True)
    try:
        dag_file.edit(run.dag_id, year=2026)
        refuse_to_describe(aws, "up_for_retry", run)
        replaced(run)
    finally:
        run.airflow.kill("dag-processor", signal.SIGCONT, children=True)
    run.finish()
    results = {
        task: YEAR[seen.type.name](seen.jobs[seen.outcome.result or 0]) for task, seen in run.see().items()
    }
    assert results == dict.fromkeys(run.targets, 2026)
