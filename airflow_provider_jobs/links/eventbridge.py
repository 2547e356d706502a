# SPDX-License-Identifier: Apache-2.0

"""Link to an EventBridge replay."""

from __future__ import annotations

from airflow_provider_jobs.links.base import JobLink

__all__ = ["EventBridgeReplayLink"]


class EventBridgeReplayLink(JobLink):
    """The replay in the EventBridge console."""

    name = "EventBridge Replay"
    key = "eventbridge_replay"
    format_str = (
        "https://{region_name}.console.{aws_domain}/events/home?region={region_name}#/replay/{job_id}"
    )
