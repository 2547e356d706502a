# SPDX-License-Identifier: Apache-2.0

"""What a pipeline's definition says about the end of its schedules."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from airflow_provider_jobs._data_pipeline.schedule import endless_schedules, schedules_over

END = datetime(2026, 1, 2, 3, tzinfo=UTC)
#: From AWS's guide: an end that is written, and one that follows from the occurrences.
DATED = {"period": "1 hours", "startDateTime": "2026-01-01T00:00:00", "endDateTime": "2026-01-02T03:00:00"}
COUNTED = {"period": "1 Hour", "startDateTime": "2026-01-02T00:00:00", "occurrences": "3"}
FROM_ACTIVATION = {"period": "1 hour", "startAt": "FIRST_ACTIVATION_DATE_TIME", "occurrences": "3"}


def objects(*schedules: dict[str, str]) -> list[dict[str, str]]:
    made = [{"id": f"S{at}", "type": "Schedule", **each} for at, each in enumerate(schedules)]
    return [{"id": "Default"}, *made]


@pytest.mark.parametrize("schedule", [DATED, COUNTED])
def test_over_at_its_end_and_not_before(schedule: dict[str, str]) -> None:
    assert schedules_over(objects(schedule), END) == {"S0": END}
    assert schedules_over(objects(schedule), END - timedelta(seconds=1)) == {}


@pytest.mark.parametrize(
    "schedule",
    [
        FROM_ACTIVATION,
        {**COUNTED, "occurrences": "#{myCount}"},
        {**COUNTED, "occurrences": "9" * 30},
        {**COUNTED, "period": "1 month"},
        {**COUNTED, "period": "15 Period"},
        {**DATED, "endDateTime": "#{myEnd}"},
        {"period": "1 hour", "startDateTime": "2026-01-01T00:00:00"},
    ],
)
def test_an_end_that_cannot_be_read_is_still_to_come(schedule: dict[str, str]) -> None:
    assert schedules_over(objects(schedule), END + timedelta(days=9)) == {}
    assert schedules_over(objects(DATED, schedule), END + timedelta(days=9)) == {}


def test_without_a_schedule_nothing_is_over() -> None:
    assert schedules_over(objects(), END) == {}


def test_a_schedule_without_an_end() -> None:
    endless = {"period": "1 hour", "startDateTime": "2026-01-01T00:00:00"}
    assert endless_schedules(objects(DATED, COUNTED, endless)) == ["S2"]
