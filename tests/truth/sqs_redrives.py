# SPDX-License-Identifier: Apache-2.0

"""Redrives of SQS's dead-letter queues: mostly what AWS answered when it was recorded."""

from __future__ import annotations

import json
from base64 import b64encode
from datetime import date
from typing import Any

from .table import Call, Has, Ref, Refused, Row, Source, call

RECORDING = "LocalStack tests/aws/services/sqs/test_sqs_move_task.snapshot.json, {}"
MODEL = Source("botocore 1.44.5, service model sqs 2012-11-05", date(2026, 11, 28))
DEVELOPER_GUIDE = "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide"
#: Which failures of a redrive there are, and what they come from.
TROUBLE = Source(f"{DEVELOPER_GUIDE}/troubleshooting-dlq-redrive.html", date(2026, 11, 28))
TASK_ID = "10f57157-fc38-4da9-a113-4de7e12d05aa"


def recorded(test: str, day: int, month: int = 1) -> Source:
    """A test of the recordings, and its day; those of 2024's first months."""
    return Source(RECORDING.format(test), date(2024, month, day))


def described(operation: str) -> Source:
    """The model's documentation of an operation, its members and its errors."""
    return Source(f"{MODEL.where}, {operation}", MODEL.when)


def arn(name: str) -> str:
    """A queue's ARN."""
    return f"arn:aws:sqs:us-east-1:123456789012:{name}"


def url(name: str) -> str:
    """A queue's URL."""
    return f"https://sqs.us-east-1.amazonaws.com/123456789012/{name}"


def create(name: str, dead: str | None = None) -> Call:
    """Create a queue, with a dead-letter queue if one is named."""
    policy = json.dumps({"deadLetterTargetArn": arn(str(dead)), "maxReceiveCount": 1})
    return call("sqs.create_queue", QueueName=name, Attributes={"RedrivePolicy": policy} if dead else {})


def failing(name: str, count: int) -> tuple[Call, ...]:
    """Send messages to a queue, and receive each two times."""
    entries = [{"Id": str(number), "MessageBody": f"message-{number}"} for number in range(count)]
    receive = call("sqs.receive_message", QueueUrl=url(name), MaxNumberOfMessages=10, VisibilityTimeout=0)
    return call("sqs.send_message_batch", QueueUrl=url(name), Entries=entries), receive, receive


def start(source: str = "dead", destination: str | None = None, **more: Any) -> Call:
    """Start a redrive."""
    to = {"DestinationArn": arn(destination)} if destination else {}
    return call("sqs.start_message_move_task", SourceArn=arn(source), **to, **more)


def listing(source: str = "dead", **more: Any) -> Call:
    """List the redrives of a queue."""
    return call("sqs.list_message_move_tasks", SourceArn=arn(source), **more)


def cancel(handle: Any = Ref("TaskHandle")) -> Call:  # noqa: B008 # it is a value
    """Cancel a redrive."""
    return call("sqs.cancel_message_move_task", TaskHandle=handle)


def handle(source: str) -> str:
    """A handle as AWS makes them, of a redrive that there is not."""
    return b64encode(json.dumps({"taskId": TASK_ID, "sourceArn": arn(source)}).encode()).decode()


def shown(status: str, moved: int, total: int, **more: Any) -> dict[str, Any]:
    """A redrive in a list."""
    return {
        "ApproximateNumberOfMessagesMoved": moved,
        "ApproximateNumberOfMessagesToMove": total,
        "SourceArn": arn("dead"),
        "StartedTimestamp": int,
        "Status": status,
        **more,
    }


def invalid(message: str) -> Refused:
    """The error of a parameter."""
    return Refused("InvalidParameterValue", message)


def unknown(message: str) -> Refused:
    """The error of what there is not."""
    return Refused("ResourceNotFoundException", message, 404)


NO_QUEUE = "The resource that you specified for the {} parameter doesn't exist."
QUEUES = (create("dead"), create("orders", "dead"), create("other"))
FILLED = (*QUEUES, *failing("orders", 2))
TEN = (*QUEUES, *failing("orders", 10))
SLOW = start(destination="other", MaxNumberOfMessagesPerSecond=1)
AT_ONCE = call("aws.set_pace", seconds=0)
COUNT = call(
    "sqs.get_queue_attributes", QueueUrl=url("orders"), AttributeNames=["ApproximateNumberOfMessages"]
)

ROWS = [
    Row(
        "start",
        (*FILLED, start(destination="other")),
        {"TaskHandle": str},
        recorded("test_basic_move_task_workflow", 3),
    ),
    Row(
        "a redrive to another queue",
        (*FILLED, AT_ONCE, start(destination="other"), listing()),
        {"Results": [shown("COMPLETED", 2, 2, DestinationArn=arn("other"))]},
        recorded("test_basic_move_task_workflow", 3),
    ),
    Row(
        "a redrive back",
        (*FILLED, AT_ONCE, start(), listing()),
        {"Results": [shown("COMPLETED", 2, 2)]},
        recorded("test_move_task_workflow_with_default_destination", 7, 3),
    ),
    Row(
        "a redrive back to each message's own queue",
        (
            *QUEUES,
            create("more", "dead"),
            *failing("orders", 2),
            *failing("more", 3),
            AT_ONCE,
            start(),
            COUNT,
        ),
        {"Attributes": {"ApproximateNumberOfMessages": "2"}},
        recorded("test_move_task_workflow_with_multiple_sources_as_default_destination", 7, 3),
    ),
    Row(
        "a redrive that runs",
        (*TEN, SLOW, listing()),
        {
            "Results": [
                shown(
                    "RUNNING",
                    0,
                    10,
                    DestinationArn=arn("other"),
                    MaxNumberOfMessagesPerSecond=1,
                    TaskHandle=Ref("TaskHandle"),
                )
            ]
        },
        recorded("test_move_task_cancel", 3),
    ),
    Row(
        "cancel",
        (*TEN, SLOW, cancel()),
        {"ApproximateNumberOfMessagesMoved": 0},
        recorded("test_move_task_cancel", 3),
    ),
    Row(
        "a redrive that was cancelled",
        (*TEN, call("aws.set_pace", reads=5), SLOW, cancel(), listing()),
        {"Results": [shown("CANCELLED", 0, 10, DestinationArn=arn("other"), MaxNumberOfMessagesPerSecond=1)]},
        recorded("test_move_task_cancel", 3),
    ),
    Row(
        "a redrive whose destination was deleted",
        (
            *TEN,
            call("aws.set_pace", reads=1),
            SLOW,
            call("sqs.delete_queue", QueueUrl=url("other")),
            listing(),
        ),
        Has(
            {
                "Results": [
                    Has({"Status": "FAILED", "FailureReason": "AWS.SimpleQueueService.NonExistentQueue"})
                ]
            }
        ),
        recorded("test_move_task_delete_destination_queue_while_running", 3),
    ),
    Row(
        "a second redrive of a queue",
        (*TEN, SLOW, SLOW),
        invalid(
            "There is already a task running. Only one active task is allowed for a source queue arn at a "
            "given time."
        ),
        recorded("test_start_multiple_move_tasks", 5),
    ),
    Row(
        "a redrive of a queue that is no dead-letter queue",
        (*QUEUES, start("other", "orders")),
        invalid("Source queue must be configured as a Dead Letter Queue."),
        recorded("test_source_needs_redrive_policy", 5),
    ),
    Row(
        "a redrive to a queue that there is not",
        (*QUEUES, start(destination="gone")),
        unknown(NO_QUEUE.format("DestinationArn")),
        recorded("test_destination_needs_to_exist", 5),
    ),
    Row(
        "a redrive of a queue that there is not",
        (start("gone"),),
        Refused("ResourceNotFoundException", None, 404),
        MODEL,
    ),
    Row(
        "list of a queue that there is not",
        (listing("gone"),),
        Refused("ResourceNotFoundException", None, 404),
        MODEL,
    ),
    Row(
        "cancel without a handle of AWS's",
        (cancel("foobared"),),
        invalid("Value for parameter TaskHandle is invalid."),
        recorded("test_cancel_with_invalid_task_handle", 5),
    ),
    Row(
        "cancel of a queue that there is not",
        (cancel(handle("gone")),),
        unknown(NO_QUEUE.format("SourceArn")),
        recorded("test_cancel_with_invalid_source_arn_in_task_handle", 5),
    ),
    Row(
        "cancel of a redrive that there is not",
        (create("dead"), cancel(handle("dead"))),
        unknown("Task does not exist."),
        recorded("test_cancel_with_invalid_task_id_in_task_handle", 5),
    ),
    Row(
        "a list has the newest redrive, unless more are asked for",
        (*QUEUES, AT_ONCE, start(), start(), listing()),
        {"Results": [shown("COMPLETED", 0, 0)]},
        described("ListMessageMoveTasks"),
    ),
    Row(
        "a list of several redrives",
        (*QUEUES, AT_ONCE, start(), start(), listing(MaxResults=10)),
        {"Results": [shown("COMPLETED", 0, 0)] * 2},
        described("ListMessageMoveTasks"),
    ),
    Row(
        "a message that was sent to the dead-letter queue",
        (
            *QUEUES,
            call("sqs.send_message", QueueUrl=url("dead"), MessageBody="direct"),
            AT_ONCE,
            start(),
            listing(),
        ),
        Has({"Results": [Has({"Status": "FAILED", "FailureReason": "CouldNotDetermineMessageSource"})]}),
        TROUBLE,
    ),
]
