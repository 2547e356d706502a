# SPDX-License-Identifier: Apache-2.0

"""Carries out the core's steps for an operator: calls AWS, stores the attempt log, and returns the waits."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from datetime import datetime, timedelta
from functools import singledispatchmethod
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import Context
from airflow.triggers.base import BaseTrigger

from airflow_provider_jobs import metrics
from airflow_provider_jobs._once.attempt_log import AttemptLog
from airflow_provider_jobs._once.decision import Evidence
from airflow_provider_jobs._once.evidence import Marking, Sight, Task
from airflow_provider_jobs._once.fingerprint import Fingerprint
from airflow_provider_jobs._once.moves import (
    Adopt,
    Failed,
    ListJobs,
    Outcome,
    Prepare,
    Refuse,
    Start,
    Started,
    Step,
    Stop,
    Stopped,
    StoreLog,
    Unstarted,
    WaitForEnd,
    WaitForRoom,
    WaitForTime,
    WaitToSettle,
)
from airflow_provider_jobs._once.steps import Carried, steps
from airflow_provider_jobs.exceptions import (
    JobError,
    JobInputError,
    JobNotFoundError,
    JobOutcomeUnknownError,
    JobQuotaError,
    JobQuotaInDoubtError,
    JobTimeoutError,
    JobUnavailableError,
)
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.operators import _context as task_context
from airflow_provider_jobs.operators._asked import recorded_of
from airflow_provider_jobs.operators._before import Before
from airflow_provider_jobs.operators._places import Places
from airflow_provider_jobs.operators._waits import StartWaits

if TYPE_CHECKING:
    from airflow_provider_jobs._once.identity import Identity
    from airflow_provider_jobs.hooks.base import JobHook
    from airflow_provider_jobs.operators.start import StartJobOperator

__all__ = ["StepRunner"]

#: How often in a row a try lists the jobs because it was held up after the last list.
_MOST_HOLD_UPS = 5


class StepRunner:
    """Carries out the steps of one task instance, for its operator.

    :param operator: the operator.
    :param context: the running task instance's Airflow context.
    :param request: the result of its ``job_request``.
    """

    def __init__(self, operator: StartJobOperator[Any], context: Context, request: Any) -> None:
        self.operator = operator
        self._team = task_context.team(context)
        self.hook: JobHook = operator.hook
        self.request = request
        self.identity: Identity = task_context.identity(context)
        self.store: task_context.AttemptStore = task_context.AttemptStore(context, self.identity)
        self.places: Places = Places(operator, self.identity)
        self.started: JobStatus | None = None
        self._error: Exception | None = None
        self._listed_at = 0.0
        self._prepared_at = -math.inf
        self._hold_ups = 0
        self._not_before: datetime | None = None
        self._try_number = task_context.try_number(context)
        self._task = Task(
            identity=self.identity,
            life=task_context.life(context),
            try_number=self._try_number,
            fingerprint=Fingerprint.of(request.facts()),
            marking=self.hook.marking,
            scope=self.hook.scope(request),
            given=self._given(context),
            dag_version=task_context.dag_version(context, operator._written),
            may_stop=operator.cancel_on_kill and self.hook.stoppable,
            settling=task_context.settling_time(),
            call_limit=self.hook.call_limit,
            place=self.places.here,
            asked=recorded_of(request),
        )
        #: In seconds.
        self._settling = self._task.settling.total_seconds()

    def take(self, before: Before) -> Outcome:
        """Carry out the steps, and return their outcome.

        :raises JobError: if a call failed, or a person has to decide.
        """
        carried = before.carried
        rows = self.store.read() if self.store.there else carried.log
        log = AttemptLog.open(rows, self._try_number == 1, self.identity.digest)
        walk = steps(self._task, log, rows is not None, carried)
        answer: Any = None
        while True:
            try:
                step = walk.send(answer)
            except StopIteration as end:
                return self._outcome(end.value)
            if isinstance(step, (Prepare, Start)):
                # Not before ListJobs: a job that an earlier try started must be found and stopped.
                self.operator._raise_if_killed()
            answer = self._do(step, carried)

    def wait(self, outcome: Outcome, before: Before) -> BaseTrigger:
        """Return the trigger for the wait before the start.

        :raises JobStartTimeoutError: if the start timeout is over.
        """
        waits = StartWaits(self.operator, self.identity, self.places, self._task.settling, self._team)
        match outcome:
            case WaitForEnd(job):
                return waits.for_end(job, before)
            case WaitForRoom(attempt):
                return waits.for_room(attempt, before, self.request)
            case WaitForTime() if self._not_before is not None:
                return waits.for_time(self._not_before, before)
            case WaitToSettle(until, at):
                return waits.to_settle(until, at, before)
        raise JobError(f"Nothing to wait for: {outcome}")

    def _given(self, context: Context) -> str:
        given: str = getattr(self.request, "given", "")
        if not given or self.hook.marking is not Marking.TOKEN:
            return given
        log = AttemptLog.open(self.store.read(), first_try=False, identity=self.identity.digest)
        return log.own_token(given, (context["ti"].max_tries or 0) - (context["task"].retries or 0))

    def _outcome(self, outcome: Outcome) -> Outcome:
        match outcome:
            case Failed() if self._error is not None:
                raise self._error
            case Refuse(job):
                raise JobNotFoundError(
                    f"{self.operator._noun} {job.job_id} was started by an earlier try, and AWS no longer "
                    "shows it, so it is unknown whether it succeeded. Check what it has done, then mark the "
                    "task as success, or clear it to start another one."
                )
            case Adopt(job) if job is not None and job.evidence is Evidence.IN_DOUBT:
                self.operator.log.warning(
                    "%s %s was started before this task or another one of the run was cleared. This task "
                    "adopts it; if you do not want it, clear the task once more.",
                    self.operator._noun,
                    job.job_id,
                )
        return outcome

    @singledispatchmethod
    def _do(self, step: Step, carried: Carried) -> Any:
        """Carry out a step, and return its answer."""
        raise TypeError(f"There is no step {step!r}.")

    @_do.register
    def _(self, step: ListJobs, carried: Carried) -> Sight:
        self._listed_at = time.monotonic()
        try:
            jobs = self.places.see(step.log, self.request)
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            if isinstance(error, JobInputError):
                raise
            raise self.hook.unreadable(
                f"see_{self.hook.noun}s", f"{type(error).__name__}: {error}"
            ) from error
        return Sight(self.places.now(), tuple(jobs))

    @_do.register
    def _(self, step: StoreLog, carried: Carried) -> None:
        if not self.store.there:
            carried.log = step.log.to_json()
            return
        try:
            self.store.write(step.log)
        except Exception as error:
            if step.must:
                raise JobError(
                    f"The attempt could not be recorded, so the {self.hook.noun} was not started: {error}"
                ) from error
            self.operator.log.warning("AWS's answer could not be recorded: %s", error)

    @_do.register
    def _(self, step: Stop, carried: Carried) -> Stopped:
        job_id = step.job.job_id or ""
        why = f"{step.job.evidence}; {step.job.likeness}"
        name = f"{job_id}{self.places.told(step.job.place)}"
        self.operator.log.info("Stopping %s %s: %s.", self.hook.noun, name, why)
        # An error ends the steps: nothing is started beside a job that may go on.
        stopped = self.places.hook(step.job.place).stop_job(job_id)
        metrics.send("job_stopped", **metrics.tags_of(self.hook, self._team))
        return Stopped.ASKED if stopped else Stopped.NOT_RUNNING

    @_do.register
    def _(self, step: Prepare, carried: Carried) -> Unstarted | None:
        for job in step.uncounted:
            self.operator.log.info(
                "%s %s has succeeded, but does not count: %s.", self.operator._noun, job.job_id, job.likeness
            )
        limit = self.operator.job_timeout
        if limit is not None and step.spent >= limit.total_seconds():
            raise JobTimeoutError(
                f"job_timeout={limit} is used up: earlier {self.hook.noun}s of this task ran for "
                f"{timedelta(seconds=round(step.spent))}. Allow more time, or give the job less to do."
            )
        if time.monotonic() - self._prepared_at <= self._settling:
            # The checks may have taken the time for which this try lists the jobs again.
            return None
        self._not_before = self.operator.start_not_before(self.request)
        now = self.hook.clock.now_or_local()
        if self._not_before is not None and self._not_before > now:
            return Unstarted.TOO_EARLY
        try:
            self.hook.prepare_start(self.request)
        except JobQuotaError as error:
            self.operator.log.info("%s The task waits in the queue.", error)
            return Unstarted.NO_ROOM
        self._prepared_at = time.monotonic()
        return None

    @_do.register
    def _(self, step: Start, carried: Carried) -> Started | Unstarted:
        called = time.monotonic()
        held_up = called - self._listed_at
        if held_up > self._settling:
            return self._held_up(held_up)
        if self.hook.marking is Marking.NAME:
            # If the task is killed during the call, the job is stopped by the name that it will have.
            self.operator._job_id = self.hook.job_name(self.identity, step.attempt, self.request)
        try:
            job = self.started = self.hook.start_job(self.identity, step.attempt, self.request)
        except JobQuotaError as error:
            self.operator._job_id = None
            self.operator.log.info("%s The task waits in the queue.", error)
            in_doubt = isinstance(error, JobQuotaInDoubtError)
            return Unstarted.NO_ROOM_IN_DOUBT if in_doubt else Unstarted.NO_ROOM
        except (JobError, JobInputError) as error:
            self._error = error
            return Unstarted.IN_DOUBT if isinstance(error, JobOutcomeUnknownError) else Unstarted.REFUSED
        if not job.shared:
            # From here on a kill finds the job, even before it is recorded.
            self.operator._job_id = job.job_id
        if self.hook.marking is Marking.TOKEN:
            job = self.started = self._as_it_is_now(job)
        now = self.hook.clock.now()
        at = now - timedelta(seconds=time.monotonic() - called) if now else None
        return Started(job.job_id, job.state, job.started_at, job.shared, at)

    def _as_it_is_now(self, job: JobStatus) -> JobStatus:
        """Describe a job: AWS answers a token that was used before with its job, whatever became of that."""
        try:
            return replace(self.hook.describe_job(job.job_id), shared=job.shared)
        except (JobError, JobInputError):
            return job

    def _held_up(self, seconds: float) -> Unstarted:
        """Make no call, since a later try recognizes its job by the time that has passed since the list."""
        self._hold_ups += 1
        noun = self.hook.noun
        if self._hold_ups < _MOST_HOLD_UPS:
            self.operator.log.info(
                "The process was held up for %.0f seconds after AWS had listed the %ss. It lists them again.",
                seconds,
                noun,
            )
            return Unstarted.HELD_UP
        self._error = JobUnavailableError(
            f"The {noun} was not started: the process was held up {self._hold_ups} times, lastly for "
            f"{seconds:.0f} seconds, after AWS had listed the {noun}s. A retry lists them again.",
        )
        return Unstarted.REFUSED
