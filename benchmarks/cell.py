# SPDX-License-Identifier: Apache-2.0

"""One measurement in a process of its own: so many waits of one kind in one event loop.

``waits.py`` starts it, with its parameters as JSON. It prints a line once every wait has had its first
answer, goes on waiting until a line comes in, and prints a second one.
"""

from __future__ import annotations

import asyncio
import gc
import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

import psutil

__all__ = ["MARK", "Ended", "Order", "Started"]

#: What the lines that are results begin with.
MARK = "RESULT "

#: Seconds that the probe sleeps; what it oversleeps, the event loop was blocked.
_NAP = 0.005

#: Seconds in which the probe finds out how late it is when there is nothing to wait for.
_IDLE = 1.0

#: Both kinds of waits log a replay's state at their first answer; this one is never left in a measurement.
_ANSWER = b"STARTING"


@dataclass(frozen=True)
class Order:
    """What to measure.

    :param pattern: ``shared`` or ``amazon``.
    :param replays: the names of the replays to wait for.
    :param interval: seconds between looks.
    """

    pattern: str
    replays: list[str]
    interval: int


@dataclass(frozen=True)
class Started:
    """What it took to start.

    :param cpu: seconds of CPU, user and system, until every wait had its first answer.
    :param wall: seconds by the clock for the same.
    :param memory: bytes that the process holds more than before.
    """

    cpu: float
    wall: float
    memory: int


@dataclass(frozen=True)
class Ended:
    """What was seen over the whole time.

    :param blocked: the longest that the event loop was blocked, in seconds.
    :param idle: the same before there were any waits: what the machine itself adds.
    :param cpu: seconds of CPU between the start and the end.
    """

    blocked: float
    idle: float
    cpu: float


class _Log:
    """Where Airflow's log goes: nowhere, but each line is written, and the first answers are counted."""

    def __init__(self, wanted: int, complete: Callable[[], None]) -> None:
        self._left = wanted
        self._complete = complete
        self._nowhere = os.open(os.devnull, os.O_WRONLY)

    def write(self, data: bytes) -> int:
        if self._left and _ANSWER in data:
            self._left -= 1
            if not self._left:
                self._complete()
        return os.write(self._nowhere, data)

    def flush(self) -> None:
        """Nothing is held back."""


class _Probe:
    """Airflow's watchdog with a finer measure."""

    def __init__(self) -> None:
        self.worst = 0.0

    async def run(self) -> None:
        while True:
            asleep = time.monotonic()
            await asyncio.sleep(_NAP)
            self.worst = max(self.worst, time.monotonic() - asleep - _NAP)


def _makers(interval: int) -> dict[str, Callable[[str], Any]]:
    """Import what both kinds of waits need, so that no import is measured, and say how to make one."""
    # These are imported by the first AWS client; or, the last, by the first look-up of a connection, but a
    # triggerer has it from its own start.
    for name in (
        "aiobotocore.session",
        "aiobotocore.waiter",
        "airflow.providers.amazon.aws.waiters.base_waiter",
        "airflow.sdk.execution_time.supervisor",
    ):
        importlib.import_module(name)
    from airflow_provider_jobs.hooks._spec import HookSpec
    from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
    from airflow_provider_jobs.triggers.job import JobTrigger
    from benchmarks.amazon import ReplayCompleteTrigger

    # Every AWS client asks for it; the first time, that reads the metadata of all providers.
    EventBridgeReplayHook._get_provider_version()
    parameters = {"aws_conn_id": "aws_default", "region_name": None, "verify": None, "config": None}
    spec = HookSpec.of(EventBridgeReplayHook, parameters)
    return {
        "shared": lambda name: JobTrigger(
            hook_class=spec.hook_class, hook_parameters=spec.parameters, job_id=name, poll_interval=interval
        ),
        "amazon": lambda name: ReplayCompleteTrigger(replay_name=name, waiter_delay=interval),
    }


async def _wait(trigger: Any) -> None:
    async for event in trigger.run():
        raise RuntimeError(f"A wait ended, so this is no measurement: {event!r}")


async def _measure(order: Order) -> None:
    from airflow.sdk.log import configure_logging

    make = _makers(order.interval)[order.pattern]
    started, told = asyncio.Event(), asyncio.Event()
    # As in a triggerer: JSON, line by line. The secrets are masked by the process that reads it.
    log: Any = _Log(len(order.replays), started.set)
    configure_logging(json_output=True, output=log, sending_to_supervisor=True)
    asyncio.get_running_loop().add_reader(sys.stdin, told.set)

    gc.collect()
    probe = _Probe()
    probing = asyncio.create_task(probe.run())
    await asyncio.sleep(_IDLE)
    idle, probe.worst = probe.worst, 0.0

    process = psutil.Process()
    memory, wall, cpu = process.memory_info().rss, time.monotonic(), time.process_time()
    waits = []
    for name in order.replays:
        waits.append(asyncio.create_task(_wait(make(name))))
        await asyncio.sleep(0)  # as a triggerer does between two triggers
    await _unless_one_ends(started, waits)
    cpu, wall = time.process_time() - cpu, time.monotonic() - wall
    blocked = probe.worst
    gc.collect()
    memory = process.memory_info().rss - memory
    _print(Started(cpu, wall, memory))

    # The collection just now and the printing are this benchmark's own and count for nobody.
    await asyncio.sleep(2 * _NAP)
    probe.worst, cpu = blocked, time.process_time()
    await _unless_one_ends(told, waits)
    _print(Ended(probe.worst, idle, time.process_time() - cpu))
    for task in (probing, *waits):
        task.cancel()
    await asyncio.wait(waits)


async def _unless_one_ends(event: asyncio.Event, waits: list[asyncio.Task[None]]) -> None:
    happened = asyncio.create_task(event.wait())
    done, _ = await asyncio.wait({happened, *waits}, return_when=asyncio.FIRST_COMPLETED)
    for task in done - {happened}:
        await task


def _print(result: Started | Ended) -> None:
    print(MARK + json.dumps(asdict(result)), flush=True)


if __name__ == "__main__":
    asyncio.run(_measure(Order(**json.loads(sys.argv[1]))))
