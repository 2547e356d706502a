# SPDX-License-Identifier: Apache-2.0

"""The sensor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.parameters import JobReference, Reader, handed, matching
from airflow_provider_jobs.sensors.base import JobSensor
from logs_insights.hook import LogsQueryHook

__all__ = ["LogsQuerySensor"]


def _query_id(value: Any, name: str) -> str:
    return matching(handed(value, name), name, "[!-~]{1,256}", "a query's id")


# [start: class]
class LogsQuerySensor(JobSensor[LogsQueryHook]):
    """Wait until a query is Complete; fails if it ends in another way.

    https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_GetQueryResults.html

    The result is a dictionary: ``query_id``, ``state``, ``log_group``, ``created_at``; the last two only if
    AWS tells them. Takes the parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param query_id: the query's id, or the start's ``.output``. (templated)
    """

    aws_hook_class = LogsQueryHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "query_id")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"query_id": _query_id}

    def __init__(self, *, query_id: JobReference, **kwargs: Unpack[JobSensorParameters]) -> None:
        super().__init__(**kwargs)
        self.query_id = query_id
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The query's id."""
        query_id: str = self.read("query_id")
        return query_id


# [end: class]
