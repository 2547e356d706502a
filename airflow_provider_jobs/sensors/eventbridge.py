# SPDX-License-Identifier: Apache-2.0

"""Wait for EventBridge replays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_jobs._eventbridge.replay import checked_replay_name
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks._classes import EventBridgeReplayHook
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.eventbridge import EventBridgeReplayLink
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.parameters import JobReference, Reader
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["EventBridgeReplaySensor"]


class EventBridgeReplaySensor(JobSensor[EventBridgeReplayHook]):
    """Wait until a replay is COMPLETED; fails if it is FAILED or CANCELLED.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeReplay.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.eventbridge.EventBridgeStartReplayOperator`. Takes the
    parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param replay_name: the replay's name, or the start's ``.output``. (templated)
    :raises JobInputError: if it cannot be one, before any call.
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "replay_name")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"replay_name": checked_replay_name}
    operator_extra_links: Collection[BaseOperatorLink] = (EventBridgeReplayLink(),)
    job_link: ClassVar[type[JobLink] | None] = EventBridgeReplayLink

    def __init__(self, *, replay_name: JobReference, **kwargs: Unpack[JobSensorParameters]) -> None:
        super().__init__(**kwargs)
        self.replay_name = replay_name
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The replay's name."""
        name: str = self.read("replay_name")
        return name
