# SPDX-License-Identifier: Apache-2.0

"""A Lookout for Equipment dataset and an ingestion job, and how AWS describes them.

Models https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DescribeDataset.html and
https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DescribeDataIngestionJob.html.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from airflow_provider_jobs.testing.aws.lookoutequipment.data import (
    DEFAULT_KEY_PATTERN,
    Ingested,
    Schema,
    format_schema,
    parse_schema,
)
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.pace import Phase

SERVICE = "lookoutequipment"


class Dataset:
    """A dataset.

    :param number: its place in lists
    :param arn: its ARN
    :param request: CreateDataset's arguments, checked
    :raises ValueError: if the schema is none
    """

    def __init__(self, number: int, arn: str, request: dict[str, Any]) -> None:
        self.number = number
        self.arn = arn
        self.request = request
        self.name: str = request["DatasetName"]
        self.jobs: list[IngestionJob] = []
        self._created_at = CONTROL.now()
        inline = request.get("DatasetSchema", {}).get("InlineDataSchema")
        self._schema: Schema = {} if inline is None else parse_schema(inline)

    @property
    def busy(self) -> bool:
        """Whether an ingestion job uses it."""
        return any(job.life.active for job in self.jobs)

    @property
    def latest(self) -> IngestionJob | None:
        """The latest job that succeeded."""
        return next((job for job in reversed(self.jobs) if job.state == "SUCCESS"), None)

    @property
    def schema(self) -> Schema:
        """As it was given or as the first ingestion made it; empty before that."""
        return self._schema or (self.latest.found.schema if self.latest else {})

    @property
    def key_pattern(self) -> str | None:
        """The key pattern that an ingestion has if it gives none, once there is a schema."""
        if self._schema:
            return DEFAULT_KEY_PATTERN
        return self.latest.key_pattern if self.latest else None

    def row(self) -> dict[str, Any]:
        """Describe it as ListDatasets does."""
        status = "INGESTION_IN_PROGRESS" if self.busy else "ACTIVE" if self.latest else "CREATED"
        return {
            "DatasetName": self.name,
            "DatasetArn": self.arn,
            "Status": status,
            "CreatedAt": self._created_at.timestamp(),
        }

    def description(self) -> dict[str, Any]:
        """Describe it as DescribeDataset does, with what its latest successful job found."""
        described = {**self.row(), "LastUpdatedAt": self._created_at.timestamp()}
        if self.schema:
            described["Schema"] = format_schema(self.schema)
        if "ServerSideKmsKeyId" in self.request:
            described["ServerSideKmsKeyId"] = self.request["ServerSideKmsKeyId"]
        latest = self.latest
        if latest is not None and latest.life.ended_at is not None:
            described["LastUpdatedAt"] = latest.life.ended_at.timestamp()
            described |= {**latest.input, **latest.results()}
            del described["IngestedDataSize"]  # no member of this answer
        return described


class IngestionJob:
    """An ingestion of the files that were in the bucket when it started. They show once it has ended.

    :param number: its place in lists
    :param dataset: where to
    :param request: StartDataIngestionJob's arguments, checked
    :param key_pattern: of the files
    :param found: what they hold
    """

    def __init__(
        self, number: int, dataset: Dataset, request: dict[str, Any], key_pattern: str, found: Ingested
    ) -> None:
        self.id = uuid4().hex
        self.number = number
        self.dataset = dataset
        self.request = request
        self.key_pattern = key_pattern
        self.found = found
        self.input = {key: request[key] for key in ("IngestionInputConfiguration", "RoleArn")}
        self.life = CONTROL.start(SERVICE, self.id, self.view)
        self.listed = CONTROL.replica_of(self.life, "lists", self.row)
        self.described = CONTROL.replica_of(self.life, "descriptions", self.description)

    @property
    def failure(self) -> str | None:
        """Why the job has failed: by order of the test, or by its data."""
        if self.life.phase is Phase.SUCCEEDED:
            return self.found.failure
        return self.life.failure

    @property
    def state(self) -> str:
        """The state by AWS's name."""
        if self.life.active:
            return "IN_PROGRESS"
        return "FAILED" if self.failure else "SUCCESS"

    def view(self) -> dict[str, Any]:
        """Describe the job for ``AwsJobs.jobs``."""
        return {
            "state": self.state,
            "dataset": self.dataset.name,
            "client_token": self.request["ClientToken"],
            "prefix": self.input["IngestionInputConfiguration"]["S3InputConfiguration"].get("Prefix", ""),
            "files": self.found.files["TotalNumberOfFiles"],
        }

    def row(self) -> dict[str, Any]:
        """Describe the job as ListDataIngestionJobs does."""
        return {
            "JobId": self.id,
            "DatasetName": self.dataset.name,
            "DatasetArn": self.dataset.arn,
            "IngestionInputConfiguration": self.input["IngestionInputConfiguration"],
            "Status": self.state,
        }

    def description(self) -> dict[str, Any]:
        """Describe the job as DescribeDataIngestionJob does."""
        described = {**self.row(), **self.input, "CreatedAt": self.life.started_at.timestamp()}
        del described["DatasetName"]  # no member of this answer
        if self.life.active:
            described["StatusDetail"] = self._progress()
        elif self.failure is None:
            described |= self.results()
        else:
            described["FailedReason"] = self.failure
            if self.failure == self.found.failure:
                described["IngestedFilesSummary"] = self.found.files
        return described

    def results(self) -> dict[str, Any]:
        """Return what a successful job found, as AWS names it."""
        results = {
            "IngestedFilesSummary": self.found.files,
            "IngestedDataSize": self.found.size,
            "DataQualitySummary": self.found.quality,
            "DataStartTime": self.found.start,
            "DataEndTime": self.found.end,
        }
        return {key: value for key, value in results.items() if value is not None}

    def _progress(self) -> str:
        total = self.found.files["TotalNumberOfFiles"]
        return f"{int(total * self.life.peek())} of {total} files have been read."
