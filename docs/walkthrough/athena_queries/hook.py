# SPDX-License-Identifier: Apache-2.0

"""The hook: a start call that takes a token, and a list that has only ids."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from airflow_provider_jobs.exceptions import JobInputError, JobNotFoundError
from airflow_provider_jobs.hooks.base import Attempt, AttemptLog, Identity, JobHook, Marking, SeenJob
from airflow_provider_jobs.job import JobState, JobStatus, utc_text

__all__ = ["AthenaQueryHook", "QueryRequest"]

_STATES = {
    "QUEUED": JobState.RUNNING,
    "RUNNING": JobState.RUNNING,
    "SUCCEEDED": JobState.SUCCEEDED,
    "FAILED": JobState.FAILED,
    "CANCELLED": JobState.CANCELLED,
}
#: Queries that BatchGetQueryExecution describes at once.
_BATCH = 50


@dataclass(frozen=True, slots=True)
class QueryRequest:
    """A query that is asked for, checked.

    :param workgroup: the workgroup, whose settings say where the results go.
    :param query_string: the SQL.
    """

    workgroup: str
    query_string: str

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        return {"workgroup": self.workgroup, "query": self.query_string}


class AthenaQueryHook(JobHook):
    """Starts, watches and stops queries of Athena.

    https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html
    """

    service = "athena"
    label = "Amazon Athena"
    noun = "query"
    marking = Marking.TOKEN
    quota = 20  # a guess: what AWS allows depends on the Region and on the kind of query
    quota_codes = frozenset({"TooManyRequestsException"})
    input_codes = frozenset({"InvalidRequestException"})

    def query_ids(self, workgroup: str) -> list[str]:
        """Return the ids of a workgroup's queries of the last 45 days.

        https://docs.aws.amazon.com/athena/latest/APIReference/API_ListQueryExecutions.html
        """
        ids = self.pages("list_query_executions", "QueryExecutionIds", WorkGroup=workgroup)
        return [str(query_id) for query_id in ids]

    def queries(self, query_ids: Collection[str]) -> Iterator[Mapping[str, Any]]:
        """Yield the descriptions of queries; those that AWS does not know are left out.

        https://docs.aws.amazon.com/athena/latest/APIReference/API_BatchGetQueryExecution.html
        """
        wanted = list(query_ids)
        for first in range(0, len(wanted), _BATCH):
            batch = wanted[first : first + _BATCH]
            answer = self.call("batch_get_query_execution", QueryExecutionIds=batch)
            yield from self.member(answer, "QueryExecutions", "batch_get_query_execution")

    def scope(self, request: QueryRequest) -> str:
        """Return the workgroup: the task's queries are looked for among its own."""
        return request.workgroup

    # [start: start]
    def start_job(self, identity: Identity, attempt: Attempt, request: QueryRequest) -> JobStatus:
        """Start the query; AWS answers the same token with the same query."""
        answer = self.call(
            "start_query_execution",
            QueryString=request.query_string,
            WorkGroup=request.workgroup,
            ClientRequestToken=attempt.token(identity, 128),
        )
        query_id = self.member(answer, "QueryExecutionId", "start_query_execution")
        return JobStatus(query_id, JobState.RUNNING, "QUEUED")

    # [end: start]

    # [start: see]
    def see_jobs(self, identity: Identity, log: AttemptLog, request: QueryRequest) -> list[SeenJob]:
        """Return the queries of the request's workgroup, and of those in the log."""
        known = {attempt.job_id for attempt in log.attempts if attempt.job_id}
        for workgroup in {request.workgroup, *(attempt.scope for attempt in log.attempts)}:
            known.update(self.query_ids(workgroup))
        jobs = map(_status, self.queries(known))
        return [SeenJob(job.job_id, job.state, job.started_at) for job in jobs]

    # [end: see]

    # [start: watch]
    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Describe fifty queries with a call, and one by one those that are not in its answer."""
        found = self.read_rows(self.queries(job_ids), "QueryExecutionId", job_ids, _status)
        return self.describe_each(job_ids, found, self.query)

    def query(self, query_id: str) -> JobStatus:
        """Describe one query.

        https://docs.aws.amazon.com/athena/latest/APIReference/API_GetQueryExecution.html

        :raises JobNotFoundError: if AWS does not know it.
        """
        try:
            answer = self.call("get_query_execution", QueryExecutionId=query_id)
        except JobInputError as error:
            # Athena has no error code for a query that it does not know.
            raise JobNotFoundError(str(error)) from error
        return _status(self.member(answer, "QueryExecution", "get_query_execution"))

    # [end: watch]

    def stop_job(self, job_id: str) -> bool:
        """Stop the query, unless it has ended or never was."""
        if self.is_over(job_id):
            return False
        self.call("stop_query_execution", QueryExecutionId=job_id)
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """Return the queries in flight in these workgroups: Athena has no list of all."""
        return {
            job.job_id: workgroup
            for workgroup in scopes
            for job in map(_status, self.queries(self.query_ids(workgroup)))
            if not job.state.ended
        }


def _status(row: Mapping[str, Any]) -> JobStatus:
    status: Mapping[str, Any] = row["Status"]
    location = row.get("ResultConfiguration", {}).get("OutputLocation")
    return JobStatus(
        job_id=row["QueryExecutionId"],
        # A state that AWS adds one day is one in which the job has not ended.
        state=_STATES.get(status["State"], JobState.RUNNING),
        service_state=status["State"],
        reason=status.get("StateChangeReason"),
        started_at=status.get("SubmissionDateTime"),
        details={
            "query_id": row["QueryExecutionId"],
            "state": status["State"],
            "workgroup": row.get("WorkGroup"),
            "output_location": location,
            "submitted_at": utc_text(status.get("SubmissionDateTime")),
        },
    )
