# SPDX-License-Identifier: Apache-2.0

"""Link to a queue of Amazon SQS."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow_provider_jobs.links.base import JobLink

__all__ = ["SqsQueueLink"]


class SqsQueueLink(JobLink):
    """The dead-letter queue in the SQS console, which shows its redrives."""

    name = "SQS Queue"
    key = "sqs_queue"
    format_str = (
        "https://{region_name}.console.{aws_domain}/sqs/v3/home?region={region_name}#/queues/{queue_url}"
    )

    def format_link(self, **kwargs: Any) -> str:
        """Return the URL; empty where the partition has no known console."""
        # arn:PARTITION:sqs:REGION:ACCOUNT:NAME, and perhaps @ and a time
        parts = str(kwargs.get("job_id", "")).partition("@")[0].split(":")
        if len(parts) != 6:
            return ""
        suffix = ".cn" if parts[1] == "aws-cn" else ""
        url = f"https://sqs.{parts[3]}.amazonaws.com{suffix}/{parts[4]}/{parts[5]}"
        return super().format_link(**kwargs, queue_url=quote(url, safe=""))
