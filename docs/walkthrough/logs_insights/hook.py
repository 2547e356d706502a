# SPDX-License-Identifier: Apache-2.0

"""The hook: what a query is, and the four calls that there are for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow_provider_jobs.exceptions import JobInputError, JobNotFoundError
from airflow_provider_jobs.hooks.base import Attempt, AttemptLog, Identity, JobHook, Marking, SeenJob
from airflow_provider_jobs.job import JobState, JobStatus, utc_text

__all__ = ["LogsQueryHook", "QueryRequest"]

# [start: states]
_STATES = {
    "Scheduled": JobState.RUNNING,
    "Running": JobState.RUNNING,
    "Complete": JobState.SUCCEEDED,
    "Cancelled": JobState.CANCELLED,
    "Failed": JobState.FAILED,
    "Timeout": JobState.FAILED,
}
# [end: states]
#: Rows of a page of DescribeQueries.
_PAGE = 1000
#: Up to so many queries are looked up one by one.
_FEW = 3
#: What AWS always sends of a query.
_ALWAYS = ("queryId", "status", "createTime")


# [start: request]
@dataclass(frozen=True, slots=True)
class QueryRequest:
    """A query that is asked for, checked.

    :param log_group: the log group.
    :param query_string: the query.
    :param start: the first second, inclusive, aware.
    :param end: the last one, inclusive, aware.
    """

    log_group: str
    query_string: str
    start: datetime
    end: datetime

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        return {"group": self.log_group, "query": self.query_string, "start": self.start, "end": self.end}


# [end: request]


# [start: class]
class LogsQueryHook(JobHook):
    """Starts, watches and stops queries of log groups.

    https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/AnalyzingLogData.html
    """

    service = "logs"
    label = "Amazon CloudWatch Logs"
    noun = "query"
    marking = Marking.NONE
    quota = 100  # in the account and Region
    quota_codes = frozenset({"LimitExceededException"})
    input_codes = frozenset({"InvalidParameterException", "MalformedQueryException"})
    # It has neither name nor token: AWS would start another one.
    unrepeatable = frozenset({"start_query"})
    page_token = "nextToken"
    no_reason = "CloudWatch Logs gives no reason; a query that takes more than an hour ends as Timeout"
    advice: ClassVar[Mapping[str, str]] = {
        "MalformedQuery": "Try the query in the CloudWatch console, which shows where the mistake is.",
        "ResourceNotFound": "Check the log group, the Region and the account of the connection.",
    }
    # [end: class]

    # [start: calls]
    def start_query(self, log_group: str, query_string: str, start: datetime, end: datetime) -> str:
        """Start a query.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html

        :param start: the first second to search, inclusive.
        :param end: the last one, inclusive.
        :return: the query's id.
        :raises JobQuotaError: if the account runs as many queries as it may.
        :raises JobNotFoundError: if there is no such log group.
        :raises JobInputError: if AWS finds the parameters invalid.
        """
        answer = self.call(
            "start_query",
            logGroupName=log_group,
            queryString=query_string,
            startTime=int(start.timestamp()),
            endTime=int(end.timestamp()),
        )
        return str(self.member(answer, "queryId", "start_query"))

    def list_queries(self, log_group: str | None = None, status: str | None = None) -> list[dict[str, Any]]:
        """List the queries that AWS remembers, all pages of them.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_DescribeQueries.html
        """
        given = {"logGroupName": log_group, "status": status, "maxResults": _PAGE}
        rows = self.pages("describe_queries", "queries", **given)
        return [self.whole(row, _ALWAYS, "describe_queries") for row in rows]

    def query_results(self, query_id: str) -> dict[str, Any]:
        """Return a query's ``status``, its ``results`` and the ``statistics`` of its search.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html

        :raises JobNotFoundError: if AWS does not know the query.
        """
        answer = self.call("get_query_results", queryId=query_id)
        return self.whole(answer, ("status",), "get_query_results")

    def stop_query(self, query_id: str) -> None:
        """Stop a query that runs.

        https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StopQuery.html

        :raises JobInputError: if it does not run.
        """
        self.member(self.call("stop_query", queryId=query_id), "success", "stop_query")

    # [end: calls]

    # [start: start]
    def scope(self, request: QueryRequest) -> str:
        """Return the log group: the task's queries are looked for among its own."""
        return request.log_group

    def start_job(self, identity: Identity, attempt: Attempt, request: QueryRequest) -> JobStatus:
        """Start the query."""
        query_id = self.start_query(request.log_group, request.query_string, request.start, request.end)
        return _status({"queryId": query_id, "status": "Scheduled", "logGroupName": request.log_group})

    # [end: start]

    # [start: see]
    def see_jobs(self, identity: Identity, log: AttemptLog, request: QueryRequest) -> list[SeenJob]:
        """Return the queries of the request's log group, and of those in the log."""
        seen = []
        for log_group in sorted({request.log_group, *(attempt.scope for attempt in log.attempts)}):
            for job in map(_status, self.list_queries(log_group)):
                seen.append(SeenJob(job.job_id, job.state, job.started_at))
        return seen

    # [end: see]

    # [start: watch]
    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """List the queries if they are many, and look up the others one by one."""
        found: dict[str, JobStatus | Exception] = {}
        if len(job_ids) > _FEW:
            rows = self.pages("describe_queries", "queries", maxResults=_PAGE)
            found = self.read_rows(rows, "queryId", job_ids, _status)
        return self.describe_each(
            job_ids, found, lambda job_id: _status({"queryId": job_id, **self.query_results(job_id)})
        )

    def stop_job(self, job_id: str) -> bool:
        """Stop the query, unless it has ended or never was."""
        try:
            self.stop_query(job_id)
        except (JobNotFoundError, JobInputError):
            return False
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """Return the queries in flight, each with its log group."""
        return {
            row["queryId"]: row.get("logGroupName", "")
            for status in ("Running", "Scheduled")
            for row in self.list_queries(status=status)
        }

    # [end: watch]


# [start: read]
def _status(row: Mapping[str, Any]) -> JobStatus:
    service_state, created = row["status"], row.get("createTime")
    created_at = datetime.fromtimestamp(created / 1000, UTC) if created else None
    matched = row.get("statistics", {}).get("recordsMatched")
    return JobStatus(
        job_id=row["queryId"],
        # A state that AWS adds one day is one in which the job has not ended.
        state=_STATES.get(service_state, JobState.RUNNING),
        service_state=service_state,
        note=f"{matched:,.0f} log events match" if matched is not None else None,
        started_at=created_at,
        details={
            "query_id": row["queryId"],
            "state": service_state,
            "log_group": row.get("logGroupName"),
            "created_at": utc_text(created_at),
        },
    )


# [end: read]
