# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from testing.conftest import T0, Cloud

from airflow_provider_jobs.testing.aws.lookoutequipment.data import parse_time

from .plant import BUCKET, Plant, minute, schema


@pytest.fixture
def plant(cloud: Cloud) -> Plant:
    return Plant(cloud)


def test_reads_what_was_there_when_it_started(plant: Plant) -> None:
    plant.put("pump/1.csv", f"{minute(0)},1,2")
    job_id = plant.start()["JobId"]
    plant.put("pump/2.csv", f"{minute(1)},1,2")
    plant.s3.delete_object(Bucket=BUCKET, Key="data/pump/1.csv")
    plant.aws.advance(job_id)
    described = plant.describe(job_id)
    assert described["IngestedFilesSummary"]["TotalNumberOfFiles"] == 1
    assert described["DataEndTime"] == T0


@pytest.mark.parametrize(
    ("pattern", "prefix", "matching", "other"),
    [
        ("{prefix}/{component_name}/*", "data/", ["pump/a.csv", "pump/b/c.csv"], ["a.csv", "pump_a.csv"]),
        ("{prefix}/{component_name}/*", "data/", [], ["pump/", "pump/old/"]),
        ("{prefix}/{component_name}_*", "data/", ["pump_a.csv", "pump_1_a.csv"], ["a.csv", "pump/x_a.csv"]),
        ("{prefix}/{component_name}-*", "data/", ["pump-a.csv"], ["pump_a.csv"]),
        ("{prefix}/{component_name}.*", "data/", ["pump.a.csv", "pump.csv"], ["pump"]),
        ("{prefix}/{component_name} *", "data/", ["pump a.csv"], ["pump.csv", "big/pump a.csv"]),
        ("{prefix}/{component_name}/*", "data/in/", ["in/pump/a.csv"], ["pump/a.csv"]),
        ("{prefix}/{component_name}/*", None, ["pump.csv"], []),
        ("{prefix}/{component_name}/*", "", ["pump.csv"], []),
    ],
)  # fmt: skip
def test_key_pattern(
    plant: Plant, pattern: str, prefix: str | None, matching: list[str], other: list[str]
) -> None:
    plant.s3.put_object(Bucket=BUCKET, Key="elsewhere.csv", Body=b"")
    for key in matching + other:
        plant.put(key, f"{minute(0)},1,2")
    assert plant.files(Prefix=prefix, KeyPattern=pattern) == (len(matching), len(matching), [])


def test_components_of_a_schema(plant: Plant) -> None:
    columns = {"pump": ["speed"], "pump_1": ["heat"]}
    plant.api.create_dataset(DatasetName="given", DatasetSchema=schema(**columns))
    plant.put("pump_1.csv", f"{minute(0)},1", header="Timestamp,speed")
    plant.put("pump_1_1.csv", f"{minute(0)},1", header="Timestamp,heat")
    plant.put("fan_1.csv", "of no component")
    pattern = "{prefix}/{component_name}_*"
    assert plant.files(dataset="given", KeyPattern=pattern) == (2, 2, []), "the longest name owns a file"


def test_discarded_files(plant: Plant) -> None:
    row = f"{minute(0)},1,2"
    good = plant.put("pump/good.csv", row)
    plant.put("pump/upper.CSV", row, "")
    plant.put("pump/notes.txt", row)
    plant.put("pump/no-rows.csv")
    plant.put("pump/no-header.csv", row, header=row)
    plant.put("pump/one-column.csv", minute(0), header="Timestamp")
    plant.put("pump/short-row.csv", row, f"{minute(1)},1")
    plant.put("pump/same-name.csv", row, header="Timestamp,speed,speed")
    plant.put("pump/no-name.csv", row, header="Timestamp,speed,")
    plant.put("pump/other-time.csv", row, header="Time,speed,heat")
    plant.put("pump/quote.csv", f'{minute(1)},1,"2')
    plant.put("pump/archived.csv", row, StorageClass="GLACIER")
    plant.put("pump/more.csv", f"{minute(9)},1,2", header="Timestamp,speed,flow")
    plant.s3.put_object(Bucket=BUCKET, Key="data/pump/empty.csv", Body=b"")
    plant.s3.put_object(Bucket=BUCKET, Key="data/pump/photo.csv", Body=b"\xff\xd8\xff\xe0,1\n")
    plant.s3.put_object(
        Bucket=BUCKET, Key="data/pump/bom.csv", Body=f"\ufeffTimestamp,a\n{row[:-2]}".encode()
    )
    described = plant.end()
    bad = [
        "archived", "empty", "no-header", "no-name", "no-rows", "one-column", "other-time", "photo", "quote",
        "same-name", "short-row",
    ]  # fmt: skip
    expected = sorted([*(f"data/pump/{name}.csv" for name in bad), "data/pump/notes.txt"])
    assert described["Status"] == "SUCCESS"
    summary = described["IngestedFilesSummary"]
    assert sorted(file["Key"] for file in summary["DiscardedFiles"]) == expected
    assert {file["Bucket"] for file in summary["DiscardedFiles"]} == {BUCKET}
    assert (summary["TotalNumberOfFiles"], summary["IngestedNumberOfFiles"]) == (16, 4)
    assert good < described["IngestedDataSize"] < 5 * good
    duplicates = described["DataQualitySummary"]["DuplicateTimestamps"]
    assert duplicates["TotalNumberOfDuplicateTimestamps"] == 1, "discarded files count for nothing else"


def test_files_that_do_not_keep_to_the_schema(plant: Plant) -> None:
    plant.api.create_dataset(DatasetName="given", DatasetSchema=schema(pump=["speed", "heat"]))
    plant.put("pump/part.csv", f"{minute(0)},1", header="Timestamp,heat")
    plant.put("pump/more.csv", f"{minute(1)},1", header="Timestamp,flow")
    plant.put("pump/time.csv", f"{minute(2)},1", header="Time,heat")
    assert plant.files(dataset="given") == (3, 1, ["data/pump/more.csv", "data/pump/time.csv"])


def test_data_quality(plant: Plant) -> None:
    columns = {"pump": ["speed", "heat", "dead"], "fan": ["speed"], "gone": ["a", "b"]}
    plant.api.create_dataset(DatasetName="given", DatasetSchema=schema(**columns))
    plant.put(
        "pump/1.csv",
        f"{minute(0)},1,2,",
        f"{minute(1)},,NaN,null",
        f"{minute(2)},high,1_0,inf",
        f"{minute(3)}, -1.5e3 ,.5,",
        f"{minute(0)},,,",
        "yesterday,1,2,3",
        ",1,2,3",
        header="Timestamp,speed,heat,dead",
    )
    plant.put("pump/2.csv", f"{minute(3)},7,7,7", header="Timestamp,speed,heat,dead")
    plant.put("fan/1.csv", f"{minute(3)},1", f"{minute(14 * 24 * 60 + 3)},1", header="Timestamp,speed")
    described = plant.end(dataset="given")
    assert described["DataQualitySummary"] == {
        "InsufficientSensorData": {
            "MissingCompleteSensorData": {"AffectedSensorCount": 3},
            "SensorsWithShortDateRange": {"AffectedSensorCount": 2},
        },
        "MissingSensorData": {"AffectedSensorCount": 3, "TotalNumberOfMissingValues": 5},
        "InvalidSensorData": {"AffectedSensorCount": 3, "TotalNumberOfInvalidValues": 3},
        "UnsupportedTimestamps": {"TotalNumberOfUnsupportedTimestamps": 2},
        "DuplicateTimestamps": {"TotalNumberOfDuplicateTimestamps": 2},
    }
    assert described["DataStartTime"] == T0
    assert described["DataEndTime"] == T0 + timedelta(days=14, minutes=3)


def test_one_file_for_each_sensor(plant: Plant) -> None:
    plant.put("pump/speed.csv", f"{minute(0)},1", header="Timestamp,speed")
    plant.put("pump/heat.csv", f"{minute(0)},1", header="Timestamp,heat")
    quality = plant.end()["DataQualitySummary"]
    assert quality["DuplicateTimestamps"]["TotalNumberOfDuplicateTimestamps"] == 0
    assert quality["InsufficientSensorData"]["SensorsWithShortDateRange"]["AffectedSensorCount"] == 2


def test_no_valid_value(plant: Plant) -> None:
    plant.put("pump/1.csv", f"{minute(0)},,")
    described = plant.end()
    assert described["Status"] == "SUCCESS"
    assert "DataStartTime" not in described
    missing = described["DataQualitySummary"]["InsufficientSensorData"]["MissingCompleteSensorData"]
    assert missing["AffectedSensorCount"] == 2


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-01T10:30:00Z", datetime(2026, 11, 1, 10, 30, tzinfo=UTC)),
        ("2026-11-01T10:30:00.250+02:00", datetime(2026, 11, 1, 8, 30, 0, 250_000, tzinfo=UTC)),
        ("2026-11-01 10:30", datetime(2026, 11, 1, 10, 30, tzinfo=UTC)),
        ("2026-11-01-10-30-05", datetime(2026, 11, 1, 10, 30, 5, tzinfo=UTC)),
        ("20261101103005", datetime(2026, 11, 1, 10, 30, 5, tzinfo=UTC)),
        ("2026/11/1 0:05", datetime(2026, 11, 1, 0, 5, tzinfo=UTC)),
        (" 2026/11/1 0:05:07 ", datetime(2026, 11, 1, 0, 5, 7, tzinfo=UTC)),
        ("1793529005", datetime(2026, 11, 1, 10, 30, 5, tzinfo=UTC)),
        ("1793529005250", datetime(2026, 11, 1, 10, 30, 5, 250_000, tzinfo=UTC)),
        ("11/01/2026 10:30", None),
        ("20261301103005", None),
        ("12345", None),
        ("9" * 5000, None),
        ("soon", None),
        ("", None),
    ],
)
def test_timestamps(text: str, expected: datetime | None) -> None:
    assert parse_time(text) == (None if expected is None else expected.timestamp())


def test_failure_by_the_data(plant: Plant) -> None:
    none = plant.end(Prefix="none/")
    assert none["Status"] == "FAILED"
    assert none["FailedReason"] == "No files in bucket plant-data match the prefix and the key pattern."
    assert none["IngestedFilesSummary"]["TotalNumberOfFiles"] == 0
    plant.put("pump/1.csv")
    bad = plant.end("two")
    assert bad["Status"] == "FAILED"
    reason = "None of the 1 files could be ingested: they are not readable as CSV files."
    assert bad["FailedReason"] == reason
    assert bad["IngestedFilesSummary"]["DiscardedFiles"] == [{"Bucket": BUCKET, "Key": "data/pump/1.csv"}]
    assert "DataQualitySummary" not in bad
