# SPDX-License-Identifier: Apache-2.0

"""A redrive of a dead-letter queue, and how AWS describes it.

Models https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasksResultEntry.html.
"""

from __future__ import annotations

import json
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any
from uuid import uuid4

from moto.sqs.models import Message, Queue

from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.pace import Phase

SERVICE = "sqs"

STATES = {
    Phase.STARTING: "RUNNING",
    Phase.RUNNING: "RUNNING",
    Phase.STOPPING: "CANCELLING",
    Phase.SUCCEEDED: "COMPLETED",
    Phase.FAILED: "FAILED",
    Phase.STOPPED: "CANCELLED",
}

#: Of a redrive whose queue was deleted, as it was recorded; and of one that does not know where to.
QUEUE_GONE = "AWS.SimpleQueueService.NonExistentQueue"
SOURCE_UNKNOWN = "CouldNotDetermineMessageSource"


class RedriveError(Exception):
    """Why a message cannot be moved, as AWS's ``FailureReason`` says it."""


class Redrive:
    """A redrive of the messages that the queue held when it started, the oldest first.

    :param source: the dead-letter queue
    :param request: StartMessageMoveTask's arguments, checked
    :param deliver: sends a message to its destination; raises RedriveError if it cannot
    :param after: when the queue's latest redrive began, in milliseconds
    """

    def __init__(
        self, source: Queue, request: Mapping[str, Any], deliver: Callable[[Message], None], after: int
    ) -> None:
        self.task_id = str(uuid4())
        self.source_arn: str = request["SourceArn"]
        self.handle = encode(self.task_id, self.source_arn)
        #: When it began; no two of a queue began at the same time.
        self.started = max(int(CONTROL.clock().timestamp() * 1000), after + 1)
        #: What ``AwsJobs`` knows it by, since AWS has no id that outlives it.
        self.id = f"{self.source_arn}@{self.started}"
        self._request, self._source, self._deliver = request, source, deliver
        self._total = len(source._messages)
        self._moved = 0
        self._stuck: str | None = None
        self.life = CONTROL.start(SERVICE, self.id, self.view)
        if rate := request.get("MaxNumberOfMessagesPerSecond"):
            self.life.slow_down(self._total / rate)
        self._move()  # it may be at its end as it starts
        self.listed = CONTROL.replica_of(self.life, "lists", self.row)

    @property
    def failure(self) -> str | None:
        """Why it has failed: by order of the test, or since a message could not be moved."""
        return self._stuck or self.life.failure

    @property
    def state(self) -> str:
        """The status by AWS's name."""
        return "FAILED" if self.failure else STATES[self.life.phase]

    @property
    def running(self) -> bool:
        """Whether it can be cancelled."""
        return self.state == "RUNNING"

    def view(self) -> dict[str, Any]:
        """Move what is due, and describe the redrive for ``AwsJobs.jobs``."""
        self._move()
        return {
            "state": self.state,
            "source_arn": self.source_arn,
            "destination_arn": self._request.get("DestinationArn"),
            "messages": self._total,
            "moved": self._moved,
        }

    def row(self) -> dict[str, Any]:
        """Describe the redrive as ListMessageMoveTasks does."""
        self._move()
        row = {
            "TaskHandle": self.handle if self.running else None,
            "Status": self.state,
            "SourceArn": self.source_arn,
            "DestinationArn": self._request.get("DestinationArn"),
            "MaxNumberOfMessagesPerSecond": self._request.get("MaxNumberOfMessagesPerSecond"),
            "ApproximateNumberOfMessagesMoved": self._moved,
            "ApproximateNumberOfMessagesToMove": self._total,
            "FailureReason": self.failure,
            "StartedTimestamp": self.started,
        }
        return {name: value for name, value in row.items() if value is not None}

    def _move(self) -> None:
        due = int(self._total * self.life.peek())
        while self._moved < due and self._stuck is None:
            # A message that a consumer has received, and not deleted, stays where it is.
            message = next((each for each in self._source._messages if each.visible), None)
            if message is None:
                return
            try:
                self._deliver(message)
            except RedriveError as error:
                self._stuck = str(error)
                self.life.advance()
                return
            self._source._messages.remove(message)
            self._moved += 1


def encode(task_id: str, source_arn: str) -> str:
    """Return a redrive's handle: base64 of JSON, as AWS's handles were found to be."""
    return b64encode(json.dumps({"taskId": task_id, "sourceArn": source_arn}).encode()).decode()


def decode(handle: str) -> tuple[str, str]:
    """Return the id and the queue of a handle.

    :raises ValueError: if it is none
    """
    try:
        found = json.loads(b64decode(handle, validate=True))
        return str(found["taskId"]), str(found["sourceArn"])
    except (KeyError, TypeError) as error:
        raise ValueError(handle) from error
