# SPDX-License-Identifier: Apache-2.0

"""What the shop was paid: payments of two seconds, made up, and the consumer that is to take them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from demo.act import Aws
from demo.bus import entry, queue_arn, waiting
from demo.tally import Window

BUS, SOURCE = "shop", "shop.payments"  # as in the example DAGs
#: The consumer's queue and that of what it fails.
QUEUE, DEAD = "payments", "payments-dead"
DEAD_ARN = queue_arn(DEAD)
#: Payments in each second of the window.
COUNTS = (70, 50)
#: How often SQS gives a message out before it goes to the dead-letter queue.
_RECEIVES = 2
_SECOND = timedelta(seconds=1)
#: One payment in this many is in yen.
_ONE_IN_YEN = 5


@dataclass(frozen=True)
class Payment:
    """Money that came.

    :param id: the shop's own; EventBridge gives a replayed event a new one
    :param currency: its code
    :param time: aware, in whole seconds
    """

    id: str
    currency: str
    time: datetime

    def entry(self) -> dict[str, Any]:
        """Return the event as PutEvents takes it."""
        detail = {"event": self.id, "amount": "1980", "currency": self.currency}
        return entry(BUS, SOURCE, "Payment Received", self.time, **detail)


def window_from(start: datetime) -> Window:
    """Return the window of the payments."""
    return Window(start, start + len(COUNTS) * _SECOND)


def payments(window: Window) -> list[Payment]:
    """Return the payments of a window, and two just outside of it, in order."""
    times = [window.start - _SECOND]
    for second, number in enumerate(COUNTS):
        times += [window.start + second * _SECOND] * number
    times.append(window.end)
    return [
        Payment(f"payment-{number:03}", "EUR" if number % _ONE_IN_YEN else "JPY", time)
        for number, time in enumerate(times)
    ]


class Consumer:
    """Takes payments out of its queue. Until it is repaired, it fails those in yen, which has no cents.

    :param aws: where its queue is
    """

    def __init__(self, aws: Aws) -> None:
        self.repaired = False
        #: The messages that it has taken, in order.
        self.taken: list[Mapping[str, Any]] = []
        self._aws, self._sqs = aws, aws.client("sqs")
        dead = {"deadLetterTargetArn": DEAD_ARN, "maxReceiveCount": _RECEIVES}
        self._sqs.create_queue(QueueName=DEAD)
        # A message that was failed is given out again after a second.
        attributes = {"VisibilityTimeout": "1", "RedrivePolicy": json.dumps(dead)}
        self._url = self._sqs.create_queue(QueueName=QUEUE, Attributes=attributes)["QueueUrl"]

    def work(self) -> None:
        """Take what the queue has now. What is failed stays in it, until SQS has given it out too often."""
        while messages := self._sqs.receive_message(QueueUrl=self._url, MaxNumberOfMessages=10).get(
            "Messages"
        ):
            for message in messages:
                event = json.loads(message["Body"])
                if self.repaired or event["detail"]["currency"] != "JPY":
                    self.taken.append(event)
                    self._sqs.delete_message(QueueUrl=self._url, ReceiptHandle=message["ReceiptHandle"])

    @property
    def idle(self) -> bool:
        """Whether its queue is empty: all was taken, or has gone to the dead-letter queue."""
        return waiting(self._aws, QUEUE) == 0
