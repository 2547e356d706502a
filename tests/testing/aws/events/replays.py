# SPDX-License-Identifier: Apache-2.0

"""What the tests of EventBridge share."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from botocore.exceptions import ClientError
from testing.conftest import T0

ARCHIVE_ARN = "arn:aws:events:us-east-1:123456789012:archive/{}"

BUS_ARN = "arn:aws:events:us-east-1:123456789012:event-bus/{}"


def at(minutes: float) -> datetime:
    return T0 + timedelta(minutes=minutes)


def error(caught: pytest.ExceptionInfo[ClientError]) -> tuple[str, str]:
    details = caught.value.response["Error"]
    return details["Code"], details["Message"]


VIOLATION = "1 validation error detected: Value '{}' at '{}' failed to satisfy constraint: {}"
