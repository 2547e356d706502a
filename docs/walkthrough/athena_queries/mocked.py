# SPDX-License-Identifier: Apache-2.0

"""Queries that take their time, and tokens, for moto's Athena."""

from __future__ import annotations

import json
from typing import Any

from moto.athena.responses import AthenaResponse
from moto.core.base_backend import BackendDict, BaseBackend

from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend, JobResponse
from airflow_provider_jobs.testing.pace import Phase

#: As many as the hook's quota.
MAX_ACTIVE = 20
_STATE = {
    Phase.STARTING: "QUEUED",
    Phase.RUNNING: "RUNNING",
    Phase.STOPPING: "RUNNING",
    Phase.SUCCEEDED: "SUCCEEDED",
    Phase.FAILED: "FAILED",
    Phase.STOPPED: "CANCELLED",
}


class Query:
    """A query; its results are not mocked."""

    def __init__(self, query_id: str, asked: dict[str, Any]) -> None:
        self.query_id = query_id
        self.asked = asked
        self.life = CONTROL.start("athena", query_id, self.view)
        self.listed = CONTROL.replica_of(self.life, "lists", self.row)
        self.described = CONTROL.replica_of(self.life, "descriptions", self.row)

    def view(self) -> dict[str, Any]:
        """Describe it for ``AwsJobs.jobs``."""
        return {"state": _STATE[self.life.phase], "query": self.asked["QueryString"]}

    def row(self) -> dict[str, Any]:
        """Describe it as GetQueryExecution does."""
        status = {
            "State": _STATE[self.life.phase],
            "SubmissionDateTime": self.life.started_at.timestamp(),
            "StateChangeReason": self.life.failure,
        }
        return {
            "QueryExecutionId": self.query_id,
            "Query": self.asked["QueryString"],
            "WorkGroup": self.asked["WorkGroup"],
            "Status": {name: value for name, value in status.items() if value is not None},
        }


class QueriesBackend(BaseBackend):
    """An account's queries in a Region, by their ids and their tokens."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.queries: dict[str, Query] = {}
        self.of_token: dict[str, Query] = {}


STORE = BackendDict(QueriesBackend, "athena")


class QueryResponse(JobResponse, AthenaResponse):
    """moto's Athena, with queries that take their time."""

    internal_error = "InternalServerException"

    @property
    def store(self) -> QueriesBackend:
        """What the caller's account has in the Region."""
        return STORE[self.current_account][self.region]

    # [start: token]
    def start_query_execution(self) -> str:
        """Answer StartQueryExecution."""
        asked = self.arguments
        token = asked.pop("ClientRequestToken")
        query = self.store.of_token.get(token)
        if query is None:
            query = self.store.of_token[token] = self._started(asked)
        elif query.asked != asked:
            raise AwsError("InvalidRequestException", "Idempotent parameters do not match")
        return json.dumps({"QueryExecutionId": query.query_id})

    # [end: token]

    def list_query_executions(self) -> str:
        """Answer ListQueryExecutions."""
        workgroup = self.arguments["WorkGroup"]
        shown = [query for query in self.store.queries.values() if query.listed.look() is not None]
        ids = [query.query_id for query in shown if query.asked["WorkGroup"] == workgroup]
        return json.dumps({"QueryExecutionIds": ids})

    def batch_get_query_execution(self) -> str:
        """Answer BatchGetQueryExecution."""
        rows = {query_id: self._described(query_id) for query_id in self.arguments["QueryExecutionIds"]}
        return json.dumps(
            {
                "QueryExecutions": [row for row in rows.values() if row],
                "UnprocessedQueryExecutionIds": [
                    {"QueryExecutionId": query_id} for query_id, row in rows.items() if not row
                ],
            }
        )

    def get_query_execution(self) -> str:
        """Answer GetQueryExecution."""
        row = self._described(self.arguments["QueryExecutionId"])
        if row is None:
            raise AwsError("InvalidRequestException", "The query execution was not found.")
        return json.dumps({"QueryExecution": row})

    def stop_query_execution(self) -> str:
        """Answer StopQueryExecution."""
        self.store.queries[self.arguments["QueryExecutionId"]].life.stop()
        return "{}"

    def _started(self, asked: dict[str, Any]) -> Query:
        limit = CONTROL.quota("athena", MAX_ACTIVE)
        if sum(query.life.active for query in self.store.queries.values()) >= limit:
            raise AwsError("TooManyRequestsException", f"The account runs {limit} queries already.")
        query_id = json.loads(str(super().start_query_execution()))["QueryExecutionId"]
        query = self.store.queries[query_id] = Query(query_id, asked)
        return query

    def _described(self, query_id: str) -> Any:
        query = self.store.queries.get(query_id)
        return query.described.read() if query and query.described.look() is not None else None


BACKEND = Backend("athena", QueryResponse)
