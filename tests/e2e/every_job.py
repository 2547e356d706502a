# SPDX-License-Identifier: Apache-2.0

"""One run of every job type at once, seen from both sides: what AWS has of it, and what Airflow has.

A run of a DAG of ``dags/every_job.py`` has eight tasks: each job type, on the worker and deferred. Each has
an archive, dataset or pipeline of its own, so that its jobs are told from all others by that.
"""

from __future__ import annotations

import json
import os
import re
import signal
from collections.abc import Callable, Iterable, Mapping
from operator import itemgetter
from typing import Any, NamedTuple

from airflow_provider_jobs.testing.airflow.api import ApiError, Row, log_line
from airflow_provider_jobs.testing.local_airflow import LocalAirflow, LocalAirflowError, Worker
from airflow_provider_jobs.testing.server import AwsJobsServer

from . import deferrals
from .job_types import TASKS, TYPES, JobType


class Outcome(NamedTuple):
    """What came of a task.

    :param jobs: its jobs in the order of their starts, in words
    :param at_once: how many of them were ever in flight at once, those left out that were told to stop
    :param state: Airflow's state of the task
    :param tries: its try number
    :param result: which of the jobs its result is of, from 0; None without a result
    """

    jobs: tuple[str, ...]
    at_once: int
    state: str | None
    tries: int
    result: int | None


class Seen:
    """A task of a run at one moment."""

    def __init__(self, run: EveryJob, task: str, row: Row, jobs: list[Row], ends: deferrals.Ends) -> None:
        self.task, self.type, self.row, self.jobs = task, TASKS[task], row, jobs
        self._run, self._ends = run, ends

    @property
    def deferred(self) -> bool:
        """Whether this task waits in the triggerer."""
        return self.task.endswith("_deferred")

    @property
    def state(self) -> str | None:
        state: str | None = self.row["state"]
        return state

    @property
    def tries(self) -> int:
        """Its try number."""
        return int(self.row["try_number"])

    @property
    def words(self) -> list[str]:
        """How its jobs are."""
        return [self.type.word(job) for job in self.jobs]

    @property
    def log(self) -> str:
        """The log of its latest try, as it is in the files."""
        return self._run.lines(self.task, self.tries)

    @property
    def looks(self) -> int:
        """How often the latest try's log tells of a look at its last job: once for each trigger."""
        return len(re.findall(rf" INFO (?:\S+/)?{re.escape(self.jobs[-1]['id'])}: ", self.log))

    def was_told(self, pattern: str) -> bool:
        """Whether a try's log has this, or the triggerer's own, which has it where a trigger is ended."""
        logs = [self._run.lines(self.task, number) for number in range(1, self.tries + 1)]
        text = "\n".join([*logs, self._run.airflow.component_log("triggerer")])
        return re.search(pattern, text, re.IGNORECASE) is not None

    @property
    def waits(self) -> bool:
        """Whether it waits for its last job, and has looked at it."""
        waiting = self.state == ("deferred" if self.deferred else "running")
        return waiting and bool(self.jobs) and self.looks > 0 and self.may_go_on

    @property
    def may_go_on(self) -> bool:
        """Whether it does no harm if its jobs end: it is not on its way to the triggerer."""
        if not self.deferred or self.state in ("success", "failed"):
            return True
        known = deferrals.known(self._ends, self.task, self.tries, self.log)
        return self.state == "deferred" and known

    @property
    def outcome(self) -> Outcome:
        return Outcome(tuple(self.words), _at_once(self.jobs), self.state, self.tries, self._result())

    def _result(self) -> int | None:
        result = self._run.result(self.task)
        if result is None:
            return None
        return [job["id"] for job in self.jobs].index(self.type.case.job_id(result))


def _at_once(jobs: Iterable[Row]) -> int:
    """How many of the jobs were in flight at once, at most, and not told to stop."""
    moments = [(job["started_at"], 1) for job in jobs]
    ends = [job["stop_asked_at"] or job["ended_at"] for job in jobs]
    moments += [(end, -1) for end in ends if end is not None]
    most = now = 0
    for _, change in sorted(moments):
        now += change
        most = max(most, now)
    return most


class EveryJob:
    """A run of one of the DAGs.

    :param airflow: where it runs
    :param aws: where its jobs run
    :param targets: what each task's job is started on; its tasks are these
    :param dag_id: the DAG
    """

    def __init__(
        self,
        airflow: LocalAirflow,
        aws: AwsJobsServer,
        targets: Mapping[str, str],
        dag_id: str = "every_job",
    ) -> None:
        self.airflow, self.aws, self.targets, self.dag_id = airflow, aws, targets, dag_id
        self.run_id = airflow.trigger(dag_id, dict(targets))

    def see(self) -> dict[str, Seen]:
        """Look at all tasks."""
        jobs: dict[str, list[Row]] = {}
        for each in TYPES:
            for job in self.aws.jobs(each.name):
                jobs.setdefault(each.started_on(job), []).append(job)
        rows = {row["task_id"]: row for row in self.airflow.task_instances(self.dag_id, self.run_id)}
        ends = deferrals.ends(self.airflow, self.dag_id, self.run_id)
        return {
            task: Seen(self, task, rows[task], jobs.get(target, []), ends)
            for task, target in self.targets.items()
        }

    def until(
        self,
        holds: Callable[[Seen], object],
        what: str,
        tasks: Iterable[str] | None = None,
        timeout: float = 180,
    ) -> None:
        """Wait until something was seen to hold of every task, of each at its own time.

        :param tasks: only these
        :raises LocalAirflowError: at the deadline, with the tasks of which it did not hold
        """
        left = set(self.targets if tasks is None else tasks)

        def done() -> bool:
            left.difference_update(
                [task for task, seen in self.see().items() if task in left and holds(seen)]
            )
            return not left

        try:
            self.airflow.wait_for(done, timeout=timeout, what=what)
        except LocalAirflowError as error:
            for task, seen in self.see().items():
                if task in left:
                    error.add_note(f"{task}: {seen.outcome}\n{seen.log}")
            raise

    def until_waiting(self, jobs: int = 1, tries: int = 1) -> None:
        """Wait until every task waits for its job.

        :param jobs: how many jobs each has by then
        :param tries: the try from which on it counts
        """
        self.until(
            lambda seen: len(seen.jobs) == jobs and seen.tries >= tries and seen.waits,
            f"every task to wait for job {jobs} in try {tries}",
        )

    def until_retried(self) -> None:
        """Wait until every task waits that is deferred, and the others do so in their second try."""
        self.until(lambda seen: seen.waits and (seen.deferred or seen.tries == 2), "the retries to wait")

    def finish(self, state: str = "success", timeout: float = 240) -> None:
        """Bring every job to its end, those still to come too, until the run is over."""

        def over() -> str | None:
            for seen in self.see().values():
                for job in seen.jobs:
                    if job["ended_at"] is None and seen.may_go_on:
                        self.aws.advance(job["id"])
            row = self.airflow.call("GET", "dags", self.dag_id, "dagRuns", self.run_id)
            return row["state"] if row["state"] in ("success", "failed") else None

        ended = self.airflow.wait_for(over, timeout=timeout, what="the run to end")
        assert ended == state, self.outcomes()

    def outcomes(self) -> dict[str, Outcome]:
        """What came of every task, to be compared as a whole: the difference names the tasks."""
        return {task: seen.outcome for task, seen in self.see().items()}

    def without(self, told: Callable[[JobType], str], try_number: int | None = None) -> list[str]:
        """The tasks whose log of a try does not have the text that is expected of their type."""
        return [task for task, each in TASKS.items() if told(each) not in self.log(task, try_number)]

    def log(self, task: str, try_number: int | None = None) -> str:
        """The log of a task's try, the latest by default, as a user sees it."""
        return self.airflow.log(self.dag_id, self.run_id, task, try_number)

    def lines(self, task: str, try_number: int) -> str:
        """The same from Airflow's files, where it costs no more than a look."""
        logs = self.airflow.home / "logs"
        folder = logs / f"dag_id={self.dag_id}" / f"run_id={self.run_id}" / f"task_id={task}"
        entries: list[Row] = []
        for path in folder.glob(f"attempt={try_number}.log*"):
            # The last line may be half written.
            entries += [json.loads(line) for line in path.read_text().split("\n")[:-1]]
        return "\n".join(log_line(entry) for entry in sorted(entries, key=itemgetter("timestamp")))

    def result(self, task: str) -> dict[str, Any] | None:
        """A task's result, if it has one."""
        try:
            result: dict[str, Any] = self.airflow.xcom(self.dag_id, self.run_id, task)
        except ApiError as error:
            if error.status != 404:
                raise
            return None
        return result

    def kill_workers(self, count: int) -> None:
        """Kill the processes that run tasks, as the kernel does when memory runs out.

        :param count: how many there are
        """
        for worker in self._workers(count):
            os.kill(worker.pid, signal.SIGKILL)

    def terminate_workers(self, count: int) -> None:
        """End the tasks that run as a machine does that is shut down: by asking what supervises each of them.

        :param count: how many there are
        """
        for worker in self._workers(count):
            os.kill(worker.supervisor or worker.pid, signal.SIGTERM)

    def _workers(self, count: int) -> list[Worker]:
        """Wait until so many tasks run on workers."""

        def found() -> list[Worker] | None:
            workers = self.airflow.workers(self.dag_id)
            return workers if len(workers) == count else None

        return self.airflow.wait_for(found, what=f"{count} workers")

    def until_stopped(self) -> None:
        """Wait until every task's first job was told to stop, and bring those that stop to their end.

        Where AWS has no way to stop a job, wait until that was said, or until the next try waits for its end.
        """

        def stopped(seen: Seen) -> bool:
            job, word = seen.jobs[0], seen.words[0]
            if word == "stopping":
                self.aws.advance(job["id"])
            name = re.escape(job["id"])
            refused = rf"{name}.* could not be stopped|Waiting for the end of [a-z ]+ {name}"
            return word in ("stopping", "cancelled") or seen.was_told(refused)

        self.until(stopped, "every job to be stopped")

    def mark(self, state: Any) -> None:
        """Mark every task, as a person does in the UI."""
        for task in TASKS:
            self.airflow.set_task_state(self.dag_id, self.run_id, task, state)

    def clear(self, tasks: Iterable[str] = TASKS) -> None:
        """Clear tasks, as a person does in the UI."""
        self.airflow.clear(self.dag_id, self.run_id, [*tasks])

    def close(self) -> None:
        """End what is left of the run, so that the next one finds Airflow idle."""
        path = ("dags", self.dag_id, "dagRuns", self.run_id)
        if self.airflow.call("GET", *path)["state"] not in ("success", "failed"):
            self.airflow.call("PATCH", *path, json={"state": "failed"})
        self.airflow.wait_for(lambda: not self.airflow.workers(self.dag_id), what="the workers to end")


#: Starts a run of one of the DAGs; takes its id.
Start = Callable[..., EveryJob]
#: One job, taken to its end in the first try.
UNHARMED = Outcome(("succeeded",), 1, "success", 1, 0)


def expect(**outcomes: Outcome) -> dict[str, Outcome]:
    """Return what is expected of every task, from what is expected by way or by task.

    :param outcomes: by a task's id; else by ``on_worker`` or ``deferred``; else under ``all``
    """
    return {
        task: outcomes.get(task) or outcomes.get(task.partition("_")[2]) or outcomes["all"] for task in TASKS
    }
