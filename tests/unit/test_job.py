# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from airflow_provider_jobs.job import JobState, JobStatus

NOW = datetime(2026, 1, 1, 12, tzinfo=UTC)


def test_a_status_survives_its_journey_as_json() -> None:
    details = {"window": ["a", "b"], "count": 3}
    status = JobStatus("r-1", JobState.FAILED, "FAILED", "no room", 0.25, "so far", NOW, details, "fast")
    assert JobStatus.from_json(status.to_json()) == status


def test_the_line_tells_the_time_left() -> None:
    status = JobStatus(
        "r-1",
        JobState.RUNNING,
        "RUNNING",
        progress=0.25,
        note="a note",
        speed="twice real time",
        started_at=NOW - timedelta(minutes=5),
    )
    assert status.describe(NOW) == "RUNNING, 25%, about 0:15:00 left, a note, twice real time"
    assert status.describe() == "RUNNING, 25%, a note"


def test_the_line_tells_no_time_left_that_it_cannot_know() -> None:
    assert JobStatus("r-1", JobState.RUNNING, "RUNNING").describe(NOW) == "RUNNING"
    started = JobStatus("r-1", JobState.RUNNING, "RUNNING", progress=0.0, started_at=NOW)
    assert started.describe(NOW) == "RUNNING, 0%"
    began = NOW - timedelta(minutes=1)
    ended = JobStatus("r-1", JobState.FAILED, "FAILED", "no room", 0.5, "a note", started_at=began)
    assert ended.describe(NOW) == "FAILED, 50%, reason: no room, a note"
