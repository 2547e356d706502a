# SPDX-License-Identifier: Apache-2.0

"""Cancel EventBridge replays."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import ClassVar, Unpack

from airflow.providers.common.compat.sdk import BaseOperatorLink

from airflow_provider_jobs._eventbridge.replay import checked_replay_name
from airflow_provider_jobs.aws import aws_template_fields
from airflow_provider_jobs.hooks._classes import EventBridgeReplayHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.links.base import JobLink
from airflow_provider_jobs.links.eventbridge import EventBridgeReplayLink
from airflow_provider_jobs.operator_parameters import JobOperatorParameters
from airflow_provider_jobs.operators.stop import StopJobOperator
from airflow_provider_jobs.parameters import JobReference, Reader

__all__ = ["EventBridgeCancelReplayOperator"]


class EventBridgeCancelReplayOperator(StopJobOperator[EventBridgeReplayHook]):
    """Cancel a replay and wait until it is cancelled; a replay that has already ended counts as cancelled.

    https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CancelReplay.html

    Events that were replayed stay delivered. The result is that of
    :class:`~airflow_provider_jobs.operators.eventbridge.EventBridgeStartReplayOperator` without ``resumed``
    and ``delivery``. Takes the parameters of :class:`~airflow_provider_jobs.operators.base.JobOperator`, and:

    :param replay_name: the replay's name, or the start's ``.output``. (templated)
    """

    aws_hook_class = EventBridgeReplayHook
    template_fields: Sequence[str] = aws_template_fields("botocore_config", "replay_name")
    parameter_readers: ClassVar[Mapping[str, Reader]] = {"replay_name": checked_replay_name}
    id_parameters: ClassVar[tuple[str, ...]] = ("replay_name",)
    ui_color: str = "#e7157b"
    ui_fgcolor: str = "#ffffff"
    operator_extra_links: Collection[BaseOperatorLink] = (EventBridgeReplayLink(),)
    job_link: ClassVar[type[JobLink] | None] = EventBridgeReplayLink

    def __init__(self, *, replay_name: JobReference, **kwargs: Unpack[JobOperatorParameters]) -> None:
        super().__init__(**kwargs)
        self.replay_name = replay_name
        self.finish_parameters()

    @property
    def target_id(self) -> str:
        """The replay's name."""
        name: str = self.read("replay_name")
        return name

    def job_ids(self, job: JobStatus) -> dict[str, str]:
        """Return the replay's name."""
        return {"replay_name": job.job_id}
