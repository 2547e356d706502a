# SPDX-License-Identifier: Apache-2.0

"""What becomes of a task by what its replay has delivered."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from airflow_provider_jobs._eventbridge.delivery import failure, remarks
from airflow_provider_jobs.exceptions import JobEndedError
from airflow_provider_jobs.job import one_line

__all__ = ["check_delivery", "with_counts_before"]


def check_delivery(replay_name: str, delivery: Mapping[str, Any], max_failed: int | None, log: Any) -> None:
    """Log what a replay has delivered, and fail the task by its limit.

    :param delivery: the result's part.
    :param max_failed: how many invocations may fail of rules that live events cannot match; None for any.
    :raises JobEndedError: if more have failed; a retry would find the same.
    """
    for warns, text in remarks(delivery):
        log.log(logging.WARNING if warns else logging.INFO, "%s", one_line(text))
    if why := failure(delivery, max_failed):
        raise JobEndedError(f"Replay {replay_name} has completed, and {one_line(why)}")


def with_counts_before(delivery: Mapping[str, Any], before: Mapping[str, int | None]) -> dict[str, Any]:
    """Return a delivery with what its dead-letter queues had before the replay.

    :param before: messages by the queues' ARNs.
    """
    rows = delivery["dead_letter_queues"]
    counted = [{**row, "messages_before": before.get(row["queue_arn"])} for row in rows]
    return {**delivery, "dead_letter_queues": counted}
