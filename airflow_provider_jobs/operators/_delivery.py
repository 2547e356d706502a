# SPDX-License-Identifier: Apache-2.0

"""What becomes of a task by what its replay has delivered, and by how full its targets' queues are."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs._eventbridge.delivery import failures, remarks
from airflow_provider_jobs._eventbridge.replay import ReplayRequest
from airflow_provider_jobs.exceptions import JobEndedError, JobError
from airflow_provider_jobs.job import JobStatus, one_line

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks._spec import HookSpec
    from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook

__all__ = ["check_delivery", "delivered", "delivery_spec", "full_queues"]


def check_delivery(replay_name: str, delivery: Mapping[str, Any], max_failed: int | None, log: Any) -> None:
    """Log what a replay has delivered, and fail the task by its limit.

    :param delivery: the result's part.
    :param max_failed: how many invocations may fail of rules that live events cannot match; None for any.
    :param log: the task's.
    :raises JobEndedError: if more have failed; a retry would find the same.
    """
    for warns, text in remarks(delivery):
        log.log(logging.WARNING if warns else logging.INFO, "%s", one_line(text))
    count, named = failures(delivery)
    if max_failed is not None and count > max_failed:
        raise JobEndedError(
            f"Replay {replay_name} has completed, and {count} invocations of its targets failed for good; "
            f"max_failed={max_failed} allows no more: {named}. Only rules that live events cannot match are "
            "counted. See the rules' dead-letter queues and the targets' logs, correct the target, then "
            "replay again or redrive."
        )


def delivered(event: Mapping[str, Any], before: Mapping[str, int | None]) -> JobStatus:
    """Return a completed replay with its delivery, from the event of the wait for the figures.

    :param event: that of a trigger.
    :param before: what dead-letter queues had before the start, by their ARNs.
    :raises JobError: if the figures could not be read.
    """
    if why := event.get("error") or event.get("timeout"):
        raise JobError(
            f"Replay {event['job_id']} has completed, and AWS's figures of its rules could not be read: "
            f"{why}. A retry only reads them again."
        )
    job = JobStatus.from_json(event["job"])
    delivery = job.details["delivery"]
    rows = delivery["dead_letter_queues"]
    counted = [{**row, "messages_before": before.get(row["queue_arn"])} for row in rows]
    return replace(job, details={**job.details, "delivery": {**delivery, "dead_letter_queues": counted}})


def delivery_spec(spec: HookSpec, delay: timedelta) -> HookSpec:
    """Return a description of the hook that reads a replay's figures.

    :param spec: that of the hook which started the replay.
    :param delay: how long after the replay's end they are read.
    """
    from airflow_provider_jobs.hooks._delivery import ReplayDeliveryHook
    from airflow_provider_jobs.hooks._spec import HookSpec

    return HookSpec.of(ReplayDeliveryHook, {**spec.parameters, "figures_after": delay.total_seconds()})


def full_queues(hook: EventBridgeReplayHook, request: ReplayRequest, bound: int) -> str:
    """Return which queues that the replay's rules fill have too many messages, as text; empty if none has.

    :param bound: how many messages each may have.
    :raises JobError: if AWS does not say which queues there are.
    """
    bus = hook.describe_archive(request.archive)["EventSourceArn"]
    depths = hook.observer.backlog(hook.observer.rules(bus, request.rule_arns))
    return ", ".join(f"{arn} ({depth:,} messages)" for arn, depth in depths.items() if (depth or 0) > bound)
