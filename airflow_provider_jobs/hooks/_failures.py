# SPDX-License-Identifier: Apache-2.0

"""Classifies failures without an answer from AWS: which are transient, and which calls were never sent."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowException
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.exceptions import (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    InvalidConfigError,
    NoCredentialsError,
    NoRegionError,
    SSOError,
    TokenRetrievalError,
)

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobOutcomeUnknownError,
    JobRefusedError,
    JobUnavailableError,
)

__all__ = ["failed_call"]

#: Failures before anything was sent.
_NEVER_SENT = (
    AirflowException,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    InvalidConfigError,
    NoCredentialsError,
    NoRegionError,
    SSOError,
    TokenRetrievalError,
)
#: Failures of the network, and of credentials that are being rotated.
_TRANSIENT = (BotoConnectionError, HTTPClientError, CredentialRetrievalError, TokenRetrievalError)


def failed_call(error: Exception, *, built: bool, gone: bool) -> type[JobApiError]:
    """Return the error class for a call that failed without an answer from AWS.

    :param error: the exception from botocore or Airflow.
    :param built: whether there was a client that could make the call.
    :param gone: whether AWS no longer serves the endpoint.
    """
    if built and not isinstance(error, _NEVER_SENT):
        return JobOutcomeUnknownError
    return JobUnavailableError if isinstance(error, _TRANSIENT) and not gone else JobRefusedError
