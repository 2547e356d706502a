# SPDX-License-Identifier: Apache-2.0

"""Base class for operators that start a job: find it or start it, exactly once, then watch it."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Generic

from airflow.providers.common.compat.sdk import Context

from airflow_provider_jobs import metrics
from airflow_provider_jobs.exceptions import JobInputError, JobNotFoundError
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.once.steps import Adopt
from airflow_provider_jobs.operators.base import HookT, JobOperator
from airflow_provider_jobs.operators.before import Before
from airflow_provider_jobs.operators.context import note_spent
from airflow_provider_jobs.operators.runner import StepRunner

__all__ = ["StartJobOperator"]


class StartJobOperator(JobOperator[HookT], Generic[HookT]):
    """Base of the operators that start a job: exactly once in a life of the task, which a clear ends.

    A retry finds the job that an earlier try has started: it waits on if the job is in flight, takes the
    result if it has succeeded, and starts the next one if it has failed. A job from before the task was
    cleared, or from before its DAG was changed to another request, is stopped first. A job that may or may
    not be the task's is waited for. The rules are the table in ``docs/architecture.md``.

    Takes the parameters of :class:`JobOperator`, and:

    :param cancel_on_kill: whether the job is stopped when its task is killed, marked or cleared; while
        the task is deferred this needs Airflow 3.3 or later.
    :param start_timeout: how long a try may wait before its job starts: in the queue, for the time that the
        job has to start at, for another job's end. None sets no limit.
    """

    def __init__(
        self,
        *,
        cancel_on_kill: bool = True,
        start_timeout: timedelta | None = timedelta(days=7),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.cancel_on_kill = cancel_on_kill
        self.start_timeout = start_timeout
        if start_timeout is not None and start_timeout <= timedelta(0):
            raise JobInputError(f"start_timeout={start_timeout!r} must be positive, or None for no limit.")

    def execute(self, context: Context) -> dict[str, Any]:
        """Start the job or find it, and wait for it if asked to.

        :raises JobInputError: for parameters that cannot work; without a retry.
        :raises JobTimeoutError: if ``job_timeout`` is used up; without a retry.
        :raises JobError: for failures that a retry may fix.
        """
        self._encoded()
        self._warn_if_retired()
        return self._run(context, Before())

    def execute_after_wait(
        self, context: Context, event: Any = None, before: Mapping[str, Any] | None = None
    ) -> dict[str, Any]:
        """Decide again after a wait before the start.

        :param event: what the wait's trigger found.
        :param before: what the try has kept over the wait; that of an earlier try counts as nothing.
        """
        return self._run(context, Before.after(before, event, context))

    @abstractmethod
    def job_request(self, context: Context) -> Any:
        """Return what the hook's ``start_job`` needs, checked without any call.

        It has a method ``facts()``, which returns what AWS acts on: the request's fingerprint.

        :raises JobInputError: if a parameter cannot work.
        """

    def start_not_before(self, request: Any) -> datetime | None:
        """Return the time that the job must not start before, if there is one."""
        return None

    def _run(self, context: Context, before: Before) -> dict[str, Any]:
        runner = StepRunner(self, context, self.job_request(context))
        while not isinstance(outcome := runner.take(before), Adopt):
            trigger = runner.wait(outcome, before)
            event = self._wait(trigger, "execute_after_wait", {"before": before.to_json(context)})
            before = Before.after(before.to_json(context), event, context)
        found = self._status(outcome, runner.started)
        if outcome.attempt is not None and outcome.attempt.shared:
            found = replace(found, shared=True)
        self._record(context, found)
        if self._killed:
            # The kill came during the start call, when there was nothing to stop yet.
            self.on_kill()
            self._raise_if_killed()
        if found.state.ended:
            return self._finish(context, found)
        if not self.wait_for_completion:
            return self._deliver(context, found)
        return self._watch(context, found, spent=outcome.spent)

    def execute_complete(
        self, context: Context, event: Mapping[str, Any], try_number: int | None = None
    ) -> dict[str, Any]:
        """Take up the task again after the wait; see :meth:`JobOperator.execute_complete`."""
        if ran := event.get("ran"):
            note_spent(context, event["job_id"], ran, self.log)
        return super().execute_complete(context, event, try_number)

    def _status(self, outcome: Adopt, started: JobStatus | None) -> JobStatus:
        if outcome.job is None and started is not None:
            self.log.info("Started %s %s: %s.", self.hook.noun, started.job_id, started.service_state)
            metrics.send("job_started", service=self.hook.service)
            # The answer to a start tells less of a job than the result has to.
            return self.hook.describe_job(started.job_id) if started.state.ended else started
        try:
            found = self.hook.describe_job(outcome.job_id)
        except JobNotFoundError:
            # A list has shown it, or the attempt log knows it: the description lags behind.
            found = JobStatus(outcome.job_id, JobState.RUNNING, "not described yet")
        doubt = f" ({outcome.job.evidence}; {outcome.job.likeness})" if outcome.job else ""
        self.log.info(
            "%s %s of an earlier try is %s%s.", self._noun, found.job_id, found.service_state, doubt
        )
        metrics.send("job_reattached", service=self.hook.service)
        return found
