# SPDX-License-Identifier: Apache-2.0

"""The bucket of an export, to which its policy has to let CloudWatch Logs write.

Models https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3ExportTasks.html.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Any

from moto.s3.exceptions import MissingBucket
from moto.s3.models import FakeBucket, S3Backend

from airflow_provider_jobs.testing.moto_ext import AwsError

WRITE_TEST = "aws-logs-write-test"
NO_BUCKET = "The given bucket does not exist. Please make sure the bucket is valid."
DENIED = (
    "{} call on the given bucket failed. Please check if CloudWatch Logs has been granted permission to "
    "perform this operation."
)


def open_bucket(s3: S3Backend, name: str, region: str) -> FakeBucket:
    """Return a bucket that exports of a Region can be written to.

    :raises AwsError: if there is none, or its policy does not allow it
    """
    try:
        bucket: FakeBucket = s3.get_bucket(name)
    except MissingBucket:
        raise _invalid(NO_BUCKET) from None
    if bucket.region_name != region:
        raise _invalid(f"The given bucket is in {bucket.region_name}, and not in {region}.")
    statements = json.loads(bucket.policy or b'{"Statement": []}')["Statement"]
    for action, resource in (("GetBucketAcl", name), ("PutObject", f"{name}/*")):
        if not any(_allows(each, f"s3:{action}", f"arn:aws:s3:::{resource}", region) for each in statements):
            raise _invalid(DENIED.format(action))
    return bucket


def _allows(statement: Mapping[str, Any], action: str, resource: str, region: str) -> bool:
    principal = statement.get("Principal")
    services = _texts(principal.get("Service")) if isinstance(principal, Mapping) else []
    return (
        statement.get("Effect") == "Allow"
        and f"logs.{region}.amazonaws.com" in services
        and any(fnmatchcase(action, each) for each in _texts(statement.get("Action")))
        and any(fnmatchcase(resource, each) for each in _texts(statement.get("Resource")))
    )


def _texts(value: Any) -> list[str]:
    return [value] if isinstance(value, str) else list(value or ())


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)
