# SPDX-License-Identifier: Apache-2.0

"""Base class for operators that start a job: find it or start it, exactly once, then watch it."""

from __future__ import annotations

import json
from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self, Unpack

from airflow.providers.common.compat.sdk import Context

from airflow_provider_jobs.durations import optional_duration
from airflow_provider_jobs.exceptions import JobNotFoundError
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.operator_parameters import JobOperatorParameters
from airflow_provider_jobs.operators._context import digest, record_spent, team
from airflow_provider_jobs.operators.base import HookT, JobOperator
from airflow_provider_jobs.parameters import Checked, truth
from airflow_provider_jobs.partitions import DefaultWindow
from airflow_provider_jobs.windows import inferred_interval

if TYPE_CHECKING:
    from airflow_provider_jobs._once.moves import Adopt
    from airflow_provider_jobs.operators._before import Before

__all__ = ["StartJobOperator"]


class StartJobOperator(JobOperator[HookT], Generic[HookT]):
    """Base class of the operators that start a job, exactly once per life of the task; a clear ends a life.

    A retry finds the job that an earlier try started. If the job is in flight, the retry waits for it; if it
    succeeded, the retry takes its result; if it failed, the retry starts the next one. A job from before the
    task was cleared, or from before its DAG was changed to another request, is stopped first. If a job may or
    may not be the task's, the task waits for its end. The rules are in the table in ``docs/architecture.md``.

    Takes the parameters of :class:`JobOperator`, and:

    :param cancel_on_kill: whether the job is stopped when its task is killed, marked or cleared.
    :param start_timeout: how long a try may wait before its job starts, as a timedelta or in seconds: in the
        queue, for the earliest time at which the job may start, for another job's end. None sets no limit.
    """

    start_timeout = Checked(optional_duration)
    #: The parts of the job's request that belong in the result; a class attribute like those of the base.
    _asked: Mapping[str, Any] | None = None
    #: The parameters of the job's window, if it has one; by default it is the run's data interval.
    window_parameters: ClassVar[tuple[str, str] | None] = None
    #: The length of a run's partition, if that is the window; None leaves it to the DAG's timetable.
    partition_window = Checked(optional_duration)
    #: The parameter for a name or token that the user chooses, if there is one.
    name_parameter: ClassVar[str | None] = None
    #: Which bounds of the window use the default, if the job has a window.
    _default_window: DefaultWindow
    #: The user's name or token before it was rendered.
    _own_name: Any = None
    #: A digest of the templated fields before they were rendered; empty if they are not plain values.
    _written: str = ""

    def __init__(
        self,
        *,
        cancel_on_kill: bool = True,
        start_timeout: timedelta | float | None = timedelta(days=7),
        **kwargs: Unpack[JobOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.cancel_on_kill = truth(cancel_on_kill, "cancel_on_kill")
        self.start_timeout = start_timeout

    def prepare_for_execution(self) -> Self:
        """Return the copy that Airflow renders and executes; it remembers the values from the DAG file."""
        prepared = super().prepare_for_execution()
        fields = {name: getattr(self, name, None) for name in self.template_fields}
        prepared._written = digest(fields)
        prepared._note_written()
        return prepared

    def _note_written(self) -> None:
        """Remember the values from the DAG file, before templates are rendered."""
        super()._note_written()
        if self.window_parameters:
            bounds = {name: getattr(self, name) for name in self.window_parameters}
            self._default_window = DefaultWindow.of(self.partition_window, **bounds)
        if self.name_parameter:
            self._own_name = getattr(self, self.name_parameter)

    @property
    def _takes_interval(self) -> bool:
        """Whether the job's window is the run's data interval, because none was given."""
        return self.window_parameters is not None and self._default_window.whole

    def window_bounds(self, context: Context) -> tuple[Any, Any]:
        """Return the rendered bounds of the job's window, with defaults filled in; for ``job_request``.

        :param context: the running task instance's Airflow context.
        :raises JobInputError: if a bound uses the default, and the run has neither a data interval nor a
            partition with both bounds.
        """
        first, last = self._default_window.names
        return self._default_window.fill(context, getattr(self, first), getattr(self, last))

    def execute(self, context: Context) -> dict[str, Any]:
        """Find the job or start it, and wait for its end if requested.

        :raises JobInputError: for parameters that cannot work; Airflow makes no retry.
        :raises JobTimeoutError: if ``job_timeout`` is used up; Airflow makes no retry.
        :raises JobError: for failures that a retry may fix.
        """
        from airflow_provider_jobs.operators._before import Before

        self._keep_from_triggerer(context)
        if self._takes_interval and (window := inferred_interval(context)):
            self.log.warning(
                "This run was triggered, not scheduled. Its window, %s, is the last period of the DAG's "
                "schedule, which the scheduled run has as well. For another window, set the parameters.",
                window,
            )
        self._check_parameters()
        self._warn_if_retired()
        return self._run(context, Before())

    def execute_after_wait(
        self, context: Context, event: Any = None, before: Mapping[str, Any] | None = None, **_later: Any
    ) -> dict[str, Any]:
        """Decide again after a wait before the start.

        :param event: the event of the wait's trigger.
        :param before: the try's state from before the wait; that of an earlier try is ignored.
        :param _later: arguments that a later release stored before a downgrade; ignored.
        """
        from airflow_provider_jobs.operators._before import Before

        return self._run(context, Before.after(before, event, context))

    @abstractmethod
    def job_request(self, context: Context) -> Any:
        """Return the request for the hook's ``start_job``, checked without any API call.

        It has a method ``facts()``, which returns the values that AWS acts on. The request's fingerprint is
        made from these.

        :raises JobInputError: if a parameter cannot work.
        """

    def start_not_before(self, request: Any) -> datetime | None:
        """Return the earliest time at which the job may start, if there is one."""
        return None

    def _run(self, context: Context, before: Before) -> dict[str, Any]:
        # Imported here: only a start needs these, not a task that resumes when its job has ended.
        from airflow_provider_jobs._once.moves import Adopt
        from airflow_provider_jobs.operators._asked import asked_of
        from airflow_provider_jobs.operators._before import Before
        from airflow_provider_jobs.operators._runner import StepRunner

        request = self.job_request(context)
        runner = StepRunner(self, context, request)
        while not isinstance(outcome := runner.take(before), Adopt):
            trigger = runner.wait(outcome, before)
            event = self._wait(trigger, "execute_after_wait", {"before": before.to_json(context)})
            before = Before.after(before.to_json(context), event, context)
        self._asked = asked_of(outcome.attempt, request)
        found = self._status(context, outcome, runner.started)
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
        self,
        context: Context,
        event: Mapping[str, Any],
        try_number: int | None = None,
        asked: Mapping[str, Any] | None = None,
        **_later: Any,
    ) -> dict[str, Any]:
        """Resume the task after the wait; see :meth:`JobOperator.execute_complete`.

        :param asked: the parts of the job's request for the result; the current request may be another one.
        """
        self._asked = asked or self._asked
        if ran := event.get("ran"):
            record_spent(context, event["job_id"], ran, self.log)
        return super().execute_complete(context, event, try_number)

    def _warn_of_name(self) -> None:
        """Log a warning if the user's name or token changes from try to try."""
        template = self._own_name
        if isinstance(template, str) and "try_number" in template:
            self.log.warning(
                "%s=%r changes with the try. If Airflow has no attempt log (below 3.3, or if it was lost), a "
                "retry does not find the %s of the previous try, and starts another one beside it. Use a "
                "value that is the same in all tries, such as ts_nodash.",
                self.name_parameter,
                template,
                self.hook.noun,
            )

    def _kept(self) -> dict[str, Any]:
        return {"asked": dict(self._asked)} if self._asked else {}

    def _status(self, context: Context, outcome: Adopt, started: JobStatus | None) -> JobStatus:
        from airflow_provider_jobs import metrics

        if outcome.job is None and started is not None:
            self.log.info("Started %s %s: %s.", self.hook.noun, started.job_id, started.service_state)
            metrics.send("job_started", **metrics.tags_of(self.hook, team(context)))
            # The answer to a start has fewer details than the result needs.
            return self.hook.describe_job(started.job_id) if started.state.ended else started
        try:
            found = self.hook.describe_job(outcome.job_id)
        except JobNotFoundError:
            if outcome.attempt is not None and outcome.attempt.ended:
                # It was deleted when it had ended.
                return JobStatus.from_json(json.loads(outcome.attempt.ended))
            # A list or the attempt log has the job, so the description only lags behind.
            found = JobStatus(outcome.job_id, JobState.RUNNING, "not described yet")
        doubt = f" ({outcome.job.evidence}; {outcome.job.likeness})" if outcome.job else ""
        self.log.info(
            "%s %s of an earlier try is %s%s.", self._noun, found.job_id, found.service_state, doubt
        )
        metrics.send("job_reattached", **metrics.tags_of(self.hook, team(context)))
        return found
