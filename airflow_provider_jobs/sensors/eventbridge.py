# SPDX-License-Identifier: Apache-2.0

"""Wait for EventBridge replays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks.classes import EventBridgeReplayHook
from airflow_provider_jobs.hooks.replays import checked_replay_name
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["EventBridgeReplaySensor"]


class EventBridgeReplaySensor(JobSensor[EventBridgeReplayHook]):
    """Wait until a replay is COMPLETED; fails if it is FAILED or CANCELLED.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeReplay.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.eventbridge.EventBridgeStartReplayOperator`. Takes the
    parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param replay_name: the replay's name. (templated)
    :raises JobInputError: if it cannot be one, before any call.
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "replay_name")

    def __init__(self, *, replay_name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.replay_name = replay_name

    @property
    def target_id(self) -> str:
        """The replay's name."""
        return checked_replay_name(self.replay_name)
