# SPDX-License-Identifier: Apache-2.0

"""Redrives for moto, which has queues but no redrives."""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.responses import ActionResult
from moto.sqs.models import Queue, sqs_backends
from moto.sqs.responses import SQSResponse

from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend, JobResponse
from airflow_provider_jobs.testing.pace import Phase

_STATUS = {
    Phase.STARTING: "RUNNING",
    Phase.RUNNING: "RUNNING",
    Phase.STOPPING: "CANCELLING",
    Phase.SUCCEEDED: "COMPLETED",
    Phase.FAILED: "FAILED",
    Phase.STOPPED: "CANCELLED",
}


# [start: job]
class Redrive:
    """One redrive, and what it does to the queues."""

    def __init__(self, source: Queue, destination: Queue, request: dict[str, Any], after: int) -> None:
        self.handle = uuid4().hex
        self.request = request
        self._source, self._destination = source, destination
        self._total = len(source.messages)
        self._moved = 0
        # Last: from now on it lives, and is looked at.
        self.life = CONTROL.start("sqs", self.handle, self.view)
        self.started = max(int(self.life.started_at.timestamp() * 1000), after + 1)

    def view(self) -> dict[str, Any]:
        """Move what should have been moved by now."""
        while self._moved < int(self.life.fraction * self._total):
            message = self._source.messages[0]
            self._source._messages.remove(message)
            self._destination.add_message(message)
            self._moved += 1
        return {"state": _STATUS[self.life.phase], "moved": self._moved}

    def row(self) -> dict[str, Any]:
        """Return it as ListMessageMoveTasks shows it."""
        self.life.read()
        view = self.view()
        return {
            **self.request,
            "Status": view["state"],
            "StartedTimestamp": self.started,
            "ApproximateNumberOfMessagesToMove": self._total,
            "ApproximateNumberOfMessagesMoved": view["moved"],
            **({"TaskHandle": self.handle} if view["state"] == "RUNNING" else {}),
            **({"FailureReason": self.life.failure} if self.life.failure else {}),
        }


# [end: job]


class RedrivesBackend(BaseBackend):
    """An account's redrives in a Region, the newest first."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.redrives: list[Redrive] = []

    def queues(self) -> dict[str, Queue]:
        """Return moto's queues by their ARNs."""
        return {
            queue.queue_arn: queue
            for queue in sqs_backends[self.account_id][self.region_name].queues.values()
        }

    def of(self, arn: str) -> list[Redrive]:
        """Return a queue's redrives."""
        if arn not in self.queues():
            message = "The resource that you specified for the SourceArn parameter doesn't exist."
            raise AwsError("ResourceNotFoundException", message, 404)
        return [redrive for redrive in self.redrives if redrive.request["SourceArn"] == arn]

    def start(self, request: dict[str, Any]) -> Redrive:
        """Start a redrive, or refuse in AWS's words."""
        earlier = self.of(request["SourceArn"])
        if any(redrive.life.active for redrive in earlier):
            message = (
                "There is already a task running. Only one active task is allowed for a source queue arn at "
                "a given time."
            )
            raise AwsError("InvalidParameterValue", message)
        queues = self.queues()
        source = queues[request["SourceArn"]]
        origin = next((queue for queue in queues.values() if queue.dead_letter_queue is source), None)
        if origin is None:
            raise AwsError("InvalidParameterValue", "Source queue must be configured as a Dead Letter Queue.")
        destination = queues.get(request["DestinationArn"]) if "DestinationArn" in request else origin
        if destination is None:
            message = "The resource that you specified for the DestinationArn parameter doesn't exist."
            raise AwsError("ResourceNotFoundException", message, 404)
        redrive = Redrive(source, destination, request, after=earlier[0].started if earlier else 0)
        self.redrives.insert(0, redrive)
        return redrive

    def cancel(self, handle: str) -> int:
        """Cancel a redrive that runs; returns how many messages it has moved."""
        redrive = next((each for each in self.redrives if each.handle == handle), None)
        if redrive is None or redrive.life.phase not in (Phase.STARTING, Phase.RUNNING):
            raise AwsError("ResourceNotFoundException", "Task does not exist.", 404)
        redrive.life.stop()
        return int(redrive.view()["moved"])


STORE = BackendDict(RedrivesBackend, "sqs")


# [start: response]
class RedriveResponse(JobResponse, SQSResponse):
    """moto's SQS, with redrives."""

    internal_error = "InternalFailure"

    @property
    def redrives(self) -> RedrivesBackend:
        """The redrives of the caller's account and Region."""
        return STORE[self.current_account][self.region]

    def start_message_move_task(self) -> ActionResult:
        """Answer StartMessageMoveTask."""
        return ActionResult({"TaskHandle": self.redrives.start(self.arguments).handle})

    def list_message_move_tasks(self) -> ActionResult:
        """Answer ListMessageMoveTasks."""
        rows = self.redrives.of(self.arguments["SourceArn"])[: self.arguments.get("MaxResults", 1)]
        return ActionResult({"Results": [redrive.row() for redrive in rows]})

    def cancel_message_move_task(self) -> ActionResult:
        """Answer CancelMessageMoveTask."""
        moved = self.redrives.cancel(self.arguments["TaskHandle"])
        return ActionResult({"ApproximateNumberOfMessagesMoved": moved})


BACKEND = Backend("sqs", RedriveResponse)
# [end: response]
