# SPDX-License-Identifier: Apache-2.0

"""Amazon SQS: moto's queues, with redrives of dead-letter queues that take their time.

Models https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html.
A message goes back to the queue from which moto has moved it to the dead-letter queue, at a ReceiveMessage.

Assumptions, since AWS documents none of them: a hundred-and-first redrive is refused with ``OverLimit``, a
number out of range and the cancel of a redrive that does not run with ``InvalidParameterValue``, and a queue
without redrives has an empty list.
"""

from __future__ import annotations

from typing import Any
from uuid import uuid4

from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.responses import ActionResult
from moto.sqs.models import Message, Queue, SQSBackend, sqs_backends
from moto.sqs.responses import SQSResponse

from airflow_provider_jobs.testing.aws.sqs.redrives import (
    QUEUE_GONE,
    SERVICE,
    SOURCE_UNKNOWN,
    Redrive,
    RedriveError,
    decode,
)
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError, Backend, JobResponse

#: https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html
MAX_ACTIVE = 100
MAX_RATE = 500
MAX_LISTED = 10


class RedrivesBackend(BaseBackend):
    """An account's redrives in a Region, the newest first."""

    def __init__(self, region_name: str, account_id: str) -> None:
        super().__init__(region_name, account_id)
        self.redrives: list[Redrive] = []
        #: The ARN of the queue that a message was in before its dead-letter queue, by the message's id.
        self._origins: dict[str, str] = {}

    @property
    def queues(self) -> SQSBackend:
        """The state in moto of the account and Region."""
        return sqs_backends[self.account_id][self.region_name]

    def find(self, arn: str) -> Queue | None:
        """Return a queue by its ARN, if there is one."""
        return next((queue for queue in self.queues.queues.values() if queue.queue_arn == arn), None)

    def of(self, arn: str) -> list[Redrive]:
        """Return the redrives of a queue that exists."""
        if self.find(arn) is None:
            raise _no_queue("SourceArn")
        return [redrive for redrive in self.redrives if redrive.source_arn == arn]

    def start(self, request: dict[str, Any]) -> Redrive:
        """Start a redrive.

        :param request: StartMessageMoveTask's arguments
        """
        arn, destination = request["SourceArn"], request.get("DestinationArn")
        _check_range("MaxNumberOfMessagesPerSecond", request, MAX_RATE)
        earlier = self.of(arn)
        source = self.find(arn)
        assert source is not None
        if not any(queue.dead_letter_queue is source for queue in self.queues.queues.values()):
            raise _invalid("Source queue must be configured as a Dead Letter Queue.")
        if destination is not None and self.find(destination) is None:
            raise _no_queue("DestinationArn")
        if any(redrive.life.active for redrive in earlier):
            raise _invalid(
                "There is already a task running. Only one active task is allowed for a source queue arn at "
                "a given time."
            )
        limit = CONTROL.quota(SERVICE, MAX_ACTIVE)
        if sum(redrive.life.active for redrive in self.redrives) >= limit:
            raise AwsError("OverLimit", f"The account has {limit} active message move tasks.", 403)

        def deliver(message: Message) -> None:
            self._deliver(message, destination or self._origins.get(message.id))

        redrive = Redrive(source, request, deliver, after=earlier[0].started if earlier else 0)
        self.redrives.insert(0, redrive)
        return redrive

    def cancel(self, handle: str) -> dict[str, Any]:
        """Cancel a redrive that runs, and describe it as it is then."""
        try:
            task_id, arn = decode(handle)
        except ValueError:
            raise _invalid("Value for parameter TaskHandle is invalid.") from None
        redrive = next((each for each in self.of(arn) if each.task_id == task_id), None)
        if redrive is None:
            raise AwsError("ResourceNotFoundException", "Task does not exist.", 404)
        if not redrive.running:
            raise _invalid("Only active tasks can be cancelled.")
        redrive.life.stop()
        return redrive.view()

    def note_origins(self, queue: Queue) -> None:
        """Note where messages are from that moto may be about to move to a queue's dead-letter queue."""
        if queue.dead_letter_queue is not None:
            self._origins |= dict.fromkeys((message.id for message in queue._messages), queue.queue_arn)

    def _deliver(self, message: Message, arn: str | None) -> None:
        """Send a message to a queue, as a new one."""
        if arn is None:
            raise RedriveError(SOURCE_UNKNOWN)
        queue = self.find(arn)
        if queue is None:
            raise RedriveError(QUEUE_GONE)
        self.queues.send_message(
            queue.name,
            message.body,
            message_attributes=message.message_attributes,
            delay_seconds=0,
            deduplication_id=str(uuid4()) if queue.fifo_queue else None,
            group_id=message.group_id,
            system_attributes=message.system_attributes,
        )


STORE = BackendDict(RedrivesBackend, SERVICE)


class SqsResponse(JobResponse, SQSResponse):
    """moto's SQS, with redrives."""

    internal_error = "InternalFailure"

    @property
    def redrives(self) -> RedrivesBackend:
        """The redrives of the caller's account and Region."""
        return STORE[self.current_account][self.region]

    def receive_message(self) -> Any:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ReceiveMessage.html."""
        name = str(self.arguments.get("QueueUrl", "")).rpartition("/")[2]
        if queue := self.redrives.queues.queues.get(name):
            self.redrives.note_origins(queue)
        return super().receive_message()

    def start_message_move_task(self) -> ActionResult:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html."""
        return ActionResult({"TaskHandle": self.redrives.start(self.arguments).handle})

    def list_message_move_tasks(self) -> ActionResult:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html."""
        arguments = self.arguments
        _check_range("MaxResults", arguments, MAX_LISTED)
        shown = [each for each in self.redrives.of(arguments["SourceArn"]) if each.listed.look() is not None]
        rows = [redrive.listed.read() for redrive in shown[: arguments.get("MaxResults", 1)]]
        return ActionResult({"Results": rows})

    def cancel_message_move_task(self) -> ActionResult:
        """https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CancelMessageMoveTask.html."""
        moved = self.redrives.cancel(self.arguments["TaskHandle"])["moved"]
        return ActionResult({"ApproximateNumberOfMessagesMoved": moved})


BACKEND = Backend(SERVICE, SqsResponse)


def _check_range(name: str, request: dict[str, Any], most: int) -> None:
    if not 1 <= request.get(name, 1) <= most:
        raise _invalid(f"Value {request[name]} for parameter {name} is invalid.")


def _no_queue(parameter: str) -> AwsError:
    message = f"The resource that you specified for the {parameter} parameter doesn't exist."
    return AwsError("ResourceNotFoundException", message, 404)


def _invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterValue", message)
