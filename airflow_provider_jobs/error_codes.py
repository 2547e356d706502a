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
#: STS refused to issue credentials for a call. This is a code of this package, not of AWS.
NO_CREDENTIALS = "CredentialsRefused"
#: AWS has never accepted the credentials, or does not accept them in this Region.
NEVER_VALID_CODES = frozenset(
    {
        "AuthFailure",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "OptInRequired",
        "UnrecognizedClientException",
    }
)
#: AWS does not accept the credentials or the signature; after a rotation it may accept the new ones.
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
#: Too many calls; the caller must make fewer.
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
