# SPDX-License-Identifier: Apache-2.0

"""Wait for redrives of Amazon SQS's dead-letter queues."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink, XComArg

from airflow_provider_jobs._sqs.redrive import checked_queue_arn, checked_since, handed_redrive
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks._classes import SqsRedriveHook
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.sqs import SqsQueueLink
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.parameters import JobReference, Reader
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["SqsMessageMoveTaskSensor"]


class SqsMessageMoveTaskSensor(JobSensor[SqsRedriveHook]):
    """Wait until a redrive is COMPLETED; fails if it is FAILED or CANCELLED.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.sqs.SqsStartMessageMoveTaskOperator`. Takes the parameters of
    :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param source_arn: ARN of the dead-letter queue, or the start's ``.output``. (templated)
    :param since: wait for the queue's first redrive that began at this time or later, an aware datetime or an
        ISO 8601 string with an offset; by default that of the output, and without one the newest that the
        queue has at each poll. (templated)
    :raises JobInputError: for parameters that cannot work, before any call.
    """

    aws_hook_class = SqsRedriveHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "since", "source_arn")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "since": checked_since,
        "source_arn": checked_queue_arn,
    }
    operator_extra_links: Collection[BaseOperatorLink] = (SqsQueueLink(),)
    job_link: ClassVar[type[JobLink] | None] = SqsQueueLink

    def __init__(
        self,
        *,
        source_arn: JobReference,
        since: datetime | str | XComArg | None = None,
        **kwargs: Unpack[JobSensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.source_arn = source_arn
        self.since = since
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The redrive's id; that of the queue's newest one without a time."""
        return handed_redrive(self.source_arn, self.since)
