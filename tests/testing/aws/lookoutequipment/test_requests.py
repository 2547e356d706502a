# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Callable
from itertools import chain
from typing import Any

import boto3
import pytest
from botocore.config import Config
from testing.conftest import Cloud

from airflow_provider_jobs.testing.aws.lookoutequipment.data import parse_schema

from .plant import Plant, error, minute, schema


@pytest.fixture
def plant(cloud: Cloud) -> Plant:
    return Plant(cloud)


@pytest.mark.parametrize(("size", "pages"), [(2, [2, 2, 1]), (5, [5]), (1, [1] * 5)])
def test_pages(plant: Plant, size: int, pages: list[int]) -> None:
    names = [f"d{number}" for number in range(5)]
    for name in names:
        plant.api.create_dataset(DatasetName=name)
        plant.start(name, name)
    plant.aws.set_pace()

    def collect(call: Callable[..., dict[str, Any]], member: str, **filters: Any) -> list[list[str]]:
        found: list[list[str]] = []
        token: dict[str, str] = {}
        while True:
            answer = call(MaxResults=size, **filters, **token)
            found.append([row["DatasetName"] for row in answer[member]])
            if "NextToken" not in answer:
                return found
            token = {"NextToken": answer["NextToken"]}

    jobs = collect(plant.api.list_data_ingestion_jobs, "DataIngestionJobSummaries", Status="IN_PROGRESS")
    datasets = collect(plant.api.list_datasets, "DatasetSummaries", DatasetNameBeginsWith="d")
    assert [len(page) for page in jobs] == [len(page) for page in datasets] == pages
    assert list(chain(*jobs)) == list(chain(*datasets)) == names


def test_a_page_token_outlives_what_it_pointed_at(plant: Plant) -> None:
    for name in ("a", "b", "c"):
        plant.api.create_dataset(DatasetName=name)
    token = plant.api.list_datasets(MaxResults=2)["NextToken"]
    plant.api.delete_dataset(DatasetName="b")
    rows = plant.api.list_datasets(NextToken=token)["DatasetSummaries"]
    assert [row["DatasetName"] for row in rows] == ["c"]


def test_dataset(plant: Plant) -> None:
    created = plant.api.create_dataset(DatasetName="given", DatasetSchema=schema(pump=["speed", "heat"]))
    assert (created["DatasetName"], created["Status"]) == ("given", "CREATED")
    described = plant.api.describe_dataset(DatasetName="given")
    assert described["DatasetArn"] == created["DatasetArn"]
    assert described["LastUpdatedAt"] == described["CreatedAt"]
    assert parse_schema(described["Schema"]) == {"pump": ["Timestamp", "speed", "heat"]}
    assert "DataQualitySummary" not in described
    plant.put("pump/1.csv", f"{minute(0)},1,2")
    job = plant.end(dataset="given", KeyPattern=None)
    plant.end("two", dataset="given", Prefix="none/")
    after = plant.api.describe_dataset(DatasetName="given")
    assert after["Status"] == "ACTIVE"
    assert after["LastUpdatedAt"] > after["CreatedAt"]
    shared = ("IngestedFilesSummary", "DataQualitySummary", "DataStartTime", "DataEndTime", "RoleArn")
    assert [after[key] for key in shared] == [job[key] for key in shared], "of the latest success"
    assert "IngestedDataSize" not in after


def test_first_ingestion_makes_the_schema(plant: Plant) -> None:
    plant.put("pump-1.csv", f"{minute(0)},1,2")
    assert "Schema" not in plant.api.describe_dataset(DatasetName="pumps")
    assert error(lambda: plant.start(KeyPattern=None)) == (
        "ValidationException",
        "KeyPattern is required when data is ingested for the first time.",
    )
    plant.end(KeyPattern="{prefix}/{component_name}-*")
    described = plant.api.describe_dataset(DatasetName="pumps")
    assert parse_schema(described["Schema"]) == {"pump": ["Timestamp", "speed", "heat"]}
    plant.put("pump-2.csv", f"{minute(0)},1", header="Timestamp,flow")
    plant.put("fan-1.csv", f"{minute(0)},1,2")
    assert plant.files(token="two", KeyPattern=None) == (2, 1, ["data/pump-2.csv"])


def test_create_dataset_again(plant: Plant) -> None:
    first = plant.api.create_dataset(DatasetName="a", ClientToken="t")
    assert plant.api.create_dataset(DatasetName="a", ClientToken="t")["DatasetArn"] == first["DatasetArn"]
    assert error(lambda: plant.api.create_dataset(DatasetName="b", ClientToken="t")) == (
        "ConflictException",
        "The client token was already used with different parameters of CreateDataset.",
    )
    assert error(lambda: plant.api.create_dataset(DatasetName="a")) == (
        "ConflictException",
        "Dataset a already exists.",
    )


def test_delete_dataset(plant: Plant) -> None:
    job_id = plant.end()["JobId"]
    plant.api.delete_dataset(DatasetName="pumps")
    missing = ("ResourceNotFoundException", "Dataset pumps does not exist.")
    assert error(lambda: plant.api.describe_dataset(DatasetName="pumps")) == missing
    assert error(lambda: plant.api.delete_dataset(DatasetName="pumps")) == missing
    assert error(lambda: plant.start("two")) == missing
    assert error(lambda: plant.describe(job_id)) == (
        "ResourceNotFoundException",
        f"Data ingestion job {job_id} does not exist.",
    )
    plant.api.create_dataset(DatasetName="pumps")
    assert plant.start()["JobId"] != job_id, "its token is forgotten with it"


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (
            {"dataset": "pumps!"},
            "1 validation error detected: Value 'pumps!' at 'datasetName' failed to satisfy constraint: "
            "Member must satisfy regular expression pattern: ^[0-9a-zA-Z_-]{1,200}$",
        ),
        (
            {"role": "arn:aws:iam::123456789012:user/me"},
            "1 validation error detected: Value 'arn:aws:iam::123456789012:user/me' at 'roleArn' failed to "
            "satisfy constraint: Member must satisfy regular expression pattern: "
            "arn:aws(-[^:]+)?:iam::[0-9]{12}:role/.+",
        ),
        (
            {"Prefix": "data"},
            "1 validation error detected: Value 'data' at 'ingestionInputConfiguration.s3InputConfiguration."
            "prefix' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            r"(^$)|([\u0009\u000A\u000D\u0020-\u00FF]{1,1023}/$)",
        ),
        (
            {"token": "t\u00f6ken", "dataset": "a" * 201},
            f"3 validation errors detected: Value '{'a' * 201}' at 'datasetName' failed to satisfy "
            f"constraint: Member must have length less than or equal to 200; Value '{'a' * 201}' at "
            "'datasetName' failed to satisfy constraint: Member must satisfy regular expression pattern: "
            "^[0-9a-zA-Z_-]{1,200}$; Value 't\u00f6ken' at 'clientToken' failed to satisfy constraint: "
            r"Member must satisfy regular expression pattern: \p{ASCII}{1,256}",
        ),
        (
            {"KeyPattern": "{prefix}/pump/*"},
            "KeyPattern {prefix}/pump/* is not of the form {prefix}/{component_name}[/ ._-]*.",
        ),
        ({"Bucket": "no-such-bucket"}, "Bucket no-such-bucket does not exist."),
    ],
)  # fmt: skip
def test_start_is_refused(plant: Plant, change: dict[str, str], message: str) -> None:
    assert error(lambda: plant.start(**change)) == ("ValidationException", message)
    assert plant.aws.jobs("lookoutequipment") == []


def test_bad_status(plant: Plant) -> None:
    assert error(lambda: plant.api.list_data_ingestion_jobs(Status="DONE")) == (
        "ValidationException",
        "1 validation error detected: Value 'DONE' at 'status' failed to satisfy constraint: Member must "
        "satisfy enum value set: [IN_PROGRESS, SUCCESS, FAILED, IMPORT_IN_PROGRESS]",
    )


def test_bad_page(plant: Plant) -> None:
    assert error(lambda: plant.api.list_datasets(MaxResults=501)) == (
        "ValidationException",
        "1 validation error detected: Value '501' at 'maxResults' failed to satisfy constraint: Member must "
        "have value less than or equal to 500",
    )
    assert error(lambda: plant.api.list_datasets(NextToken="x")) == (
        "ValidationException",
        "NextToken is not valid.",
    )


def test_unknown_job(plant: Plant) -> None:
    assert error(lambda: plant.describe("ab")) == (
        "ResourceNotFoundException",
        "Data ingestion job ab does not exist.",
    )


def test_what_boto3_would_not_send(plant: Plant) -> None:
    api: Any = boto3.client(
        "lookoutequipment",
        region_name="us-east-1",
        endpoint_url=plant.cloud.endpoint_url,
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
        config=Config(parameter_validation=False),
    )
    assert error(lambda: api.create_dataset(ClientToken="t")) == (
        "ValidationException",
        "1 validation error detected: Value null at 'datasetName' failed to satisfy constraint: "
        "Member must not be null",
    )
    assert error(lambda: api.create_dataset(DatasetName=5)) == (
        "SerializationException",
        "The value at 'datasetName' is not a string.",
    )
    api.close()


@pytest.mark.parametrize(
    ("inline", "message"),
    [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("{}", "It does not have the form of a schema (KeyError('Components'))."),
        ('{"Components": []}', "It needs components, each with a valid name of its own."),
        (
            schema(**{"a b": ["c"]})["InlineDataSchema"],
            "It needs components, each with a valid name of its own.",
        ),
        (
            schema(pump=[])["InlineDataSchema"],
            "A component has one DATETIME column and then one or more DOUBLE columns.",
        ),
        (schema(pump=["a", "a"])["InlineDataSchema"], "A component has two columns of the same name."),
    ],
)  # fmt: skip
def test_bad_schema(plant: Plant, inline: str, message: str) -> None:
    assert error(
        lambda: plant.api.create_dataset(DatasetName="a", DatasetSchema={"InlineDataSchema": inline})
    ) == ("ValidationException", f"InlineDataSchema is not valid. {message}")
