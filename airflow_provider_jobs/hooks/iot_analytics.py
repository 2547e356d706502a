# SPDX-License-Identifier: Apache-2.0

"""IoT Analytics pipelines and their reprocessings."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, ClassVar

from airflow_provider_jobs._iot_analytics.reprocessing import ReprocessingRequest, reprocessing_job_id
from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.evidence import Marking, SeenJob
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs.error_codes import THROTTLING_CODES
from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobOutcomeUnknownError,
    JobQuotaError,
    JobRefusedError,
)
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobState, JobStatus, utc_text

__all__ = ["IotAnalyticsHook", "ReprocessingRequest", "reprocessing_job_id"]

_STATES = {
    "RUNNING": JobState.RUNNING,
    "SUCCEEDED": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
}
# Up to so many pipelines are described one by one; a listing holds 250, with all their reprocessings.
_FEW = 3
_PAGE = 250
#: The time in which AWS counts a pipeline's starts.
_DAY = timedelta(hours=24)
_CONFLICT = "ResourceAlreadyExistsException"
_QUOTA = "AWS starts 1,000 reprocessings of a pipeline in 24 hours, by its default quota"


class IotAnalyticsHook(JobHook):
    """Starts, watches and cancels the reprocessing of a pipeline's messages.

    https://docs.aws.amazon.com/iotanalytics/latest/userguide/reprocessing.html

    AWS retired the service on 2025-12-15, and botocore has dropped its model since; where it has none,
    the one of this package is used. Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    service = "iotanalytics"
    label = "AWS IoT Analytics"
    noun = "reprocessing"
    retired_on: ClassVar[str] = "2025-12-15"
    marking = Marking.NONE
    quota: ClassVar[int | None] = None
    # Not how many may run at once, but how many may start in 24 hours.
    # https://docs.aws.amazon.com/iotanalytics/latest/userguide/reprocessing.html
    scope_quota: ClassVar[int | None] = 1000
    quota_codes: ClassVar[frozenset[str]] = frozenset({"LimitExceededException"})
    input_codes: ClassVar[frozenset[str]] = frozenset({"InvalidRequestException"})
    # It has neither name nor token: AWS would start another one.
    unrepeatable: ClassVar[frozenset[str]] = frozenset({"start_pipeline_reprocessing"})
    page_token = "nextToken"
    no_reason = "AWS IoT Analytics does not say why; the log group of its logging options in CloudWatch may"
    advice: ClassVar[Mapping[str, str]] = {
        "LimitExceeded": f"{_QUOTA}; wider windows need fewer.",
        "ResourceNotFound": "Check the pipeline's name, the Region and the account of the connection.",
        "customer-managed": "s3_paths work only where the channel keeps its messages in a bucket of yours.",
        "There is no object": "Name the full keys of objects of the channel, without the bucket.",
    }

    def describe_pipeline(self, pipeline_name: str) -> dict[str, Any]:
        """Return a pipeline's description.

        https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_DescribePipeline.html

        :return: among others ``activities``, and ``reprocessingSummaries``: ``id``, ``status``,
            ``creationTime`` of each.
        :raises JobNotFoundError: if there is no such pipeline.
        """
        answer = self.call("describe_pipeline", pipelineName=pipeline_name)
        description: dict[str, Any] = self.member(answer, "pipeline", "describe_pipeline")
        return description

    def list_pipelines(self) -> list[dict[str, Any]]:
        """List the pipelines, all pages of them, each with its ``reprocessingSummaries``.

        https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_ListPipelines.html
        """
        return list(self.pages("list_pipelines", "pipelineSummaries", maxResults=_PAGE))

    def start_reprocessing(
        self,
        pipeline_name: str,
        start_time: datetime | None = None,
        end_time: datetime | None = None,
        *,
        s3_paths: Sequence[str] | None = None,
    ) -> str:
        """Start to pass messages of the channel through the pipeline again; all of them unless limited.

        https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_StartPipelineReprocessing.html

        The call is made once: were it repeated after a lost answer, AWS would start another one.

        AWS does not say how it refuses a start over the quota. Three answers count as that: 409
        (ResourceAlreadyExistsException), LimitExceededException, and 429 (ThrottlingException) if the
        pipeline has had that many starts in the last 24 hours. Otherwise it is only too many calls.

        :param pipeline_name: 1 to 128 letters, digits and ``_``.
        :param start_time: the first arrival, inclusive; AWS goes by the hour.
        :param end_time: the arrival to stop before.
        :param s3_paths: 1 to 100 full keys of the channel's objects, instead of a window.
        :return: the reprocessing's id.
        :raises JobQuotaError: if AWS has no room for another reprocessing of the pipeline now.
        :raises JobNotFoundError: if there is no such pipeline.
        :raises JobInputError: if AWS finds the parameters invalid.
        :raises JobApiError: for any other refusal.
        """
        try:
            answer = self.call(
                "start_pipeline_reprocessing",
                pipelineName=pipeline_name,
                startTime=start_time,
                endTime=end_time,
                channelMessages=None if s3_paths is None else {"s3Paths": [*s3_paths]},
            )
        except JobApiError as error:
            raise self._no_room(pipeline_name, error) or error from error.__cause__
        return str(self.member(answer, "reprocessingId", "start_pipeline_reprocessing"))

    def cancel_reprocessing(self, pipeline_name: str, reprocessing_id: str) -> None:
        """Cancel a reprocessing; messages that went through stay in the data store.

        https://docs.aws.amazon.com/iotanalytics/latest/APIReference/API_CancelPipelineReprocessing.html

        :raises JobNotFoundError: if there is no such reprocessing or pipeline.
        :raises JobInputError: if AWS refuses, for example because it does not run.
        """
        self.call("cancel_pipeline_reprocessing", pipelineName=pipeline_name, reprocessingId=reprocessing_id)

    def _no_room(self, pipeline_name: str, error: JobApiError) -> JobQuotaError | None:
        """Return the error of a start that was refused for want of room; None if it was not.

        :param error: how the start failed.
        """
        refused = error.code == _CONFLICT or error.code in THROTTLING_CODES
        if not refused or isinstance(error, JobOutcomeUnknownError):
            return None
        try:
            pipeline = self.describe_pipeline(pipeline_name)
            statuses = [*self._statuses(pipeline, "name", "describe_pipeline").values()]
        except (JobError, JobInputError):
            # What runs is for the message only. What was started tells whether it may be the quota.
            return JobQuotaError(str(error)) if error.code == _CONFLICT else None
        if error.code == _CONFLICT:
            running = ", ".join(status.job_id for status in statuses if not status.state.ended)
            return JobQuotaError(f"{error} Running of this pipeline: {running or 'nothing'}.")
        started = sum(map(self._of_the_last_day, statuses))
        if started < (self.scope_quota or 0):
            return None
        return JobQuotaError(
            f"{error} It may be the quota, since {started:,} were started in the last 24 hours. {_QUOTA}."
        )

    def _of_the_last_day(self, status: JobStatus) -> bool:
        since = self.clock.now_or_local() - _DAY
        return status.started_at is None or status.started_at > since

    def scope(self, request: ReprocessingRequest) -> str:
        """Return the pipeline: AWS counts the starts of each."""
        return request.pipeline_name

    def earlier_request(self, request: ReprocessingRequest, attempt: Attempt) -> ReprocessingRequest:
        """Return the request for the attempt's pipeline."""
        return replace(request, pipeline_name=attempt.scope)

    def see_jobs(self, identity: Identity, log: AttemptLog, request: ReprocessingRequest) -> list[SeenJob]:
        """Return the reprocessings of the request's pipeline, and of those in the log."""
        names = {request.pipeline_name, *(attempt.scope for attempt in log.attempts)}
        seen = []
        for name in sorted(names):
            try:
                pipeline = self.describe_pipeline(name)
            except JobNotFoundError:
                if name == request.pipeline_name:
                    raise
                continue
            seen += [
                SeenJob(status.job_id, status.state, status.started_at)
                for status in self._statuses(pipeline, "name", "describe_pipeline").values()
            ]
        return seen

    def start_job(self, identity: Identity, attempt: Attempt, request: ReprocessingRequest) -> JobStatus:
        """Start the reprocessing."""
        reprocessing_id = self.start_reprocessing(
            request.pipeline_name, request.start, request.end, s3_paths=request.s3_paths
        )
        return _status(request.pipeline_name, {"id": reprocessing_id, "status": "RUNNING"})

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Describe the pipelines of the reprocessings, or list them all where they are many."""
        found: dict[str, JobStatus | Exception] = {}
        if len({job_id.partition("/")[0] for job_id in job_ids}) > _FEW:
            rows = {row.get("pipelineName"): row for row in self.list_pipelines()}
            for job_id in job_ids:
                # What the list does not show, or cannot be read, is described.
                with suppress(Exception):
                    found[job_id] = _found(job_id, rows[job_id.partition("/")[0]])
        pipelines: dict[str, Mapping[str, Any] | JobError | JobInputError] = {}

        def describe(job_id: str) -> JobStatus:
            name = job_id.partition("/")[0]
            if name not in pipelines:
                try:
                    pipelines[name] = self.describe_pipeline(name)
                except (JobError, JobInputError) as error:
                    pipelines[name] = error
            pipeline = pipelines[name]
            if isinstance(pipeline, Exception):
                raise pipeline
            summaries = self.member(pipeline, "reprocessingSummaries", "describe_pipeline")
            try:
                return _found(job_id, pipeline)
            except JobNotFoundError:
                # Any of these may be the one.
                for summary in summaries:
                    self.member(summary, "id", "describe_pipeline")
                raise

        return self.describe_each(job_ids, found, describe)

    def stop_job(self, job_id: str) -> bool:
        """Cancel the reprocessing, unless it has ended or never was."""
        name, _, reprocessing_id = job_id.partition("/")
        try:
            self.cancel_reprocessing(name, reprocessing_id)
        except JobNotFoundError:
            return False
        except JobInputError as error:
            # What AWS answers for one that does not run is not documented.
            if self.describe_job(job_id).state.ended:
                return False
            raise JobRefusedError(str(error)) from error
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """List what was started in the last 24 hours, each with its pipeline."""
        return {
            job_id: row["pipelineName"]
            for row in self.list_pipelines()
            for job_id, status in self._statuses(row, "pipelineName", "list_pipelines").items()
            if self._of_the_last_day(status)
        }

    def _statuses(self, pipeline: dict[str, Any], name: str, operation: str) -> dict[str, JobStatus]:
        """Read all reprocessings off a pipeline's description or a list's row, by their job ids.

        :param name: the member that has the pipeline's name.
        :raises JobApiError: if one cannot be read.
        """
        pipeline_name = self.whole(pipeline, (name,), operation)[name]
        found = [
            _status(pipeline_name, self.whole(summary, ("id", "status"), operation))
            for summary in pipeline.get("reprocessingSummaries", ())
        ]
        return {status.job_id: status for status in found}


def _found(job_id: str, pipeline: Mapping[str, Any]) -> JobStatus:
    """Read one reprocessing off a pipeline's description or a list's row.

    :raises JobNotFoundError: if it is not there.
    """
    name, _, reprocessing_id = job_id.partition("/")
    for summary in pipeline.get("reprocessingSummaries", ()):
        if summary.get("id") == reprocessing_id:
            return _status(name, summary)
    raise _vanished(job_id)


def _status(pipeline_name: str, summary: Mapping[str, Any]) -> JobStatus:
    service_state, started_at = summary.get("status") or "UNKNOWN", summary.get("creationTime")
    return JobStatus(
        job_id=f"{pipeline_name}/{summary['id']}",
        # A state that AWS adds one day is one in which the job has not ended.
        state=_STATES.get(service_state, JobState.RUNNING),
        service_state=service_state,
        started_at=started_at,
        details={
            "pipeline_name": pipeline_name,
            "reprocessing_id": summary["id"],
            "state": service_state,
            "created_at": utc_text(started_at),
        },
    )


def _vanished(job_id: str) -> JobNotFoundError:
    name, _, reprocessing_id = job_id.partition("/")
    return JobNotFoundError(
        f"Pipeline {name} has no reprocessing {reprocessing_id} among its summaries (any more). The id is "
        "wrong, or AWS has dropped it; AWS does not say how long it keeps them."
    )
