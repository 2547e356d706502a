# SPDX-License-Identifier: Apache-2.0

"""What a test can set of the Custom Event Bus: how its subscribers behave, and what their targets answer."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta
from typing import Literal, TypeAlias, get_args

#: What the dimensions of metrics hold: AWS's user guide says the ARN, its other texts the name and the id.
Dimensions: TypeAlias = Literal["arn", "name"]


@dataclass(frozen=True)
class SubscriberSettings:
    """The settings of all subscribers. ``AwsJobs.set_subscribers`` changes them.

    :param startup_delay: seconds from the creation of a subscriber that starts in the past to its first
        delivery
    :param change_seconds: for which creating or deleting a subscriber takes a bus; others are refused then
    :param provision_seconds: until a bus is ACTIVE
    :param retry_delay: seconds before the first retry of a delivery; each further one waits twice as long, a
        minute at most
    :param metrics_late: seconds until CloudWatch shows a figure
    :param dimensions: whether metrics name a bus and a subscriber by their ARNs or by name and id
    """

    startup_delay: float = 0.0
    change_seconds: float = 0.0
    provision_seconds: float = 0.0
    retry_delay: float = 5.0
    metrics_late: float = 0.0
    dimensions: Dimensions = "arn"

    def __post_init__(self) -> None:
        for each in fields(self):
            value = getattr(self, each.name)
            if isinstance(value, int | float) and value < 0:
                raise ValueError(f"{each.name} must not be negative, got {value}.")
        if self.dimensions not in get_args(Dimensions):
            raise ValueError(
                f"dimensions is one of {', '.join(get_args(Dimensions))}, got {self.dimensions!r}."
            )

    def changed(self, **given: object) -> SubscriberSettings:
        """Return these with what is not None.

        :raises ValueError: for a value that cannot be
        """
        return replace(self, **{name: value for name, value in given.items() if value is not None})  # type: ignore[arg-type]


class TargetFailures:
    """Which targets fail, with which error and until when."""

    def __init__(self) -> None:
        self._failing: dict[str, tuple[str, datetime, datetime | None]] = {}

    def set(self, arn: str, error: str | None, seconds: float | None, now: datetime) -> None:
        """Let a target fail, or work again.

        :param arn: the target's, or the dead-letter queue's
        :param error: the code of the error; None lets it work again
        :param seconds: for how long by AWS's clock; None is until it is set again
        :param now: by AWS's clock
        :raises ValueError: if seconds are not above 0
        """
        if seconds is not None and seconds <= 0:
            raise ValueError(f"seconds must be above 0, got {seconds}.")
        self._failing.pop(arn, None)
        if error is not None:
            until = None if seconds is None else now + timedelta(seconds=seconds)
            self._failing[arn] = (error, now, until)

    def error(self, arn: str, time: datetime) -> str | None:
        """Return the error that a target answers at a time; None if it works."""
        if arn not in self._failing:
            return None
        error, since, until = self._failing[arn]
        return error if since <= time and (until is None or time < until) else None
