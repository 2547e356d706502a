# SPDX-License-Identifier: Apache-2.0

"""The way of every operator that waits for a job: record it, watch it, stop it, say how it ended."""

from __future__ import annotations

import asyncio
import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar, Generic, TypeVar

from airflow.providers.amazon.aws.operators.base_aws import AwsBaseOperator
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import Context, conf
from airflow.triggers.base import BaseTrigger

from airflow_provider_jobs.exceptions import (
    JobError,
    JobFailedError,
    JobInputError,
    JobTimeoutError,
)
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.hooks.spec import HookSpec
from airflow_provider_jobs.job import JobState, JobStatus, one_line
from airflow_provider_jobs.lineage import TellsLineage
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.operators.context import settling_time
from airflow_provider_jobs.operators.context import try_number as current_try
from airflow_provider_jobs.triggers.job import JobTrigger
from airflow_provider_jobs.windows import interval

__all__ = ["HookT", "JobOperator", "StopJobOperator"]

HookT = TypeVar("HookT", bound=JobHook)

#: Seconds that a killed worker spends on stopping the job: Airflow 3 sends SIGKILL after five.
_STOP_TIME = 4.0


class JobOperator(TellsLineage, AwsBaseOperator[HookT], Generic[HookT]):
    """Base of the operators that wait for a job.

    The asset events of its ``outlets`` have the result as their ``extra``, and with it the run's data
    interval as ``data_interval_start`` and ``data_interval_end``: None for a run that has none. So a DAG
    that is scheduled on the asset, whose runs have none, can go on with the same window.

    :param wait_for_completion: whether to wait for the job's end.
    :param deferrable: whether to wait in the triggerer, which frees the worker; by default as
        ``[operators] default_deferrable`` says.
    :param poll_interval: seconds between looks at the job.
    :param job_timeout: how long the job may take, from its start as AWS tells it; when the time is up
        the job is stopped and the task fails. None sets no limit.
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    """

    template_fields: Sequence[str] = aws_template_fields()
    #: The console link that is recorded once the job is known.
    job_link: ClassVar[type[JobLink] | None] = None
    #: Whether a killed task takes its job along.
    cancel_on_kill: bool = False

    # What on_kill finds; class attributes, since Airflow copies and pickles operators.
    _job_id: str | None = None
    _killed: bool = False

    def __init__(
        self,
        *,
        wait_for_completion: bool = True,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        poll_interval: float = conf.getfloat("airflow_provider_jobs", "poll_interval", fallback=30.0),
        job_timeout: timedelta | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.wait_for_completion = wait_for_completion
        self.deferrable = deferrable
        self.poll_interval = poll_interval
        self.job_timeout = job_timeout
        if poll_interval <= 0:
            raise JobInputError(f"poll_interval={poll_interval!r} must be a positive number of seconds.")
        if job_timeout is not None and job_timeout <= timedelta(0):
            raise JobInputError(f"job_timeout={job_timeout!r} must be positive, or None for no limit.")

    def job_result(self, job: JobStatus) -> dict[str, Any]:
        """Return the task's result, JSON-safe; what the service's details hold, unless overridden."""
        return dict(job.details)

    def lineage_details(self, job: JobStatus) -> dict[str, Any]:
        """Return the task's result, which a job that failed has too."""
        return self.job_result(job)

    def check_result(self, job: JobStatus) -> None:
        """Look at a job that succeeded by AWS's measure with the user's.

        :raises JobEndedError: if it does not meet that.
        """

    def execute_complete(
        self, context: Context, event: Mapping[str, Any], try_number: int | None = None
    ) -> dict[str, Any]:
        """Take up the task again after the wait; the event is a :class:`JobTrigger`'s.

        :param try_number: the try that has waited. Airflow 3.0.0 to 3.1.0 resume a retry with the event of
            the try before (apache/airflow#56704): such an event is left aside, and the task begins as a
            retry does.
        :raises JobFailedError: if the job ended without success.
        :raises JobTimeoutError: if it had not ended at its deadline.
        :raises JobError: if the job could not be watched any longer.
        """
        if try_number is not None and try_number != current_try(context):
            result: dict[str, Any] = self.execute(context)
            return result
        job = self._job = JobStatus.from_json(event["job"]) if event["job"] else None
        if why := event.get("timeout"):
            return self._time_is_up(context, event["job_id"], why, shared=bool(event.get("shared")))
        if why := event.get("error"):
            raise JobError(f"{self._noun} {event['job_id']} could not be watched any longer: {why}")
        if job is None:
            raise JobError(f"The trigger's event tells nothing of a job: {event}")
        return self._finish(context, job)

    def on_kill(self) -> None:
        """Stop the job with its task."""
        self._killed = True
        if self._job_id is None:
            return
        if not self.cancel_on_kill:
            self.log.info("cancel_on_kill is off: %s %s goes on.", self._noun, self._job_id)
            return
        # In a thread, and not waited for without end: the signal may have interrupted this one while it
        # held a lock of the client's connection pool.
        stopper = threading.Thread(target=self._stop, args=(self._job_id,), daemon=True)
        stopper.start()
        stopper.join(_STOP_TIME)

    @property
    def _noun(self) -> str:
        return self.aws_hook_class.noun.capitalize()

    def _warn_if_retired(self) -> None:
        if self.aws_hook_class.ended:
            self.log.warning(self.hook.notice)

    def _encoded(self) -> HookSpec:
        """Return how the triggerer builds the hook.

        :raises JobInputError: if it could not; to be found out before a job is started.
        """
        return HookSpec.of(self.aws_hook_class, self._hook_parameters)

    def _stop(self, job_id: str) -> str:
        """Ask for the job to be stopped; returns what came of it, for a message."""
        try:
            outcome = "it is being stopped" if self.hook.stop_job(job_id) else "it had ended already"
        except JobError as error:
            outcome = f"it could NOT be stopped and may go on: {error}"
        self.log.info("%s %s: %s.", self._noun, job_id, outcome)
        return outcome

    def _time_is_up(self, context: Context, job_id: str, why: str, *, shared: bool) -> dict[str, Any]:
        try:
            job = self._job = self.hook.describe_job(job_id)
        except JobError as error:
            why = f"{why} ({error})"
        else:
            if job.state.ended:
                return self._finish(context, job)
        stopped = "it was there before this task and goes on" if shared else self._stop(job_id)
        raise JobTimeoutError(
            f"{self._noun} {job_id} {why}. job_timeout is {self.job_timeout}; {stopped}. "
            "Allow more time, or give the job less to do."
        )

    def _watch(self, context: Context, job: JobStatus, spent: float = 0.0) -> dict[str, Any]:
        """Wait for the job's end: in the triggerer, or with the same trigger here.

        :param spent: seconds of ``job_timeout`` that are used up already.
        """
        deadline = None
        if self.job_timeout:
            started_at = job.started_at or self.hook.clock.now() or datetime.now(UTC)
            deadline = (started_at + self.job_timeout - timedelta(seconds=spent)).isoformat()
        trigger = self._job_trigger(job.job_id, deadline, shared=job.shared)
        kwargs = {"try_number": current_try(context)}
        return self.execute_complete(context, self._wait(trigger, "execute_complete", kwargs))

    def _job_trigger(
        self,
        job_id: str,
        deadline: str | None = None,
        *,
        cancel_on_kill: bool | None = None,
        shared: bool = False,
    ) -> JobTrigger:
        spec = self._encoded()
        cancel = self.cancel_on_kill if cancel_on_kill is None else cancel_on_kill
        return JobTrigger(
            hook_class=spec.hook_class,
            hook_parameters=spec.parameters,
            job_id=job_id,
            poll_interval=self.poll_interval,
            deadline=deadline,
            cancel_on_kill=cancel and not shared,
            shared=shared,
            settling_time=settling_time().total_seconds(),
        )

    def _wait(self, trigger: BaseTrigger, then: str, kwargs: Mapping[str, Any] | None = None) -> Any:
        """Return the trigger's event; a deferrable task never gets it here but in its method ``then``."""
        if self.deferrable:
            self.defer(trigger=trigger, method_name=then, kwargs=dict(kwargs or {}))

        async def first() -> Any:
            events = trigger.run()
            waiting = asyncio.ensure_future(anext(events))
            try:
                # A signal's handler cannot end a coroutine that waits; this looks up twice a second.
                while not (await asyncio.wait({waiting}, timeout=0.5))[0]:
                    self._raise_if_killed()
                return waiting.result().payload
            finally:
                waiting.cancel()

        return asyncio.run(first())

    def _raise_if_killed(self) -> None:
        if self._killed:
            raise JobError("The task was killed while it waited.")

    def _finish(self, context: Context, job: JobStatus) -> dict[str, Any]:
        self._record(context, job)
        if job.state is not JobState.SUCCEEDED:
            reason = one_line(job.reason or self.aws_hook_class.no_reason).rstrip(". ")
            raise JobFailedError(
                f"{self._noun} {job.job_id} ended {job.service_state}: {reason}. A retry starts a new one."
            )
        self.check_result(job)
        return self._deliver(context, job)

    def _deliver(self, context: Context, job: JobStatus) -> dict[str, Any]:
        """Return the result, and hand it to the outlets' asset events with the run's data interval."""
        result = self.job_result(job)
        for outlet in self.outlets or ():
            context["outlet_events"][outlet].extra = {**interval(context), **result}
        return result

    def _record(self, context: Context, job: JobStatus) -> None:
        """Remember the job where on_kill, a person and the console link look for it."""
        self._job, self._job_id = job, None if job.shared else job.job_id
        if self.job_link is not None:
            self.job_link.persist(
                context=context,
                operator=self,
                region_name=self.hook.conn_region_name,
                aws_partition=self.hook.conn_partition,
                job_id=job.job_id,
            )


class StopJobOperator(JobOperator[HookT], Generic[HookT]):
    """Base of the operators that stop a job; one that has ended already is as good as stopped."""

    @property
    @abstractmethod
    def target_id(self) -> str:
        """The service's own name of the job to stop."""

    def execute(self, context: Context) -> dict[str, Any]:
        """Stop the job, and wait until it has ended if asked to.

        :raises JobNotFoundError: if the service does not know the job.
        """
        self._warn_if_retired()
        job = self.hook.describe_job(self.target_id)
        self._record(context, job)
        if job.state.ended:
            self.log.info("%s %s had ended already: %s.", self._noun, job.job_id, job.service_state)
            return self._deliver(context, job)
        asked = job.state is not JobState.RUNNING or self.stop(job.job_id)
        if not asked or not self.wait_for_completion:
            return self._deliver(context, self.hook.describe_job(job.job_id))
        return self._watch(context, job)

    def stop(self, job_id: str) -> bool:
        """Ask for the job to be stopped; returns False if there was nothing to stop any more."""
        return self.hook.stop_job(job_id)

    def _finish(self, context: Context, job: JobStatus) -> dict[str, Any]:
        self._record(context, job)
        if job.state is not JobState.CANCELLED:
            self.log.info(
                "%s %s had ended before it was stopped: %s.", self._noun, job.job_id, job.service_state
            )
        return self._deliver(context, job)
