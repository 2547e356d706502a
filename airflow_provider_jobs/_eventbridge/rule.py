# SPDX-License-Identifier: Apache-2.0

"""Rules as data: how one is named, and the temporary rule of a trial."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.job import one_line
from airflow_provider_jobs.parameters import handed, matching, text

__all__ = [
    "TemporaryRule",
    "checked_bus",
    "checked_queue",
    "checked_role",
    "checked_target",
    "checked_temporary_rule_name",
    "expired",
    "rule_arn",
    "rule_name",
    "temporary_name",
    "temporary_prefix",
]

#: Characters in a rule's name.
_NAME_LIMIT = 64
#: Characters of its description.
_DESCRIPTION_LIMIT = 512
_DIGESTS = r"-[0-9a-f]{12}-[0-9a-f]{12}"
#: Room for both digests of a temporary rule's name.
_ROOM = len("-0123456789ab-0123456789ab")
_TEMPORARY = re.compile(rf"[.\-_A-Za-z0-9]{{1,{_NAME_LIMIT - _ROOM}}}{_DIGESTS}")
#: Only the names of partners' buses have slashes.
_BUS = re.compile(
    r"(arn:aws[a-z-]*:events:[a-z0-9-]+:[0-9]{12}:event-bus/)?"
    r"(aws\.partner(/[.\-_A-Za-z0-9]+)+|[.\-_A-Za-z0-9]{1,256})"
)
_QUEUE = re.compile(r"arn:aws[a-z-]*:sqs:[a-z0-9-]+:[0-9]{12}:[\-_A-Za-z0-9]{1,80}")
_ARN = re.compile(r"arn:aws[a-z-]*:([a-z0-9-]+):[a-z0-9-]*:([0-9]{12})?:\S+")
#: Services whose targets AWS invokes with a role; others allow it by a policy of their own.
_BY_ROLE = frozenset({"firehose", "kinesis", "states"})
_UNTIL = re.compile(r"\[airflow until ([^\]]+)\]$")


def rule_name(rule: str) -> str:
    """Return a rule's name, given that or its ARN."""
    return rule.rpartition("/")[2]


def rule_arn(rule: str, bus: str) -> str:
    """Return a rule's ARN, given that or its name.

    :param bus: the ARN of its event bus.
    """
    if rule.startswith("arn:"):
        return rule
    home, _, name = bus.partition(":event-bus/")
    return f"{home}:rule/{rule}" if name == "default" else f"{home}:rule/{name}/{rule}"


def checked_bus(value: Any, name: str) -> str:
    """Return an event bus's name or ARN.

    :raises JobInputError: if it is neither.
    """
    meaning = (
        "an event bus's name (default, or your own) or its ARN (arn:aws:events:REGION:ACCOUNT:event-bus/NAME)"
    )
    return matching(value, name, _BUS, meaning)


def checked_target(value: Any, name: str) -> str:
    """Return the ARN of a target.

    :raises JobInputError: if it is none.
    """
    return matching(value, name, _ARN, "an ARN, such as arn:aws:sqs:REGION:ACCOUNT:QUEUE")


def checked_queue(value: Any, name: str) -> str:
    """Return the ARN of a queue for dead letters.

    :raises JobInputError: if it is none; AWS takes no FIFO queue.
    """
    return matching(
        value,
        name,
        _QUEUE,
        "a standard queue's ARN, arn:aws:sqs:REGION:ACCOUNT:QUEUE; AWS takes no FIFO queue",
    )


def checked_temporary_rule_name(given: Any, parameter: str = "rule_name") -> str:
    """Return a temporary rule's name.

    :param given: the name, or the result of the task that has created the rule.
    :param parameter: what gave it, for the message.
    :raises JobInputError: for the name of any other rule, which is not deleted.
    """
    meaning = (
        "the name of a temporary rule, as the task that creates one returns it; no other rule is deleted"
    )
    return matching(handed(given, parameter), parameter, _TEMPORARY, meaning)


def temporary_prefix(key: Identity) -> str:
    """Return what the names of a task's temporary rules begin with in all of its runs."""
    return f"{key.words[: _NAME_LIMIT - _ROOM]}-{replace(key, run_id='').digest}-"


def temporary_name(key: Identity) -> str:
    """Return the name of a task instance's temporary rule: the same in all of its tries."""
    return f"{temporary_prefix(key)}{key.digest}"


def expired(row: Mapping[str, Any], now: datetime) -> bool:
    """Whether a rule is a temporary one whose time is over.

    :param row: its description, or a list's row.
    :param now: AWS's time.
    """
    found = _UNTIL.search(row.get("Description") or "")
    if found is None or not _TEMPORARY.fullmatch(row.get("Name") or ""):
        return False
    try:
        return datetime.fromisoformat(found[1]) < now
    except (TypeError, ValueError):
        return False


@dataclass(frozen=True, slots=True)
class TemporaryRule:
    """A rule of a trial, checked.

    :param name: its name.
    :param bus: its event bus's name or ARN.
    :param pattern: its pattern, as AWS takes it.
    :param target_arn: where its events go.
    :param role_arn: the role with which AWS invokes the target, where it needs one.
    :param dead_letter_arn: the queue for events that the target does not take.
    """

    name: str
    bus: str
    pattern: str
    target_arn: str
    role_arn: str | None = None
    dead_letter_arn: str | None = None

    #: The target's id in the rule.
    TARGET_ID = "trial"

    def __post_init__(self) -> None:
        """Check what goes together.

        :raises JobInputError: if the target needs a role.
        """
        service = self.target_arn.split(":")[2]
        if service in _BY_ROLE and self.role_arn is None:
            raise JobInputError(
                f"target_arn={self.target_arn!r}: AWS sends events to {service} with a role only. Give "
                "role_arn, a role that EventBridge may assume and that may send to the target."
            )

    def target(self) -> dict[str, Any]:
        """Return the target as AWS takes it."""
        target: dict[str, Any] = {"Id": self.TARGET_ID, "Arn": self.target_arn}
        if self.role_arn is not None:
            target["RoleArn"] = self.role_arn
        if self.dead_letter_arn is not None:
            target["DeadLetterConfig"] = {"Arn": self.dead_letter_arn}
        if self.target_arn.endswith(".fifo"):
            target["SqsParameters"] = {"MessageGroupId": self.name}
        return target

    @staticmethod
    def description(task: str, until: datetime) -> str:
        """Return a description that says whose the rule is, and until when it is needed at most.

        :param task: the task and its run, in words.
        """
        end = f" [airflow until {until.isoformat(timespec='seconds')}]"
        return f"Temporary rule of {one_line(task)}"[: _DESCRIPTION_LIMIT - len(end)] + end


def checked_role(value: Any, name: str) -> str:
    """Return a role's ARN.

    :raises JobInputError: if it is none.
    """
    given = text(value, name)
    found = _ARN.fullmatch(given)
    if not found or found[1] != "iam":
        raise JobInputError(f"{name}={given!r} must be a role's ARN (arn:aws:iam::ACCOUNT:role/NAME).")
    return given
