# SPDX-License-Identifier: Apache-2.0

"""The errors that a task can fail with; each message says what happened, why, and what to do next."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowException, AirflowFailException

from airflow_provider_jobs.error_codes import CREDENTIAL_CODES

__all__ = [
    "JobApiError",
    "JobEndedError",
    "JobError",
    "JobFailedError",
    "JobInputError",
    "JobNotFoundError",
    "JobOutcomeUnknownError",
    "JobQuotaError",
    "JobQuotaInDoubtError",
    "JobRefusedError",
    "JobStartTimeoutError",
    "JobTimeoutError",
    "JobUnavailableError",
    "is_transient",
]


class JobInputError(AirflowFailException, ValueError):
    """A parameter cannot work; a retry would not help, so Airflow makes none."""


class JobError(AirflowException):
    """Something went wrong with a job; a retry may help."""


class JobFailedError(JobError):
    """The job ended without success."""


class JobEndedError(JobFailedError, AirflowFailException):
    """A job that the task only watched ended without success; a retry would find the same."""


class JobTimeoutError(JobError, AirflowFailException):
    """The job's time is used up; a retry would have none left, so Airflow makes none."""


class JobStartTimeoutError(JobError):
    """The job could not be started within the start timeout."""


class JobNotFoundError(JobError):
    """The service does not know the job."""


class JobQuotaError(JobError):
    """The service has no room for another job now; the task queues."""


class JobQuotaInDoubtError(JobQuotaError):
    """The service has no room for another job now, but an earlier call by botocore may have started one."""


class JobApiError(JobError):
    """A call failed; its subclasses say what that means.

    :param message: what happened and what to check.
    :param code: AWS's error code, for example ``AccessDeniedException``.
    :param concerns_all: whether other calls over the connection will fail in the same way: no answer, too
        many calls, refused credentials. Otherwise it concerns only the job that was asked for.
    """

    def __init__(self, message: str, code: str = "", concerns_all: bool = False) -> None:
        super().__init__(message)
        self.code = code
        self.concerns_all = concerns_all


class JobRefusedError(JobApiError):
    """AWS refused a call, or it could not be sent; the same call would fail again."""


class JobUnavailableError(JobApiError):
    """AWS was busy or could not be reached; the same call may work later."""


class JobOutcomeUnknownError(JobUnavailableError):
    """A call may have taken effect: there was no answer, a server error, or an unreadable answer.

    Also a refusal if botocore had made the call before, since that earlier call may have taken effect.
    """


def is_transient(error: Exception, answered: bool = False) -> bool:
    """Whether the error is transient: AWS was busy or unreachable, or credentials are being renewed.

    :param answered: whether AWS has answered before, so that credentials which it refuses now were valid.
    """
    if not isinstance(error, JobApiError):
        return False
    return isinstance(error, JobUnavailableError) or (answered and error.code in CREDENTIAL_CODES)
