# SPDX-License-Identifier: Apache-2.0

"""What failed calls have in common for all services: which may pass, and which were never sent."""

from __future__ import annotations

from airflow.providers.common.compat.sdk import AirflowException
from botocore.exceptions import ConnectionError as BotoConnectionError
from botocore.exceptions import (
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    HTTPClientError,
    NoCredentialsError,
    NoRegionError,
    TokenRetrievalError,
)

__all__ = ["NEVER_SENT", "is_transient"]

#: Failures before anything was sent.
NEVER_SENT = (
    AirflowException,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    TokenRetrievalError,
)


def is_transient(error: Exception) -> bool:
    """Whether a failure outside AWS's answers may pass: the network, or credentials being rotated."""
    return isinstance(
        error, (BotoConnectionError, HTTPClientError, CredentialRetrievalError, TokenRetrievalError)
    )
