# SPDX-License-Identifier: Apache-2.0

"""Link to the exports of CloudWatch Logs."""

from __future__ import annotations

from airflow_provider_jobs.links.base import JobLink

__all__ = ["CloudWatchLogsExportLink"]


class CloudWatchLogsExportLink(JobLink):
    """The exports of the account and Region in the CloudWatch console, which has no page of a single one."""

    name = "CloudWatch Logs Exports"
    key = "cloudwatch_logs_export"
    format_str = (
        "https://{region_name}.console.{aws_domain}/cloudwatch/home?region={region_name}#logsV2:export-tasks"
    )
