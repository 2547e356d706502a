# SPDX-License-Identifier: Apache-2.0

"""The part of a hook that every job service shares: how calls are made and what a job is asked."""

from __future__ import annotations

import sys
from abc import abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from datetime import timedelta
from functools import cached_property
from types import FrameType
from typing import TYPE_CHECKING, Any, ClassVar

from airflow.providers.amazon.aws.hooks.base_aws import AwsBaseHook
from airflow.providers.amazon.aws.utils.connection_wrapper import AwsConnectionWrapper
from airflow.providers.common.compat.sdk import AirflowException, conf
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
)

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
    is_passing,
)
from airflow_provider_jobs.hooks.clock import AwsClock
from airflow_provider_jobs.hooks.failures import ACCESS_CODES, NEVER_SENT, TRANSIENT_CODES, is_transient
from airflow_provider_jobs.job import JobStatus, one_line
from airflow_provider_jobs.once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs.once.evidence import Marking, SeenJob
from airflow_provider_jobs.once.identity import Identity
from airflow_provider_jobs.service_models import use_service_models

if TYPE_CHECKING:
    from boto3.session import Session

__all__ = ["JobHook"]


class JobHook(AwsBaseHook):
    """Base of the hooks: a service says what its jobs are, this class how they are talked about.

    Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    #: The service's name in boto3.
    service: ClassVar[str]
    #: What the service calls a job, for messages.
    noun: ClassVar[str] = "job"
    #: The service's name in words.
    label: ClassVar[str]
    #: The day on which AWS ended the service; None while it lives.
    ended: ClassVar[str | None] = None
    #: By what a task's job is told from others.
    marking: ClassVar[Marking]
    #: Whether the service can stop a job.
    stoppable: ClassVar[bool] = True
    #: How many jobs the service runs at once, by AWS's default quota; None if only a scope is limited.
    quota: ClassVar[int | None]
    #: How many of them may share a scope, such as a dataset; None if there is no such limit.
    scope_quota: ClassVar[int | None] = None
    #: Codes of the answer that there is no room for another job.
    quota_codes: ClassVar[frozenset[str]] = frozenset()
    #: Codes of the answer that a thing is not known.
    not_found_codes: ClassVar[frozenset[str]] = frozenset({"ResourceNotFoundException"})
    #: Codes of answers that a retry with the same parameters will get again.
    input_codes: ClassVar[frozenset[str]] = frozenset({"ValidationException"})
    #: Further codes of «not now».
    transient_codes: ClassVar[frozenset[str]] = frozenset()
    #: Calls that botocore must not repeat, since AWS would not know the second for the first.
    unrepeatable: ClassVar[frozenset[str]] = frozenset()
    #: The name of what leads to a listing's next page.
    page_token: ClassVar[str] = "NextToken"
    #: What to say of a job that failed where AWS does not say why.
    no_reason: ClassVar[str] = "AWS gives no reason"
    #: What to check, by a piece of AWS's message or its code; the first that fits is shown.
    advice: ClassVar[Mapping[str, str]] = {}

    #: How many API calls were made; what botocore repeats is counted once.
    calls: int = 0

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs["client_type"] = self.service
        super().__init__(*args, **kwargs)
        self.clock = AwsClock()

    @cached_property
    def conn_config(self) -> AwsConnectionWrapper:
        """Return the connection; only ``aws_default`` may be missing, for boto3's own credentials.

        :raises AirflowNotFoundException: if a connection that was named is not found.
        """
        if self.aws_conn_id and self.aws_conn_id != self.default_conn_name:
            # The Amazon provider would go on with whatever credentials the machine has.
            self.get_connection(self.aws_conn_id)
        wrapper: AwsConnectionWrapper = super().conn_config
        wrapper.botocore_config = _time_limits().merge(wrapper.botocore_config or Config())
        return wrapper

    def get_session(self, region_name: str | None = None, deferrable: bool = False) -> Session:
        """Return the session, which knows our services even where botocore no longer does.

        It shares its reader of service models with all others of the process: to read them is most of what
        a client costs.
        """
        session = super().get_session(region_name=region_name, deferrable=deferrable)
        use_service_models(session)
        return session

    def _get_caller(self, target_function_name: str = "execute") -> str:
        """Return the operator that uses this hook, which the Amazon provider puts into the user agent.

        Its own way to find it reads the source of all modules on the stack, for every client: a quarter of
        what a task of ours costs a worker, and time that a triggerer's loop waits for. An Amazon provider
        that asks in another way gets its own answer.
        """
        frame: FrameType | None = sys._getframe()
        while frame is not None:
            if frame.f_code.co_name == target_function_name and "self" in frame.f_locals:
                return type(frame.f_locals["self"]).__name__
            frame = frame.f_back
        return "Unknown"

    @abstractmethod
    def see_jobs(self, identity: Identity, log: AttemptLog, request: Any) -> list[SeenJob]:
        """Return every job that may be the task's, by what the service's jobs are told apart (``marking``).

        ``NAME``: all jobs whose name or description carries the identity; those of attempts in the log that a
        list does not show are described by their names. ``TOKEN`` and ``NONE``: the jobs whose ids are in the
        log, and all jobs of the scopes of the request and of the log's attempts.

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
        :raises JobApiError: if AWS refuses or cannot be reached; ``in_doubt`` if it may have taken effect.
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

    def scope(self, request: Any) -> str:
        """Return what the job shares with others of which few may run; see ``scope_quota``."""
        return ""

    @property
    def notice(self) -> str | None:
        """What users of a service that AWS has ended should know."""
        if self.ended is None:
            return None
        return (
            f"AWS ended {self.label} on {self.ended}. Calls work only against an endpoint that still "
            f"serves it: set endpoint_url in connection {self.aws_conn_id!r}."
        )

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
        """Describe one by one the jobs that a listing has not shown.

        A refusal concerns its job alone. A call that may work later ends the round, and what was found
        before it is kept.

        :param job_ids: all jobs that were asked for.
        :param found: what is known already; the rest is added.
        :param describe: looks at one job.
        """
        for job_id in job_ids:
            if job_id in found:
                continue
            try:
                found[job_id] = describe(job_id)
            except (JobError, JobInputError) as error:
                found[job_id] = error
                if is_passing(error):
                    return {**dict.fromkeys(job_ids, error), **found}
        return found

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make one API call; parameters that are None are left out.

        :param operation: the boto3 client's method, for example ``start_replay``.
        :return: the answer.
        :raises JobQuotaError: if the answer's code is one of ``quota_codes``.
        :raises JobNotFoundError: if it is one of ``not_found_codes``.
        :raises JobInputError: if it is one of ``input_codes``.
        :raises JobApiError: for everything else that AWS or the network can answer.
        """
        self.calls += 1
        try:
            conn = self.conn
            method = getattr(self._once if operation in self.unrepeatable else conn, operation)
            answer: dict[str, Any] = method(**{k: v for k, v in parameters.items() if v is not None})
            self.clock.hear(answer)
        except ClientError as error:
            raise self._explained(operation, error) from error
        except ParamValidationError as error:
            raise JobInputError(f"{self._said(operation)} was not sent: {error}") from error
        except (BotoCoreError, AirflowException) as error:
            # Nobody answers any more where AWS itself served it: waiting on would not help.
            gone = isinstance(error, (EndpointConnectionError, ConnectTimeoutError)) and self._gone
            raise JobApiError(
                f"{self._said(operation)} failed: {error}. {gone or self._hint(str(error))}".strip(),
                type(error).__name__,
                transient=is_transient(error) and not gone,
                in_doubt=not isinstance(error, NEVER_SENT),
            ) from error
        return answer

    def pages(self, operation: str, rows: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the rows of a listing that AWS hands out page by page.

        :param operation: the boto3 client's method.
        :param rows: the name of the answer's list.
        """
        token = None
        while True:
            answer = self.call(operation, **{self.page_token: token}, **parameters)
            yield from self.member(answer, rows, operation)
            last, token = token, answer.get(self.page_token)
            if not token:
                return
            if token == last:
                raise self.unreadable(operation, f"{self.page_token} repeats")

    def member(self, answer: Mapping[str, Any], name: str, operation: str) -> Any:
        """Return a member that AWS always sends.

        :raises JobApiError: if the answer lacks it: it is not AWS's, or cannot be read.
        """
        if answer.get(name) is None:
            raise self.unreadable(operation, f"it has no {name}")
        return answer[name]

    def unreadable(self, operation: str, why: str) -> JobApiError:
        """Return the error of an answer that makes no sense: the call may have taken effect."""
        return JobApiError(
            f"{self._said(operation)} got an answer that cannot be read: {why}. Check whether a proxy "
            "answers in place of AWS.",
            "UnreadableAnswer",
            transient=True,
            in_doubt=True,
        )

    @property
    def call_limit(self) -> timedelta:
        """How long one start call may take at most, before the client gives it up."""
        config: Any = self.conn_client_meta.config
        return timedelta(seconds=float(config.connect_timeout or 60) + float(config.read_timeout or 60))

    @cached_property
    def _once(self) -> Any:
        """A client like ``conn`` that makes every call once."""
        once: Any = {"total_max_attempts": 1}
        return self.get_client_type(config=self.config.merge(Config(retries=once)))

    @property
    def _gone(self) -> str:
        """Why a call to AWS's own endpoint fails for good, if AWS has ended the service."""
        at_aws = "conn" in vars(self) and ".amazonaws.com" in self.conn_client_meta.endpoint_url
        return self.notice or "" if at_aws else ""

    def _explained(self, operation: str, error: ClientError) -> Exception:
        code = error.response.get("Error", {}).get("Code", "")
        message = one_line(error.response.get("Error", {}).get("Message", "") or str(error))
        text = f"{self._said(operation)} was refused: {code}: {message}".rstrip(". ") + "."
        hint = self._hint(f"{code}: {message}")
        # The answer is to botocore's last call; one that botocore made before may have done its work.
        repeated = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
        if code in self.quota_codes:
            return JobQuotaError(f"{text} {hint}".strip(), in_doubt=repeated)
        if code in self.not_found_codes:
            return JobNotFoundError(f"{text} {hint}".strip())
        if code in self.input_codes:
            return JobInputError(f"{text} {hint}".strip())
        if code in ACCESS_CODES:
            hint = f"Check that the role of connection {self.aws_conn_id!r} allows {self._action(operation)}."
            hint = f"{hint} {self._gone}".strip()
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        transient = code in TRANSIENT_CODES | self.transient_codes or status >= 500 or status == 429
        return JobApiError(f"{text} {hint}".strip(), code, transient, in_doubt=repeated or status >= 500)

    def _said(self, operation: str) -> str:
        # Only a client that exists can tell its Region without looking the connection up (again).
        region = self.conn_region_name if "conn" in vars(self) else self._region_name
        return f"{_camel(operation)} ({self.service}, {region or 'no Region'})"

    def _action(self, operation: str) -> str:
        return f"{self.service}:{_camel(operation)}"

    def _hint(self, text: str) -> str:
        return next((hint for piece, hint in self.advice.items() if piece in text), "")


def _time_limits() -> Config:
    """Return the time limits of a call, which ``botocore_config`` overrides."""
    return Config(
        connect_timeout=conf.getfloat("airflow_provider_jobs", "connect_timeout", fallback=10.0),
        read_timeout=conf.getfloat("airflow_provider_jobs", "read_timeout", fallback=30.0),
    )


def _camel(operation: str) -> str:
    return "".join(part.capitalize() for part in operation.split("_"))
