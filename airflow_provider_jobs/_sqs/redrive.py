# SPDX-License-Identifier: Apache-2.0

"""Redrives of a dead-letter queue: what is asked for, and how one is named."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.parameters import handed, matching, optional, text
from airflow_provider_jobs.windows import exact_time, milliseconds, moment

__all__ = [
    "QUEUE_ARN",
    "SHOWN",
    "RedriveId",
    "RedriveRequest",
    "checked_queue_arn",
    "checked_rate",
    "checked_since",
    "handed_redrive",
    "job_ids",
]

#: How many of a queue's redrives AWS shows at most, the newest ones.
SHOWN = 10
#: Messages per second that AWS moves at most.
_FASTEST = 500
QUEUE_ARN = r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,80}(?:\.fifo)?"
_ID = re.compile(rf"(?P<arn>{QUEUE_ARN})(?:@(?P<since>[0-9]{{1,15}}))?", re.ASCII)

#: Reads the time by which a queue's redrives are told apart, which may be left out.
checked_since = optional(exact_time)


@dataclass(frozen=True, slots=True)
class RedriveId:
    """What a redrive is known by: AWS gives it no name, and a handle only while it runs.

    In writing ``QUEUE-ARN@MILLISECONDS``, the queue's first redrive that began at that time or later; or the
    queue's ARN alone, which means its newest redrive.

    :param source_arn: the dead-letter queue.
    :param since: milliseconds since the epoch, by AWS's clock; None for the newest redrive.
    """

    source_arn: str
    since: int | None = None

    @classmethod
    def parse(cls, written: str) -> RedriveId:
        """Read a redrive's id.

        :raises JobInputError: if it is none.
        """
        match = _ID.fullmatch(written)
        if match is None:
            raise JobInputError(
                f"{written!r} is neither a queue's ARN (arn:aws:sqs:REGION:ACCOUNT:NAME) nor a redrive "
                "(arn:aws:sqs:REGION:ACCOUNT:NAME@MILLISECONDS)."
            )
        return cls(match["arn"], int(match["since"]) if match["since"] else None)

    @classmethod
    def of(cls, source_arn: str, since: datetime | None) -> RedriveId:
        """Name the first redrive that began at a time or later; the newest one without a time."""
        return cls(source_arn, None if since is None else milliseconds(since))

    def __str__(self) -> str:
        return self.source_arn if self.since is None else f"{self.source_arn}@{self.since}"

    @property
    def time(self) -> datetime | None:
        """``since`` as a time."""
        return moment(self.since)

    def pick(self, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
        """Return the redrive's row of a queue's list, whose rows are in order from the newest to the oldest.

        :return: None if the list does not show it.
        """
        if self.since is None:
            return rows[0] if rows else None
        later = [row for row in rows if row["StartedTimestamp"] >= self.since]
        if not later:
            return None
        first = later[-1]
        # Where all that AWS shows are later, the first of them need not be the first there was.
        certain = len(later) < SHOWN or first["StartedTimestamp"] == self.since
        return first if certain else None


@dataclass(frozen=True, slots=True)
class RedriveRequest:
    """A redrive that is asked for, checked.

    :param source_arn: the dead-letter queue.
    :param destination_arn: the queue that gets the messages; None for those that they came from.
    :param max_messages_per_second: how many messages AWS moves per second; None leaves it to AWS.
    """

    source_arn: str
    destination_arn: str | None = None
    max_messages_per_second: int | None = None

    def __post_init__(self) -> None:
        destination = self.destination_arn
        if destination is not None and _is_fifo(destination) is not _is_fifo(self.source_arn):
            raise JobInputError(
                f"destination_arn={destination!r} is not of the same type as source_arn={self.source_arn!r}: "
                "SQS moves messages of a FIFO queue to a FIFO queue, and of a standard queue to a standard "
                "queue."
            )

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        rate = self.max_messages_per_second
        return {"source": self.source_arn, "destination": self.destination_arn, "rate": rate}


def checked_queue_arn(given: Any, parameter: str) -> str:
    """Return a queue's ARN.

    :param given: the ARN, or the result of a task that has it under the parameter's name.
    :param parameter: what gave it, for the message.
    :raises JobInputError: if it is none.
    """
    meaning = "a queue's ARN (arn:aws:sqs:REGION:ACCOUNT:NAME)"
    return matching(handed(given, parameter), parameter, QUEUE_ARN, meaning)


def checked_rate(given: Any, parameter: str) -> int:
    """Return a number of messages per second.

    :raises JobInputError: if AWS does not take it.
    """
    written = text(given, parameter)
    if not re.fullmatch("[0-9]{1,3}", written, re.ASCII) or not 1 <= int(written) <= _FASTEST:
        raise JobInputError(f"{parameter}={given!r} must be a whole number from 1 to {_FASTEST}.")
    return int(written)


def handed_redrive(source_arn: Any, since: Any) -> str:
    """Return the id of a redrive for two parameters, of which the first may be a result that has both.

    :param source_arn: the queue's ARN, or the result of the task that started the redrive.
    :param since: the time by which the queue's redrives are told apart; None takes that of the result.
    :raises JobInputError: if either cannot be it.
    """
    result: Mapping[str, Any] = source_arn if isinstance(source_arn, Mapping) else {}
    time = checked_since(result.get("since") if since is None else since, "since")
    return str(RedriveId.of(checked_queue_arn(source_arn, "source_arn"), time))


def job_ids(redrive_id: str) -> dict[str, str]:
    """Return a redrive's ids by the names that they have in a result."""
    redrive = RedriveId.parse(redrive_id)
    ids = {"source_arn": redrive.source_arn}
    return {**ids, "since": redrive.time.isoformat(timespec="milliseconds")} if redrive.time else ids


def _is_fifo(arn: str) -> bool:
    return arn.endswith(".fifo")
