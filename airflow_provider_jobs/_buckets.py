# SPDX-License-Identifier: Apache-2.0

"""What AWS takes for a place in S3: what a text has to match, and what that means."""

from __future__ import annotations

__all__ = ["BUCKET", "PREFIX"]

BUCKET = (r"[a-z0-9][.\-a-z0-9]{1,61}[a-z0-9]", "the name of an S3 bucket, without s3://")
#: That of an export's keys.
PREFIX = (
    r"(?!s3://)[^/\x00-\x1f\x7f](?:[^\x00-\x1f\x7f]{0,510}[^/\x00-\x1f\x7f])?",
    "1 to 512 characters, without the bucket, and neither begin nor end with a slash",
)
