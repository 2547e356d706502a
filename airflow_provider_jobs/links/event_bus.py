# SPDX-License-Identifier: Apache-2.0

"""Link to the event buses of EventBridge."""

from __future__ import annotations

from airflow_provider_jobs.links.base import JobLink

__all__ = ["EventBusLink"]


class EventBusLink(JobLink):
    """The event buses of the account and Region in the EventBridge console, with their subscribers."""

    name = "EventBridge Event Buses"
    key = "eventbridge_event_bus"
    format_str = "https://{region_name}.console.{aws_domain}/events/home?region={region_name}#/eventbuses"
