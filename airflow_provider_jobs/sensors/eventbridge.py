# SPDX-License-Identifier: Apache-2.0

"""Wait for EventBridge replays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_jobs._eventbridge.replay import checked_replay_name
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.durations import duration_or_zero
from airflow_provider_jobs.hooks._classes import EventBridgeReplayHook, ReplayDeliveryHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.eventbridge import EventBridgeReplayLink
from airflow_provider_jobs.operator_parameters import JobSensorParameters
from airflow_provider_jobs.operators._delivery import check_delivery
from airflow_provider_jobs.parameters import Checked, JobReference, Reader, optional_count
from airflow_provider_jobs.sensors.base import JobSensor

__all__ = ["EventBridgeReplayDeliverySensor", "EventBridgeReplaySensor"]


class EventBridgeReplaySensor(JobSensor[EventBridgeReplayHook]):
    """Wait until a replay is COMPLETED; fails if it is FAILED or CANCELLED.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeReplay.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.eventbridge.EventBridgeStartReplayOperator` without ``resumed``
    and ``delivery``. Takes the parameters of :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

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


class EventBridgeReplayDeliverySensor(JobSensor[ReplayDeliveryHook]):
    """Wait until a replay is COMPLETED and AWS's figures tell what its rules did with the events.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-monitoring.html

    The result is that of
    :class:`~airflow_provider_jobs.operators.eventbridge.EventBridgeStartReplayOperator` without ``resumed``.
    AWS's figures do not tell replayed events from live ones, may be incomplete, and know nothing of what a
    consumer does with a message that it was sent. Takes the parameters of
    :class:`~airflow_provider_jobs.sensors.base.JobSensor`, and:

    :param replay_name: the replay's name, or the start's ``.output``. (templated)
    :param max_failed: how many invocations of targets may fail for good, of all rules that live events cannot
        match; None for any number. Other rules fail nothing.
    :param delivery_delay: as a timedelta or in seconds, how long after the replay's end the figures are read:
        AWS has them minutes late.
    :result delivery: ``from`` and ``to``: the time of the figures, from the replay's start to
        ``delivery_delay`` after its end; ``rules``: for each rule that the replay was limited to, or that has
        figures of that time, ``rule_name``, ``rule_arn``, ``replayed_only`` (whether live events cannot match
        it), ``shown`` (whether AWS has any figure), ``matched``, ``invoked``, ``failed``,
        ``sent_to_dead_letters`` and ``not_sent_to_dead_letters``; ``dead_letter_queues``: of these rules'
        targets, and of the queues that they fill: ``queue_arn``, ``messages_before`` and ``messages_after``,
        approximate; None for a number that is not known
    :raises JobInputError: for parameters that cannot work, before any call.
    :raises JobEndedError: if the replay ended without success, or more invocations failed than
        ``max_failed``.
    """

    aws_hook_class = ReplayDeliveryHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "replay_name")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"replay_name": checked_replay_name}
    max_failed = Checked(optional_count)
    delivery_delay = Checked(duration_or_zero)
    operator_extra_links: Collection[BaseOperatorLink] = (EventBridgeReplayLink(),)
    job_link: ClassVar[type[JobLink] | None] = EventBridgeReplayLink

    def __init__(
        self,
        *,
        replay_name: JobReference,
        max_failed: int | None = None,
        delivery_delay: timedelta | float = timedelta(minutes=10),
        **kwargs: Unpack[JobSensorParameters],
    ) -> None:
        super().__init__(**kwargs)
        self.replay_name = replay_name
        self.max_failed = max_failed
        self.delivery_delay = delivery_delay
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The replay's name."""
        name: str = self.read("replay_name")
        return name

    @property
    def _hook_parameters(self) -> dict[str, Any]:
        return {**super()._hook_parameters, "figures_after": self.delivery_delay.total_seconds()}

    def _result(self, job: JobStatus) -> dict[str, Any]:
        result = super()._result(job)
        check_delivery(job.job_id, result["delivery"], self.max_failed, self.log)
        return result
