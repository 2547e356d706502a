# SPDX-License-Identifier: Apache-2.0

"""What an ingestion found in the data, and the limits to that."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from sensor_data import PATTERN, SERVICE, ingest, plant, put

from airflow_provider_jobs.exceptions import (
    JobEndedError,
)
from airflow_provider_jobs.testing import AwsJobs


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with plant() as control:
        yield control


class TestQuality:
    """SUCCESS can hide files that were discarded and values that were bad."""

    @pytest.fixture(autouse=True)
    def bad_data(self, aws: AwsJobs) -> None:
        put("pump/1.csv", "2026-01-01T07:00:00,1")
        put("pump/2.csv", "2026-01-01T08:00:00,,x", "2026-01-01T08:00:00,1,2", "yesterday,1,2")
        put("fan/0.csv", "2026-01-01T06:00:00,,", "2026-01-01T06:01:00,,")

    def test_is_in_the_result(self, aws: AwsJobs) -> None:
        result = ingest().run()
        (job,) = aws.jobs(SERVICE)
        created_at, size = result.pop("created_at"), result.pop("bytes_ingested")
        assert datetime.now(UTC) - datetime.fromisoformat(created_at) < timedelta(minutes=5)
        assert size > 1000
        assert result == {
            "job_id": job["id"],
            "dataset_name": "pumps",
            "state": "SUCCESS",
            "input": {"Bucket": "plant", "Prefix": "2026/", "KeyPattern": PATTERN},
            "files_total": 4,
            "files_ingested": 3,
            "files_discarded": ["s3://plant/2026/pump/1.csv"],
            "data_start_time": "2026-01-01T06:00:00+00:00",
            "data_end_time": "2026-01-01T06:59:00+00:00",
            "data_quality": {
                "duplicate_timestamps": 1,
                "invalid_values": 1,
                "missing_values": 5,
                "sensors_with_short_date_range": 2,
                "sensors_without_data": 2,
                "unsupported_timestamps": 1,
            },
        }

    @pytest.mark.parametrize("deferrable", [False, True])
    def test_is_in_the_log(self, aws: AwsJobs, deferrable: bool, logged: Callable[[], str]) -> None:
        result = ingest(deferrable=deferrable).run()
        said = logged().split(" into dataset pumps:")[1]
        table = [line.partition(" [airflow")[0].strip() for line in said.splitlines()[1:12]]
        assert table == [
            "files ingested                 3 of 4",
            "files discarded                1: s3://plant/2026/pump/1.csv",
            f"bytes                          {result['bytes_ingested']}",
            "data from                      2026-01-01T06:00:00+00:00",
            "data to                        2026-01-01T06:59:00+00:00",
            "duplicate timestamps           1",
            "invalid values                 1",
            "missing values                 5",
            "sensors with short date range  2",
            "sensors without data           2",
            "unsupported timestamps         1",
        ]

    @pytest.mark.parametrize("deferrable", [False, True])
    @pytest.mark.parametrize(
        ("limit", "message"),
        [
            (
                {"max_discarded_files": 0},
                "1 files were discarded, allowed is 0: s3://plant/2026/pump/1.csv. Mend the data",
            ),
            ({"data_quality": {"duplicate_timestamps": 0}}, "duplicate_timestamps is 1, allowed is 0. Mend"),
            ({"data_quality": {"invalid_values": 0}}, "invalid_values is 1, allowed is 0. Mend"),
            ({"data_quality": {"missing_values": 4}}, "missing_values is 5, allowed is 4. Mend"),
            (
                {"data_quality": {"sensors_with_short_date_range": 1}},
                "sensors_with_short_date_range is 2, allowed is 1. Mend",
            ),
            ({"data_quality": {"sensors_without_data": 0}}, "sensors_without_data is 2, allowed is 0. Mend"),
            (
                {"data_quality": {"unsupported_timestamps": 0}},
                "unsupported_timestamps is 1, allowed is 0. Mend",
            ),
            (
                {"max_discarded_files": 0, "data_quality": {"invalid_values": 0, "missing_values": 5}},
                "2026/pump/1.csv; invalid_values is 1, allowed is 0. Mend",
            ),
        ],
    )
    def test_that_breaks_a_limit_fails_without_a_retry(
        self, aws: AwsJobs, limit: dict[str, Any], message: str, deferrable: bool
    ) -> None:
        from airflow.providers.common.compat.sdk import Asset

        task = ingest(deferrable=deferrable, outlets=[Asset("ingested")], **limit)
        with pytest.raises(JobEndedError) as caught:
            task.run()
        assert message in str(caught.value)
        assert aws.jobs(SERVICE)[0]["id"] in str(caught.value)
        assert isinstance(caught.value, AirflowFailException)
        assert not task.outlet_events

    def test_that_just_keeps_the_limits_is_good(self, aws: AwsJobs) -> None:
        limits = {"missing_values": 5, "invalid_values": 1, "duplicate_timestamps": 1}
        result = ingest(max_discarded_files=1, data_quality=limits).run()
        assert result["state"] == "SUCCESS"

    def test_names_no_more_files_than_can_be_read(self, aws: AwsJobs) -> None:
        for number in range(20, 40):
            put(f"pump/{number}.csv", "2026-01-01T07:00:00,1")
        with pytest.raises(JobEndedError, match=r"21 files were discarded.*pump/28\.csv, …\. Mend"):
            ingest(max_discarded_files=0).run()

    def test_of_a_job_that_was_found_again_is_checked_too(self, aws: AwsJobs) -> None:
        for _ in range(2):
            task = ingest(max_discarded_files=0)
            with pytest.raises(JobEndedError, match="1 files were discarded"):
                task.run()
        assert len(aws.jobs(SERVICE)) == 1
