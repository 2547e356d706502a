# SPDX-License-Identifier: Apache-2.0

"""Replays as data: a request, the names under which one is found again, and what AWS tells of one."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.job import JobState, JobStatus, utc_text
from airflow_provider_jobs.parameters import handed, matching

if TYPE_CHECKING:
    from airflow_provider_jobs._once.evidence import SeenJob
    from airflow_provider_jobs._once.mark import Mark

__all__ = [
    "IN_FLIGHT",
    "NAME_SUFFIX",
    "REPLAY_NAME_LIMIT",
    "ReplayRequest",
    "check_rules",
    "checked_replay_name",
    "own_name",
    "own_number",
    "replay_status",
    "seen_replay",
    "taken_name",
]

#: AWS's states of a replay in flight, in the order it passes through them: one that moves on between two
#: calls is then seen at least once.
IN_FLIGHT = ("STARTING", "RUNNING", "CANCELLING")
#: Characters in a replay's name.
REPLAY_NAME_LIMIT = 64

_STATES = {
    "STARTING": JobState.RUNNING,
    "RUNNING": JobState.RUNNING,
    "CANCELLING": JobState.STOPPING,
    "COMPLETED": JobState.SUCCEEDED,
    "CANCELLED": JobState.CANCELLED,
    "FAILED": JobState.FAILED,
}
#: Room for what a later attempt has behind the user's own name: ``.2`` to ``.9999``.
NAME_SUFFIX = 5
_REPLAY_NAME = re.compile(rf"[.\-_A-Za-z0-9]{{1,{REPLAY_NAME_LIMIT}}}")


def checked_replay_name(given: Any, parameter: str = "replay_name") -> str:
    """Return a replay's name.

    :param given: the name, or the result of the task that started the replay.
    :param parameter: what gave it, for the message.
    :raises JobInputError: if AWS allows no such name.
    """
    meaning = (
        f"1 to {REPLAY_NAME_LIMIT} characters out of letters, digits and .-_; "
        "'orders-{{ ts_nodash }}' would do"
    )
    return matching(handed(given, parameter), parameter, _REPLAY_NAME, meaning)


def own_name(name: str, number: int) -> str:
    """Return the name of an attempt under the user's own name, cut where AWS allows no longer one."""
    if number == 1:
        return name
    suffix = f".{number}"
    return name[: REPLAY_NAME_LIMIT - len(suffix)] + suffix


@dataclass(frozen=True, slots=True)
class ReplayRequest:
    """A replay that is asked for, checked.

    :param archive: the archive's name or ARN.
    :param start: the window's start, aware.
    :param end: the window's end, aware.
    :param rule_arns: the only rules that it reaches, by ARN or name; all of the bus when empty.
    :param replay_name: the user's own name.
    :param description: what the console shows beside the mark.
    :param backfill: whether it is for a run of a backfill, beside which another run may have its replay.
    :param check_delivery: whether what its rules deliver is looked at, so that dead-letter queues are counted
        before the start.
    :param resume: whether it goes on where an earlier replay of the same life has failed.
    """

    archive: str
    start: datetime
    end: datetime
    rule_arns: tuple[str, ...] = ()
    replay_name: str | None = None
    description: str = ""
    backfill: bool = False
    check_delivery: bool = False
    resume: bool = False

    @property
    def given(self) -> str:
        """The user's own name for the job."""
        return self.replay_name or ""

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        archive = self.archive.rpartition("archive/")[2]
        return {
            "archive": archive,
            "start": self.start,
            "end": self.end,
            "rules": frozenset(self.rule_arns),
        }


def own_number(replay_name: str, name: str) -> int | None:
    """Return the number of an attempt under the user's own name; None for a name that is no attempt's."""
    if replay_name == name:
        return 1
    found = re.search(r"\.([1-9][0-9]{0,3})$", replay_name)
    number = int(found[1]) if found else 0
    return number if number > 1 and own_name(name, number) == replay_name else None


def seen_replay(replay: Mapping[str, Any], mark: Mark | None) -> SeenJob:
    """Return a replay as the core weighs it.

    :param replay: its description, or a list's row.
    :param mark: the mark that it carries.
    """
    # Not needed by a task that takes up a job that has ended.
    from airflow_provider_jobs._once.evidence import SeenJob

    status = replay_status(replay)
    ended = replay.get("ReplayEndTime")
    ran = (ended - status.started_at).total_seconds() if ended and status.started_at else 0.0
    return SeenJob(replay["ReplayName"], status.state, status.started_at, mark, claimed=mark is None, ran=ran)


def check_rules(rule_arns: Collection[str], bus: str) -> None:
    """Refuse rules of another bus; AWS's own answer would not say which. A name is of the bus itself."""
    # arn:…:event-bus/orders owns arn:…:rule/orders/NAME; the default bus owns arn:…:rule/NAME.
    home, _, name = bus.partition(":event-bus/")
    for arn in rule_arns:
        if not arn.startswith("arn:"):
            continue
        place, _, path = arn.partition(":rule/")
        owner, slash, _rule = path.rpartition("/")
        if (place, owner if slash else "default") != (home, name):
            raise JobInputError(
                f"Rule {arn} is not on the archive's event bus {bus}. A replay reaches only rules of the "
                "bus that the archive was made from; remove the rule from rule_arns."
            )


def taken_name(replay: Mapping[str, Any]) -> JobInputError:
    """Return the error that a name is taken by a replay that is not the task's."""
    window = f"{utc_text(replay.get('EventStartTime'))} to {utc_text(replay.get('EventEndTime'))}"
    return JobInputError(
        f"A replay named {replay['ReplayName']!r} exists already and is not this task's: it replays {window} "
        f"from {replay.get('EventSourceArn')} and is {replay.get('State')}. AWS keeps a replay's name for "
        "90 days; choose another replay_name (a template such as 'orders-{{ ts_nodash }}'), or leave it out."
    )


def replay_status(replay: Mapping[str, Any]) -> JobStatus:
    """Read a replay from a description or from a list's row."""
    service_state = replay.get("State") or "UNKNOWN"
    start, end = replay.get("EventStartTime"), replay.get("EventEndTime")
    reached, began = replay.get("EventLastReplayedTime"), replay.get("ReplayStartTime")
    progress, note, speed = None, "no event replayed", None
    if reached and start and end:
        progress = min(max((reached - start) / (end - start), 0.0), 1.0)
        note = f"events up to {utc_text(reached)}"
        elapsed = (datetime.now(UTC) - began).total_seconds() if began else 0
        if service_state == "RUNNING" and elapsed > 0:
            speed = f"{(reached - start).total_seconds() / elapsed:,.0f} times real time"
    if service_state == "COMPLETED":
        # The last event may lie well before the window's end, or there was none at all.
        progress = 1.0
    return JobStatus(
        job_id=replay["ReplayName"],
        # A state that AWS adds one day is one in which the job has not ended.
        state=_STATES.get(service_state, JobState.RUNNING),
        service_state=service_state,
        reason=replay.get("StateReason") or None,
        progress=progress,
        note=note,
        speed=speed,
        started_at=began,
        details={
            "replay_name": replay["ReplayName"],
            "replay_arn": replay.get("ReplayArn"),
            "archive_arn": replay.get("EventSourceArn"),
            "event_start_time": utc_text(start),
            "event_end_time": utc_text(end),
            "event_last_replayed_time": utc_text(reached),
            "replay_start_time": utc_text(began),
            "replay_end_time": utc_text(replay.get("ReplayEndTime")),
            "state": service_state,
        },
    )
