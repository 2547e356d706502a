# SPDX-License-Identifier: Apache-2.0

"""How a service's API is called, and what AWS's answers and errors mean."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any, ClassVar

from airflow.providers.common.compat.sdk import AirflowException
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
)

from airflow_provider_jobs.error_codes import (
    ACCESS_CODES,
    CREDENTIAL_CODES,
    NEVER_VALID_CODES,
    NO_CREDENTIALS,
    THROTTLING_CODES,
    TRANSIENT_CODES,
)
from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobInputError,
    JobNotFoundError,
    JobOutcomeUnknownError,
    JobQuotaError,
    JobQuotaInDoubtError,
    JobRefusedError,
    JobUnavailableError,
)
from airflow_provider_jobs.hooks.connection import ServiceConnection
from airflow_provider_jobs.hooks.failures import failed_call
from airflow_provider_jobs.job import one_line

__all__ = ["ServiceCalls"]

#: Characters of an answer that is not AWS's which an error shows.
_SHOWN = 200


class ServiceCalls(ServiceConnection):
    """Makes the API calls of a service, and turns AWS's errors into those of this package.

    Takes the parameters of :class:`~airflow_provider_jobs.hooks.connection.ServiceConnection`.
    """

    #: The service's name in words.
    label: ClassVar[str]
    #: The day on which AWS ended the service; None while it lives.
    ended: ClassVar[str | None] = None
    #: Codes of the answer that there is no room for another job.
    quota_codes: ClassVar[frozenset[str]] = frozenset()
    #: Codes of the answer that a thing is not known.
    not_found_codes: ClassVar[frozenset[str]] = frozenset({"ResourceNotFoundException"})
    #: Codes of answers that a retry with the same parameters will get again.
    input_codes: ClassVar[frozenset[str]] = frozenset({"ValidationException"})
    #: Additional error codes that mean "retry later".
    transient_codes: ClassVar[frozenset[str]] = frozenset()
    #: Calls that botocore must not repeat, since AWS would not know the second for the first.
    unrepeatable: ClassVar[frozenset[str]] = frozenset()
    #: Name of the pagination token.
    page_token: ClassVar[str] = "NextToken"
    #: What to check, by a piece of AWS's message or its code; the first that fits is shown.
    advice: ClassVar[Mapping[str, str]] = {}
    #: How many API calls were made; what botocore repeats is counted once.
    calls: int = 0

    @cached_property
    def conn(self) -> Any:
        """Return the client."""
        client: Any = super().conn
        if self.quota_codes:
            # Before botocore's own handler, to which a full quota is a throttle: it would ask twice more.
            service = client.meta.service_model.service_id.hyphenize()
            client.meta.events.register_first(f"needs-retry.{service}", self._not_for_a_quota)
        return client

    def _not_for_a_quota(
        self, response: Any = None, attempts: int = 1, operation: Any = None, **_: Any
    ) -> None:
        """Keep botocore from repeating a call that was refused for want of room.

        :raises ClientError: AWS's answer, if it is such a refusal.
        """
        answer: Any = response[1] if response else {}
        if answer.get("Error", {}).get("Code") in self.quota_codes:
            answer.setdefault("ResponseMetadata", {})["RetryAttempts"] = attempts - 1
            raise ClientError(answer, operation.name)

    @property
    def notice(self) -> str | None:
        """What users of a service that AWS has ended should know."""
        if self.ended is None:
            return None
        return (
            f"AWS ended {self.label} on {self.ended}. Calls work only against an endpoint that still "
            f"serves it: set endpoint_url in connection {self.aws_conn_id!r}."
        )

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
        method = None
        try:
            conn = self.conn
            method = getattr(self._once if operation in self.unrepeatable else conn, operation)
            answer: dict[str, Any] = method(**{k: v for k, v in parameters.items() if v is not None})
        except ClientError as error:
            raise self._explained(operation, error) from error
        except ParamValidationError as error:
            raise JobInputError(f"{self._said(operation)} was not sent: {error}") from error
        except (BotoCoreError, AirflowException) as error:
            # Nobody answers any more where AWS itself served it: waiting on would not help.
            gone = isinstance(error, (EndpointConnectionError, ConnectTimeoutError)) and self._gone
            failed = failed_call(error, built=method is not None, gone=bool(gone))
            raise failed(
                f"{self._said(operation)} failed: {error}. {gone or self._hint(str(error))}".strip(),
                type(error).__name__,
                concerns_all=True,
            ) from error
        except Exception as error:
            if method is None:
                raise
            # botocore's parsers fail in many ways where an answer is not what the service's model says.
            raise self.unreadable(operation, f"{type(error).__name__}: {error}") from error
        self.clock.hear(answer)
        return answer

    def pages(self, operation: str, rows: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the rows of a listing that AWS hands out page by page.

        :param operation: the boto3 client's method.
        :param rows: the name of the answer's list.
        """
        token = None
        seen: set[str] = set()
        while True:
            answer = self.call(operation, **{self.page_token: token}, **parameters)
            yield from self.member(answer, rows, operation)
            token = answer.get(self.page_token)
            if not token:
                return
            if token in seen:
                raise self.unreadable(operation, f"{self.page_token} repeats")
            seen.add(token)

    def member(self, answer: Mapping[str, Any], name: str, operation: str) -> Any:
        """Return a member that AWS always sends.

        :raises JobApiError: if the answer lacks it: it is not AWS's, or cannot be read.
        """
        if answer.get(name) is None:
            raise self.unreadable(operation, f"it has no {name}")
        return answer[name]

    def whole(self, answer: dict[str, Any], always: Sequence[str], operation: str) -> dict[str, Any]:
        """Return an answer, or a row of one, that has all members which AWS always sends.

        :param always: these members.
        :raises JobApiError: if it lacks one.
        """
        for name in always:
            self.member(answer, name, operation)
        return answer

    def unreadable(self, operation: str, why: str) -> JobOutcomeUnknownError:
        """Return the error of an answer that makes no sense: the call may have taken effect."""
        return JobOutcomeUnknownError(
            f"{self._said(operation)} got an answer that cannot be read: {why}. Check whether a proxy "
            "answers in place of AWS.",
            "UnreadableAnswer",
        )

    @cached_property
    def _once(self) -> Any:
        """A client like ``conn`` that makes every call once."""
        once: Any = {"total_max_attempts": 1}
        return self.get_client_type(config=self.config.merge(Config(retries=once)))

    @property
    def _gone(self) -> str:
        """Why a call to AWS's own endpoint fails for good, if AWS has ended the service."""
        at_aws = self.ended and "conn" in vars(self) and self.own_endpoint is None
        return self.notice or "" if at_aws else ""

    def _explained(self, operation: str, error: ClientError) -> Exception:
        if (
            "conn" not in vars(self)
            or error.operation_name != self.conn.meta.method_to_api_mapping[operation]
        ):
            return self._no_credentials(operation, error)
        code = error.response.get("Error", {}).get("Code", "")
        message = one_line(error.response.get("Error", {}).get("Message", "") or str(error))
        if code.isdecimal():
            # botocore puts the status where the answer has no code of AWS's.
            return self.unreadable(operation, f"status {code}: {message[:_SHOWN]}")
        self.clock.hear(error.response)
        text = f"{self._said(operation)} was refused: {code}: {message}".rstrip(". ") + "."
        hint = self._hint(f"{code}: {message}")
        # The answer is to botocore's last call; one that botocore made before may have done its work.
        repeated = error.response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
        if code in self.quota_codes:
            quota = JobQuotaInDoubtError if repeated else JobQuotaError
            return quota(f"{text} {hint}".strip())
        if code in self.not_found_codes:
            return JobNotFoundError(f"{text} {hint}".strip())
        if code in self.input_codes:
            return JobInputError(f"{text} {hint}".strip())
        if code in NEVER_VALID_CODES:
            hint = (
                f"Check the keys of connection {self.aws_conn_id!r}: they may have been deleted, or be "
                f"mistyped. AWS says the same where the account has not enabled the Region. {hint}"
            )
        if code in ACCESS_CODES:
            hint = f"Check that the role of connection {self.aws_conn_id!r} allows {self._action(operation)}."
            hint = f"{hint} {self._gone}".strip()
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        transient = code in TRANSIENT_CODES | self.transient_codes or status == 429
        failed: type[JobApiError] = JobUnavailableError if transient else JobRefusedError
        if repeated or status >= 500:
            failed = JobOutcomeUnknownError
        return failed(
            f"{text} {hint}".strip(),
            code,
            concerns_all=code in THROTTLING_CODES | CREDENTIAL_CODES or status == 429,
        )

    def _no_credentials(self, operation: str, error: ClientError) -> JobApiError:
        """Return the error of a call that was not made, since STS gave no credentials for it."""
        answer = error.response.get("Error", {})
        code, message = answer.get("Code", ""), one_line(answer.get("Message", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        transient = code in TRANSIENT_CODES | {"IDPCommunicationError"} or status >= 500
        failed = JobUnavailableError if transient else JobRefusedError
        return failed(
            f"{self._said(operation)} was not sent: {error.operation_name} was refused: {code}: {message}"
            f"{'' if message.endswith('.') else '.'} Check the role of connection {self.aws_conn_id!r}: that "
            "its trust policy allows it to be assumed, and that the credentials that assume it are valid.",
            NO_CREDENTIALS,
            concerns_all=True,
        )

    def _said(self, operation: str) -> str:
        # Only a client that exists can tell its Region without looking the connection up (again).
        region = self.conn_region_name if "conn" in vars(self) else self._region_name
        return f"{_camel(operation)} ({self.service}, {region or 'no Region'})"

    def _action(self, operation: str) -> str:
        return f"{self.service}:{_camel(operation)}"

    def _hint(self, text: str) -> str:
        return next((hint for piece, hint in self.advice.items() if piece in text), "")


def _camel(operation: str) -> str:
    return "".join(part.capitalize() for part in operation.split("_"))
