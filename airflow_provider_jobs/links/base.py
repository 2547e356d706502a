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

    The values for a link are stored as an XCom of the task, like those of the Amazon provider's links. A link
    that cannot be stored or built never fails its task.
    """

    #: The label of the link's button.
    name: ClassVar[str]
    #: The key of the XCom.
    key: ClassVar[str]
    #: The URL as a format string.
    format_str: ClassVar[str]

    def format_link(self, **kwargs: Any) -> str:
        """Return the URL; empty if the partition has no known console."""
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
            _log.debug("The link to the job could not be built.", exc_info=True)
            return ""

    @classmethod
    def persist(
        cls, context: Mapping[str, Any], operator: Any, region_name: str, aws_partition: str, **kwargs: Any
    ) -> None:
        """Store the values for the link, unless the operator pushes no XCom.

        :param context: the running task instance's Airflow context.
        :param kwargs: other values that ``format_str`` uses.
        """
        if not operator.do_xcom_push:
            return
        value = {"region_name": region_name, "aws_domain": _DOMAINS.get(aws_partition), **kwargs}
        try:
            context["ti"].xcom_push(key=cls.key, value=value)
        except Exception:
            _log.debug("The link to the job could not be stored.", exc_info=True)
