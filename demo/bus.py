# SPDX-License-Identifier: Apache-2.0

"""What acts do with EventBridge: put events, have rules deliver them to queues, read what arrived."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from demo.act import ACCOUNT, REGION, Aws
from demo.tally import Window

#: As many as PutEvents takes.
_BATCH = 10


def queue_arn(name: str) -> str:
    """Return the ARN of a queue."""
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"


def entry(bus: str, source: str, kind: str, time: datetime, **detail: Any) -> dict[str, Any]:
    """Return an event as PutEvents takes it.

    :param kind: its detail type
    :param time: aware, in whole seconds
    """
    return {
        "Source": source,
        "DetailType": kind,
        "Detail": json.dumps(detail),
        "Time": time,
        "EventBusName": bus,
    }


def put_events(aws: Aws, entries: Sequence[dict[str, Any]]) -> None:
    """Put events, as PutEvents takes them."""
    events = aws.client("events")
    for first in range(0, len(entries), _BATCH):
        answer = events.put_events(Entries=[*entries[first : first + _BATCH]])
        if answer["FailedEntryCount"]:
            raise RuntimeError(f"PutEvents refused events: {answer['Entries']}")


def queue_events(aws: Aws, name: str, bus: str, pattern: dict[str, Any]) -> None:
    """Make a rule and a queue of the same name, which gets the bus's events from now on.

    :param pattern: which of the events
    """
    aws.client("sqs").create_queue(QueueName=name)
    make_rule(aws, name, bus, pattern)


def make_rule(aws: Aws, name: str, bus: str, pattern: dict[str, Any]) -> None:
    """Make a rule that sends the bus's events from now on to the queue of the same name.

    :param pattern: which of the events
    """
    events = aws.client("events")
    events.put_rule(Name=name, EventBusName=bus, EventPattern=json.dumps(pattern))
    events.put_targets(Rule=name, EventBusName=bus, Targets=[{"Id": "queue", "Arn": queue_arn(name)}])


def waiting(aws: Aws, queue: str) -> int:
    """Return how many messages a queue has, those included that a consumer has received and not deleted."""
    sqs = aws.client("sqs")
    url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    # In two calls and in this order: a message that becomes visible in between counts twice, and never not
    # at all.
    return sum(
        int(sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])
        for name in ("ApproximateNumberOfMessagesNotVisible", "ApproximateNumberOfMessages")
    )


def windows_of_replays(aws: Aws, archive: str) -> dict[str, Window]:
    """Return the window of each replay of an archive, by the replay's name."""
    events = aws.client("events")
    found: dict[str, Window] = {}
    token: dict[str, str] = {}
    while True:
        page = events.list_replays(**token)
        for replay in page["Replays"]:
            if replay["EventSourceArn"].endswith(f":archive/{archive}"):
                times = (replay["EventStartTime"], replay["EventEndTime"])
                found[replay["ReplayName"]] = Window(*(time.astimezone(UTC) for time in times))
        if "NextToken" not in page:
            return found
        token = {"NextToken": page["NextToken"]}


def drain(aws: Aws, queues: Iterable[str]) -> Iterator[dict[str, Any]]:
    """Take all messages out of the queues; their bodies."""
    sqs = aws.client("sqs")
    for queue in queues:
        url = sqs.get_queue_url(QueueName=queue)["QueueUrl"]
        while messages := sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages"):
            yield from (json.loads(message["Body"]) for message in messages)
            done = [{"Id": str(n), "ReceiptHandle": each["ReceiptHandle"]} for n, each in enumerate(messages)]
            sqs.delete_message_batch(QueueUrl=url, Entries=done)
