# SPDX-License-Identifier: Apache-2.0

"""EventBridge's dead-letter queues: what a target does not take goes there, as AWS writes it.

Models https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-dlq.html. Assumption: a target that
moto does not know counts as one that is not there; AWS retries neither.
"""

from __future__ import annotations

from typing import Any

from moto.events.models import Rule
from moto.sqs.models import sqs_backends
from moto.utilities.arns import parse_arn


def to_dead_letters(rule: Rule, target: dict[str, Any], text: str, error: Exception) -> bool:
    """Put an event into the dead-letter queue of a target.

    :param rule: the rule that the target is of
    :param target: as PutTargets was given it
    :param text: the event
    :param error: why the target did not take it
    :return: False if the target has no such queue, and the event is lost
    """
    arn = (target.get("DeadLetterConfig") or {}).get("Arn")
    if not arn:
        return False
    queue = parse_arn(arn)
    told = {
        "RULE_ARN": rule.arn,
        "TARGET_ARN": target["Arn"],
        "ERROR_CODE": "NO_RESOURCE",
        "ERROR_MESSAGE": str(error) or type(error).__name__,
    }
    sqs_backends[queue.account][queue.region].send_message(
        queue_name=queue.resource_id,
        message_body=text,
        message_attributes={
            name: {"DataType": "String", "StringValue": value} for name, value in told.items()
        },
    )
    return True
