# SPDX-License-Identifier: Apache-2.0

"""Targets of subscribers: queues and Lambda functions; and the queue for what a target does not take.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-retry.html.
Assumption: a Lambda function gets a batch as a list.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.utilities.arns import Arn, parse_arn

from airflow_provider_jobs.testing.aws.events.rules import to_queue
from airflow_provider_jobs.testing.aws.eventsv2.events import Event, iso
from airflow_provider_jobs.testing.control import CONTROL
from airflow_provider_jobs.testing.moto_ext import AwsError

#: The parameters in InvokeConfiguration that go with a target, by its service.
PARAMETERS: Mapping[str, str] = {"sqs": "SqsParameters", "lambda": "LambdaParameters"}

#: The longest batch that a target takes.
LARGEST_BATCH: Mapping[str, int] = {"sqs": 10, "lambda": 500}

#: An error's message in a dead-letter record is cut here.
MESSAGE_LENGTH = 1024


#: A test lets a target fail with this for a transformer that fails before the target is called.
TRANSFORMATION = "EVENT_TRANSFORMATION_FAILURE"


@dataclass(frozen=True)
class DeliveryError:
    """Why a target did not take a batch.

    :param code: of a dead-letter record
    :param message: the target's own words
    """

    code: str
    message: str


def service_of(configuration: Mapping[str, Any], account: str, region: str) -> str:
    """Check a target and return its service. Whether there is one at the ARN is not checked, as on AWS.

    :param configuration: InvokeConfiguration, within the model's constraints
    :param account: the subscriber's
    :param region: the subscriber's
    :raises AwsError: for one that a subscriber there cannot have
    :raises NotImplementedError: for one that the mock does not have
    """
    arn = parse_arn(configuration["TargetArn"])
    if arn.service not in PARAMETERS or any("{%" in text for text in _texts(configuration)):
        raise NotImplementedError
    if (arn.account, arn.region) != (account, region):
        message = "InvokeConfiguration.TargetArn must be in the same account and Region as the subscriber"
        raise AwsError("InvalidInputException", message)
    blocks = configuration.keys() - {"TargetArn", "RoleArn", PARAMETERS[arn.service]}
    if blocks:
        message = f"InvokeConfiguration.{min(blocks)} does not match the target"
        raise AwsError("InvalidInputException", message)
    return str(arn.service)


def _texts(value: Any) -> list[str]:
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in _texts(inner)]
    return [value] if isinstance(value, str) else []


def cannot_transform(configuration: Mapping[str, Any], time: datetime) -> bool:
    """Tell whether events cannot be transformed for a target, since a test says so.

    :param configuration: InvokeConfiguration, checked
    :param time: of the attempt, by AWS's clock
    """
    return CONTROL.targets.error(configuration["TargetArn"], time) == TRANSFORMATION


def send(
    configuration: Mapping[str, Any], batch: Sequence[tuple[Event, str]], time: datetime
) -> DeliveryError | None:
    """Send a batch to a target.

    :param configuration: InvokeConfiguration, checked
    :param batch: events, each with the text that is delivered
    :param time: of the attempt, by AWS's clock
    :return: why the target did not take it, none of it
    """
    target = configuration["TargetArn"]
    if (failing := CONTROL.targets.error(target, time)) is not None:
        return DeliveryError(failing, f"The target answered {failing}.")
    arn = parse_arn(target)
    try:
        if arn.service == "sqs":
            _send_to_queue(arn, configuration.get("SqsParameters", {}), batch)
        else:
            _invoke(arn, batch)
    except Exception as error:
        return DeliveryError("CUSTOMER_VALIDATION", (str(error) or type(error).__name__)[:MESSAGE_LENGTH])
    return None


def _send_to_queue(arn: Arn, parameters: Mapping[str, Any], batch: Sequence[tuple[Event, str]]) -> None:
    for event, text in batch:
        group = parameters.get("MessageGroupId") or event.group
        to_queue(arn, text, group if arn.resource_id.endswith(".fifo") else None)


def _invoke(arn: Arn, batch: Sequence[tuple[Event, str]]) -> None:
    name = arn.resource_id.partition(":")[0]
    handler = CONTROL.activities.lambdas.get(name)
    if handler is None:
        raise LookupError(f"Function not found: {name}")
    handler([json.loads(text) for _, text in batch], None)


def to_dead_letters(queue: str, record: Mapping[str, Any], time: datetime) -> bool:
    """Put a record into a dead-letter queue.

    :param queue: its ARN
    :param record: what is put
    :param time: by AWS's clock
    :return: whether the queue took it
    """
    if CONTROL.targets.error(queue, time) is not None:
        return False
    try:
        to_queue(parse_arn(queue), json.dumps(record), "failures" if queue.endswith(".fifo") else None)
    except Exception:
        return False
    return True


def failed_message(event: Event, request_id: str | None) -> dict[str, Any]:
    """Describe an event in a dead-letter record, which does not hold what was to be delivered.

    :param event: the event
    :param request_id: of the call to the target
    """
    return {
        "eventId": event.id,
        "eventGroupId": event.group,
        "deduplicationId": event.system.get("DeduplicationId"),
        "timestamp": iso(event.ingested),
        "targetRequestId": request_id,
    }
