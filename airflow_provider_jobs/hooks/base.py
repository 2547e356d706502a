# SPDX-License-Identifier: Apache-2.0

"""What is asked of a service's jobs: the contract between a job type and the rest of the package."""

from __future__ import annotations

from abc import abstractmethod
from asyncio import CancelledError
from collections.abc import Callable, Collection, Iterable, Mapping
from contextlib import suppress
from typing import Any, ClassVar

from airflow_provider_jobs.exceptions import JobError, JobInputError, is_transient
from airflow_provider_jobs.hooks.calls import ServiceCalls
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs.once.evidence import Marking, SeenJob
from airflow_provider_jobs.once.identity import Identity

__all__ = ["JobHook"]

#: Jobs that cannot be described in a row, one after the other, before a round gives up.
_MOST_FAILURES = 10


class JobHook(ServiceCalls):
    """Base of the hooks: subclasses define a job; what is asked of jobs is the same for all services.

    Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    #: What the service calls a job, for messages.
    noun: ClassVar[str] = "job"
    #: By what a task's job is told from others.
    marking: ClassVar[Marking]
    #: Whether the service can stop a job.
    stoppable: ClassVar[bool] = True
    #: How many jobs the service runs at once, by AWS's default quota; None if only a scope is limited.
    quota: ClassVar[int | None]
    #: How many of them may share a scope, such as a dataset; None if there is no such limit.
    scope_quota: ClassVar[int | None] = None
    #: What to say of a job that failed where AWS does not say why.
    no_reason: ClassVar[str] = "AWS gives no reason"

    @abstractmethod
    def see_jobs(self, identity: Identity, log: AttemptLog, request: Any) -> list[SeenJob]:
        """Return every job that may be the task's, by what the service's jobs are told apart (``marking``).

        ``NAME`` and ``LABEL``: all jobs whose name or description carries the identity; those of attempts in
        the log that a list does not show are described. With ``LABEL``, a job that has ended may be left out
        if the log is whole and has the ids of all attempts. ``TOKEN`` and ``NONE``: the jobs whose ids are in
        the log, and all jobs of the scopes of the request and of the log's attempts.

        A job that AWS does not know is left out. Called on the worker, before each decision; nothing is
        started after an error.

        :param identity: the task instance.
        :param log: its attempts.
        :param request: what :meth:`start_job` would be given.
        :raises JobInputError: if the job's name is taken by something that is not this task's.
        :raises JobApiError: if AWS refuses, cannot be reached, or its answer cannot be read.
        """

    def prepare_start(self, request: Any) -> None:
        """Make the checks before a start that need calls, none of which starts anything.

        :raises JobQuotaError: if the service has no room for another job now.
        :raises JobInputError: if the service will never accept the request.
        :raises JobApiError: if AWS refuses or cannot be reached.
        """

    @abstractmethod
    def start_job(self, identity: Identity, attempt: Attempt, request: Any) -> JobStatus:
        """Start a job, or return the one that the attempt's earlier call has started.

        :param identity: the task instance.
        :param attempt: which of its attempts this is; it has been noted.
        :param request: what the operator's ``job_request`` returned.
        :raises JobQuotaError: if the service has no room for another job now.
        :raises JobInputError: if the service will never accept the request.
        :raises JobApiError: if AWS refuses or cannot be reached; a
            :class:`JobOutcomeUnknownError` if the call may have taken effect.
        """

    @abstractmethod
    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Look at many jobs in as few calls as the service allows.

        :param job_ids: the service's own names of the jobs.
        :return: for every job its status, or the error that concerns it.
        :raises JobApiError: if AWS refuses or cannot be reached for all of them.
        """

    @abstractmethod
    def stop_job(self, job_id: str) -> bool:
        """Ask the service to stop a job.

        :return: False if there was nothing to stop: the job had ended, or is not known.
        :raises JobApiError: if AWS refuses or cannot be reached.
        """

    @abstractmethod
    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """Return the jobs that count against the quota now, each with its scope.

        :param scopes: those that somebody waits for. Jobs of others may be left out by a service that
            limits scopes only, such as one that lists the jobs of one scope at a time.
        :raises JobApiError: if AWS refuses or cannot be reached.
        """

    def job_name(self, identity: Identity, attempt: Attempt, request: Any) -> str:
        """Return the name that the job gets, or one to speak of it by before it has an id."""
        return attempt.mark(identity).name(identity, 64)

    def earlier_request(self, request: Any, attempt: Attempt) -> Any:
        """Return a request by which :meth:`see_jobs` finds an attempt that was made in another place.

        :param request: the request of now.
        :param attempt: the attempt; its ``scope`` and ``given`` may differ from those of now.
        """
        return request

    def scope(self, request: Any) -> str:
        """Return what the job shares with others of which few may run; see ``scope_quota``."""
        return ""

    def describe_job(self, job_id: str) -> JobStatus:
        """Look at one job.

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
        """Describe one by one the jobs that a listing has not shown, in the order of ``job_ids``.

        An error concerns its job alone, and the next one is described. What concerns all calls
        (``JobApiError.concerns_all``), and many failures in a row, end the round; what was found before is
        kept, and the jobs that were not reached get that error too.

        :param job_ids: all jobs that were asked for.
        :param found: what is known already; the rest is added.
        :param describe: describes one job.
        """
        failures, last = 0, None
        for job_id in job_ids:
            if job_id in found:
                continue
            error = self._described(job_id, found, describe)
            if error is not None and error is last:
                continue  # no call was made for it
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
        """Return the jobs of a listing's rows that are wanted.

        A row that cannot be read is left out: its job is described then, and the error is that job's.

        :param rows: the rows.
        :param name: the member that has the job's id.
        :param wanted: the ids.
        :param status: reads a row.
        """
        found: dict[str, JobStatus | Exception] = {}
        for row in rows:
            with suppress(Exception):
                if row[name] in wanted:
                    found[row[name]] = status(row)
        return found
