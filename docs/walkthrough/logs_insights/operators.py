# SPDX-License-Identifier: Apache-2.0

"""The operator: what a user writes, checked."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.operator_parameters import StartJobParameters
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.parameters import Reader, matching, text
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START, Window, parse_time
from logs_insights.hook import LogsQueryHook, QueryRequest

__all__ = ["LogsStartQueryOperator"]

_LOG_GROUP = re.compile(r"[.\-_/#A-Za-z0-9]{1,512}", re.ASCII)
_LONGEST = 10_000
#: How many rows the result has: it is stored as an XCom.
_ROWS = 100


def _log_group(value: Any, name: str) -> str:
    return matching(value, name, _LOG_GROUP, "a log group's name: 1 to 512 letters, digits and .-_/#")


def _query(value: Any, name: str) -> str:
    query = text(value, name)
    if len(query) > _LONGEST:
        raise JobInputError(f"{name} has {len(query):,} characters; AWS takes {_LONGEST:,}.")
    return query


# [start: class]
class LogsStartQueryOperator(StartJobOperator[LogsQueryHook]):
    """Run a query of CloudWatch Logs Insights.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html

    The result is a dictionary: ``query_id``, ``state``, ``log_group``, ``created_at``, and of a query that is
    Complete ``rows``, the first hundred, each a dictionary.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param log_group: the log group. (templated)
    :param query_string: the query. (templated)
    :param start_time: the first time to search, inclusive; by default the start of the run's data interval.
        (templated)
    :param end_time: the time to stop before; by default the end of the run's data interval. (templated)
    :raises JobInputError: for parameters that cannot work, before any call.
    """

    aws_hook_class = LogsQueryHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "end_time", "log_group", "query_string", "start_time"
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "end_time": parse_time,
        "log_group": _log_group,
        "query_string": _query,
        "start_time": parse_time,
    }
    window_parameters: ClassVar[tuple[str, str]] = ("start_time", "end_time")

    def __init__(
        self,
        *,
        log_group: str | XComArg,
        query_string: str | XComArg,
        start_time: datetime | str | XComArg = INTERVAL_START,
        end_time: datetime | str | XComArg = INTERVAL_END,
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.log_group = log_group
        self.query_string = query_string
        self.start_time: datetime | str | XComArg = start_time
        self.end_time: datetime | str | XComArg = end_time
        self.finish_parameters()

    def job_request(self, context: Context) -> QueryRequest:
        """Return the query that is asked for, checked."""
        self.start_time, self.end_time = self.window_bounds(context)
        window = Window.parse(self.start_time, self.end_time, names=self.window_parameters)
        return QueryRequest(
            log_group=self.read("log_group"),
            query_string=self.read("query_string"),
            start=window.start,
            # AWS includes the last second, and the next run's window begins with it.
            end=window.end - timedelta(seconds=1),
        )

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the query's id, which other tasks get by ``.output["query_id"]``."""
        return {"query_id": job.job_id}

    def job_result(self, job: JobStatus) -> dict[str, Any]:
        """Return what AWS tells of the query, and its first rows."""
        result = {**job.details, "log_group": self.read("log_group")}
        if job.state is JobState.SUCCEEDED:
            found = self.hook.query_results(job.job_id).get("results", ())
            result["rows"] = [{each["field"]: each["value"] for each in row} for row in found[:_ROWS]]
        return result


# [end: class]
