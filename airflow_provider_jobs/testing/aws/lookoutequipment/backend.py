# SPDX-License-Identifier: Apache-2.0

"""Lookout for Equipment: datasets, and ingestion jobs that read the real objects in moto's S3.

Models https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_StartDataIngestionJob.html.
"""

from __future__ import annotations

import json
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from itertools import count
from typing import Any, TypeVar
from uuid import uuid4

from moto.core.base_backend import BackendDict, BaseBackend
from moto.s3.exceptions import MissingBucket
from moto.s3.models import FakeKey, s3_backends

from airflow_provider_jobs.testing.aws.lookoutequipment.data import KEY_PATTERN, ingest
from airflow_provider_jobs.testing.aws.lookoutequipment.models import SERVICE, Dataset, IngestionJob
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.lag import Row
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend, JobResponse

#: https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/guidelines-and-limits.html
MAX_PENDING_JOBS = 5
MAX_PAGE = 500

Resource = TypeVar("Resource", Dataset, IngestionJob)


class LookoutBackend(BaseBackend):
    """The datasets and ingestion jobs of an account and Region, in the order of their start."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.datasets: dict[str, Dataset] = {}
        self.jobs: dict[str, IngestionJob] = {}
        self._numbers = count()

    def create_dataset(self, request: dict[str, Any]) -> Dataset:
        """Create a dataset, or return the one that the same request created.

        :param request: the call's arguments, checked
        """
        if known := _same_request(self.datasets.values(), request, "CreateDataset"):
            return known
        name = request["DatasetName"]
        if name in self.datasets:
            raise AwsError("ConflictException", f"Dataset {name} already exists.")
        arn = f"arn:{self.partition}:{SERVICE}:{self.region_name}:{self.account_id}:dataset/{name}/{uuid4()}"
        try:
            dataset = self.datasets[name] = Dataset(next(self._numbers), arn, request)
        except ValueError as error:
            raise _invalid(f"InlineDataSchema is not valid. {error}") from None
        return dataset

    def get_dataset(self, name: str) -> Dataset:
        """Return a dataset by its name."""
        if name not in self.datasets:
            raise AwsError("ResourceNotFoundException", f"Dataset {name} does not exist.")
        return self.datasets[name]

    def delete_dataset(self, name: str) -> None:
        """Delete a dataset that no job uses, and its jobs with it."""
        dataset = self.get_dataset(name)
        if dataset.busy:
            raise _busy(name)
        del self.datasets[name]
        for job in dataset.jobs:
            del self.jobs[job.id]

    def start(self, request: dict[str, Any]) -> IngestionJob:
        """Start an ingestion job, or return the one that the same request started.

        :param request: the call's arguments, checked
        """
        # First of all: the answer to a repeated request is the job, whatever has changed in between.
        if known := _same_request(self.jobs.values(), request, "StartDataIngestionJob"):
            return known
        dataset = self.get_dataset(request["DatasetName"])
        source = request["IngestionInputConfiguration"]["S3InputConfiguration"]
        pattern = source.get("KeyPattern", dataset.key_pattern)
        if pattern is None:
            raise _invalid("KeyPattern is required when data is ingested for the first time.")
        if not KEY_PATTERN.fullmatch(pattern):
            raise _invalid(f"KeyPattern {pattern} is not of the form {{prefix}}/{{component_name}}[/ ._-]*.")
        if dataset.busy:
            raise _busy(dataset.name)
        limit = CONTROL.quota(SERVICE, MAX_PENDING_JOBS)
        if sum(job.life.active for job in self.jobs.values()) >= limit:
            message = f"The account has reached its limit of {limit} pending data ingestion jobs."
            raise AwsError("ServiceQuotaExceededException", message)
        bucket, prefix = source["Bucket"], source.get("Prefix", "")
        found = ingest(self._keys(bucket, prefix), bucket, prefix, pattern, dataset.schema)
        job = IngestionJob(next(self._numbers), dataset, request, pattern, found)
        self.jobs[job.id] = job
        dataset.jobs.append(job)
        return job

    def get_job(self, job_id: str) -> IngestionJob:
        """Return a job by its id."""
        if job_id not in self.jobs:
            raise _no_job(job_id)
        return self.jobs[job_id]

    def _keys(self, bucket: str, prefix: str) -> Iterable[FakeKey]:
        s3 = s3_backends[self.account_id][self.partition]
        try:
            keys, *_ = s3.list_objects(s3.get_bucket(bucket), prefix, None, None, None)
        except MissingBucket:
            raise _invalid(f"Bucket {bucket} does not exist.") from None
        return keys


STORE = BackendDict(LookoutBackend, SERVICE)


class LookoutResponse(JobResponse):
    """Lookout for Equipment's datasets and data ingestion jobs."""

    internal_error = "InternalServerException"

    def __init__(self) -> None:
        super().__init__(service_name=SERVICE)

    @property
    def backend(self) -> LookoutBackend:
        """The state of the caller's account and Region."""
        return STORE[self.current_account][self.region]

    def create_dataset(self) -> str:
        """https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_CreateDataset.html."""
        dataset = self.backend.create_dataset(self.arguments)
        return json.dumps({"DatasetName": dataset.name, "DatasetArn": dataset.arn, "Status": "CREATED"})

    def describe_dataset(self) -> str:
        """https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DescribeDataset.html."""
        return json.dumps(self.backend.get_dataset(self.arguments["DatasetName"]).description())

    def list_datasets(self) -> str:
        """https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_ListDatasets.html."""
        request = self.arguments
        beginning = request.get("DatasetNameBeginsWith", "")
        datasets = [d for d in self.backend.datasets.values() if d.name.startswith(beginning)]
        return _page("DatasetSummaries", datasets, request)

    def delete_dataset(self) -> str:
        """https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DeleteDataset.html."""
        self.backend.delete_dataset(self.arguments["DatasetName"])
        return "{}"

    def start_data_ingestion_job(self) -> str:
        """https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_StartDataIngestionJob.html."""
        job = self.backend.start(self.arguments)
        return json.dumps({"JobId": job.id, "Status": "IN_PROGRESS"})

    def describe_data_ingestion_job(self) -> str:
        """https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DescribeDataIngestionJob.html."""
        job = self.backend.get_job(self.arguments["JobId"])
        if job.described.look() is None:
            raise _no_job(job.id)
        return json.dumps(job.described.read())

    def list_data_ingestion_jobs(self) -> str:
        """https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_ListDataIngestionJobs.html."""
        request = self.arguments

        def matching(row: Row | None) -> Row | None:
            asked = [key for key in ("DatasetName", "Status") if key in request]
            return row if row is not None and all(row[key] == request[key] for key in asked) else None

        def show(job: IngestionJob) -> Row | None:
            return matching(job.listed.read())  # it may have moved out of the state that was asked for

        jobs = [job for job in self.backend.jobs.values() if matching(job.listed.look())]
        return _page("DataIngestionJobSummaries", jobs, request, show)


BACKEND = Backend(SERVICE, LookoutResponse)


def _same_request(known: Iterable[Resource], request: dict[str, Any], operation: str) -> Resource | None:
    token = request["ClientToken"]
    same = next((resource for resource in known if resource.request["ClientToken"] == token), None)
    if same is not None and same.request != request:
        # AWS does not document this case here. App Mesh and ARC Region switch, which like this service have
        # no error of its own for it, answer it so.
        message = f"The client token was already used with different parameters of {operation}."
        raise AwsError("ConflictException", message)
    return same


def _page(
    member: str,
    resources: list[Resource],
    request: dict[str, Any],
    show: Callable[[Resource], Row | None] = lambda resource: resource.row(),
) -> str:
    """Answer a list call with one page.

    :param member: the answer's member that holds the rows
    :param resources: all that match, in order
    :param request: the call's arguments, checked
    :param show: gives the row of each one that is about to be shown; None if it matches no longer
    """
    rows: list[Row] = []
    answer: dict[str, Any] = {member: rows}
    first = _position(request.get("NextToken"))
    for resource in resources:
        if resource.number < first:
            continue
        if len(rows) == request.get("MaxResults", MAX_PAGE):
            answer["NextToken"] = urlsafe_b64encode(str(resource.number).encode()).decode()
            break
        if (row := show(resource)) is not None:
            rows.append(row)
    return json.dumps(answer)


def _position(token: str | None) -> int:
    try:
        return int(urlsafe_b64decode(token)) if token else 0
    except ValueError:
        raise _invalid("NextToken is not valid.") from None


def _no_job(job_id: str) -> AwsError:
    return AwsError("ResourceNotFoundException", f"Data ingestion job {job_id} does not exist.")


def _busy(dataset: str) -> AwsError:
    message = f"Dataset {dataset} is in use by a data ingestion job that is in progress."
    return AwsError("ConflictException", message)


def _invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
