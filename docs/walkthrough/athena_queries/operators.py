# SPDX-License-Identifier: Apache-2.0

"""The operator."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import Context, XComArg

from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.operator_parameters import StartJobParameters
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.parameters import Reader, matching, text
from athena_queries.hook import AthenaQueryHook, QueryRequest

__all__ = ["AthenaStartQueryOperator"]


def _workgroup(value: Any, name: str) -> str:
    return matching(value, name, r"[a-zA-Z0-9._-]{1,128}", "a workgroup's name")


class AthenaStartQueryOperator(StartJobOperator[AthenaQueryHook]):
    """Run a query of Athena.

    https://docs.aws.amazon.com/athena/latest/APIReference/API_StartQueryExecution.html

    The result is a dictionary: ``query_id``, ``state``, ``workgroup``, ``output_location``, ``submitted_at``.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param query_string: the SQL. (templated)
    :param workgroup: the workgroup, whose settings say where the results go. (templated)
    :raises JobInputError: for parameters that cannot work, before any call.
    """

    aws_hook_class = AthenaQueryHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "query_string", "workgroup")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"query_string": text, "workgroup": _workgroup}

    def __init__(
        self,
        *,
        query_string: str | XComArg,
        workgroup: str | XComArg = "primary",
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.query_string = query_string
        self.workgroup = workgroup
        self.finish_parameters()

    def job_request(self, context: Context) -> QueryRequest:
        """Return the query that is asked for, checked."""
        return QueryRequest(self.read("workgroup"), self.read("query_string"))
