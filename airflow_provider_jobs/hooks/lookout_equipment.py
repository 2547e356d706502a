# SPDX-License-Identifier: Apache-2.0

"""Lookout for Equipment datasets and data ingestion jobs."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import reduce
from typing import Any, ClassVar

from airflow_provider_jobs._lookout_equipment.ingestion import QUALITY, IngestionRequest
from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.evidence import Marking, SeenJob
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs.error_codes import ACCESS_CODES
from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobState, JobStatus, utc_text

__all__ = ["QUALITY", "IngestionRequest", "LookoutEquipmentHook"]

_STATES = {
    "IN_PROGRESS": JobState.RUNNING,
    "IMPORT_IN_PROGRESS": JobState.RUNNING,
    "SUCCESS": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
}
_IN_FLIGHT = ("IN_PROGRESS", "IMPORT_IN_PROGRESS")
# Up to so many jobs, describing each takes no more calls than listing the states.
_FEW = len(_IN_FLIGHT)
#: What AWS tells of each job.
_ALWAYS = ("JobId", "Status")
_START, _LIST = "start_data_ingestion_job", "list_data_ingestion_jobs"


class LookoutEquipmentHook(JobHook):
    """Starts and watches data ingestion jobs; keeps datasets.

    https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/ingesting-data.html

    AWS retired the service on 2026-10-07. Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    service = "lookoutequipment"
    label = "Amazon Lookout for Equipment"
    noun = "ingestion job"
    retired_on: ClassVar[str] = "2026-10-07"
    marking = Marking.TOKEN
    stoppable = False
    quota: ClassVar[int | None] = 5
    scope_quota: ClassVar[int | None] = 1
    quota_codes: ClassVar[frozenset[str]] = frozenset({"ServiceQuotaExceededException"})
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
        answer = self.call("describe_data_ingestion_job", JobId=job_id)
        return self.whole(answer, _ALWAYS, "describe_data_ingestion_job")

    def list_ingestions(
        self, dataset_name: str | None = None, status: str | None = None
    ) -> list[dict[str, Any]]:
        """List data ingestion jobs, all pages of them.

        https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_ListDataIngestionJobs.html

        :param dataset_name: only this dataset's.
        :param status: only those with this status.
        """
        filters = {"DatasetName": dataset_name, "Status": status}
        return list(self.pages(_LIST, "DataIngestionJobSummaries", MaxResults=500, **filters))

    def job_name(self, identity: Identity, attempt: Attempt, request: IngestionRequest) -> str:
        """Return the client token: the user's own, numbered after the first, or one made from the mark."""
        if attempt.given:
            return attempt.given if attempt.number == 1 else f"{attempt.given}.{attempt.number}"
        return attempt.token(identity, 256)

    def scope(self, request: IngestionRequest) -> str:
        """Return the dataset: it takes one job at a time."""
        return request.dataset_name

    def earlier_request(self, request: IngestionRequest, attempt: Attempt) -> IngestionRequest:
        """Return the request for the attempt's dataset."""
        return replace(request, dataset_name=attempt.scope)

    def see_jobs(self, identity: Identity, log: AttemptLog, request: IngestionRequest) -> list[SeenJob]:
        """Describe the jobs in the log, and those on the datasets of the request and of attempts in doubt."""
        known = {attempt.job_id for attempt in log.attempts if attempt.job_id}
        # What AWS answers a token with that was used before is told from a new job by the request's own.
        in_doubt = {each.scope for each in log.attempts if not each.job_id}
        for dataset in sorted({request.dataset_name, *in_doubt}):
            try:
                known |= {self.member(row, "JobId", _LIST) for row in self.list_ingestions(dataset)}
            except JobNotFoundError:
                continue
            except JobApiError as error:
                if error.code not in ACCESS_CODES or dataset in in_doubt:
                    raise
                self.log.info("A token that was used before cannot be told from a new one: %s", error)
        seen = []
        for found in self.describe_jobs(known).values():
            if isinstance(found, JobStatus):
                seen.append(SeenJob(found.job_id, found.state, found.started_at))
            elif not isinstance(found, JobNotFoundError):
                raise found
        return seen

    def start_job(self, identity: Identity, attempt: Attempt, request: IngestionRequest) -> JobStatus:
        """Start the job; AWS answers the same token with the same job, whatever became of it.

        https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/API_StartDataIngestionJob.html
        """
        token, given = self.job_name(identity, attempt, request), bool(attempt.given)
        try:
            answer = self._start_with(token, request, given=given)
        except JobApiError as error:
            if error.code != "ConflictException":
                raise
            # The dataset may have been busy at the call and free at the list: only twice is certain.
            answer = self._start_with(token, request, given=given, last=True)
        job_id, status = (self.member(answer, name, _START) for name in ("JobId", "Status"))
        details = {"job_id": job_id, "dataset_name": request.dataset_name}
        return JobStatus(job_id, _STATES.get(status, JobState.RUNNING), status, details=details)

    def _start_with(
        self, token: str, request: IngestionRequest, *, given: bool, last: bool = False
    ) -> dict[str, Any]:
        try:
            return self.call(
                _START,
                DatasetName=request.dataset_name,
                IngestionInputConfiguration=request.source(),
                RoleArn=request.role_arn,
                ClientToken=token,
            )
        except JobApiError as error:
            if error.code != "ConflictException":
                raise
            rows = self.list_ingestions(request.dataset_name)
            busy = [row["JobId"] for row in rows if row.get("Status") in _IN_FLIGHT]
            if busy:
                raise JobQuotaError(
                    f"Dataset {request.dataset_name} takes one job at a time and runs {', '.join(busy)}."
                ) from error
            if not given:
                # A token of ours goes with one request only, so it is the dataset: the list lags behind.
                raise JobQuotaError(
                    f"Dataset {request.dataset_name} takes one job at a time, and AWS does not show yet "
                    "which it runs."
                ) from error
            if last:
                raise JobInputError(
                    f"{error} The dataset has no job in flight, so the client token {token!r} is taken by "
                    "another request: choose another client_token, or leave it out."
                ) from error
            raise

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """List the jobs in flight; describe those that are not among them, or a few as they are."""
        found: dict[str, JobStatus | Exception] = {}
        if len(job_ids) > _FEW:
            wanted = set(job_ids)
            for status in _IN_FLIGHT:
                found |= self.read_rows(self.list_ingestions(status=status), "JobId", wanted, _status)
        return self.describe_each(job_ids, found, lambda job_id: _status(self.describe_ingestion(job_id)))

    def stop_job(self, job_id: str) -> bool:
        """Refuse: AWS has no call that stops an ingestion.

        :raises JobError: always, unless the job has ended or is not known.
        """
        if self.is_over(job_id):
            return False
        raise JobError(
            f"{self.label} has no call to stop an ingestion job. {job_id} goes on to its end, and what it "
            "reads will be in the dataset; until then the dataset takes no other job."
        )

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """List the account's jobs in flight, each with its dataset."""
        rows = [row for status in _IN_FLIGHT for row in self.list_ingestions(status=status)]
        whole = [self.whole(row, ("JobId", "DatasetName"), _LIST) for row in rows]
        return {row["JobId"]: row["DatasetName"] for row in whole}


def _status(job: Mapping[str, Any]) -> JobStatus:
    """Read a job from a description or from a list's row."""
    service_state = job.get("Status") or "UNKNOWN"
    arn = (job.get("DatasetArn") or "").split("/")
    given = (job.get("IngestionInputConfiguration") or {}).get("S3InputConfiguration") or {}
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
            "dataset_name": arn[1] if len(arn) > 1 else None,
            "state": service_state,
            "input": dict(given),
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
