# SPDX-License-Identifier: Apache-2.0

"""Waiting for a replay the way the Amazon provider's own triggers wait.

This follows the provider's ``waiters/README.md`` and its ``triggers/glue.py``: a hook, a custom waiter in a
JSON file, and a trigger that names both. All else is the provider's code.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

from airflow.providers.amazon.aws.hooks.eventbridge import EventBridgeHook
from airflow.providers.amazon.aws.triggers.base import AwsBaseWaiterTrigger

__all__ = ["ReplayCompleteTrigger"]


class _ReplayHook(EventBridgeHook):
    @cached_property
    def waiter_path(self) -> Path:
        """The provider ships no waiters for ``events``, so this is where it finds ours."""
        return Path(__file__).with_name("amazon_replay_waiters.json")


class ReplayCompleteTrigger(AwsBaseWaiterTrigger):
    """Waits until a replay has ended.

    :param replay_name: the replay.
    :param waiter_delay: seconds between two looks.
    :param waiter_max_attempts: how many looks to take.
    :param aws_conn_id: the Airflow connection.
    :param region_name: the replay's Region; the connection's own when None.
    """

    aws_hook_class = _ReplayHook

    def __init__(
        self,
        replay_name: str,
        waiter_delay: int = 30,
        waiter_max_attempts: int = 120,
        aws_conn_id: str | None = "aws_default",
        region_name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            serialized_fields={"replay_name": replay_name},
            waiter_name="replay_complete",
            waiter_args={"ReplayName": replay_name},
            failure_message="The replay failed",
            status_message="Status of the replay is",
            status_queries=["State", "StateReason"],
            return_key="replay_name",
            return_value=replay_name,
            waiter_delay=waiter_delay,
            waiter_max_attempts=waiter_max_attempts,
            aws_conn_id=aws_conn_id,
            region_name=region_name,
            **kwargs,
        )
