# SPDX-License-Identifier: Apache-2.0

"""What a subscriber is created with: its window in time, and what the service fills in.

The words of the refusals are those of AWS's agent toolkit, ``replay-and-recovery.md``.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_jobs.testing.moto_ext import AwsError

#: A subscriber cannot start later than that before now; seen in an experiment on AWS.
YOUNGEST = timedelta(minutes=5)

#: https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_RetryPolicy.html
RETRY_POLICY: Mapping[str, Any] = {"MaxRetryAttempts": 5, "MaxEventAgeInSeconds": 300, "RetryStrategy": "ALL"}
#: https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_BatchConfiguration.html
BATCHES: Mapping[str, Any] = {"MaxBatchSize": 10, "MaxBatchWindowInSeconds": 0}

_POINT = "PointInTimeConfiguration"


def window_of(
    request: Mapping[str, Any], oldest: datetime, now: datetime
) -> tuple[datetime, datetime | None] | None:
    """Return the window that a subscriber reads from the past, without an end if it goes on; None if it reads
    only what comes.

    :param request: CreateSubscriber's arguments, within the model's constraints
    :param oldest: the time that the bus retains events from
    :param now: by AWS's clock
    :raises AwsError: for a window that AWS refuses
    """
    point: Mapping[str, Any] | None = request.get(_POINT)
    if request.get("StartingPosition", "LATEST") == "LATEST":
        if point is not None:
            raise _invalid(f"{_POINT} must not be provided when StartingPosition is LATEST")
        return None
    if point is None:
        raise _invalid(f"{_POINT} is required when StartingPosition is POINT_IN_TIME")
    start = oldest if point["PointType"] == "HORIZON" else _start(point, oldest, now)
    end: datetime | None = point.get("EndPoint")
    if end is not None and end <= start:
        raise _invalid(f"{_POINT}.EndPoint must be after the starting point")
    return start, end


def _start(point: Mapping[str, Any], oldest: datetime, now: datetime) -> datetime:
    start: datetime | None = point.get("StartingPoint")
    if start is None or start <= datetime.fromtimestamp(0, UTC):
        raise _invalid(f"{_POINT}.StartingPoint is required and must be > 0 when PointType is TIMESTAMP")
    if start > now:
        raise _invalid(f"{_POINT}.StartingPoint must not be in the future")
    if start < oldest:
        raise _invalid(
            f"{_POINT}.StartingPoint ({start.timestamp():.0f}) falls outside the bus's retention window"
        )
    if start > now - YOUNGEST:
        raise _invalid(f"{_POINT}.StartingPoint must be at least 5 minutes in the past")
    return start


def resolved(request: Mapping[str, Any]) -> dict[str, Any]:
    """Return a subscriber's members with the values that the service applies where there are none.

    :param request: CreateSubscriber's arguments, within the model's constraints
    :raises NotImplementedError: for what the mock does not have
    """
    if request.get("Transformer", {}).get("Type") == "JSONATA":
        raise NotImplementedError
    members = {
        "Type": "UNORDERED",
        "StartingPosition": "LATEST",
        "State": "RUNNING",
        **{name: value for name, value in request.items() if name not in ("ClientToken", "Tags")},
    }
    members["Transformer"] = {"Type": "RAW", **members.get("Transformer", {})}
    members["RetryPolicy"] = {**RETRY_POLICY, **members.get("RetryPolicy", {})}
    members["BatchConfiguration"] = {**BATCHES, **members.get("BatchConfiguration", {})}
    members["LogConfiguration"] = {"Level": "OFF", **members.get("LogConfiguration", {})}
    return {name: value for name, value in members.items() if value is not None}


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidInputException", message)
