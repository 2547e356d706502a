# SPDX-License-Identifier: Apache-2.0

"""Links from a task to its job in the AWS console."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any, ClassVar
from urllib.parse import quote

from airflow.providers.common.compat.sdk import BaseOperatorLink, XCom

__all__ = ["JobLink"]

_log = logging.getLogger(__name__)

#: The consoles of the partitions that have one.
_DOMAINS = {"aws": "aws.amazon.com", "aws-cn": "amazonaws.cn", "aws-us-gov": "amazonaws-us-gov.com"}


class JobLink(BaseOperatorLink):
    """Base of the links: ``format_str`` may use ``region_name``, ``aws_domain`` and ``job_id``.

    What a link is made from is kept as an XCom of the task, as the Amazon provider's links keep it. A link
    that cannot be kept or made never fails its task.
    """

    #: What the link's button says.
    name: ClassVar[str]
    #: The key of the XCom.
    key: ClassVar[str]
    #: The URL, with the names in braces.
    format_str: ClassVar[str]

    def format_link(self, **kwargs: Any) -> str:
        """Return the URL; empty where the partition has no known console."""
        if not kwargs.get("aws_domain"):
            return ""
        try:
            return self.format_str.format(
                **{**kwargs, "job_id": quote(str(kwargs.get("job_id", "")), safe="")}
            )
        except KeyError:
            return ""

    def get_link(self, operator: Any, *, ti_key: Any) -> str:
        """Return the URL that Airflow's user interface shows; empty if there is none."""
        try:
            kept = XCom.get_value(key=self.key, ti_key=ti_key)
            return self.format_link(**kept) if kept else ""
        except Exception:
            _log.debug("The link to the job could not be made.", exc_info=True)
            return ""

    @classmethod
    def persist(
        cls, context: Mapping[str, Any], operator: Any, region_name: str, aws_partition: str, **kwargs: Any
    ) -> None:
        """Keep what the link is made from, unless the operator is to push no XCom.

        :param context: the running task instance's Airflow context.
        :param kwargs: further names that ``format_str`` uses.
        """
        if not operator.do_xcom_push:
            return
        value = {"region_name": region_name, "aws_domain": _DOMAINS.get(aws_partition), **kwargs}
        try:
            context["ti"].xcom_push(key=cls.key, value=value)
        except Exception:
            _log.debug("The link to the job could not be kept.", exc_info=True)
