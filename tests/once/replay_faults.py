# SPDX-License-Identifier: Apache-2.0

"""The model's faults of a step, on the real side: faults of the calls that it makes, or of the store."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from once.replay_aws import Cloud
from once.replay_services import NoCounterpart
from once.replay_task import Killed, ReplayedTask, call_gets_stuck, call_refused_when_repeated
from once.world.airflow import World

from airflow_provider_jobs._once import moves
from airflow_provider_jobs.testing import Fault

_DROPPED: dict[str, Any] = {"kind": "drop", "when": "after"}
#: By the step and the model's word, whose call meets which fault: the first of the step, or a certain one.
_CALLS: dict[tuple[type, str], tuple[str, dict[str, Any]]] = {
    (moves.ListJobs, "fails"): ("first", {"kind": "error"}),
    (moves.Prepare, "fails"): ("first", {"kind": "error"}),
    (moves.Stop, "fails"): ("stop", {"kind": "error"}),
    (moves.Stop, "answer lost"): ("stop", _DROPPED),
    (moves.Start, "refused"): ("start", {"kind": "access-denied"}),
    (moves.Start, "request lost"): ("start", {"kind": "drop"}),
    (moves.Start, "answer lost"): ("start", _DROPPED),
    (moves.Start, "answer late"): ("start", _DROPPED),
}


class CallError(Exception):
    """A call could not even be made."""


def take_with_fault(
    world: World, cloud: Cloud, task: ReplayedTask, step: Any, fault: str, do: Callable[[], Any]
) -> Any:
    """Take a step with a fault.

    :param do: takes the step.
    :raises NoCounterpart: if there is no such fault on the real side.
    """
    service, case = cloud.service, cloud.service.case
    if not fault or fault == "lags":
        return do()
    if isinstance(step, moves.StoreLog):
        assert task.faulty is not None
        task.faulty.fault = fault
        try:
            return do()
        finally:
            task.faulty.fault = ""
    if call := _CALLS.get((type(step), fault)):
        operation = {"first": "*", "stop": case.stop_operation, "start": case.start_operation}[call[0]]
        return _met(cloud, Fault(str(operation), optional=True, **call[1]), do)
    if fault == "killed after":
        do()
        cloud.compare(world)
        raise Killed
    if isinstance(step, moves.Start):
        return _start(world, cloud, fault, do)
    raise NoCounterpart(f"{type(step).__name__} {fault}, on {service.case.service}")


def _start(world: World, cloud: Cloud, fault: str, do: Callable[[], Any]) -> Any:
    operation = cloud.service.case.start_operation
    if fault == "fails":
        raise CallError("the call could not be made")
    if fault == "no room":
        return _met(cloud, Fault(operation, "error", optional=True, **cloud.service.no_room), do)
    if fault == "no room, in doubt":
        if not cloud.service.repeats_starts:
            raise NoCounterpart(f"botocore repeats no start, on {cloud.name}")
        with call_refused_when_repeated(operation, cloud.service.no_room):
            return do()
    at = world.on_their_way[-1][0] if world.on_their_way else world.now
    with call_gets_stuck(operation, lambda call: cloud.later(at, lambda: cloud.service.arrive(cloud, call))):
        return do()


def _met(cloud: Cloud, fault: Fault, do: Callable[[], Any]) -> Any:
    """Take a step with a fault, which has to meet a call."""
    before = cloud.calls(fault.operation)
    cloud.aws.add_fault(fault)
    try:
        answer = do()
    finally:
        cloud.aws.clear_faults()
        met = cloud.calls(fault.operation) > before
    if not met:
        raise NoCounterpart(f"the step makes no call that could fail, on {cloud.name}")
    return answer
