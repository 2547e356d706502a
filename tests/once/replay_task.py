# SPDX-License-Identifier: Apache-2.0

"""A task instance whose values, store and triggers a replay has in its hands."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from unittest.mock import patch

from botocore.client import BaseClient
from botocore.exceptions import ClientError
from once.world.airflow import Mode, World
from one_task import OneTask, Store, json_safe, next_event

from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.triggers.queue import QueueTrigger

#: Calls after which a wait that has not ended goes on for good.
_LOOKS = 30


class Killed(BaseException):
    """The process's end, of which nothing in it takes notice."""


class StoreError(Exception):
    """The store has failed."""


class FaultyStore(Store):
    """A store of which one write may go wrong."""

    fault: str = ""

    def set(self, key: str, value: Any, **kwargs: Any) -> None:
        if self.fault not in ("fails", "killed before"):
            super().set(key, value, **kwargs)
        if self.fault.startswith("killed"):
            raise Killed
        if self.fault:
            raise StoreError("the store did not take it")


@dataclass
class ReplayedTask(OneTask):
    """A task instance as the model's Airflow has it."""

    faulty: FaultyStore | None = None

    def context(self, operator: Any) -> Any:
        context = super().context(operator)
        if self.store is not None:
            context["task_state_store"] = self.faulty = FaultyStore(self.store)
        return context

    def _tried(self, go: Callable[[], Any]) -> Any:
        """Go on once: how often there is another try is the model's to say."""
        return go()

    def take_over(self, world: World) -> None:
        """Have the values that Airflow has in the model, for the process that is about to begin or go on."""
        # A new try counts itself.
        self.tries = world.try_number - (world.mode is Mode.BETWEEN)
        self.max_tries, self.retries = world.max_tries, world.retries
        self.run_started = datetime.fromisoformat(world.start)
        self.clear_number = world.clears if world.setting.clear_numbers else None  # type: ignore[assignment]
        self.dag_version = f"version-{world.version}" if world.setting.versions else None

    def told_to_stop(self, world: World) -> Callable[[], None]:
        """Return what Airflow calls when a person ends the task, or its worker is terminated."""
        if world.mode is Mode.STEP:
            assert self.operator is not None
            return self.operator.on_kill
        trigger: Any = self.trigger()
        trigger.task_instance = self.context(self.make())["ti"]
        states = {self.run_id: {trigger.task_instance.task_id: None}}

        def on_kill() -> None:
            from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

            with patch.object(RuntimeTaskInstance, "get_task_states", staticmethod(lambda **_: states)):
                asyncio.run(trigger.on_kill())

        return on_kill

    def wait_is_over(self, aws: AwsJobs, service: str) -> Any:
        """Run the trigger until its event; None if it has none after some looks."""
        trigger: Any = self.trigger()

        async def watch() -> Any:
            before = sum(aws.calls(service).values())
            waiting = asyncio.ensure_future(next_event(trigger))
            async with asyncio.timeout(60):
                while not waiting.done() and sum(aws.calls(service).values()) < before + _LOOKS:
                    await asyncio.wait({waiting}, timeout=0.005)
            if waiting.done():
                return json_safe(waiting.result())
            waiting.cancel()
            await asyncio.wait({waiting})
            # Another triggerer's queue, which knows of other jobs, may call the task all the same.
            return {"since": trigger.since} if isinstance(trigger, QueueTrigger) else None

        return asyncio.run(watch())


@contextmanager
def before_each_call(do: Callable[[], None]) -> Iterator[None]:
    """Do something before each API call of this process."""
    make_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def call(client: Any, name: str, arguments: Any) -> Any:
        do()
        return make_call(client, name, arguments)

    with patch.object(BaseClient, "_make_api_call", call):
        yield


@contextmanager
def call_gets_stuck(operation: str, keep: Callable[[Callable[[], Any]], None]) -> Iterator[None]:
    """Let the process hang in a call for good.

    :param operation: the API operation.
    :param keep: is given what lets the call arrive at AWS.
    """
    make_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def stuck(client: Any, name: str, arguments: Any) -> Any:
        if name != operation:
            return make_call(client, name, arguments)
        keep(lambda: make_call(client, name, arguments))
        raise Killed

    with patch.object(BaseClient, "_make_api_call", stuck):
        yield


@contextmanager
def call_refused_when_repeated(operation: str, refusal: Mapping[str, Any]) -> Iterator[None]:
    """Let a call take effect whose answer is lost, so that botocore repeats it, and AWS refuses that one.

    :param operation: the API operation.
    :param refusal: AWS's code, and its message where that matters.
    """
    make_call: Any = BaseClient._make_api_call  # type: ignore[attr-defined]

    def refused(client: Any, name: str, arguments: Any) -> Any:
        answer = make_call(client, name, arguments)
        if name != operation:
            return answer
        error = {"Code": refusal["code"], "Message": refusal.get("message", "one more is too many")}
        metadata = {"HTTPStatusCode": 400, "RetryAttempts": 1}
        raise ClientError({"Error": error, "ResponseMetadata": metadata}, name)  # type: ignore[typeddict-item]

    with patch.object(BaseClient, "_make_api_call", refused):
        yield
