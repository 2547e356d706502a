# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from testing.conftest import T0, Cloud

from airflow_provider_jobs.testing import Fault

from .plant import BUCKET, ROLE, Plant, error, minute


@pytest.fixture
def plant(cloud: Cloud) -> Plant:
    return Plant(cloud)


def test_states_and_results(plant: Plant) -> None:
    size = plant.put("pump/1.csv", f"{minute(0)},1,2", f"{minute(59)},3,4")
    size += plant.put("fan/1.csv", f"{minute(-5)},1,2")
    started = plant.start()
    assert started["Status"] == "IN_PROGRESS"
    job_id = started["JobId"]
    assert len(job_id) == 32
    (job,) = plant.aws.jobs("lookoutequipment")
    first, second = plant.describe(job_id), plant.describe(job_id)
    assert datetime.fromtimestamp(job.pop("started_at"), UTC) == first["CreatedAt"]
    assert job == {
        "id": job_id,
        "fraction": 0.0,
        "phase": "starting",
        "stop_asked_at": None,
        "ended_at": None,
        "state": "IN_PROGRESS",
        "dataset": "pumps",
        "client_token": "one",
        "prefix": "data/",
        "files": 2,
    }
    common = {
        "JobId": job_id,
        "DatasetArn": plant.api.describe_dataset(DatasetName="pumps")["DatasetArn"],
        "RoleArn": ROLE,
        "CreatedAt": first["CreatedAt"],
        "IngestionInputConfiguration": {
            "S3InputConfiguration": {
                "Bucket": BUCKET,
                "Prefix": "data/",
                "KeyPattern": "{prefix}/{component_name}/*",
            }
        },
    }
    detail = "1 of 2 files have been read."
    assert first == {**common, "Status": "IN_PROGRESS", "StatusDetail": detail}
    assert second == {
        **common,
        "Status": "SUCCESS",
        "IngestedFilesSummary": {
            "TotalNumberOfFiles": 2,
            "IngestedNumberOfFiles": 2,
            "DiscardedFiles": [],
        },
        "IngestedDataSize": size,
        "DataStartTime": T0 - timedelta(minutes=5),
        "DataEndTime": T0 + timedelta(minutes=59),
        "DataQualitySummary": second["DataQualitySummary"],
    }


def test_goes_by_the_clock(plant: Plant) -> None:
    plant.put("pump/1.csv", f"{minute(0)},1,2")
    plant.aws.set_pace("lookoutequipment", seconds=0)
    assert plant.describe(plant.start()["JobId"])["Status"] == "SUCCESS"
    # A failure of the data shows also in a job that ends as it starts.
    failed = plant.describe(plant.start("two", Prefix="none/")["JobId"])
    assert failed["Status"] == "FAILED"


def test_failure_by_the_test(plant: Plant) -> None:
    plant.put("pump/1.csv", f"{minute(0)},1,2")
    plant.aws.fail_next("lookoutequipment", "S3 is out of reach.")
    described = plant.end()
    assert (described["Status"], described["FailedReason"]) == ("FAILED", "S3 is out of reach.")
    assert not {"IngestedFilesSummary", "DataQualitySummary", "StatusDetail"} & set(described)
    assert plant.api.describe_dataset(DatasetName="pumps")["Status"] == "CREATED"
    assert plant.end("two")["Status"] == "SUCCESS"


def test_same_token_and_same_input_is_the_same_job(plant: Plant) -> None:
    plant.put("pump/1.csv", f"{minute(0)},1,2")
    plant.aws.set_quota("lookoutequipment", 1)
    first = plant.start()
    assert plant.start()["JobId"] == first["JobId"], "neither busy nor over the quota"
    plant.aws.advance(first["JobId"])
    assert plant.start()["JobId"] == first["JobId"], "also when it has ended"
    assert plant.start("two")["JobId"] != first["JobId"]
    assert len(plant.aws.jobs("lookoutequipment")) == 2


def test_same_token_and_other_input(plant: Plant) -> None:
    plant.end()
    conflict = (
        "ConflictException",
        "The client token was already used with different parameters of StartDataIngestionJob.",
    )
    assert error(lambda: plant.start(Prefix="other/")) == conflict
    assert error(lambda: plant.start(role=ROLE + "2")) == conflict


def test_a_lost_answer(plant: Plant) -> None:
    plant.put("pump/1.csv", f"{minute(0)},1,2")
    plant.api = plant.cloud.client("lookoutequipment", attempts=2)
    plant.aws.add_fault(Fault("StartDataIngestionJob", "drop", when="after"))
    job_id = plant.start()["JobId"]
    assert [job["id"] for job in plant.aws.jobs("lookoutequipment")] == [job_id]


def test_internal_error(plant: Plant) -> None:
    plant.aws.add_fault(Fault("ListDatasets", "error"))
    with pytest.raises(plant.api.exceptions.InternalServerException):
        plant.api.list_datasets()


def test_busy_dataset(plant: Plant) -> None:
    job_id = plant.start()["JobId"]
    busy = (
        "ConflictException",
        "Dataset pumps is in use by a data ingestion job that is in progress.",
    )
    assert error(lambda: plant.start("two")) == busy
    assert error(lambda: plant.api.delete_dataset(DatasetName="pumps")) == busy
    assert plant.api.describe_dataset(DatasetName="pumps")["Status"] == "INGESTION_IN_PROGRESS"
    plant.aws.advance(job_id)
    plant.start("two")


def test_quota(plant: Plant) -> None:
    for number in range(6):
        plant.api.create_dataset(DatasetName=f"d{number}")
    jobs = [plant.start(f"d{number}", f"d{number}")["JobId"] for number in range(5)]
    assert error(lambda: plant.start("d5", "d5")) == (
        "ServiceQuotaExceededException",
        "The account has reached its limit of 5 pending data ingestion jobs.",
    )
    plant.aws.advance(jobs[0])
    plant.start("d5", "d5")
    plant.aws.set_quota("lookoutequipment", 6)
    plant.start("pumps", "pumps")
    assert plant.aws.max_active("lookoutequipment") == 6


def test_list_jobs(plant: Plant) -> None:
    plant.put("pump/1.csv", f"{minute(0)},1,2")
    plant.aws.set_pace()
    plant.api.create_dataset(DatasetName="pumps2")
    ended, failed = plant.end()["JobId"], plant.end("two", Prefix="none/")["JobId"]
    running, other = plant.start("three")["JobId"], plant.start("four", "pumps2")["JobId"]

    def ids(**filters: Any) -> list[str]:
        answer = plant.api.list_data_ingestion_jobs(**filters)
        assert "NextToken" not in answer
        return [row["JobId"] for row in answer["DataIngestionJobSummaries"]]

    assert ids() == [ended, failed, running, other]
    assert ids(DatasetName="pumps") == [ended, failed, running]
    assert ids(DatasetName="pump") == []
    assert ids(Status="SUCCESS") == [ended]
    assert ids(Status="FAILED") == [failed]
    assert ids(Status="IN_PROGRESS") == [running, other]
    assert ids(Status="IN_PROGRESS", DatasetName="pumps2") == [other]
    assert ids(Status="IMPORT_IN_PROGRESS") == []
    row = plant.api.list_data_ingestion_jobs(Status="SUCCESS")["DataIngestionJobSummaries"][0]
    described = plant.describe(ended)
    assert row == {
        "DatasetName": "pumps",
        **{key: described[key] for key in ("JobId", "DatasetArn", "IngestionInputConfiguration", "Status")},
    }


def test_list_counts_as_a_read(plant: Plant) -> None:
    plant.put("pump/1.csv", f"{minute(0)},1,2")
    plant.start()

    def listed(**filters: Any) -> list[str]:
        rows = plant.api.list_data_ingestion_jobs(**filters)["DataIngestionJobSummaries"]
        return [row["Status"] for row in rows]

    assert listed(Status="SUCCESS") == []
    assert listed(Status="IN_PROGRESS") == ["IN_PROGRESS"]
    assert listed(Status="IN_PROGRESS") == [], "this read was its end"
    assert listed() == ["SUCCESS"]


def test_regions_are_apart(plant: Plant) -> None:
    elsewhere = plant.cloud.client("lookoutequipment", region="eu-west-1")
    assert elsewhere.list_datasets()["DatasetSummaries"] == []
