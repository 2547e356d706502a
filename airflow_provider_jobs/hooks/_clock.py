# SPDX-License-Identifier: Apache-2.0

"""AWS's own time, from the ``Date`` header of its answers. Only this is compared with times from AWS."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any

__all__ = ["AwsClock"]


class AwsClock:
    """The time by AWS's clock, as far as AWS has reported it."""

    def __init__(self) -> None:
        self._heard: tuple[datetime, float] | None = None

    def copy(self) -> AwsClock:
        """Return an independent copy."""
        clock = AwsClock()
        clock._heard = self._heard
        return clock

    def hear(self, answer: Mapping[str, Any]) -> None:
        """Set the time from an answer from boto3, if it has a date that can be parsed."""
        date = answer.get("ResponseMetadata", {}).get("HTTPHeaders", {}).get("date")
        try:
            heard = parsedate_to_datetime(date) if isinstance(date, str) else None
        except ValueError:
            heard = None
        if heard is not None:
            at = heard if heard.tzinfo else heard.replace(tzinfo=UTC)
            self._heard = (at.astimezone(UTC), time.monotonic())

    @property
    def heard(self) -> datetime | None:
        """The time of the last answer, aware; None if no answer had one."""
        return self._heard[0] if self._heard else None

    def now_or_local(self) -> datetime:
        """Return the current time, aware; this machine's if no answer had one."""
        return self.now() or datetime.now(UTC)

    def now(self) -> datetime | None:
        """Return the current time, aware; None if no answer had one."""
        if self._heard is None:
            return None
        at, monotonic = self._heard
        return at + timedelta(seconds=time.monotonic() - monotonic)
