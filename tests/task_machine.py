# SPDX-License-Identifier: Apache-2.0

"""A task's life in random order, for hypothesis: what Airflow, AWS, the network and people may do to it.

The operator and the triggers are the real ones, AWS is the mocked one. Jobs move only when a rule moves them,
so that what is true after each step does not hang on time.
"""

from __future__ import annotations

import asyncio
import itertools
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import timedelta
from enum import Enum, auto
from typing import Any, ClassVar
from unittest.mock import patch

import one_task
from botocore.client import BaseClient
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from job_cases import JobCase
from one_task import OneTask, json_safe, next_event

from airflow_provider_jobs._data_pipeline import starter, stopper
from airflow_provider_jobs._watch.queue import QuotaQueue
from airflow_provider_jobs.exceptions import JobError
from airflow_provider_jobs.testing import Fault, mock_aws_jobs
from airflow_provider_jobs.triggers.job import JobTrigger

#: What may befall a call, and whether it took effect by then.
FAULTS: list[Any] = [
    ("throttle", "before"),
    ("error", "before"),
    ("error", "after"),
    ("drop", "before"),
    ("drop", "after"),
    ("expired-token", "before"),
]
#: Calls after which a wait that has not ended goes on for good: several looks of any service.
_LOOKS = 20
#: Steps of the way home, at the most.
_HOME = 80


class Killed(BaseException):
    """The worker's end, of which nothing in it takes notice."""


class State(Enum):
    """Where Airflow has the task."""

    READY = auto()  # a try may begin
    DEFERRED = auto()
    FIRED = auto()  # the trigger's event is there
    SUCCESS = auto()
    FAILED = auto()


@contextmanager
def kill_at(step: int | None, kill: Callable[[], None]) -> Iterator[None]:
    """Kill the worker at a step: there is one before and one after each call to AWS and each note."""
    steps = itertools.count()

    def passing() -> None:
        if threading.current_thread() is threading.main_thread() and next(steps) == step:
            kill()
            raise Killed

    def stepped(function: Any) -> Any:
        def wrapper(*args: Any, **kwargs: Any) -> Any:
            passing()
            answer = function(*args, **kwargs)
            passing()
            return answer

        return wrapper

    with (
        patch.object(BaseClient, "_make_api_call", stepped(BaseClient._make_api_call)),  # type: ignore[attr-defined]
        patch.object(one_task.Store, "set", stepped(one_task.Store.set)),
    ):
        yield


class TaskMachine(RuleBasedStateMachine):
    """One task of a job type, and all that may happen to it."""

    case: ClassVar[JobCase]

    def __init__(self) -> None:
        super().__init__()
        self.stack = ExitStack()
        self.aws = self.stack.enter_context(mock_aws_jobs())
        # Jobs stay where they are until they are moved; what was told to stop has done so at the next look.
        self.aws.set_pace(reads=1_000_000)
        # No pauses for AWS to catch up.
        for module, name in ((starter, "_PAUSE"), (starter, "_OTHER_SHOWN"), (stopper, "_WAIT")):
            self.stack.enter_context(patch.object(module, name, 0.0))
        self.skew = 0.0
        self.case.prepare()
        self.task = OneTask(lambda: self._operator())
        self.state = State.READY
        self.event: Any = None
        #: The life that each of the task's jobs was started in; others' jobs are in none.
        self.lives: dict[str, int] = {}
        self.life = 0
        self.others: set[str] = set()

    # What Airflow does.

    @precondition(lambda self: self.state is State.READY)
    @rule(step=st.none() | st.integers(0, 12), term=st.booleans())
    def begin(self, step: int | None, term: bool) -> None:
        """Begin a try, whose worker may be killed."""
        self._work(self.task.begin, step, term)

    @precondition(lambda self: self.state is State.FIRED)
    @rule(step=st.none() | st.integers(0, 6), term=st.booleans())
    def resume(self, step: int | None, term: bool) -> None:
        """Take the task up after its trigger's event; the worker may be killed."""
        event, self.event = self.event, None
        self._work(lambda: self.task.resume(event), step, term)

    @precondition(lambda self: self.state is State.DEFERRED)
    @rule()
    def watch(self) -> None:
        """Let a triggerer run the trigger; one that has nothing to tell dies with its triggerer."""
        self.event = asyncio.run(self._watch())
        if self.event is not None:
            self.state = State.FIRED

    # What people do.

    @precondition(lambda self: self.task.tries > 0)
    @rule(told=st.booleans(), finished=st.booleans())
    def clear(self, told: bool, finished: bool) -> None:
        """Clear the task, in a run that goes on or had finished; below Airflow 3.3 no trigger is told."""
        self._end_trigger(told)
        self.task.clear()
        self.life += 1
        if finished:
            self.task.run_started += timedelta(days=1)
        self.state = State.READY

    @precondition(lambda self: self.task.tries > 0)
    @rule()
    def another_task_of_the_run_is_cleared(self) -> None:
        """The run's clear_number moves, and nothing of this task."""
        self.task.clear_number += 1

    @rule(retries=st.integers(2, 6))
    def retries_are_edited(self, retries: int) -> None:
        """The DAG file has another number from the next try on; what Airflow has noted stays."""
        self.task.retries = retries

    @precondition(lambda self: self.state is State.DEFERRED)
    @rule(told=st.booleans())
    def mark(self, told: bool) -> None:
        """Mark the task as failed."""
        self._end_trigger(told)
        self.state = State.FAILED

    # What AWS and the network do.

    @precondition(lambda self: self._live())
    @rule(which=st.integers(0, 3), to=st.sampled_from([0.5, 1.0]), well=st.booleans())
    def job_moves(self, which: int, to: float, well: bool) -> None:
        """A job gets on or ends."""
        live = self._live()
        job = live[which % len(live)]
        if not well and job["state"] != self.case.stopping:
            self.aws.fail(job["id"], "out of luck", to)
        self.aws.advance(job["id"], to)

    @rule(
        where=st.sampled_from(["start", "stop", "describe", "list"]),
        fault=st.sampled_from(FAULTS),
        count=st.integers(1, 2),
    )
    def fault(self, where: str, fault: tuple[Any, Any], count: int) -> None:
        """Let the next calls of an operation go wrong."""
        operation = getattr(self.case, f"{where}_operation")
        if operation:
            # The life may end before it makes such a call.
            self.aws.add_fault(Fault(operation, fault[0], when=fault[1], count=count, optional=True))

    @precondition(lambda self: self.case.shares_quota)
    @rule()
    def somebody_takes_the_place(self) -> None:
        """Another task starts a job; from then on the account has room for one."""
        self.stack.enter_context(patch.object(self.case.hook_class, "quota", 1))
        self.aws.set_quota(self.case.service, 1)
        before = self._ids()
        another = OneTask(
            lambda: self._operator(wait_for_completion=False, **self.case.apart(1)),
            run_id=f"other-{len(self.others)}",
        )
        with suppress(JobError):
            another.begin()
        self.others |= self._ids() - before

    # What is true all the time.

    @invariant()
    def never_two_live_jobs_of_the_task(self) -> None:
        self._attribute()
        live = [job["id"] for job in self._live() if job["id"] in self.lives]
        assert len(live) <= 1, self.aws.jobs(self.case.service)

    @invariant()
    def never_a_start_after_a_success_without_a_clear(self) -> None:
        if not self.case.recognized:
            return  # a job whose start got no answer may be another task's: its end is waited for, no more
        last = {life: job_id for job_id, life in self.lives.items()}
        for job in self.aws.jobs(self.case.service):
            if job["id"] in self.lives and job["state"] == self.case.succeeded:
                assert last[self.lives[job["id"]]] == job["id"], self.aws.jobs(self.case.service)

    def teardown(self) -> None:
        """Bring the task home: nothing is lost that a later try could not find."""
        with self.stack:
            self.aws.clear_faults()
            if self.state is State.FAILED:
                self.clear(told=False, finished=False)
            self._go_home()
            if self._left():
                # A stop that went wrong; the next clear makes it good.
                self.clear(told=False, finished=False)
                self._go_home()
            assert not self._left(), self.aws.jobs(self.case.service)

    def _go_home(self) -> None:
        for _ in range(_HOME):
            match self.state:
                case State.SUCCESS:
                    return
                case State.READY:
                    self.begin(None, False)
                case State.FIRED:
                    self.resume(None, False)
                case State.DEFERRED:
                    self._help()
                    self.watch()
                case State.FAILED:
                    raise AssertionError("the task failed, and nothing was wrong")
            self.never_two_live_jobs_of_the_task()
            self.never_a_start_after_a_success_without_a_clear()
        raise AssertionError(f"the task is still {self.state} after {_HOME} steps")

    def _help(self) -> None:
        """Move what the task waits for, and what ends by itself; not a job that nobody knows of."""
        trigger = self.task.trigger()
        stoppable = self.case.stop_operation is not None
        for job in self._live():
            watched = isinstance(trigger, JobTrigger) and trigger.job_id == self.case.core_id(job["id"])
            mine = job["id"] in self.lives
            if watched or not mine or not stoppable or job["state"] == self.case.stopping:
                self.aws.advance(job["id"])

    def _work(self, go: Callable[[], Any], step: int | None, term: bool) -> None:
        def kill() -> None:
            if term and self.task.operator is not None:
                self.task.operator.on_kill()

        # Minutes pass between one step of a task and the next: what is in doubt settles, and places that
        # were reserved are so no longer.
        QuotaQueue._kept.clear()
        self.skew += 300.0
        self.aws.set_clock_skew(self.skew)
        try:
            with kill_at(step, kill):
                result = go()
        except (Killed, JobError):
            self._failed()
        else:
            self.state = State.DEFERRED if self.task.deferred else State.SUCCESS
            if self.state is State.SUCCESS:
                self._check_success(self.case.job_id(result))

    def _failed(self) -> None:
        self.task.deferred = None
        self.state = State.READY if self.task.tries <= self.task.max_tries else State.FAILED

    def _check_success(self, job_id: str) -> None:
        """Never a success without a job of this life that succeeded."""
        self._attribute()
        states = {job["id"]: job["state"] for job in self.aws.jobs(self.case.service)}
        assert states[job_id] == self.case.succeeded
        assert self.lives[job_id] == self.life

    def _end_trigger(self, told: bool) -> None:
        if self.state is State.DEFERRED and told:
            trigger: Any = self.task.trigger()
            trigger.task_instance = self.task.context(self._operator())["ti"]
            states = {self.task.run_id: {trigger.task_instance.task_id: None}}
            from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

            with patch.object(RuntimeTaskInstance, "get_task_states", staticmethod(lambda **_: states)):
                asyncio.run(trigger.on_kill())
        self.task.deferred = None

    async def _watch(self) -> Any:
        """Run the trigger until its event, or until it is clear that none comes."""
        trigger = self.task.trigger()
        ended = isinstance(trigger, JobTrigger) and trigger.job_id not in {
            self.case.core_id(job["id"]) for job in self._live()
        }
        calls = self._calls()

        waiting = asyncio.ensure_future(next_event(trigger))
        async with asyncio.timeout(60):
            while not waiting.done() and (ended or self._calls() < calls + _LOOKS):
                await asyncio.sleep(0.001)
        if waiting.done():
            return json_safe(waiting.result())
        waiting.cancel()
        await asyncio.wait({waiting})
        return None

    def _operator(self, **kwargs: Any) -> Any:
        once = {"retries": {"total_max_attempts": 1}}
        return self.case.operator(deferrable=True, poll_interval=0.001, botocore_config=once, **kwargs)

    def _attribute(self) -> None:
        """Note the life of jobs that are new."""
        for job_id in sorted(self._ids() - self.others - self.lives.keys()):
            self.lives[job_id] = self.life

    def _ids(self) -> set[str]:
        return {job["id"] for job in self.aws.jobs(self.case.service)}

    def _live(self) -> list[dict[str, Any]]:
        ended = {self.case.succeeded, self.case.failed, self.case.cancelled}
        return [job for job in self.aws.jobs(self.case.service) if job["state"] not in ended]

    def _left(self) -> list[dict[str, Any]]:
        """Jobs of the task's that run on although nobody waits for them, or was told of them."""
        return [job for job in self._live() if job["id"] in self.lives and job["state"] != self.case.stopping]

    def _calls(self) -> int:
        return sum(self.aws.calls(self.case.service).values())
