# SPDX-License-Identifier: Apache-2.0

"""Queries that take their time, for moto, whose queries are at their end at once."""

from __future__ import annotations

import json
from typing import Any

from moto.core.base_backend import BackendDict, BaseBackend
from moto.logs.models import LogQuery
from moto.logs.responses import LogsResponse

from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend, JobResponse
from airflow_provider_jobs.testing.pace import Phase

#: https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/cloudwatch_limits_cwl.html
MAX_ACTIVE = 100
_STATUS = {
    Phase.STARTING: "Scheduled",
    Phase.RUNNING: "Running",
    Phase.STOPPING: "Running",
    Phase.SUCCEEDED: "Complete",
    Phase.FAILED: "Failed",
    Phase.STOPPED: "Cancelled",
}


# [start: job]
class Query:
    """A query: moto has its results, and its life says when they are shown."""

    def __init__(self, found: LogQuery) -> None:
        self.found = found
        self.life = CONTROL.start("logs", found.query_id, self.view)
        self.created = int(self.life.started_at.timestamp() * 1000)
        self.listed = CONTROL.replica_of(self.life, "lists", self.row)
        self.described = CONTROL.replica_of(self.life, "descriptions", self.results)

    def view(self) -> dict[str, Any]:
        """Describe it for ``AwsJobs.jobs``."""
        return {"state": _STATUS[self.life.phase], "window": [self.found.start_time, self.found.end_time]}

    def row(self) -> dict[str, Any]:
        """Describe it as DescribeQueries does."""
        row = self.found.to_json(self.found.log_group_names[0])
        return {**row, "status": _STATUS[self.life.phase], "createTime": self.created}

    def results(self) -> dict[str, Any]:
        """Return what GetQueryResults does."""
        status = _STATUS[self.life.phase]
        results = self.found.to_result_json()["results"] if status == "Complete" else []
        return {"status": status, "results": results, "statistics": {"recordsMatched": float(len(results))}}


# [end: job]


class QueriesBackend(BaseBackend):
    """An account's queries in a Region, by their ids."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.queries: dict[str, Query] = {}


STORE = BackendDict(QueriesBackend, "logs")


# [start: response]
class QueryResponse(JobResponse, LogsResponse):
    """moto's CloudWatch Logs, with queries that take their time."""

    internal_error = "ServiceUnavailableException"

    @property
    def queries(self) -> dict[str, Query]:
        """The queries of the caller's account and Region."""
        return STORE[self.current_account][self.region].queries

    def start_query(self) -> str:
        """Answer StartQuery."""
        limit = CONTROL.quota("logs", MAX_ACTIVE)
        if sum(query.life.active for query in self.queries.values()) >= limit:
            raise AwsError("LimitExceededException", f"The account runs {limit} queries already.")
        query_id = json.loads(super().start_query())["queryId"]
        self.queries[query_id] = Query(self.logs_backend.get_query_results(query_id))
        return json.dumps({"queryId": query_id})

    def describe_queries(self) -> str:
        """Answer DescribeQueries."""
        asked = {key: value for key, value in self.arguments.items() if key in ("logGroupName", "status")}
        shown = [query for query in self.queries.values() if query.listed.look() is not None]
        rows = [query.listed.read() or {} for query in shown]
        return json.dumps({"queries": [row for row in rows if asked.items() <= row.items()]})

    def get_query_results(self) -> str:
        """Answer GetQueryResults."""
        query = self._query()
        if query.described.look() is None:
            raise _unknown()
        return json.dumps(query.described.read())

    def stop_query(self) -> str:
        """Answer StopQuery."""
        life = self._query().life
        if not life.active:
            raise AwsError("InvalidParameterException", "The specified query is not running.")
        life.stop()
        return json.dumps({"success": True})

    def _query(self) -> Query:
        query = self.queries.get(self.arguments["queryId"])
        if query is None:
            raise _unknown()
        return query


BACKEND = Backend("logs", QueryResponse)
# [end: response]


def _unknown() -> AwsError:
    return AwsError("ResourceNotFoundException", "The specified query does not exist.")
