# SPDX-License-Identifier: Apache-2.0

"""The operator: what a user writes, checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Unpack

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields
from airflow.providers.common.compat.sdk import Context

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.operator_parameters import StartJobParameters
from airflow_provider_jobs.operators.start import StartJobOperator
from sqs_redrive.hook import RedriveRequest, SqsRedriveHook

__all__ = ["SqsStartMessageMoveTaskOperator"]

_QUEUE_ARN = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}(\.fifo)?")


# [start: class]
class SqsStartMessageMoveTaskOperator(StartJobOperator[SqsRedriveHook]):
    """Move a dead-letter queue's messages back to where they came from.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html

    The result is a dictionary: ``source_arn``, ``after``, ``state``, ``started_at``, ``messages_moved``.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param source_arn: ARN of the dead-letter queue. (templated)
    :param destination_arn: ARN of another queue to move them to. (templated)
    :param max_per_second: how many messages a second, 1 to 500; by default AWS decides.
    :raises JobInputError: for parameters that cannot work, before any call.
    """

    aws_hook_class = SqsRedriveHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "destination_arn", "source_arn")

    def __init__(
        self,
        *,
        source_arn: str,
        destination_arn: str | None = None,
        max_per_second: int | None = None,
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.source_arn = source_arn
        self.destination_arn = destination_arn
        self.max_per_second = max_per_second

    def job_request(self, context: Context) -> RedriveRequest:
        """Return the redrive that is asked for, checked."""
        for name in ("source_arn", "destination_arn"):
            arn = getattr(self, name)
            optional = name == "destination_arn" and arn is None
            if not optional and not _QUEUE_ARN.fullmatch(str(arn)):
                raise JobInputError(f"{name}={arn!r} is not a queue's ARN (arn:aws:sqs:REGION:ACCOUNT:NAME).")
        if self.max_per_second is not None and not 1 <= self.max_per_second <= 500:
            raise JobInputError(f"max_per_second={self.max_per_second!r} must be 1 to 500.")
        return RedriveRequest(self.source_arn, self.destination_arn, self.max_per_second)


# [end: class]
