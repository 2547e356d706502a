# SPDX-License-Identifier: Apache-2.0

"""Archives as data: what is wanted of one, and what its description says of a window before a replay."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from airflow_provider_jobs._eventbridge.pattern import pattern_text
from airflow_provider_jobs.exceptions import JobInputError

__all__ = ["ARCHIVE_NAME", "WantedArchive", "doubts", "expected_events"]

#: An archive's name, as a regular expression.
ARCHIVE_NAME = r"[.\-_A-Za-z0-9]{1,48}"


def doubts(archive: Mapping[str, Any], start: datetime, end: datetime, now: datetime | None) -> Iterator[str]:
    """Yield reasons why a replay may send less than its window had; sentences for the log.

    None of them is certain: whoever puts an event says its time, so that an archive may have events from
    before it was made.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeArchive.html

    :param archive: its description.
    :param start: the window's start, aware.
    :param end: the window's end, aware.
    :param now: AWS's time; None where it is not known.
    """
    name = archive.get("ArchiveName")
    state = archive.get("State") or "ENABLED"
    if state != "ENABLED":
        reason = f": {archive['StateReason']}" if archive.get("StateReason") else ""
        yield f"Archive {name} is {state}{reason}. While it is, no events come into it."
    made = archive.get("CreationTime")
    if made and start < made:
        part = "all" if end <= made else "a part"
        yield (
            f"Archive {name} was created at {made.isoformat()}, after {part} of the window: it has events "
            "from before that only if they came later."
        )
    days = archive.get("RetentionDays") or 0
    if days and now and start < (kept := now - timedelta(days=days)):
        part = "all" if end <= kept else "a part"
        yield (
            f"Archive {name} keeps events for {days} days, since {kept.isoformat(timespec='seconds')}: "
            f"{part} of the window is older."
        )


def expected_events(
    archive: Mapping[str, Any], start: datetime, end: datetime, now: datetime | None
) -> int | None:
    """Return roughly how many events a window has, as if all of the archive's had come evenly over time.

    :param archive: its description; AWS's count of its events may be a day old.
    :param start: the window's start, aware.
    :param end: the window's end, aware.
    :param now: AWS's time; None where it is not known.
    :return: None where the archive's age or the number of its events is not known.
    """
    count, made = archive.get("EventCount"), archive.get("CreationTime")
    if not (count and made and now and made < now):
        return None
    days = archive.get("RetentionDays") or 0
    since = max(made, now - timedelta(days=days)) if days else made
    covered: float = (min(end, now) - max(start, since)) / (now - since)
    return round(float(count) * max(covered, 0.0))


@dataclass(frozen=True, slots=True)
class WantedArchive:
    """An archive as it is to be, checked; what is None stays as it is at AWS.

    :param name: its name.
    :param bus: the name or ARN of the event bus whose events it keeps.
    :param pattern: which events it keeps.
    :param retention_days: for how many days; 0 for ever.
    :param description: what the console shows.
    :param kms_key: the key that encrypts it.
    """

    name: str
    bus: str
    pattern: Mapping[str, Any] | None = None
    retention_days: int | None = None
    description: str | None = None
    kms_key: str | None = None

    def settings(self) -> dict[str, Any]:
        """Return what AWS is told of it, by the API's names."""
        given = {
            "Description": self.description,
            "EventPattern": None if self.pattern is None else pattern_text(self.pattern),
            "KmsKeyIdentifier": self.kms_key,
            "RetentionDays": self.retention_days,
        }
        return {name: value for name, value in given.items() if value is not None}

    def check_bus(self, arn: str) -> None:
        """Refuse an archive of another event bus, which AWS does not change.

        :param arn: the event bus that the archive is of.
        """
        if self.bus not in (arn, arn.partition(":event-bus/")[2]):
            raise JobInputError(
                f"Archive {self.name} exists, and keeps the events of {arn}, not of {self.bus!r}. AWS does "
                "not change an archive's event bus: choose another archive_name, or delete the archive."
            )

    def drift(self, found: Mapping[str, Any]) -> list[str]:
        """Return the settings in which an archive differs, in words.

        :param found: its description.
        """
        return [
            f"{name} is {found.get(name)!r} instead of {value!r}"
            for name, value in self.settings().items()
            if not self._same(name, value, found.get(name))
        ]

    @staticmethod
    def _same(name: str, wanted: Any, found: Any) -> bool:
        if name != "EventPattern" or not found:
            # AWS leaves out what is 0 or empty.
            return bool(wanted == (found or type(wanted)()))
        try:
            return bool(json.loads(found) == json.loads(wanted))
        except ValueError:
            return False
