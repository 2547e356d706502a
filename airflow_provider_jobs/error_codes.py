# SPDX-License-Identifier: Apache-2.0

"""AWS's error codes that mean the same for all services."""

from __future__ import annotations

__all__ = [
    "ACCESS_CODES",
    "CREDENTIAL_CODES",
    "NEVER_VALID_CODES",
    "NO_CREDENTIALS",
    "THROTTLING_CODES",
    "TRANSIENT_CODES",
]

#: A permission is missing.
ACCESS_CODES = frozenset({"AccessDenied", "AccessDeniedException", "NotAuthorized", "UnauthorizedOperation"})
#: STS has refused the credentials that a call was to be made with: not a code of AWS's but of this package.
NO_CREDENTIALS = "CredentialsRefused"
#: The credentials were never accepted, or not in this Region.
NEVER_VALID_CODES = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "OptInRequired",
        "UnrecognizedClientException",
    }
)
#: The credentials, or the signature made with them, are not accepted; others may be, after a rotation.
CREDENTIAL_CODES = NEVER_VALID_CODES | frozenset(
    {
        NO_CREDENTIALS,
        "CredentialRetrievalError",
        "ExpiredToken",
        "ExpiredTokenException",
        "IncompleteSignature",
        "IncompleteSignatureException",
        "InvalidSignatureException",
        "MissingAuthenticationToken",
        "MissingAuthenticationTokenException",
        "NoCredentialsError",
        "PartialCredentialsError",
        "RequestExpired",
        "RequestTimeTooSkewed",
        "SignatureDoesNotMatch",
        "TokenRetrievalError",
    }
)
#: Too many calls: fewer are to be made.
THROTTLING_CODES = frozenset(
    {
        "BandwidthLimitExceeded",
        "PriorRequestNotComplete",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "Throttling",
        "ThrottledException",
        "ThrottlingException",
        "TooManyRequestsException",
    }
)
#: The same call may work later.
TRANSIENT_CODES = THROTTLING_CODES | frozenset(
    {
        "ConcurrentModificationException",
        "ExpiredToken",
        "ExpiredTokenException",
        "InternalError",
        "InternalFailure",
        "RequestExpired",
        "RequestTimeout",
        "RequestTimeoutException",
        "ServiceUnavailable",
    }
)
