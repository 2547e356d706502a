# SPDX-License-Identifier: Apache-2.0

"""Cancel, pause and resume replays on a Custom Event Bus; ``operators.event_bus`` exports these operators."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink, Context

from airflow_provider_jobs._event_bus.parameters import checked_subscriber
from airflow_provider_jobs.aws import AwsOperator, aws_template_fields
from airflow_provider_jobs.hooks._classes import EventBusReplayHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.event_bus import EventBusLink
from airflow_provider_jobs.operator_parameters import AwsOperatorParameters, JobOperatorParameters
from airflow_provider_jobs.operators.stop import StopJobOperator
from airflow_provider_jobs.parameters import Checked, JobReference, Reader, truth

__all__ = [
    "EventBridgeCancelReplaySubscriberOperator",
    "EventBridgePauseReplaySubscriberOperator",
    "EventBridgeResumeReplaySubscriberOperator",
]


class EventBridgeCancelReplaySubscriberOperator(StopJobOperator[EventBusReplayHook]):
    """Stop a replay by its subscriber, and delete that; a replay that has already ended counts as stopped.

    https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DeleteSubscriber.html

    Events that were delivered stay delivered. The result is that of
    :class:`~airflow_provider_jobs.operators.event_bus.EventBridgeCreateReplaySubscriberOperator`. It has the
    figures that CloudWatch has so far. Takes the parameters of
    :class:`~airflow_provider_jobs.operators.base.JobOperator`, and:

    :param subscriber_name: the subscriber's name, or the start's ``.output``. (templated)
    :param delete_subscriber: whether the subscriber is deleted; otherwise it stays, paused.
    """

    aws_hook_class = EventBusReplayHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "subscriber_name")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"subscriber_name": checked_subscriber}
    id_parameters: ClassVar[tuple[str, ...]] = ("subscriber_name",)
    delete_subscriber = Checked(truth)
    ui_color: str = "#e7157b"
    ui_fgcolor: str = "#ffffff"
    operator_extra_links: Collection[BaseOperatorLink] = (EventBusLink(),)
    job_link: ClassVar[type[JobLink] | None] = EventBusLink

    def __init__(
        self,
        *,
        subscriber_name: JobReference,
        delete_subscriber: bool = True,
        **kwargs: Unpack[JobOperatorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.subscriber_name = subscriber_name
        self.delete_subscriber = delete_subscriber
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The subscriber's name."""
        name: str = self.read("subscriber_name")
        return name

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the subscriber's name."""
        return {"subscriber_name": job.job_id}

    def _deliver(self, context: Context, job: JobStatus) -> dict[str, Any]:
        result = super()._deliver(context, job)
        if self.delete_subscriber and job.state.ended:
            self.hook.subscribers.delete(job.job_id)
        return result


class _SubscriberOperator(AwsOperator[EventBusReplayHook]):
    """Does something with a subscriber.

    :param subscriber_name: the subscriber's name, or the start's ``.output``. (templated)
    :param aws_conn_id: the Airflow connection; None for boto3's own credentials.
    :param region_name: the AWS Region; by default the connection's.
    :param verify: whether to verify TLS certificates, or the path of a CA bundle.
    :param botocore_config: parameters of botocore's ``Config``.
    """

    aws_hook_class = EventBusReplayHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "subscriber_name")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"subscriber_name": checked_subscriber}
    ui_color: str = EventBridgeCancelReplaySubscriberOperator.ui_color
    ui_fgcolor: str = EventBridgeCancelReplaySubscriberOperator.ui_fgcolor

    def __init__(self, *, subscriber_name: JobReference, **kwargs: Unpack[AwsOperatorParameters]) -> None:
        super().__init__(**kwargs)
        self.subscriber_name = subscriber_name
        self.finish_parameters()


class EventBridgePauseReplaySubscriberOperator(_SubscriberOperator):
    """Pause a replay; a task that waits for it goes on to wait, and says so.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-update.html

    :raises JobInputError: for a name that AWS does not allow.
    :raises JobNotFoundError: if there is no such subscriber.
    """

    def execute(self, context: Context) -> None:
        """Pause the replay."""
        name = self.read("subscriber_name")
        done = "is paused" if self.hook.subscribers.pause(name) else "was paused already"
        self.log.info("Replay %s %s.", name, done)


class EventBridgeResumeReplaySubscriberOperator(_SubscriberOperator):
    """Let a paused replay go on where it stopped.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-update.html

    It also resumes a replay that a task has stopped. Then no task waits for it: add a sensor.

    :raises JobInputError: for a name that AWS does not allow.
    :raises JobNotFoundError: if there is no such subscriber.
    """

    def execute(self, context: Context) -> None:
        """Resume the replay."""
        name = self.read("subscriber_name")
        done = "goes on" if self.hook.subscribers.resume(name) else "runs already"
        self.log.info("Replay %s %s.", name, done)
