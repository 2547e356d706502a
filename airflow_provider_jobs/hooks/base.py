# SPDX-License-Identifier: Apache-2.0

"""The contract between a job type and the rest of the package: what a hook must be able to do with jobs."""

from __future__ import annotations

from abc import abstractmethod
from asyncio import CancelledError
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.evidence import Marking, SeenJob
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs._once.mark import Mark, name_prefix
from airflow_provider_jobs.exceptions import JobError, JobInputError, JobNotFoundError, is_transient
from airflow_provider_jobs.hooks.calls import ServiceCalls
from airflow_provider_jobs.job import JobStatus

__all__ = [
    "Attempt",
    "AttemptLog",
    "Identity",
    "JobHook",
    "Mark",
    "Marking",
    "SeenJob",
    "name_prefix",
]

#: The number of jobs in a row that cannot be described after which a round gives up.
_MOST_FAILURES = 10


class JobHook(ServiceCalls):
    """Base of the hooks: subclasses define a job; the interface is the same for all services.

    Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    #: The service's word for a job, for messages.
    noun: ClassVar[str] = "job"
    #: How a task's jobs are told apart from others.
    marking: ClassVar[Marking]
    #: Whether the service can stop a job.
    stoppable: ClassVar[bool] = True
    #: How many jobs the service runs at once, by AWS's default quota; None if only a scope is limited.
    quota: ClassVar[int | None]
    #: How many of them may share a scope, such as a dataset; None if there is no such limit.
    scope_quota: ClassVar[int | None] = None
    #: The text for a failed job if AWS gives no reason.
    no_reason: ClassVar[str] = "AWS gives no reason"

    @abstractmethod
    def see_jobs(self, identity: Identity, log: AttemptLog, request: Any) -> list[SeenJob]:
        """Return every job that may be the task's; which these are depends on ``marking``.

        ``NAME`` and ``LABEL``: all jobs whose name or description carries the identity. If a list does not
        show the job of an attempt in the log, it is described. With ``LABEL``, jobs that have ended may be
        left out if the log is whole and has the ids of all attempts. ``TOKEN`` and ``NONE``: the jobs whose
        ids are in the log, and all jobs in the scopes of the request and of the log's attempts.

        Leave out jobs that AWS does not know. Called on the worker, before each decision; nothing is started
        after an error.

        :param identity: the task instance.
        :param log: its attempts.
        :param request: the request that :meth:`start_job` would get.
        :raises JobInputError: if something that is not this task's has the job's name.
        :raises JobApiError: if AWS refuses, cannot be reached, or its answer cannot be parsed.
        """

    def prepare_start(self, request: Any) -> None:
        """Make the checks before a start that need API calls; these must not start anything.

        :raises JobQuotaError: if the service has no room for another job now.
        :raises JobInputError: if the service will never accept the request.
        :raises JobApiError: if AWS refuses or cannot be reached.
        """

    @abstractmethod
    def start_job(self, identity: Identity, attempt: Attempt, request: Any) -> JobStatus:
        """Start a job, or return the one that an earlier call of the same attempt started.

        What AWS answers is enough. With ``TOKEN`` the job is described after it, since AWS answers a token
        that was used before with its job, whatever became of that.

        :param identity: the task instance.
        :param attempt: the attempt, which has been recorded.
        :param request: the result of the operator's ``job_request``.
        :raises JobQuotaError: if the service has no room for another job now.
        :raises JobInputError: if the service will never accept the request.
        :raises JobApiError: if AWS refuses or cannot be reached; a
            :class:`JobOutcomeUnknownError` if the call may have taken effect.
        """

    @abstractmethod
    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Return the status of many jobs, in as few calls as the service allows.

        :param job_ids: the jobs' ids in the service.
        :return: for every job its status, or the error that concerns it.
        :raises JobApiError: if AWS refuses or cannot be reached, for all of the jobs.
        """

    @abstractmethod
    def stop_job(self, job_id: str) -> bool:
        """Ask the service to stop a job.

        :return: False if there was nothing to stop: the job had ended, or the service does not know it.
        :raises JobApiError: if AWS refuses or cannot be reached.
        """

    def is_over(self, job_id: str) -> bool:
        """Whether there is nothing to stop: the job has ended, or AWS does not know it; for ``stop_job``.

        :raises JobApiError: if AWS refuses or cannot be reached.
        """
        try:
            return self.describe_job(job_id).state.ended
        except JobNotFoundError:
            return True

    @abstractmethod
    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """Return the jobs that count against the quota now, each with its scope.

        :param scopes: the scopes that tasks wait for. A service that only limits scopes may leave out the
            jobs of other scopes, for example because it lists the jobs of one scope at a time.
        :raises JobApiError: if AWS refuses or cannot be reached.
        """

    def job_name(self, identity: Identity, attempt: Attempt, request: Any) -> str:
        """Return the job's name, or a name for messages until the job has an id."""
        return attempt.mark(identity).name(identity, 64)

    def earlier_request(self, request: Any, attempt: Attempt) -> Any:
        """Return a request with which :meth:`see_jobs` finds an attempt that was made in another place.

        :param request: the current request.
        :param attempt: the attempt; its ``scope`` and ``given`` may differ from the current ones.
        """
        return request

    def scope(self, request: Any) -> str:
        """Return the resource for which AWS runs only a few jobs at once (``scope_quota``); may be empty."""
        return ""

    def describe_job(self, job_id: str) -> JobStatus:
        """Return the status of one job.

        :raises JobNotFoundError: if the service does not know it.
        :raises JobApiError: if AWS refuses or cannot be reached.
        """
        found = self.describe_jobs([job_id])[job_id]
        if isinstance(found, Exception):
            raise found
        return found

    def describe_each(
        self,
        job_ids: Collection[str],
        found: dict[str, JobStatus | Exception],
        describe: Callable[[str], JobStatus],
    ) -> dict[str, JobStatus | Exception]:
        """Describe, one by one and in the order of ``job_ids``, the jobs that a list did not show.

        An error usually concerns only its job, and the next one is described. An error that concerns all
        calls (``JobApiError.concerns_all``) ends the round, and so do many failures in a row. Then earlier
        results are kept, and the jobs that were not reached get that error too.

        :param job_ids: all requested jobs.
        :param found: the results so far; the rest is added.
        :param describe: describes one job.
        """
        failures, last = 0, None
        for job_id in job_ids:
            if job_id in found:
                continue
            error = self._described(job_id, found, describe)
            if error is not None and error is last:
                continue  # the same error object: no call was made for this job
            last = error
            failures = failures + 1 if error is not None and is_transient(error) else 0
            if error is not None and (getattr(error, "concerns_all", False) or failures >= _MOST_FAILURES):
                return {**dict.fromkeys(job_ids, error), **found}
        return found

    def _described(
        self,
        job_id: str,
        found: dict[str, JobStatus | Exception],
        describe: Callable[[str], JobStatus],
    ) -> Exception | None:
        try:
            found[job_id] = describe(job_id)
        except (JobError, JobInputError) as error:
            found[job_id] = error
            return error
        except (Exception, CancelledError) as error:
            unreadable = self.unreadable(f"describe_{self.noun}", f"{type(error).__name__}: {error}")
            unreadable.__cause__ = error
            found[job_id] = unreadable
            return unreadable
        return None

    def read_rows(
        self,
        rows: Iterable[Mapping[str, Any]],
        name: str,
        wanted: Collection[str],
        status: Callable[[Mapping[str, Any]], JobStatus],
    ) -> dict[str, JobStatus | Exception]:
        """Return the requested jobs from the rows of a list.

        A row that cannot be parsed is left out. Its job is then described, and gets the error if that fails.

        :param rows: the rows.
        :param name: the member with the job's id.
        :param wanted: the requested ids.
        :param status: parses a row.
        """
        found: dict[str, JobStatus | Exception] = {}
        for row in rows:
            with suppress(Exception):
                if row[name] in wanted:
                    found[row[name]] = status(row)
        return found
