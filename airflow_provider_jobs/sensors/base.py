# SPDX-License-Identifier: Apache-2.0

"""Base class for sensors: poll a job until it has ended."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Generic, Unpack

from airflow.providers.common.compat.sdk import (
    AirflowFailException,
    AirflowSensorTimeout,
    AirflowSkipException,
    BaseSensorOperator,
    Context,
    PokeReturnValue,
    TaskDeferred,
    conf,
)

from airflow_provider_jobs.aws import AwsSensor, HookT, aws_template_fields
from airflow_provider_jobs.exceptions import JobEndedError, JobError, is_transient
from airflow_provider_jobs.job import JobState, JobStatus, one_line
from airflow_provider_jobs.lineage import TellsLineage
from airflow_provider_jobs.operator_parameters import AwsSensorParameters
from airflow_provider_jobs.operators._context import try_number as current_try
from airflow_provider_jobs.operators._context import was_rescheduled

__all__ = ["JobSensor"]


class JobSensor(TellsLineage, AwsSensor[HookT], Generic[HookT]):
    """Base of the sensors: waits for a job's end, and succeeds if the job did.

    Takes the parameters of Airflow's ``BaseSensorOperator`` (``poke_interval``, ``timeout``, ``mode``,
    ``soft_fail``, …), the operators' AWS parameters, and:

    :param deferrable: whether to wait in the triggerer; the default is
        ``[operators] default_deferrable``.
    """

    template_fields: Sequence[str] = aws_template_fields()
    #: Whether AWS has shown the job.
    _seen: bool = False

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Unpack[AwsSensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @property
    @abstractmethod
    def target_id(self) -> str:
        """The id of the job to wait for."""

    def poke(self, context: Context) -> PokeReturnValue:
        """Poll once. A transient error is logged, and the sensor polls again later.

        Refused credentials count as transient only if AWS has answered before.

        :raises JobEndedError: if the job ended without success.
        :raises JobApiError: if AWS refuses for good.
        :raises JobNotFoundError: if the service does not know it.
        """
        try:
            job = self.hook.describe_job(self.target_id)
        except JobError as error:
            if not is_transient(error, answered=self._seen or was_rescheduled(context)):
                raise
            self.log.warning("The poll failed; polling again later: %s", error)
            return PokeReturnValue(False)
        if not self._seen:
            self._keep_link(context, job.job_id)
        self._seen = True
        self.log.info("%s: %s", job.job_id, job.describe(self._now()))
        return PokeReturnValue(job.state.ended, self._result(job) if job.state.ended else None)

    def execute(self, context: Context) -> Any:
        """Wait for the job's end."""
        self._keep_from_triggerer(context)
        if self.aws_hook_class.retired_on:
            self.log.warning(self.hook.retirement_notice)
        if not self.deferrable:
            return super().execute(context)
        try:
            seen = self.poke(context)
        except JobEndedError as error:
            # Airflow does this for a poke and after a deferral, but not before one.
            if self.soft_fail or getattr(self, "never_fail", False):
                raise AirflowSkipException(str(error)) from error
            raise
        if seen.is_done:
            return seen.xcom_value
        from airflow_provider_jobs.triggers.job import JobTrigger

        spec = self._encoded()
        deadline = self._now() + timedelta(seconds=self.timeout)
        self.defer(
            trigger=JobTrigger(
                hook_class=spec.hook_class,
                hook_parameters=spec.parameters,
                job_id=self.target_id,
                poll_interval=self.poke_interval,
                deadline=deadline.isoformat(),
                cancel_on_kill=False,
                goes_on="A sensor stops nothing",
                seen=self._seen,
            ),
            method_name="execute_complete",
            kwargs={"try_number": current_try(context)},
        )

    def resume_execution(self, next_method: str, next_kwargs: dict[str, Any] | None, context: Context) -> Any:
        """Resume the task; ``soft_fail`` and ``never_fail`` skip the same errors as on a worker.

        Airflow's own method skips every error after a deferral, even a denied poll.
        """
        try:
            # Bypasses BaseSensorOperator's own method.
            return super(BaseSensorOperator, self).resume_execution(next_method, next_kwargs, context)
        except (AirflowSensorTimeout, AirflowFailException) as error:
            if self.soft_fail or getattr(self, "never_fail", False):
                raise AirflowSkipException(str(error)) from error
            raise
        except (AirflowSkipException, TaskDeferred):
            raise
        except Exception as error:
            if getattr(self, "never_fail", False):
                raise AirflowSkipException(str(error)) from error
            raise

    def execute_complete(
        self, context: Context, event: Mapping[str, Any], try_number: int | None = None, **_later: Any
    ) -> Any:
        """Resume the task after the wait.

        :param try_number: the try that waited; the event of another try is ignored, as in
            :meth:`~airflow_provider_jobs.operators.base.JobOperator.execute_complete`.
        :param _later: arguments that a later release stored before a downgrade; ignored.
        :raises AirflowSensorTimeout: if the job had not ended in time.
        :raises JobEndedError: if it ended without success.
        :raises JobError: if it could no longer be watched.
        """
        if try_number is not None and try_number != current_try(context):
            return self.execute(context)
        if why := event.get("timeout"):
            raise AirflowSensorTimeout(f"{event['job_id']} {why}.")
        if why := event.get("error"):
            raise JobError(f"{event['job_id']} could not be watched any longer: {why}")
        return self._result(JobStatus.from_json(event["job"]))

    def _now(self) -> datetime:
        """Return the time by AWS's clock, which the trigger uses for the deadline."""
        return self.hook.clock.now_or_local()

    def _result(self, job: JobStatus) -> dict[str, Any]:
        self._job = job
        if job.state is not JobState.SUCCEEDED:
            reason = one_line(job.reason or self._no_reason).rstrip(". ")
            raise JobEndedError(f"{self._noun} {job.job_id} ended {job.service_state}: {reason}.")
        return dict(job.details)
