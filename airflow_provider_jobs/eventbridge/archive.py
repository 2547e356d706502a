# SPDX-License-Identifier: Apache-2.0

"""What an archive's description says of a window before it is replayed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

__all__ = ["doubts", "expected_events"]


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
