# SPDX-License-Identifier: Apache-2.0

"""Makes the API calls of a service, and interprets AWS's answers and errors."""

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
from airflow_provider_jobs.hooks._failures import failed_call
from airflow_provider_jobs.hooks.connection import ServiceConnection
from airflow_provider_jobs.job import one_line

__all__ = ["ServiceCalls"]

#: How many characters of an answer that does not come from AWS are shown in an error.
_SHOWN = 200
#: HTTP status codes.
_TOO_MANY_REQUESTS, _SERVER_ERROR = 429, 500


class ServiceCalls(ServiceConnection):
    """Makes the API calls of a service, and converts AWS's errors into those of this package.

    Takes the parameters of :class:`~airflow_provider_jobs.hooks.connection.ServiceConnection`.
    """

    #: The service's full name, for messages.
    label: ClassVar[str]
    #: The service's name in IAM's actions, where it is not that in boto3.
    iam_name: ClassVar[str | None] = None
    #: The day on which AWS retired the service; None if it is in operation.
    retired_on: ClassVar[str | None] = None
    #: Error codes that mean "no room for another job".
    quota_codes: ClassVar[frozenset[str]] = frozenset()
    #: Error codes that mean "not found".
    not_found_codes: ClassVar[frozenset[str]] = frozenset({"ResourceNotFoundException"})
    #: Error codes that a retry with the same parameters would get again.
    input_codes: ClassVar[frozenset[str]] = frozenset({"ValidationException"})
    #: Additional error codes that mean "retry later".
    transient_codes: ClassVar[frozenset[str]] = frozenset()
    #: Calls that botocore must not repeat, since AWS would not recognize the second one as a repetition.
    unrepeatable: ClassVar[frozenset[str]] = frozenset()
    #: Name of the pagination token.
    page_token: ClassVar[str] = "NextToken"
    #: What to check, by a part of AWS's message or its code; the first that matches is shown.
    advice: ClassVar[Mapping[str, str]] = {}
    #: The number of API calls made, without botocore's own repetitions.
    calls: int = 0

    @cached_property
    def conn(self) -> Any:
        """Return the boto3 client."""
        client: Any = super().conn
        if self.quota_codes:
            # Before botocore's own handler, which takes a full quota for throttling and repeats the call.
            service = client.meta.service_model.service_id.hyphenize()
            client.meta.events.register_first(f"needs-retry.{service}", self._not_for_a_quota)
        return client

    def _not_for_a_quota(
        self, response: Any = None, attempts: int = 1, operation: Any = None, **_: Any
    ) -> None:
        """Keep botocore from repeating a call that was refused because the quota is full.

        :raises ClientError: AWS's answer, if it is such a refusal.
        """
        answer: Any = response[1] if response else {}
        if answer.get("Error", {}).get("Code") in self.quota_codes:
            answer.setdefault("ResponseMetadata", {})["RetryAttempts"] = attempts - 1
            raise ClientError(answer, operation.name)

    @property
    def retirement_notice(self) -> str | None:
        """The warning for users of a service that AWS has retired; None if the service is in operation."""
        if self.retired_on is None:
            return None
        return (
            f"AWS retired {self.label} on {self.retired_on}. Calls work only against an endpoint that still "
            f"serves it: set endpoint_url in connection {self.aws_conn_id!r}."
        )

    def call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        """Make one API call; parameters that are None are left out.

        :param operation: the boto3 client's method, for example ``start_replay``.
        :return: the answer.
        :raises JobQuotaError: if the error code is one of ``quota_codes``.
        :raises JobNotFoundError: if it is one of ``not_found_codes``.
        :raises JobInputError: if it is one of ``input_codes``.
        :raises JobApiError: for every other error from AWS or the network.
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
            # If AWS has retired the service and nothing answers at its endpoint, waiting does not help.
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
            # botocore's parsers raise any kind of exception if an answer does not match the service's model.
            raise self.unreadable(operation, f"{type(error).__name__}: {error}") from error
        self.clock.hear(answer)
        return answer

    def pages(self, operation: str, rows: str, **parameters: Any) -> Iterator[dict[str, Any]]:
        """Yield the rows of a paginated list.

        :param operation: the boto3 client's method.
        :param rows: the name of the list in the answer.
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
        """Return a member of an answer that AWS always sends.

        :raises JobApiError: if it is missing: the answer does not come from AWS, or cannot be parsed.
        """
        if answer.get(name) is None:
            raise self.unreadable(operation, f"it has no {name}")
        return answer[name]

    def whole(self, answer: dict[str, Any], always: Sequence[str], operation: str) -> dict[str, Any]:
        """Return an answer, or a row of one, after checking that it has all members that AWS always sends.

        :param always: these members.
        :raises JobApiError: if one is missing.
        """
        for name in always:
            self.member(answer, name, operation)
        return answer

    def unreadable(self, operation: str, why: str) -> JobOutcomeUnknownError:
        """Return the error for an answer that cannot be parsed: the call may have taken effect."""
        return JobOutcomeUnknownError(
            f"{self._said(operation)} got an answer that cannot be read: {why}. Check whether a proxy "
            "answers in place of AWS.",
            "UnreadableAnswer",
        )

    @cached_property
    def _once(self) -> Any:
        """A client like ``conn`` that never repeats a call."""
        once: Any = {"total_max_attempts": 1}
        return self.get_client_type(config=self.config.merge(Config(retries=once)))

    @property
    def _gone(self) -> str:
        """Why calls to AWS's own endpoint keep failing, if AWS has retired the service; otherwise empty."""
        at_aws = self.retired_on and "conn" in vars(self) and self.own_endpoint is None
        return self.retirement_notice or "" if at_aws else ""

    def _explained(self, operation: str, error: ClientError) -> Exception:
        """Return this package's error for an error answer."""
        is_own = "conn" in vars(self) and error.operation_name == self._api_name(operation)
        if not is_own:
            # The answer is from STS, which was called for credentials.
            return self._no_credentials(operation, error)
        answer = error.response.get("Error", {})
        code = answer.get("Code", "")
        message = one_line(answer.get("Message", "") or str(error))
        if code.isdecimal():
            # botocore uses the HTTP status if the answer has no error code from AWS.
            return self.unreadable(operation, f"status {code}: {message[:_SHOWN]}")
        self.clock.hear(error.response)
        metadata = error.response.get("ResponseMetadata", {})
        status = metadata.get("HTTPStatusCode", 0)
        # This is the answer to botocore's last call; an earlier call by botocore may have taken effect.
        repeated = metadata.get("RetryAttempts", 0) > 0
        refused = f"{self._said(operation)} was refused: {_with_code(message, code)}."
        hint = self._hint(f"{code}: {message}")
        if known := self._class_by_code(code, repeated):
            return known(f"{refused} {hint}".strip())
        failed = self._api_error_class(code, status, repeated)
        too_many = status == _TOO_MANY_REQUESTS
        return failed(
            f"{refused} {self._what_to_check(operation, code, hint)}".strip(),
            code,
            concerns_all=code in THROTTLING_CODES | CREDENTIAL_CODES or too_many,
        )

    def _class_by_code(self, code: str, repeated: bool) -> type[Exception] | None:
        """Return the error class for one of the service's own codes; None for any other code.

        :param repeated: whether botocore made the call more than once.
        """
        if code in self.quota_codes:
            return JobQuotaInDoubtError if repeated else JobQuotaError
        if code in self.not_found_codes:
            return JobNotFoundError
        if code in self.input_codes:
            return JobInputError
        return None

    def _api_error_class(self, code: str, status: int, repeated: bool) -> type[JobApiError]:
        """Return the error class for a code that means the same for all services, or that is unknown.

        :param status: the HTTP status of the answer.
        :param repeated: whether botocore made the call more than once.
        """
        if repeated or status >= _SERVER_ERROR:
            return JobOutcomeUnknownError
        transient = code in TRANSIENT_CODES | self.transient_codes or status == _TOO_MANY_REQUESTS
        return JobUnavailableError if transient else JobRefusedError

    def _what_to_check(self, operation: str, code: str, hint: str) -> str:
        """Return what to check after a refusal, for the end of the message.

        :param hint: the service's own advice; empty if it has none.
        """
        if code in NEVER_VALID_CODES:
            return (
                f"Check the keys of connection {self.aws_conn_id!r}: they may have been deleted or mistyped. "
                f"AWS gives the same answer if the account has not enabled the Region. {hint}"
            )
        if code in ACCESS_CODES:
            role = f"Check that the role of connection {self.aws_conn_id!r} allows {self._action(operation)}."
            return f"{role} {self._gone}".strip()
        return hint

    def _no_credentials(self, operation: str, error: ClientError) -> JobApiError:
        """Return the error for a call that was not sent because STS issued no credentials for it."""
        answer = error.response.get("Error", {})
        code, message = answer.get("Code", ""), one_line(answer.get("Message", ""))
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        transient = code in TRANSIENT_CODES | {"IDPCommunicationError"} or status >= _SERVER_ERROR
        failed = JobUnavailableError if transient else JobRefusedError
        return failed(
            f"{self._said(operation)} was not sent: {error.operation_name} was refused: "
            f"{_with_code(message, code)}. Check the role of connection {self.aws_conn_id!r}: its trust "
            "policy must allow it to be assumed, and the credentials that assume it must be valid.",
            NO_CREDENTIALS,
            concerns_all=True,
        )

    def _said(self, operation: str) -> str:
        # Without a client, reading the Region would read the connection (again).
        region = self.conn_region_name if "conn" in vars(self) else self._region_name
        return f"{_camel(operation)} ({self.service}, {region or 'no Region'})"

    def _api_name(self, operation: str) -> str:
        name: str = self.conn.meta.method_to_api_mapping[operation]
        return name

    def _action(self, operation: str) -> str:
        return f"{self.iam_name or self.service}:{_camel(operation)}"

    def _hint(self, text: str) -> str:
        return next((hint for piece, hint in self.advice.items() if piece in text), "")


def _camel(operation: str) -> str:
    return "".join(part.capitalize() for part in operation.split("_"))


def _with_code(message: str, code: str) -> str:
    """Return AWS's message and code for the middle of a sentence."""
    return " ".join(filter(None, (message.rstrip(". "), f"({code})" if code else "")))
