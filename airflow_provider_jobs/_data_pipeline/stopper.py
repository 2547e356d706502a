# SPDX-License-Identifier: Apache-2.0

"""The stop of an activation."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import TYPE_CHECKING

from airflow_provider_jobs._data_pipeline.activation import ActivationId, read_time
from airflow_provider_jobs._data_pipeline.pipeline import PipelineLook
from airflow_provider_jobs._data_pipeline.status import SETTLES
from airflow_provider_jobs.exceptions import JobError, JobNotFoundError

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook

__all__ = ["ActivationStopper"]

#: Seconds that a stop is waited for, and between polls.
_WAIT, _PAUSE = 2.0, 0.5


class ActivationStopper:
    """Deactivates a pipeline if an activation is its latest.

    :param hook: makes the calls.
    """

    def __init__(self, hook: DataPipelineHook) -> None:
        self._hook = hook

    def stop(self, job_id: str, *, cancel_active: bool = True) -> bool:
        """Deactivate the pipeline, unless the activation is not its latest; wait a little for the effect.

        :param cancel_active: cancel what runs; else it goes on to its end.
        :return: False if there was nothing to stop.
        """
        job = ActivationId.parse(job_id)
        try:
            look = self._hook.describe_pipeline(job.pipeline_id)
            if look.superseded(job) or (look.inactive and _inactive_since(look, job)):
                return False
            if look.state != "DEACTIVATING":
                self._hook.deactivate_pipeline(job.pipeline_id, cancel_active=cancel_active)
        except JobNotFoundError:
            return False
        deadline = time.monotonic() + (_WAIT if cancel_active else 0)
        try:
            while time.monotonic() < deadline and not self._hook.describe_pipeline(job.pipeline_id).inactive:
                time.sleep(_PAUSE)
        except JobError as error:
            self._hook.log.info(
                "Pipeline %s was told to stop; then a poll failed: %s", job.pipeline_id, error
            )
        return True


def _inactive_since(look: PipelineLook, job: ActivationId) -> bool:
    """Whether an inactive state is certainly that after an activation.

    AWS shows a new activation beside the state from before it for a while.
    """
    since = read_time(look.activated if job.time in (None, "latest") else job.time)
    if since is None:
        return True
    if look.finished is not None and look.finished > since:
        return True
    return look.at is not None and look.at - since >= timedelta(seconds=SETTLES)
