# SPDX-License-Identifier: Apache-2.0

"""The way of every operator that starts a job: find it or start it, exactly once, then watch it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, Generic

from airflow.providers.common.compat.sdk import Context
from airflow.triggers.base import BaseTrigger

from airflow_provider_jobs import metrics
from airflow_provider_jobs.exceptions import JobError, JobInputError, JobQuotaError
from airflow_provider_jobs.job import Attempt, JobKey, JobState, JobStatus
from airflow_provider_jobs.operators.base import HookT, JobOperator
from airflow_provider_jobs.operators.ledger import Ledger
from airflow_provider_jobs.triggers.base import shortest_wait
from airflow_provider_jobs.triggers.slot import SlotTrigger

try:
    from airflow.providers.standard.triggers.temporal import DateTimeTrigger
except ImportError:  # Airflow 2 without the standard provider
    from airflow.triggers.temporal import DateTimeTrigger  # type: ignore[no-redef,import-not-found]

__all__ = ["StartJobOperator"]


class StartJobOperator(JobOperator[HookT], Generic[HookT]):
    """Base of the operators that start a job: exactly once in a run of the task and its retries.

    A retry finds the job that an earlier try has started, by its key: it waits on if the job is in
    flight, takes the result if it has succeeded, and starts the next one if it has failed. A job of a
    run before the task was cleared is stopped first.

    Takes the parameters of :class:`JobOperator`, and:

    :param cancel_on_kill: whether the job is stopped when its task is killed, marked or cleared; while
        the task is deferred this needs Airflow 3.3 or later.
    """

    def __init__(self, *, cancel_on_kill: bool = True, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.cancel_on_kill = cancel_on_kill

    def execute(self, context: Context) -> dict[str, Any]:
        """Start the job or find it, and wait for it if asked to.

        :raises JobInputError: for parameters that cannot work; without a retry.
        :raises JobError: for everything that a retry may mend.
        """
        self._encoded()
        self._warn_if_retired()
        return self._run(context)

    def execute_after_wait(self, context: Context, event: Any = None) -> dict[str, Any]:
        """Go on after something had to pass before the job could start; looks at everything anew."""
        return self._run(context, self._place_in_line(event))

    @abstractmethod
    def job_request(self, context: Context) -> dict[str, Any]:
        """Return what the hook's ``start_job`` needs, checked without any call.

        :raises JobInputError: if a parameter cannot work.
        """

    def start_not_before(self, request: Mapping[str, Any]) -> datetime | None:
        """Return the time that the job must not start before, if there is one."""
        return None

    def _run(self, context: Context, since: float | None = None) -> dict[str, Any]:
        request = self.job_request(context)
        key = JobKey.from_context(context)
        ledger = Ledger({} if self.aws_hook_class.named else context, key)
        while True:
            found = self._find_or_start(key, request, ledger, since)
            if isinstance(found, JobStatus):
                break
            since = self._place_in_line(self._wait(found, "execute_after_wait"))
        self._record(context, found)
        if self._killed:
            # The kill came during the start call, when there was nothing to stop yet.
            self.on_kill()
            self._raise_if_killed()
        if found.state.ended:
            # A listing and the answer to a start tell less of a job than the result has to.
            return self._finish(context, self.hook.describe_job(found.job_id))
        if not self.wait_for_completion:
            return self._deliver(context, found)
        return self._watch(context, found)

    def _place_in_line(self, event: Any) -> float | None:
        """Read what a wait before the start came to: since when the task is in line, if it is."""
        if not isinstance(event, Mapping):
            return None
        if why := event.get("error"):
            raise JobError(f"Waiting to start the {self.aws_hook_class.noun} failed: {why}")
        return event.get("since")

    def _find_or_start(
        self, key: JobKey, request: Mapping[str, Any], ledger: Ledger, since: float | None
    ) -> JobStatus | BaseTrigger:
        """Return the generation's job, or what has to pass before it can start."""
        jobs = self.hook.find_jobs(key, request, ledger.attempts)
        ledger.learn(jobs)
        last = next((job.status for job in reversed(jobs) if job.generation == key.generation), None)
        for job in jobs:
            if job.generation != key.generation and job.status.state is JobState.RUNNING:
                self._leave_behind(job.status.job_id)
        if last is not None and last.state is JobState.STOPPING:
            self.log.info("%s %s is being stopped; a new one starts after it.", self._noun, last.job_id)
            return self._job_trigger(last.job_id)
        if last is not None and last.state in (JobState.RUNNING, JobState.SUCCEEDED):
            self.log.info("%s %s of an earlier try is %s.", self._noun, last.job_id, last.service_state)
            metrics.send("job_reattached", service=self.hook.service)
            return last
        if last is not None:
            self.log.info("%s %s ended %s; starting the next.", self._noun, last.job_id, last.service_state)
        attempt = ledger.begun(1 + max((job.number for job in jobs), default=0), datetime.now(UTC))
        others = frozenset(job.status.job_id for job in jobs)
        return self._start(replace(attempt, others=others), request, ledger, since)

    def _start(
        self, attempt: Attempt, request: Mapping[str, Any], ledger: Ledger, since: float | None
    ) -> JobStatus | BaseTrigger:
        moment, now = self.start_not_before(request), datetime.now(UTC)
        if moment is not None and moment > now:
            self.log.info("Waiting until %s to start the %s.", moment.isoformat(), self.hook.noun)
            if self.deferrable:
                moment = max(moment, now + timedelta(seconds=shortest_wait(self.poll_interval)))
            return DateTimeTrigger(moment=moment)
        name = self.hook.job_name(attempt, request)
        self._job_id = name if self.hook.named else None
        try:
            attempt = self.hook.prepare_start(attempt, request)
            ledger.note(attempt)
            job = self.hook.start_job(attempt, request)
        except (JobError, JobInputError) as error:
            if not getattr(error, "in_doubt", False):
                ledger.forget(attempt)
            if not isinstance(error, JobQuotaError):
                raise
            self._job_id = None
            self.log.info("%s Waiting in line.", error)
            return self._slot_trigger(name, self.hook.scope(request), since)
        ledger.note(replace(attempt, job_id=job.job_id))
        self.log.info("Started %s %s: %s.", self.hook.noun, job.job_id, job.service_state)
        metrics.send("job_started", service=self.hook.service)
        return job

    def _slot_trigger(self, name: str, scope: str, since: float | None) -> SlotTrigger:
        spec = self._encoded()
        return SlotTrigger(
            hook_class=spec.hook_class,
            hook_parameters=spec.parameters,
            job_id=name,
            scope=scope,
            poll_interval=self.poll_interval,
            since=since,
        )

    def _leave_behind(self, job_id: str) -> None:
        """Stop what ran before the task was cleared, unless its author wants it to go on."""
        if not self.cancel_on_kill:
            self.log.info("%s %s from before the task was cleared goes on.", self._noun, job_id)
            return
        self.log.info("Stopping %s %s from before the task was cleared.", self.hook.noun, job_id)
        self._stop(job_id)
