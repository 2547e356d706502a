# SPDX-License-Identifier: Apache-2.0

"""Replays a history of the model on the real operator, triggers and hooks, over the mocked AWS.

Model and real side go side by side: whatever happens, happens in the model first, then on the real side, at
the same time by AWS's clock. After each of them the jobs are compared: which were started and which stopped.
So are the steps, what each reading shows, what the task waits for, and what becomes of each try.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, NoReturn
from unittest.mock import patch

from once.replay_aws import Cloud, Difference, moved
from once.replay_faults import take_with_fault
from once.replay_histories import History, event_of
from once.replay_services import Counterpart, NoCounterpart
from once.replay_task import Killed, ReplayedTask, before_each_call
from once.world import calls
from once.world.airflow import Mode, Store, World, advance
from once.world.aws import Job
from once.world.events import FAULTS

from airflow_provider_jobs._once import moves
from airflow_provider_jobs._once.fingerprint import Fingerprint
from airflow_provider_jobs.exceptions import JobInputError, JobNotFoundError
from airflow_provider_jobs.operators import _runner as runner
from airflow_provider_jobs.operators._runner import StepRunner
from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.triggers.delay import DelayTrigger
from airflow_provider_jobs.triggers.job import JobTrigger
from airflow_provider_jobs.triggers.queue import QueueTrigger

#: As the model has them.
_SETTLING, _CONNECT, _READ = 60, 30, 30
_TRIGGERS: dict[str, tuple[type, str]] = {
    "adopt": (JobTrigger, "execute_complete"),
    "end": (JobTrigger, "execute_after_wait"),
    "settle": (DelayTrigger, "execute_after_wait"),
    "room": (QueueTrigger, "execute_after_wait"),
}
_SETTLING_TIME, _SITE = (f"AIRFLOW__AIRFLOW_PROVIDER_JOBS__{name}" for name in ("SETTLING_TIME", "SITE"))


class Replay:
    """A history on its way.

    :param aws: the mocked AWS.
    :param service: on which service it is replayed.
    :param history: what happens.
    """

    def __init__(self, aws: AwsJobs, service: Counterpart, history: History) -> None:
        self.service = service
        self.world = World(history.setting)
        self.points = list(history.points)
        self.since = 0
        aws.set_pace()
        service.prepare()
        self.cloud = Cloud(aws, service, history)
        self.renderings = 0
        #: The process's own clock: when it takes its present step.
        self.clock = 0.0
        self.task = ReplayedTask(self.operator, store=None if self.world.setting.store is Store.NONE else {})
        #: What became of a try that the real operator has ended, and the model has not: the job had ended.
        self.early: Any = None

    def operator(self, request: str | None = None) -> Any:
        """Build the task's operator as its DAG file is now."""
        world = self.world
        self.renderings += world.setting.unstable
        return self.service.case.operator(
            deferrable=True,
            poll_interval=0.001,
            cancel_on_kill=world.setting.may_stop,
            botocore_config={
                "retries": {"total_max_attempts": 1},
                "connect_timeout": _CONNECT,
                "read_timeout": _READ,
            },
            **self.service.arguments(request or world.request, world.scope, self.renderings),
        )

    def run(self) -> None:
        """Replay the history to its end.

        :raises Difference: if the real side does anything else than the model.
        :raises NoCounterpart: if something cannot happen on the real side.
        """
        with self._surroundings():
            while True:
                if self._happens_now():
                    self._happen()
                elif self.world.mode is Mode.HOME:
                    return
                elif self.world.mode is Mode.BETWEEN:
                    self.task.take_over(self.world)
                    self._advance()
                    self._process(self.task.begin)
                else:
                    self._wait()

    # What happens by itself.

    def _advance(self, fault: str = "") -> None:
        advance(self.world, fault)
        self.since = 0 if fault else self.since + 1
        self.cloud.pass_time(self.world)

    def _process(self, go: Callable[[], Any]) -> None:
        """Let a process run, and compare what becomes of it."""
        try:
            result = go()
        except Killed:
            if self.world.mode in (Mode.STEP, Mode.WAITING):
                raise Difference(f"the process was killed; in the model {self.world.phase}") from None
        except (Difference, NoCounterpart):
            raise
        except Exception as error:
            self._failed(error)
        else:
            self._deferred() if self.task.deferred else self._succeeded(result)

    def _failed(self, error: Exception) -> None:
        self.task.deferred = None
        world = self.world
        if world.mode is Mode.WAITING and world.wait is not None and world.wait.kind == "adopt":
            self.early = error
        elif world.home == "refused":
            if not isinstance(error, JobNotFoundError):
                raise Difference(f"the model refuses the task; it failed with {error!r}") from error
        elif world.mode is Mode.STEP or world.mode is Mode.WAITING or world.home == "success":
            raise Difference(f"the try fails with {error!r}, not in the model: {world.phase}") from error
        elif isinstance(error, JobInputError):
            raise Difference(f"the task fails for good with {error!r}, not in the model") from error

    def _succeeded(self, result: Any) -> None:
        world = self.world
        if world.mode is Mode.WAITING and world.wait is not None and world.wait.kind == "adopt":
            self.early = result
        elif world.home != "success":
            raise Difference(f"success with {result}; in the model {world.phase}")

    def _deferred(self) -> None:
        assert self.task.deferred is not None
        wait = self.world.wait
        trigger: Any = self.task.deferred.trigger
        if self.world.mode is not Mode.WAITING or wait is None:
            raise Difference(f"the task waits with {trigger.serialize()}; in the model {self.world.phase}")
        kind, method = _TRIGGERS[wait.kind]
        job_id = self.cloud.core_id(wait.job_id) if wait.job_id else ""
        if (type(trigger), self.task.deferred.method_name) != (kind, method) or (
            job_id and trigger.job_id.partition("..")[0] != job_id
        ):
            raise Difference(f"the task waits with {trigger.serialize()}; in the model {wait}")

    def _wait(self) -> None:
        """Let a wait go on, in the model and, where it ends, on the real side."""
        wait, world = self.world.wait, self.world
        assert wait is not None
        self.task.take_over(world)
        self._advance()
        self.cloud.compare(world)
        if world.mode is Mode.WAITING and world.wait is not None and world.wait.kind == wait.kind:
            return
        if self.early is not None:
            early, self.early = self.early, None
            self._failed(early) if isinstance(early, Exception) else self._succeeded(early)
            return
        event = self.task.wait_is_over(self.cloud.aws, self.cloud.name)
        if event is None:
            if wait.job_id and world.job(wait.job_id) is None:
                raise NoCounterpart("a wait for a job that AWS has forgotten goes on for a minute")
            if self.cloud.lags_early(world):
                raise NoCounterpart("an earlier reading would lag as well")
            raise Difference(f"the wait goes on that has ended in the model: {wait}")
        self._process(lambda: self.task.resume(event))

    # The steps.

    def at_step(self, step: Any, do: Callable[[], Any]) -> Any:
        """Carry out a step of the real operator when what happens before it has happened."""
        world = self.world
        fault = ""
        while self._happens_now():
            if self.points[0].event in FAULTS[type(step)]:
                fault = self.points.pop(0).event
                break
            self._happen()
        if world.mode is not Mode.STEP or world.run is None:
            raise Difference(f"the process takes another step, {step}; in the model {world.phase}")
        expected = world.run.standing().step
        self._compare_steps(expected, step)
        if isinstance(step, moves.Start):
            self.service.before_start(self.cloud, world)
        self.clock = world.now
        self._advance(fault)
        answer = take_with_fault(world, self.cloud, self.task, step, fault, do)
        if isinstance(step, moves.ListJobs) and world.run is not None:
            # The model's answer again, which what it came to may have cleared away.
            sight = calls.answer(world, expected, fault).value
            self.cloud.compare_sights(world, sight, answer)
        self.cloud.end_lag(world)
        self.cloud.compare(world)
        return answer

    def _compare_steps(self, model: Any, real: Any) -> None:
        same = type(model) is type(real)
        match real:
            case moves.Start() if same:
                same = (model.attempt.number, model.repeated) == (real.attempt.number, real.repeated)
            case moves.Stop() if same:
                same = self.cloud.core_id(model.job.job_id) == real.job.job_id
        if not same:
            raise Difference(f"at {self.world.now} s the next step is {model} in the model, not {real}")

    # What happens besides.

    def _happens_now(self) -> bool:
        return bool(self.points) and self.points[0].advances == self.since

    def _happen(self) -> None:
        """An event happens; one that ends the process raises :class:`Killed` in it."""
        name, world = self.points.pop(0).event, self.world
        if self.early is not None:
            raise NoCounterpart("the try has ended already, since its job had")
        mode, jobs = world.mode, world.jobs
        told: Callable[[], None] | None = None
        if name in ("SIGTERM", "marked failed") or "on_kill" in name:
            told = self.task.told_to_stop(world)
        world.marks |= {"disturbed"}
        event_of(world, name).happen(world)
        self.since = 0
        if told is not None and "late" in name:
            self.cloud.later(world.now + 20, told)
        elif told is not None:
            told()
        self._happen_outside(name, jobs)
        if world.store is None and self.task.store:
            self.task.store.clear()
        self.cloud.pass_time(world)
        self.cloud.compare(world)
        if mode in (Mode.STEP, Mode.WAITING) and world.mode in (Mode.BETWEEN, Mode.HOME):
            self.task.deferred = None
            if mode is Mode.STEP:
                self._kill()

    def _happen_outside(self, name: str, jobs: tuple[Job, ...]) -> None:
        """Let an event happen at AWS or in the database, on the real side."""
        world = self.world
        if name.startswith("job "):
            for job in moved(jobs, world.jobs):
                self.cloud.end(world, job)
        elif name == "neighbour":
            self.service.neighbour(self)
        elif name == "AWS forgets":
            gone = {job.job_id for job in jobs} - {job.job_id for job in world.jobs}
            self.service.forget({self.cloud.ids[job_id] for job_id in gone})
        elif name == "database copied":
            os.environ[_SITE] = world.site

    def _kill(self) -> NoReturn:
        raise Killed

    def _fingerprint(self, facts: Any) -> Fingerprint:
        """Digest a request as the release does that the model has."""
        return Fingerprint(self.world.digest + Fingerprint.of(facts).text[1:])

    @contextmanager
    def _surroundings(self) -> Iterator[None]:
        replay = self

        class Watched(StepRunner):
            """The real runner, whose every step the replay is told of before it is taken."""

            def _do(self, step: Any, carried: Any) -> Any:
                do = super()._do
                return replay.at_step(step, lambda: do(step, carried))

        environment = {_SETTLING_TIME: str(_SETTLING), _SITE: ""}
        # However slow this machine is: AWS's time is the model's.
        at_time = before_each_call(lambda: self.cloud.set_clock(self.cloud.now))
        watched = patch.object(runner, "StepRunner", Watched)
        clock = patch.object(runner, "time", SimpleNamespace(monotonic=lambda: self.clock, time=time.time))
        release = patch.object(runner, "Fingerprint", SimpleNamespace(of=self._fingerprint))
        with (
            patch.dict(os.environ, environment),
            watched,
            clock,
            release,
            at_time,
            self.service.surroundings(),
        ):
            yield
