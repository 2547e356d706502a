# SPDX-License-Identifier: Apache-2.0

"""The way of every job sensor: look until the job has ended."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from airflow.providers.amazon.aws.sensors.base_aws import AwsBaseSensor
from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import (
    AirflowSensorTimeout,
    AirflowSkipException,
    Context,
    PokeReturnValue,
    conf,
)

from airflow_provider_jobs.exceptions import JobEndedError, JobError, is_passing
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.hooks.spec import HookSpec
from airflow_provider_jobs.job import JobState, JobStatus, one_line
from airflow_provider_jobs.lineage import TellsLineage
from airflow_provider_jobs.triggers.job import JobTrigger

__all__ = ["JobSensor"]

HookT = TypeVar("HookT", bound=JobHook)


class JobSensor(TellsLineage, AwsBaseSensor[HookT], Generic[HookT]):
    """Base of the sensors: waits for a job's end, succeeds if the job did.

    Takes the parameters of Airflow's ``BaseSensorOperator`` (``poke_interval``, ``timeout``, ``mode``,
    ``soft_fail``, …), the AWS ones of the operators, and:

    :param deferrable: whether to wait in the triggerer; by default as
        ``[operators] default_deferrable`` says.
    """

    template_fields: Sequence[str] = aws_template_fields()

    def __init__(
        self,
        *,
        deferrable: bool = conf.getboolean("operators", "default_deferrable", fallback=False),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deferrable = deferrable

    @property
    @abstractmethod
    def target_id(self) -> str:
        """The service's own name of the job to wait for."""

    def poke(self, context: Context) -> PokeReturnValue:
        """Look once.

        :raises JobEndedError: if the job ended without success.
        :raises JobNotFoundError: if the service does not know it.
        """
        try:
            job = self.hook.describe_job(self.target_id)
        except JobError as error:
            if not is_passing(error):
                raise
            self.log.warning("The look failed, looking again later: %s", error)
            return PokeReturnValue(False)
        self.log.info("%s: %s", job.job_id, job.describe(datetime.now(UTC)))
        return PokeReturnValue(job.state.ended, self._result(job) if job.state.ended else None)

    def execute(self, context: Context) -> Any:
        """Wait for the job's end."""
        if self.aws_hook_class.ended:
            self.log.warning(self.hook.notice)
        if not self.deferrable:
            return super().execute(context)
        try:
            seen = self.poke(context)
        except JobEndedError as error:
            # As Airflow does for a poke, and after a deferral, but not before one.
            if self.soft_fail or getattr(self, "never_fail", False):
                raise AirflowSkipException(str(error)) from error
            raise
        if seen.is_done:
            return seen.xcom_value
        spec = HookSpec.of(self.aws_hook_class, self._hook_parameters)
        deadline = datetime.now(UTC) + timedelta(seconds=self.timeout)
        self.defer(
            trigger=JobTrigger(
                hook_class=spec.hook_class,
                hook_parameters=spec.parameters,
                job_id=self.target_id,
                poll_interval=self.poke_interval,
                deadline=deadline.isoformat(),
                cancel_on_kill=False,
            ),
            method_name="execute_complete",
        )

    def execute_complete(self, context: Context, event: Mapping[str, Any]) -> dict[str, Any]:
        """Take up the task again after the wait.

        :raises AirflowSensorTimeout: if the job had not ended in time.
        :raises JobEndedError: if it ended without success.
        :raises JobError: if it could not be watched any longer.
        """
        if why := event.get("timeout"):
            raise AirflowSensorTimeout(f"{event['job_id']} {why}.")
        if why := event.get("error"):
            raise JobError(f"{event['job_id']} could not be watched any longer: {why}")
        return self._result(JobStatus.from_json(event["job"]))

    def _result(self, job: JobStatus) -> dict[str, Any]:
        self._job = job
        if job.state is not JobState.SUCCEEDED:
            reason = one_line(job.reason or self.aws_hook_class.no_reason).rstrip(". ")
            noun = self.aws_hook_class.noun.capitalize()
            raise JobEndedError(f"{noun} {job.job_id} ended {job.service_state}: {reason}.")
        return dict(job.details)
