# SPDX-License-Identifier: Apache-2.0

"""The sensor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Unpack

from airflow.providers.amazon.aws.utils.mixins import aws_template_fields

from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.sensors.base import JobSensor
from sqs_redrive.hook import SqsRedriveHook

__all__ = ["SqsMessageMoveTaskSensor"]


# [start: class]
class SqsMessageMoveTaskSensor(JobSensor[SqsRedriveHook]):
    """Wait until a redrive is COMPLETED; fails if it is FAILED or CANCELLED.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html

    The result is that of :class:`~sqs_redrive.operators.SqsStartMessageMoveTaskOperator`. Takes the
    parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param source_arn: ARN of the dead-letter queue. (templated)
    :param after: wait for the first redrive after this time, ``after`` of the operator's result; by
        default for the queue's newest. (templated)
    """

    aws_hook_class = SqsRedriveHook
    template_fields: Sequence[str] = aws_template_fields("after", "botocore_config", "source_arn")

    def __init__(
        self,
        *,
        source_arn: str,
        after: int | str | None = None,
        **kwargs: Unpack[JobSensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.source_arn = source_arn
        self.after = after

    @property
    def target_id(self) -> str:
        """The queue, and what the redrive came after."""
        return self.source_arn if self.after is None else f"{self.source_arn}@{self.after}"


# [end: class]
