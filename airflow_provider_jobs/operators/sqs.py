# SPDX-License-Identifier: Apache-2.0

"""Start and cancel the redrive of Amazon SQS's dead-letter queues."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink, Context, XComArg

from airflow_provider_jobs._sqs.redrive import (
    RedriveRequest,
    checked_queue_arn,
    checked_rate,
    checked_since,
    handed_redrive,
    job_ids,
)
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks._classes import SqsRedriveHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.lineage import DatasetName, Lineage
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.sqs import SqsQueueLink
from airflow_provider_jobs.operator_parameters import JobOperatorParameters, StartJobParameters
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.operators.stop import StopJobOperator
from airflow_provider_jobs.parameters import JobReference, Reader, optional

__all__ = ["SqsCancelMessageMoveTaskOperator", "SqsStartMessageMoveTaskOperator"]


class SqsStartMessageMoveTaskOperator(StartJobOperator[SqsRedriveHook]):
    """Move the messages of a dead-letter queue back to where they came from, or to another queue.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html

    A queue has one such redrive at a time: the task waits while another one runs. A redrive has neither name
    nor token. The task notes its attempt, and then when its redrive began, in Airflow's ``task_state_store``
    (Airflow 3.3 or later). If the worker dies, or the answer is lost, between the two, each redrive of the
    queue that began about then may be the task's: the next try waits for its end, then starts one more.
    Before Airflow 3.3 nothing is kept while a task is not deferred: a try that follows a crash or a lost
    answer waits for the redrive that the queue runs, then starts another.

    The result, which the asset events of ``outlets`` have in their ``extra``, is a dictionary; times are
    ISO 8601 strings in UTC.

    Takes the parameters of :class:`~airflow_provider_jobs.operators.start.StartJobOperator`, and:

    :param source_arn: ARN of the dead-letter queue. (templated)
    :param destination_arn: ARN of the queue that gets the messages, of the same type; by default each
        message goes back to the queue that it came from. (templated)
    :param max_messages_per_second: how many messages AWS moves per second, 1 to 500; by default AWS decides.
        (templated)
    :result source_arn: ARN of the dead-letter queue
    :result since: when the redrive began; with the queue's ARN it tells the redrive from others
    :result destination_arn: ARN of the queue that got the messages; None if they went back to where they
        came from
    :result state: AWS's state, such as ``COMPLETED``
    :result started_at: when the redrive began
    :result messages_moved: how many messages were moved, approximately
    :result messages_to_move: how many there were to move, approximately
    :raises JobInputError: for parameters that cannot work, before any call.
    """

    aws_hook_class = SqsRedriveHook
    template_fields: Sequence[str] = aws_template_fields(
        "botocore_config", "destination_arn", "max_messages_per_second", "source_arn"
    )
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "destination_arn": optional(checked_queue_arn),
        "max_messages_per_second": optional(checked_rate),
        "source_arn": checked_queue_arn,
    }
    ui_color: str = "#e7157b"
    ui_fgcolor: str = "#ffffff"
    operator_extra_links: Collection[BaseOperatorLink] = (SqsQueueLink(),)
    job_link: ClassVar[type[JobLink] | None] = SqsQueueLink

    def __init__(
        self,
        *,
        source_arn: str | XComArg,
        destination_arn: str | XComArg | None = None,
        max_messages_per_second: int | str | XComArg | None = None,
        **kwargs: Unpack[StartJobParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.source_arn = source_arn
        self.destination_arn = destination_arn
        self.max_messages_per_second = max_messages_per_second
        self.finish_parameters()
        if self._is_literal((source_arn, destination_arn, max_messages_per_second)):
            self._request()

    def job_request(self, context: Context) -> RedriveRequest:
        """Return the redrive that is asked for, checked."""
        return self._request()

    def _request(self) -> RedriveRequest:
        return RedriveRequest(
            self.read("source_arn"), self.read("destination_arn"), self.read("max_messages_per_second")
        )

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the queue, and the redrive by its time."""
        return job_ids(job.job_id)

    def lineage(self, job: JobStatus) -> Lineage:
        """Return the dead-letter queue, and the queue that got its messages if one was named."""
        destination = job.details["destination_arn"]
        return Lineage(
            [DatasetName.of_arn(job.details["source_arn"])],
            [DatasetName.of_arn(destination)] if destination else [],
        )


class SqsCancelMessageMoveTaskOperator(StopJobOperator[SqsRedriveHook]):
    """Cancel a redrive and wait until it is CANCELLED; a redrive that has already ended counts as cancelled.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CancelMessageMoveTask.html

    Messages that were moved stay where they are. The result is that of
    :class:`SqsStartMessageMoveTaskOperator`. Takes the parameters of
    :class:`~airflow_provider_jobs.operators.base.JobOperator`, and:

    :param source_arn: ARN of the dead-letter queue, or the start's ``.output``. (templated)
    :param since: cancel the queue's first redrive that began at this time or later, an aware datetime or an
        ISO 8601 string with an offset; by default that of the output, and without one the queue's newest.
        (templated)
    """

    aws_hook_class = SqsRedriveHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "since", "source_arn")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {
        "since": checked_since,
        "source_arn": checked_queue_arn,
    }
    id_parameters: ClassVar[tuple[str, ...]] = ("source_arn",)
    ui_color: str = SqsStartMessageMoveTaskOperator.ui_color
    ui_fgcolor: str = SqsStartMessageMoveTaskOperator.ui_fgcolor
    operator_extra_links: Collection[BaseOperatorLink] = (SqsQueueLink(),)
    job_link: ClassVar[type[JobLink] | None] = SqsQueueLink

    def __init__(
        self,
        *,
        source_arn: JobReference,
        since: datetime | str | XComArg | None = None,
        **kwargs: Unpack[JobOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.source_arn = source_arn
        self.since = since
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The redrive's id; that of the queue's newest one without a time."""
        return handed_redrive(self.source_arn, self.since)

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the queue, and the redrive by its time."""
        return job_ids(job.job_id)
