# SPDX-License-Identifier: Apache-2.0

"""Lookout for Equipment datasets and data ingestion jobs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import reduce
from typing import Any, ClassVar

from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import Attempt, JobKey, JobState, JobStatus, StartedJob, utc_text

__all__ = ["QUALITY", "LookoutEquipmentHook"]

#: What can be wrong with ingested data, and where AWS's data quality summary counts it.
#: https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DataQualitySummary.html
QUALITY: Mapping[str, tuple[str, ...]] = {
    "duplicate_timestamps": ("DuplicateTimestamps", "TotalNumberOfDuplicateTimestamps"),
    "invalid_values": ("InvalidSensorData", "TotalNumberOfInvalidValues"),
    "missing_values": ("MissingSensorData", "TotalNumberOfMissingValues"),
    "sensors_with_short_date_range": (
        "InsufficientSensorData",
        "SensorsWithShortDateRange",
        "AffectedSensorCount",
    ),
    "sensors_without_data": ("InsufficientSensorData", "MissingCompleteSensorData", "AffectedSensorCount"),
    "unsupported_timestamps": ("UnsupportedTimestamps", "TotalNumberOfUnsupportedTimestamps"),
}
_STATES = {
    "IN_PROGRESS": JobState.RUNNING,
    "IMPORT_IN_PROGRESS": JobState.RUNNING,
    "SUCCESS": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
}
_IN_FLIGHT = ("IN_PROGRESS", "IMPORT_IN_PROGRESS")
# Up to so many jobs, describing each takes no more calls than listing the states.
_FEW = len(_IN_FLIGHT)
#: How far AWS's clock and ours may be apart.
_CLOCKS = timedelta(seconds=5)
#: How many used-up tokens are passed over; no task has more tries than a few.
_TOKENS = 50


class LookoutEquipmentHook(JobHook):
    """Starts and watches data ingestion jobs; keeps datasets.

    https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/ingesting-data.html

    AWS ended the service on 2026-10-07. Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    service = "lookoutequipment"
    label = "Amazon Lookout for Equipment"
    noun = "ingestion job"
    ended = "2026-10-07"
    named = False
    quota = 5
    scope_quota = 1
    quota_codes = frozenset({"ServiceQuotaExceededException"})
    advice: ClassVar[Mapping[str, str]] = {
        "ResourceNotFound": "Check the name or id, the Region and the account of the connection.",
        "Bucket": "Check the bucket's name, and that the role may read it.",
        "KeyPattern": "A dataset's first ingestion needs key_pattern unless its schema came with one.",
    }

    def create_dataset(
        self, dataset_name: str, schema: Mapping[str, Any] | None = None, **kwargs: Any
    ) -> dict[str, Any]:
        """Create a dataset.

        https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_CreateDataset.html

        :param dataset_name: 1 to 200 letters, digits, ``-`` and ``_``.
        :param schema: the components and their columns, as AWS's inline schema; by default it is taken
            from the data.
        :param kwargs: further parameters of the call, for example ``Tags``.
        :return: ``DatasetName``, ``DatasetArn``, ``Status``.
        :raises JobApiError: with code ``ConflictException`` if there is a dataset of this name.
        """
        inline = {"InlineDataSchema": json.dumps(schema)} if schema is not None else None
        return self.call("create_dataset", DatasetName=dataset_name, DatasetSchema=inline, **kwargs)

    def describe_dataset(self, dataset_name: str) -> dict[str, Any]:
        """Return a dataset's description.

        https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DescribeDataset.html

        :raises JobNotFoundError: if there is no such dataset.
        """
        return self.call("describe_dataset", DatasetName=dataset_name)

    def delete_dataset(self, dataset_name: str) -> None:
        """Delete a dataset with its data.

        https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DeleteDataset.html

        :raises JobApiError: with code ``ConflictException`` while a job uses it.
        """
        self.call("delete_dataset", DatasetName=dataset_name)

    def describe_ingestion(self, job_id: str) -> dict[str, Any]:
        """Return a data ingestion job's description.

        https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_DescribeDataIngestionJob.html

        :raises JobNotFoundError: if there is no such job.
        """
        return self.call("describe_data_ingestion_job", JobId=job_id)

    def list_ingestions(
        self, dataset_name: str | None = None, status: str | None = None
    ) -> list[dict[str, Any]]:
        """List data ingestion jobs, all pages of them.

        https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_ListDataIngestionJobs.html

        :param dataset_name: only this dataset's.
        :param status: only those with this status.
        """
        filters = {"DatasetName": dataset_name, "Status": status}
        return list(
            self.pages("list_data_ingestion_jobs", "DataIngestionJobSummaries", MaxResults=500, **filters)
        )

    def job_name(self, attempt: Attempt, request: Mapping[str, Any]) -> str:
        """Return the client token: the user's own, numbered after the first, or one made from the key."""
        token, generation = request["client_token"], attempt.key.generation
        if not token:
            return attempt.name(256)
        if generation:
            return f"{token}.{generation}.{attempt.number}"
        return str(token) if attempt.number == 1 else f"{token}.{attempt.number}"

    def scope(self, request: Mapping[str, Any]) -> str:
        """Return the dataset: it takes one job at a time."""
        name: str = request["dataset_name"]
        return name

    def find_jobs(
        self, key: JobKey, request: Mapping[str, Any], attempts: Sequence[Attempt]
    ) -> list[StartedJob]:
        """Look at the jobs in the ledger; one without an id is found by its token when started again."""
        known = [attempt for attempt in attempts if attempt.job_id]
        found = self.describe_jobs([str(attempt.job_id) for attempt in known])
        return [
            StartedJob(attempt.key.generation, attempt.number, status)
            for attempt in known
            if isinstance(status := found[str(attempt.job_id)], JobStatus)
        ]

    def start_job(self, attempt: Attempt, request: Mapping[str, Any]) -> JobStatus:
        """Start the job. The same token returns the same job, so a lost answer is had by asking again.

        https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_StartDataIngestionJob.html
        """
        for number in range(attempt.number, attempt.number + _TOKENS):
            token = self.job_name(replace(attempt, number=number), request)
            if job := self._start_with(token, attempt, request):
                return job
        raise JobInputError(
            f"{_TOKENS} client tokens up to {token} have been used up by jobs that failed or by other "
            "requests. Clear the task, which begins with new ones."
        )

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """List the jobs in flight; describe those that are not among them, or a few as they are."""
        found: dict[str, JobStatus | Exception] = {}
        if len(job_ids) > _FEW:
            wanted = set(job_ids)
            rows = [row for status in _IN_FLIGHT for row in self.list_ingestions(status=status)]
            found = {row["JobId"]: _status(row) for row in rows if row["JobId"] in wanted}
        return self.describe_each(job_ids, found, lambda job_id: _status(self.describe_ingestion(job_id)))

    def stop_job(self, job_id: str) -> bool:
        """Refuse: AWS has no call that stops an ingestion.

        :raises JobError: always, unless the job has ended or is not known.
        """
        try:
            if self.describe_job(job_id).state.ended:
                return False
        except JobNotFoundError:
            return False
        raise JobError(
            f"{self.label} has no call to stop an ingestion job. {job_id} goes on to its end, and what it "
            "reads will be in the dataset; until then the dataset takes no other job."
        )

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """List the account's jobs in flight, each with its dataset."""
        rows = [row for status in _IN_FLIGHT for row in self.list_ingestions(status=status)]
        return {row["JobId"]: row["DatasetName"] for row in rows}

    def _start_with(self, token: str, attempt: Attempt, request: Mapping[str, Any]) -> JobStatus | None:
        """Start the job with this token; None if the token is used up."""
        for last in (False, True):
            asked = datetime.now(UTC)
            try:
                answer = self.call(
                    "start_data_ingestion_job",
                    DatasetName=request["dataset_name"],
                    IngestionInputConfiguration=request["input"],
                    RoleArn=request["role_arn"],
                    ClientToken=token,
                )
            except JobApiError as error:
                if error.code != "ConflictException":
                    raise
                job = self._find_same(error, attempt, request)
                if job or not request["client_token"]:
                    return job
                # The dataset may have been busy at the call and free at the look: only twice is certain.
                if last:
                    raise JobInputError(
                        f"{error} The dataset has no job in flight, so the client token {token!r} is taken "
                        "by another request: choose another client_token, or leave it out."
                    ) from error
            else:
                return self._unless_used_up(answer, asked, request)
        return None

    def _unless_used_up(
        self, answer: Mapping[str, Any], asked: datetime, request: Mapping[str, Any]
    ) -> JobStatus | None:
        """Return the job of an answer; None if it is of an earlier try, and failed."""
        details = {"job_id": answer["JobId"], "dataset_name": request["dataset_name"]}
        job = JobStatus(answer["JobId"], _STATES[answer["Status"]], answer["Status"], details=details)
        # AWS does not say whether the answer to a repeated request has the job's state of now.
        with suppress(JobError):
            job = self.describe_job(job.job_id)
        old = answer["Status"] == "FAILED" or (job.started_at and job.started_at < asked - _CLOCKS)
        return None if old and job.state is JobState.FAILED else job

    def _find_same(
        self, error: JobApiError, attempt: Attempt, request: Mapping[str, Any]
    ) -> JobStatus | None:
        """Look for our job after a conflict; None if the dataset has no job that could have caused it.

        :raises JobQuotaError: if another job is on the dataset.
        """
        rows = self.list_ingestions(request["dataset_name"])
        busy = [row["JobId"] for row in rows if row["Status"] in _IN_FLIGHT]
        for job_id in set(busy) - attempt.others:
            job = self.describe_ingestion(job_id)
            if _same(job, request) and job["CreatedAt"] >= attempt.since - _CLOCKS:
                return _status(job)
        if busy:
            raise JobQuotaError(
                f"Dataset {request['dataset_name']} takes one job at a time and runs {', '.join(busy)}."
            ) from error
        return None


def _same(job: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    """Whether a job has the input that is asked for; AWS may tell a default where none was given."""
    found, wanted = (
        each["S3InputConfiguration"] for each in (job["IngestionInputConfiguration"], request["input"])
    )
    places = [(each["Bucket"], each.get("Prefix") or "") for each in (found, wanted)]
    return places[0] == places[1] and wanted.get("KeyPattern") in (None, found.get("KeyPattern"))


def _status(job: Mapping[str, Any]) -> JobStatus:
    """Read a job from a description or from a list's row."""
    service_state = job["Status"]
    files = job.get("IngestedFilesSummary", {})
    total, ingested = files.get("TotalNumberOfFiles"), files.get("IngestedNumberOfFiles")
    return JobStatus(
        job_id=job["JobId"],
        # A state that AWS adds one day is one in which the job has not ended.
        state=_STATES.get(service_state, JobState.RUNNING),
        service_state=service_state,
        reason=job.get("FailedReason"),
        note=f"{ingested} of {total} files ingested" if files else job.get("StatusDetail"),
        started_at=job.get("CreatedAt"),
        details={
            "job_id": job["JobId"],
            # arn:…:dataset/NAME/ID
            "dataset_name": job["DatasetArn"].split("/")[1],
            "state": service_state,
            "input": dict(job["IngestionInputConfiguration"]["S3InputConfiguration"]),
            "created_at": utc_text(job.get("CreatedAt")),
            "files_total": total,
            "files_ingested": ingested,
            "files_discarded": [
                f"s3://{file['Bucket']}/{file['Key']}" for file in files.get("DiscardedFiles", ())
            ],
            "bytes_ingested": job.get("IngestedDataSize"),
            "data_start_time": utc_text(job.get("DataStartTime")),
            "data_end_time": utc_text(job.get("DataEndTime")),
            "data_quality": _quality(job["DataQualitySummary"]) if "DataQualitySummary" in job else None,
        },
    )


def _quality(summary: Any) -> dict[str, int]:
    """Flatten AWS's summary into the counts that a limit can be set on."""
    return {name: reduce(lambda part, key: part[key], path, summary) for name, path in QUALITY.items()}
