# SPDX-License-Identifier: Apache-2.0

"""Base class for operators that stop a job."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, Generic

from airflow.providers.common.compat.sdk import Context

from airflow_provider_jobs.aws import HookT
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.operators._handed import AbsentIds
from airflow_provider_jobs.operators.base import JobOperator

__all__ = ["StopJobOperator"]


class StopJobOperator(AbsentIds, JobOperator[HookT], Generic[HookT]):
    """Base class of the operators that stop a job; a job that has already ended counts as stopped.

    If the task that should have started the job did not, there is nothing to stop, and this task succeeds.
    """

    @property
    @abstractmethod
    def target_id(self) -> str:
        """The id of the job to stop."""

    def execute(self, context: Context) -> dict[str, Any] | None:
        """Stop the job, and wait for its end if requested.

        :return: the result; None if there is nothing to stop.
        :raises JobNotFoundError: if the service does not know the job.
        """
        if self.nothing_handed_on():
            self.log.warning(
                "There is nothing to stop: no %s was passed on. If a worker was killed during a start call, "
                "there may still be a job.",
                " and no ".join(self.id_parameters),
            )
            return None
        self._keep_from_triggerer(context)
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
        """Ask the service to stop the job; returns False if there was nothing left to stop."""
        return self.hook.stop_job(job_id)

    def _finish(self, context: Context, job: JobStatus) -> dict[str, Any]:
        self._remember(job)
        if job.state is not JobState.CANCELLED:
            self.log.info(
                "%s %s had ended before it was stopped: %s.", self._noun, job.job_id, job.service_state
            )
        return self._deliver(context, job)
