# SPDX-License-Identifier: Apache-2.0

"""Wait for replays on EventBridge's Custom Event Bus."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_jobs._event_bus.parameters import checked_subscriber
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks._classes import EventBusReplayHook
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.event_bus import EventBusLink
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.parameters import JobReference, Reader
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["EventBridgeReplaySubscriberSensor"]


class EventBridgeReplaySubscriberSensor(JobSensor[EventBusReplayHook]):
    """Wait until a replay has delivered, as far as AWS's figures show; fails if it was revoked or cancelled.

    https://docs.aws.amazon.com/eventbridgev2/latest/APIReference/API_DescribeSubscriber.html

    It deletes no subscriber. The result is that of
    :class:`~airflow_provider_jobs.operators.event_bus.EventBridgeCreateReplaySubscriberOperator`. Takes the
    parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param subscriber_name: the subscriber's name, or the start's ``.output``. (templated)
    :raises JobInputError: if it cannot be one, before any call.
    """

    aws_hook_class = EventBusReplayHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "subscriber_name")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"subscriber_name": checked_subscriber}
    operator_extra_links: Collection[BaseOperatorLink] = (EventBusLink(),)
    job_link: ClassVar[type[JobLink] | None] = EventBusLink

    def __init__(self, *, subscriber_name: JobReference, **kwargs: Unpack[JobSensorParameters]) -> None:
        super().__init__(**kwargs)
        self.subscriber_name = subscriber_name
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The subscriber's name."""
        name: str = self.read("subscriber_name")
        return name
