# SPDX-License-Identifier: Apache-2.0

"""Base class for operators that wait for a job: record it, watch it, stop it, report how it ended."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any, Generic, Unpack

from airflow.providers.common.compat.sdk import Context, conf

from airflow_provider_jobs import _options as options
from airflow_provider_jobs.aws import AwsOperator, HookT, aws_template_fields
from airflow_provider_jobs.durations import duration, optional_duration
from airflow_provider_jobs.exceptions import JobError, JobFailedError, JobTimeoutError, is_transient
from airflow_provider_jobs.job import JobState, JobStatus, one_line
from airflow_provider_jobs.lineage import TellsLineage
from airflow_provider_jobs.operator_parameters import AwsOperatorParameters
from airflow_provider_jobs.operators._context import settling_time
from airflow_provider_jobs.operators._context import try_number as current_try
from airflow_provider_jobs.operators._handed import PushesIds
from airflow_provider_jobs.parameters import Checked, truth
from airflow_provider_jobs.partitions import partition
from airflow_provider_jobs.windows import interval

if TYPE_CHECKING:
    from airflow.triggers.base import BaseTrigger

    from airflow_provider_jobs.hooks._spec import HookSpec
    from airflow_provider_jobs.triggers.job import JobTrigger

__all__ = ["HookT", "JobOperator"]

_POLL_INTERVAL = options.seconds("poll_interval")
#: Seconds that a killed worker spends on stopping the job: Airflow 3 sends SIGKILL after five.
_STOP_TIME = 4.0
#: Seconds before the stop is repeated; each further pause is twice as long as the one before.
_FIRST_PAUSE = 0.2


def _seconds(value: Any, name: str) -> float:
    return duration(value, name).total_seconds()


class JobOperator(PushesIds, TellsLineage, AwsOperator[HookT], Generic[HookT]):
    """Base of the operators that wait for a job.

    The asset events of its ``outlets`` have the result in their ``extra``, along with the run's data interval
    as ``data_interval_start`` and ``data_interval_end``, which are None for a run without one. So a DAG that
    is scheduled on the asset can use the same window, although its runs have no data interval. For a run with
    a partition, ``partition_key`` and, from Airflow 3.3, ``partition_date`` are added.

    :param wait_for_completion: whether to wait for the job's end.
    :param deferrable: whether to wait in the triggerer, which frees the worker; the default is
        ``[operators] default_deferrable``.
    :param poll_interval: the time between polls of the job, in seconds or as a timedelta.
    :param job_timeout: how long the job may take, as a timedelta or in seconds, counted from its start
        according to AWS. When the time is up, the job is stopped and the task fails. None sets no limit.
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    """

    template_fields: Sequence[str] = aws_template_fields()
    wait_for_completion = Checked(truth)
    poll_interval = Checked(_seconds)
    job_timeout = Checked(optional_duration)
    #: Whether the job is stopped when its task is killed.
    cancel_on_kill: bool = False

    # State for on_kill; class attributes, since Airflow copies and pickles operators.
    _job_id: str | None = None
    _killed: bool = False

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float | timedelta = _POLL_INTERVAL,
        job_timeout: timedelta | float | None = None,
        **kwargs: Unpack[AwsOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.job_timeout = job_timeout

    def job_result(self, job: JobStatus) -> dict[str, Any]:
        """Return the task's result, JSON-safe; by default the ``details`` of the job's status."""
        return dict(job.details)

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the ids from the result to push under their own keys as well; none unless overridden."""
        return {}

    def lineage_details(self, job: JobStatus) -> dict[str, Any]:
        """Return the task's result; a job that failed has one too."""
        return self.job_result(job)

    def check_result(self, job: JobStatus) -> None:
        """Check a job that succeeded according to AWS against the user's own criteria.

        :raises JobEndedError: if it does not meet them.
        """

    def execute_complete(
        self,
        context: Context,
        event: Mapping[str, Any],
        try_number: int | None = None,
        **_later: Any,
    ) -> dict[str, Any]:
        """Resume the task after the wait, with the event of a :class:`JobTrigger`.

        :param try_number: the try that waited. Airflow 3.0.0 to 3.1.0 resume a retry with the event of the
            previous try (apache/airflow#56704). Such an event is ignored, and the task starts like any retry.
        :param _later: arguments that a later release stored before a downgrade; ignored.
        :raises JobFailedError: if the job ended without success.
        :raises JobTimeoutError: if it had not ended at its deadline.
        :raises JobError: if the job could no longer be watched.
        """
        if try_number is not None and try_number != current_try(context):
            result: dict[str, Any] = self.execute(context)
            return result
        job = self._job = JobStatus.from_json(event["job"]) if event["job"] else None
        if why := event.get("timeout"):
            raise self._timed_out(event, why)
        if why := event.get("error"):
            raise JobError(f"{self._noun} {event['job_id']} could not be watched any longer: {why}")
        if job is None:
            raise JobError(f"The trigger's event contains no job: {event}")
        if self.deferrable:
            # The trigger's last log lines may be lost when its task ends (apache/airflow#70317).
            self.log.info("%s %s: %s.", self._noun, job.job_id, job.describe())
        return self._finish(context, job)

    def on_kill(self) -> None:
        """Stop the job when its task is killed."""
        self._killed = True
        if self._job_id is None:
            return
        if not self.cancel_on_kill:
            self.log.info("cancel_on_kill is off: %s %s goes on.", self._noun, self._job_id)
            return
        # In another thread and with a time limit: the signal may have interrupted this thread while it held a
        # lock of the client's connection pool.
        stopper = threading.Thread(target=self._stop, args=(self._job_id, _STOP_TIME), daemon=True)
        stopper.start()
        stopper.join(_STOP_TIME)

    def _warn_if_retired(self) -> None:
        if self.aws_hook_class.retired_on:
            self.log.warning(self.hook.retirement_notice)

    def _check_parameters(self) -> None:
        """Check before a job is started whether the triggerer could build the hook.

        :raises JobInputError: if it could not.
        """
        from airflow_provider_jobs.hooks._spec import HookSpec

        HookSpec.of(self.aws_hook_class, self._hook_parameters)

    def _stop(self, job_id: str, within: float = 0.0) -> str:
        """Ask AWS to stop the job; returns the outcome, for a message.

        :param within: seconds during which the call is repeated if AWS is busy or cannot be reached.
        """
        until, pause = time.monotonic() + within, _FIRST_PAUSE
        while True:
            try:
                outcome = "it is being stopped" if self.hook.stop_job(job_id) else "it had ended already"
                break
            except JobError as error:
                outcome = f"it could NOT be stopped and may go on: {error}"
                if not is_transient(error, answered=True) or time.monotonic() + pause > until:
                    break
            time.sleep(pause)
            pause *= 2
        self.log.info("%s %s: %s.", self._noun, job_id, outcome)
        return outcome

    def _timed_out(self, event: Mapping[str, Any], why: str) -> JobTimeoutError:
        """Return the error for a job whose time is up; the event has the outcome of the stop."""
        if event.get("shared"):
            outcome = "it existed before this task and goes on"
        else:
            outcome = event.get("stopped") or self._stop(event["job_id"])
        seen = f" It was last seen {self._job.describe()}." if self._job else ""
        return JobTimeoutError(
            f"{self._noun} {event['job_id']} {why}. job_timeout is {self.job_timeout}; {outcome}. "
            f"Allow more time, or give the job less to do.{seen}"
        )

    def _watch(self, context: Context, job: JobStatus, spent: float = 0.0) -> dict[str, Any]:
        """Wait for the job's end, in the triggerer or with the same trigger on the worker.

        :param spent: seconds of ``job_timeout`` that are already used up.
        """
        deadline = None
        if self.job_timeout:
            started_at = job.started_at or self.hook.clock.now_or_local()
            deadline = (started_at + self.job_timeout - timedelta(seconds=spent)).isoformat()
        trigger = self._job_trigger(
            job.job_id,
            deadline,
            stop_at_deadline=not job.shared,
            shared=job.shared,
            started_at=job.started_at,
        )
        kwargs = {"try_number": current_try(context), **self._kept()}
        return self.execute_complete(context, self._wait(trigger, "execute_complete", kwargs))

    def _kept(self) -> dict[str, Any]:
        """Return additional arguments for :meth:`execute_complete` after a deferral."""
        return {}

    def _job_trigger(
        self,
        job_id: str,
        deadline: str | None = None,
        *,
        stop_at_deadline: bool = False,
        spec: HookSpec | None = None,
        goes_on: str = "",
        shared: bool = False,
        started_at: datetime | None = None,
    ) -> JobTrigger:
        """Return the trigger that waits for a job.

        :param stop_at_deadline: whether it stops the job at the deadline.
        :param spec: the description of the hook for the triggerer, if it is not the task's own hook.
        :param goes_on: why the job is not stopped with the task, if it is not; the beginning of a log line.
        """
        # Imported here: a task whose job has ended needs neither the triggers nor boto3 nor the hooks.
        from airflow_provider_jobs.triggers.job import JobTrigger

        spec = spec or self._encoded()
        if not goes_on:
            goes_on = "It existed before this task" if shared else ""
        return JobTrigger(
            hook_class=spec.hook_class,
            hook_parameters=spec.parameters,
            job_id=job_id,
            poll_interval=self.poll_interval,
            deadline=deadline,
            stop_at_deadline=stop_at_deadline,
            cancel_on_kill=self.cancel_on_kill and not goes_on,
            goes_on=goes_on,
            shared=shared,
            settling_time=settling_time().total_seconds(),
            seen=True,
            started_at=started_at.isoformat() if started_at else None,
        )

    def _wait(self, trigger: BaseTrigger, then: str, kwargs: Mapping[str, Any] | None = None) -> Any:
        """Return the trigger's event; a deferrable task is deferred instead, and resumes in ``then``."""
        if self.deferrable:
            self.defer(trigger=trigger, method_name=then, kwargs=dict(kwargs or {}))

        async def first() -> Any:
            events = trigger.run()
            waiting = asyncio.ensure_future(anext(events))
            try:
                # A signal handler cannot end a waiting coroutine, so this checks twice a second for a kill.
                while not (await asyncio.wait({waiting}, timeout=0.5))[0]:
                    self._raise_if_killed()
                return waiting.result().payload
            finally:
                waiting.cancel()

        try:
            return asyncio.run(first())
        finally:
            # The task's process may end soon.
            from airflow_provider_jobs._watch.threads import METRICS_THREAD

            METRICS_THREAD.flush()

    def _raise_if_killed(self) -> None:
        if self._killed:
            raise JobError("The task was killed while it waited.")

    def _finish(self, context: Context, job: JobStatus) -> dict[str, Any]:
        self._remember(job)
        if job.state is not JobState.SUCCEEDED:
            # The poll may see what a kill has stopped before the wait notices the kill.
            self._raise_if_killed()
            reason = one_line(job.reason or self._no_reason).rstrip(". ")
            raise JobFailedError(
                f"{self._noun} {job.job_id} ended {job.service_state}: {reason}. A retry starts a new one."
            )
        self.check_result(job)
        return self._deliver(context, job)

    def _deliver(self, context: Context, job: JobStatus) -> dict[str, Any]:
        """Return the result, and add it to the outlets' asset events with the run's data interval.

        Values that are already in an event stay. If the event cannot be changed, the task does not fail,
        since its job has succeeded.
        """
        result = self.job_result(job)
        if self.outlets and not job.state.ended:
            self.log.warning(
                "The outlets' asset events will report a %s that has only begun: wait_for_completion is off.",
                self._noun.lower(),
            )
        for outlet in self.outlets or ():
            try:
                told = {**interval(context), **partition(context), **result}
                event = context["outlet_events"][outlet]
                event.extra = {**told, **event.extra}
                for each in getattr(event, "asset_alias_events", ()):
                    each.extra.update({name: told[name] for name in told.keys() - each.extra.keys()})
            except Exception as error:
                self.log.warning("The asset event of outlet %r does not get the result: %s", outlet, error)
        return result

    def _remember(self, job: JobStatus) -> None:
        """Remember the job for on_kill and OpenLineage."""
        self._job, self._job_id = job, None if job.shared else job.job_id

    def _record(self, context: Context, job: JobStatus) -> None:
        """Remember the job, and push its ids and its link; Airflow keeps these while the task is deferred."""
        self._remember(job)
        self.hand_on(context, self.job_ids(job))
        self._keep_link(context, job.job_id)
