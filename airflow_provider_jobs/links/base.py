# SPDX-License-Identifier: Apache-2.0

"""Links from a task to its job in the AWS console."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote

from airflow.providers.amazon.aws.links.base_aws import BaseAwsLink

__all__ = ["JobLink"]


class JobLink(BaseAwsLink):
    """Base of the links: ``format_str`` may use ``region_name``, ``aws_domain`` and ``job_id``."""

    def format_link(self, **kwargs: Any) -> str:
        """Return the URL; empty where the partition has no known console."""
        if not kwargs.get("aws_domain"):
            return ""
        return super().format_link(**{**kwargs, "job_id": quote(str(kwargs.get("job_id", "")), safe="")})
