# SPDX-License-Identifier: Apache-2.0

"""Link to the exports of DynamoDB tables."""

from __future__ import annotations

from airflow_provider_jobs.links.base import JobLink

__all__ = ["DynamoDBExportLink"]


class DynamoDBExportLink(JobLink):
    """The exports of the account and Region in the DynamoDB console."""

    name = "DynamoDB Exports"
    key = "dynamodb_export"
    format_str = "https://{region_name}.console.{aws_domain}/dynamodbv2/home?region={region_name}#exports"
