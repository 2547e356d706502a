# SPDX-License-Identifier: Apache-2.0

"""EventBridge archives and replays."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow_provider_jobs.exceptions import JobError, JobInputError, JobNotFoundError
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import Attempt, JobKey, JobState, JobStatus, StartedJob, utc_text

__all__ = ["REPLAY_NAME_LIMIT", "EventBridgeReplayHook", "checked_replay_name"]

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
# In the order a replay passes through them: one that moves on between two calls is then seen at least once.
_IN_FLIGHT = ("STARTING", "RUNNING", "CANCELLING")
# Up to so many replays, describing each takes no more calls than listing the states.
_FEW = len(_IN_FLIGHT)
_DESCRIPTION_LIMIT = 512
_REPLAY_NAME = re.compile(rf"[.\-_A-Za-z0-9]{{1,{REPLAY_NAME_LIMIT}}}")


def checked_replay_name(name: Any) -> str:
    """Return a replay's name.

    :raises JobInputError: if AWS allows no such name.
    """
    if not isinstance(name, str) or not _REPLAY_NAME.fullmatch(name):
        raise JobInputError(
            f"replay_name={name!r} must be 1 to {REPLAY_NAME_LIMIT} characters out of letters, digits and "
            ".-_; 'orders-{{ ts_nodash }}' would do."
        )
    return name


class EventBridgeReplayHook(JobHook):
    """Starts, watches and cancels EventBridge replays.

    https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html

    Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    service = "events"
    label = "Amazon EventBridge"
    noun = "replay"
    quota = 10
    quota_codes = frozenset({"LimitExceededException"})
    input_codes = frozenset({"ValidationException", "InvalidEventPatternException"})
    advice: ClassVar[Mapping[str, str]] = {
        "Cross event bus": "An archive is replayed only to the bus it was made from; name no other.",
        "Archive": "Check the archive's name, the Region and the account of the connection.",
        "Event bus": "A replay needs the event bus that the archive was made from.",
        "EventStartTime": "Check the window: its end must be at least a second after its start.",
    }

    def describe_archive(self, archive: str) -> dict[str, Any]:
        """Return an archive's description.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeArchive.html

        :param archive: its name or ARN.
        :return: among others ``ArchiveArn``, and the bus as ``EventSourceArn``.
        :raises JobNotFoundError: if there is no such archive.
        """
        return self.call("describe_archive", ArchiveName=archive.rpartition("archive/")[2])

    def start_replay(
        self,
        replay_name: str,
        archive: str,
        event_start_time: datetime,
        event_end_time: datetime,
        *,
        destination_arn: str | None = None,
        rule_arns: Collection[str] = (),
        description: str | None = None,
    ) -> dict[str, Any]:
        """Start a replay.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_StartReplay.html

        :param replay_name: 1 to 64 characters, letters, digits and ``.-_``.
        :param archive: the archive's name or ARN.
        :param event_start_time: the first event's time, inclusive, in whole seconds.
        :param event_end_time: the time to stop at, in whole seconds.
        :param destination_arn: the event bus; by default the archive's own, and AWS allows no other.
        :param rule_arns: replay only to these rules of the bus; to all when empty.
        :param description: up to 512 characters.
        :return: ``ReplayArn``, ``State``, ``StateReason``, ``ReplayStartTime``.
        :raises JobQuotaError: if the account runs as many replays as it may.
        :raises JobNotFoundError: if the archive or the bus is missing.
        :raises JobInputError: if AWS finds the parameters invalid.
        :raises JobApiError: for any other refusal.
        """
        if destination_arn is None or not archive.startswith("arn:"):
            found = self.describe_archive(archive)
            archive, destination_arn = found["ArchiveArn"], destination_arn or found["EventSourceArn"]
        return self.call(
            "start_replay",
            ReplayName=replay_name,
            Description=description,
            EventSourceArn=archive,
            EventStartTime=event_start_time,
            EventEndTime=event_end_time,
            Destination={"Arn": destination_arn, **({"FilterArns": [*rule_arns]} if rule_arns else {})},
        )

    def describe_replay(self, replay_name: str) -> dict[str, Any]:
        """Return a replay's description.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_DescribeReplay.html

        :raises JobNotFoundError: if there is no such replay; AWS keeps them for 90 days.
        """
        return self.call("describe_replay", ReplayName=replay_name)

    def list_replays(
        self,
        *,
        name_prefix: str | None = None,
        state: str | None = None,
        archive_arn: str | None = None,
    ) -> list[dict[str, Any]]:
        """List replays, all pages of them; AWS takes one filter at the most.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_ListReplays.html

        :return: rows without ``Description``, ``Destination`` and ``ReplayArn``.
        """
        filters = {"NamePrefix": name_prefix, "State": state, "EventSourceArn": archive_arn}
        return list(self.pages("list_replays", "Replays", Limit=100, **filters))

    def cancel_replay(self, replay_name: str) -> dict[str, Any]:
        """Cancel a replay; events that were replayed stay delivered.

        https://docs.aws.amazon.com/eventbridge/latest/APIReference/API_CancelReplay.html

        :raises JobApiError: with code ``IllegalStatusException`` if it is neither starting nor running.
        :raises JobNotFoundError: if there is no such replay.
        """
        return self.call("cancel_replay", ReplayName=replay_name)

    def job_name(self, attempt: Attempt, request: Mapping[str, Any]) -> str:
        """Return the replay's name: the user's own, numbered after the first, or one made from the key."""
        if name := request["replay_name"]:
            return name if attempt.number == 1 else f"{name}.{attempt.number}"
        return attempt.name(REPLAY_NAME_LIMIT)

    def find_jobs(
        self, key: JobKey, request: Mapping[str, Any], attempts: Sequence[Attempt]
    ) -> list[StartedJob]:
        """Find the task instance's replays by their names."""
        if request["replay_name"]:
            return self._find_named(key, request)
        prefix = key.prefix(REPLAY_NAME_LIMIT)
        found = []
        for row in self.list_replays(name_prefix=prefix):
            numbers = re.fullmatch(r"(-?\d+)\.(\d+)", row["ReplayName"].removeprefix(prefix))
            if numbers:
                found.append(StartedJob(int(numbers[1]), int(numbers[2]), _status(row)))
        return sorted(found, key=lambda job: job.number)

    def _find_named(self, key: JobKey, request: Mapping[str, Any]) -> list[StartedJob]:
        """Find replays under the user's own name, where the description tells whose they are."""
        name = request["replay_name"]
        pattern = re.compile(rf"{re.escape(name)}(?:\.(\d+))?")
        found = []
        for row in self.list_replays(name_prefix=name):
            if match := pattern.fullmatch(row["ReplayName"]):
                replay = self.describe_replay(row["ReplayName"])
                mark = re.search(rf"airflow:{key.digest}/(-?\d+)\b", replay.get("Description", ""))
                if mark is None:
                    raise _taken(replay)
                found.append(StartedJob(int(mark[1]), int(match[1] or 1), _status(replay)))
        return sorted(found, key=lambda job: job.number)

    def start_job(self, attempt: Attempt, request: Mapping[str, Any]) -> JobStatus:
        """Start the replay; if its name exists, adopt it only if it is this very request."""
        archive = self.describe_archive(request["archive"])
        bus = archive["EventSourceArn"]
        if request["archive"].startswith("arn:") and request["archive"] != archive["ArchiveArn"]:
            raise JobInputError(
                f"archive={request['archive']!r} is not of the account and Region of connection "
                f"{self.aws_conn_id!r}, whose archive of that name is {archive['ArchiveArn']}. Replays start "
                "where their archive is: use a connection of that account, and its Region."
            )
        _check_rules(request["rule_arns"], bus)
        name = self.job_name(attempt, request)
        mark = f"[{attempt.key.mark}]"
        description = f"{request['description'][: _DESCRIPTION_LIMIT - len(mark) - 1]} {mark}"
        try:
            answer = self.start_replay(
                name,
                archive["ArchiveArn"],
                request["start"],
                request["end"],
                destination_arn=bus,
                rule_arns=request["rule_arns"],
                description=description,
            )
        except JobError as error:
            # The name is taken: most likely by our own call, whose answer got lost on its way.
            if getattr(error, "code", "") != "ResourceAlreadyExistsException":
                raise
            replay = self.describe_replay(name)
            if replay.get("Description") != description or not _is_same(replay, archive, request):
                raise _taken(replay) from error
            return _status(replay)
        # Read off the answer: from here on the replay runs, and one more call is one more that can fail.
        return _status(
            {
                **answer,
                "ReplayName": name,
                "EventSourceArn": archive["ArchiveArn"],
                "EventStartTime": request["start"],
                "EventEndTime": request["end"],
            }
        )

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """List the replays in flight; describe those that are not among them, or a few as they are."""
        found: dict[str, JobStatus | Exception] = {}
        if len(job_ids) > _FEW:
            wanted = set(job_ids)
            for state in _IN_FLIGHT:
                for row in self.list_replays(state=state):
                    if row["ReplayName"] in wanted:
                        found[row["ReplayName"]] = _status(row)
        return self.describe_each(job_ids, found, lambda job_id: _status(self.describe_replay(job_id)))

    def stop_job(self, job_id: str) -> bool:
        """Cancel the replay, unless it has ended or never was."""
        try:
            self.cancel_replay(job_id)
        except JobNotFoundError:
            return False
        except JobError as error:
            if getattr(error, "code", "") == "IllegalStatusException":
                return False
            raise
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """List the replays in flight in the account and Region."""
        return {row["ReplayName"]: "" for state in _IN_FLIGHT for row in self.list_replays(state=state)}


def _status(replay: Mapping[str, Any]) -> JobStatus:
    """Read a replay from a description or from a list's row."""
    service_state = replay["State"]
    start, end = replay["EventStartTime"], replay["EventEndTime"]
    reached, began = replay.get("EventLastReplayedTime"), replay.get("ReplayStartTime")
    progress, note, speed = None, "no event replayed", None
    if reached is not None:
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
            "archive_arn": replay["EventSourceArn"],
            "event_start_time": utc_text(start),
            "event_end_time": utc_text(end),
            "event_last_replayed_time": utc_text(reached),
            "replay_start_time": utc_text(began),
            "replay_end_time": utc_text(replay.get("ReplayEndTime")),
            "state": service_state,
        },
    )


def _is_same(replay: Mapping[str, Any], archive: Mapping[str, Any], request: Mapping[str, Any]) -> bool:
    destination = replay["Destination"]
    return bool(
        replay["EventSourceArn"] == archive["ArchiveArn"]
        and (replay["EventStartTime"], replay["EventEndTime"]) == (request["start"], request["end"])
        and destination["Arn"] == archive["EventSourceArn"]
        and {*destination.get("FilterArns", ())} == {*request["rule_arns"]}
    )


def _check_rules(rule_arns: Collection[str], bus: str) -> None:
    """Refuse rules of another bus; AWS's own answer would not say which."""
    # arn:…:event-bus/orders owns arn:…:rule/orders/NAME; the default bus owns arn:…:rule/NAME.
    home, _, name = bus.partition(":event-bus/")
    for arn in rule_arns:
        place, _, path = arn.partition(":rule/")
        owner, slash, _rule = path.rpartition("/")
        if (place, owner if slash else "default") != (home, name):
            raise JobInputError(
                f"Rule {arn} is not on the archive's event bus {bus}. A replay reaches only rules of the "
                "bus that the archive was made from; remove the rule from rule_arns."
            )


def _taken(replay: Mapping[str, Any]) -> JobInputError:
    window = f"{utc_text(replay['EventStartTime'])} to {utc_text(replay['EventEndTime'])}"
    return JobInputError(
        f"A replay named {replay['ReplayName']!r} exists already and is not this task's: it replays {window} "
        f"from {replay['EventSourceArn']} and is {replay['State']}. AWS keeps a replay's name for 90 days; "
        "choose another replay_name (a template such as 'orders-{{ ts_nodash }}'), or leave it out."
    )
