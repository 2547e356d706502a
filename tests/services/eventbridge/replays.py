# SPDX-License-Identifier: Apache-2.0

"""An archive of the orders' events, and a task that replays a day of it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from job_cases import AWS, REGION
from one_task import OneTask

from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeStartReplayOperator,
)

ARCHIVE = f"arn:aws:events:{REGION}:123456789012:archive/orders"

BUS = f"arn:aws:events:{REGION}:123456789012:event-bus/default"

RULE = f"arn:aws:events:{REGION}:123456789012:rule/to-queue"

DAY: dict[str, Any] = {
    "event_start_time": datetime(2026, 1, 1, tzinfo=UTC),
    "event_end_time": datetime(2026, 1, 2, tzinfo=UTC),
}


def replay(**kwargs: Any) -> OneTask:
    given = {"archive": "orders", **DAY, "poll_interval": 0.02, **AWS, **kwargs}
    return OneTask(lambda: EventBridgeStartReplayOperator(task_id="replay", **given))
