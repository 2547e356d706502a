# SPDX-License-Identifier: Apache-2.0

"""Redrives of Amazon SQS's dead-letter queues."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, ClassVar

from airflow_provider_jobs._once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs._once.evidence import Marking, SeenJob
from airflow_provider_jobs._once.identity import Identity
from airflow_provider_jobs._sqs.redrive import SHOWN, RedriveId, RedriveRequest, job_ids
from airflow_provider_jobs.exceptions import (
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
    JobUnavailableError,
)
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobState, JobStatus, utc_text
from airflow_provider_jobs.windows import moment

__all__ = ["RedriveRequest", "SqsRedriveHook"]

_STATES = {
    "RUNNING": JobState.RUNNING,
    "CANCELLING": JobState.STOPPING,
    "COMPLETED": JobState.SUCCEEDED,
    "CANCELLED": JobState.CANCELLED,
    "FAILED": JobState.FAILED,
}
#: What AWS always sends of a redrive.
_ALWAYS = ("Status", "StartedTimestamp")
#: How far two of AWS's clocks may be apart.
_APART = timedelta(seconds=5)
#: How long a redrive that AWS does not show may be one that it does not show yet.
_LATE = timedelta(minutes=2)

Rows = Sequence[Mapping[str, Any]]


class SqsRedriveHook(JobHook):
    """Starts, watches and cancels the redrive of a dead-letter queue.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html

    AWS calls a redrive a message move task. It has no name, and AWS shows its handle only while it runs, so
    everything here speaks of it as ``QUEUE-ARN@MILLISECONDS``: the queue's first redrive that began then or
    later. Takes the parameters of
    :class:`~airflow.providers.amazon.aws.hooks.base_aws.AwsBaseHook`.
    """

    service = "sqs"
    label = "Amazon SQS"
    noun = "redrive"
    marking = Marking.NONE
    # AWS runs a hundred in an account, but lists those of one queue only: they cannot be counted.
    quota: ClassVar[int | None] = None
    scope_quota: ClassVar[int | None] = 1
    not_found_codes: ClassVar[frozenset[str]] = frozenset(
        {"AWS.SimpleQueueService.NonExistentQueue", "ResourceNotFoundException"}
    )
    input_codes: ClassVar[frozenset[str]] = frozenset(
        {
            "AWS.SimpleQueueService.UnsupportedOperation",
            "InvalidAddress",
            "InvalidParameterValue",
            "UnsupportedOperation",
        }
    )
    # What a limit is refused with in general; of redrives AWS documents no code.
    quota_codes: ClassVar[frozenset[str]] = frozenset({"OverLimit"})
    # Repeated after a lost answer, it would be refused because of the redrive that it has started itself.
    unrepeatable: ClassVar[frozenset[str]] = frozenset({"start_message_move_task"})
    advice: ClassVar[Mapping[str, str]] = {
        "Dead Letter Queue": (
            "source_arn must be the dead-letter queue of another SQS queue. AWS redrives neither other "
            "queues nor the dead-letter queues of other services."
        ),
        "ResourceNotFound": "Check the queues' ARNs, the Region and the account of the connection.",
        "OverLimit": "AWS runs 100 redrives in an account at once.",
    }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        #: When the first redrive may have begun that this hook is about to start, in milliseconds.
        self._earliest = 0
        #: The handles of the redrives that this hook has started.
        self._handles: dict[str, str] = {}

    def start_redrive(
        self,
        source_arn: str,
        destination_arn: str | None = None,
        *,
        max_messages_per_second: int | None = None,
    ) -> str:
        """Start to move a dead-letter queue's messages; one redrive of a queue runs at a time.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html

        :param source_arn: the dead-letter queue.
        :param destination_arn: the queue that gets the messages; by default those that they came from.
        :param max_messages_per_second: 1 to 500; by default AWS decides.
        :return: the redrive's handle.
        :raises JobQuotaError: if a redrive of the queue runs.
        :raises JobNotFoundError: if there is no such queue.
        :raises JobInputError: if AWS finds the parameters invalid.
        :raises JobApiError: for any other refusal.
        """
        try:
            answer = self.call(
                "start_message_move_task",
                SourceArn=source_arn,
                DestinationArn=destination_arn,
                MaxNumberOfMessagesPerSecond=max_messages_per_second,
            )
        except JobInputError as error:
            # AWS has no code of its own for this.
            if "already a task running" in str(error):
                raise JobQuotaError(str(error)) from error
            raise
        return str(self.member(answer, "TaskHandle", "start_message_move_task"))

    def list_redrives(self, source_arn: str, *, known: bool = False) -> list[dict[str, Any]]:
        """List a dead-letter queue's newest redrives, ten at most, the newest first.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html

        :param known: whether the queue is known to have had one, so that an answer without a list is none.
        :return: among others ``Status``, ``StartedTimestamp`` in milliseconds, and of one that runs
            ``TaskHandle``.
        :raises JobNotFoundError: if there is no such queue.
        """
        operation = "list_message_move_tasks"
        answer = self.call(operation, SourceArn=source_arn, MaxResults=SHOWN)
        # Whether AWS sends an empty list is not documented. Without it, and without an id, it is not AWS's.
        if known or not answer.get("ResponseMetadata", {}).get("RequestId"):
            self.member(answer, "Results", operation)
        rows = [self.whole(row, _ALWAYS, operation) for row in answer.get("Results") or ()]
        return sorted(rows, key=lambda row: -row["StartedTimestamp"])

    def cancel_redrive(self, handle: str) -> int:
        """Cancel a redrive that runs; messages that were moved stay where they are.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CancelMessageMoveTask.html

        :return: about how many were moved.
        :raises JobNotFoundError: if there is no such redrive or queue.
        :raises JobInputError: if AWS refuses, for example because it does not run.
        """
        answer = self.call("cancel_message_move_task", TaskHandle=handle)
        return int(self.member(answer, "ApproximateNumberOfMessagesMoved", "cancel_message_move_task"))

    def queue_attributes(self, queue_arn: str) -> dict[str, str]:
        """Return a queue's attributes; its counts of messages are approximate.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_GetQueueAttributes.html

        :raises JobNotFoundError: if there is no such queue.
        """
        *_, account, name = queue_arn.split(":")
        url = self.call("get_queue_url", QueueName=name, QueueOwnerAWSAccountId=account)
        found = self.call("get_queue_attributes", QueueUrl=url["QueueUrl"], AttributeNames=["All"])
        return dict(self.member(found, "Attributes", "get_queue_attributes"))

    def scope(self, request: RedriveRequest) -> str:
        """Return the dead-letter queue, of which one redrive may run."""
        return request.source_arn

    def earlier_request(self, request: RedriveRequest, attempt: Attempt) -> RedriveRequest:
        """Return the request for the attempt's queue."""
        return replace(request, source_arn=attempt.scope, destination_arn=None)

    def see_jobs(self, identity: Identity, log: AttemptLog, request: RedriveRequest) -> list[SeenJob]:
        """Return the redrives of the request's queue, and of those in the log."""
        seen = []
        for queue in sorted({request.source_arn, *(attempt.scope for attempt in log.attempts)}):
            try:
                rows = self.list_redrives(queue)
            except JobNotFoundError:
                if queue == request.source_arn:
                    raise
                continue
            noted = _noted(queue, log, rows)
            for row in rows:
                name = noted.get(row["StartedTimestamp"]) or _name(queue, row)
                seen.append(SeenJob(name, _state(row), moment(row["StartedTimestamp"])))
        return seen

    def prepare_start(self, request: RedriveRequest) -> None:
        """Check that no redrive of the queue runs, and note which redrives came before."""
        rows = self.list_redrives(request.source_arn)
        if active := next((row for row in rows if not _state(row).ended), None):
            raise JobQuotaError(f"A redrive of {request.source_arn} is {active['Status']}.")
        after = rows[0]["StartedTimestamp"] + 1 if rows else 0
        now = self.clock.now()
        # A list may lag: what began well before this one is none of the next start's either.
        soonest = RedriveId.of(request.source_arn, now - _APART).since if now else 0
        self._earliest = max(after, soonest or 0)

    def start_job(self, identity: Identity, attempt: Attempt, request: RedriveRequest) -> JobStatus:
        """Start the redrive, and list the queue's redrives to learn when it began."""
        handle = self.start_redrive(
            request.source_arn,
            request.destination_arn,
            max_messages_per_second=request.max_messages_per_second,
        )
        redrive = RedriveId(request.source_arn, self._earliest)
        row: Mapping[str, Any] = {"Status": "RUNNING"}
        # It has started, whatever comes of the list; without it, the earliest time tells it from others.
        with suppress(JobError, JobInputError):
            rows = self.list_redrives(request.source_arn, known=True)
            own = next((each for each in rows if each.get("TaskHandle") == handle), None)
            if found := own or redrive.pick(rows):
                row, redrive = found, replace(redrive, since=found["StartedTimestamp"])
        self._handles[str(redrive)] = handle
        return _status(str(redrive), row)

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Look at the redrives with one call per queue."""
        lists: dict[str, Rows | JobError | JobInputError] = {}

        def describe(job_id: str) -> JobStatus:
            redrive = RedriveId.parse(job_id)
            queue = redrive.source_arn
            if queue not in lists:
                try:
                    lists[queue] = self.list_redrives(queue, known=redrive.since is not None)
                except (JobError, JobInputError) as error:
                    lists[queue] = error
            rows = lists[queue]
            if isinstance(rows, Exception):
                raise rows
            row = redrive.pick(rows)
            if row is None:
                raise _vanished(redrive, len(rows))
            return _status(job_id if redrive.since is not None else _name(queue, row), row)

        return self.describe_each(job_ids, {}, describe)

    def stop_job(self, job_id: str) -> bool:
        """Cancel the redrive if it runs: only then does AWS show the handle that this needs."""
        redrive = RedriveId.parse(job_id)
        try:
            row = redrive.pick(self.list_redrives(redrive.source_arn))
        except JobNotFoundError:
            return False  # there is no such queue any more
        handle = row.get("TaskHandle") if row else self._handles.get(job_id)
        if handle is None:
            return self._stopping(redrive, row)
        try:
            self.cancel_redrive(handle)
        except JobNotFoundError:
            return False
        except JobInputError as error:
            # It ended between the two calls; what AWS answers then is not documented.
            if self.describe_job(job_id).state is JobState.RUNNING:
                raise JobUnavailableError(str(error)) from error
            return False
        return True

    def _stopping(self, redrive: RedriveId, row: Mapping[str, Any] | None) -> bool:
        """Return whether a redrive without a handle is being stopped; it has ended otherwise.

        :raises JobUnavailableError: if it may run all the same.
        """
        now = self.clock.now()
        late = row is None and redrive.time is not None and (now is None or now - redrive.time < _LATE)
        if late or (row is not None and _state(row) is JobState.RUNNING):
            raise JobUnavailableError(
                f"{redrive} cannot be cancelled yet: AWS shows no handle of it. The stop can be repeated.",
                "NoTaskHandle",
            )
        return row is not None and not _state(row).ended

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """Return the redrives in flight of these queues; AWS lists them by queue."""
        active: dict[str, str] = {}
        for queue in scopes:
            # The task that waits for a queue that is gone finds out when it starts.
            with suppress(JobNotFoundError):
                rows = self.list_redrives(queue)
                active |= {_name(queue, row): queue for row in rows if not _state(row).ended}
        return active


def _state(row: Mapping[str, Any]) -> JobState:
    # A state that AWS adds one day is one in which the job has not ended.
    return _STATES.get(row["Status"], JobState.RUNNING)


def _name(queue: str, row: Mapping[str, Any]) -> str:
    return str(RedriveId(queue, row["StartedTimestamp"]))


def _noted(queue: str, log: AttemptLog, rows: Rows) -> dict[int, str]:
    """Return the names that the log has for redrives of a queue, by when these began."""
    names = {}
    for job_id in (attempt.job_id for attempt in log.attempts if attempt.job_id):
        redrive = RedriveId.parse(job_id)
        if redrive.source_arn == queue and (row := redrive.pick(rows)):
            names[row["StartedTimestamp"]] = job_id
    return names


def _vanished(redrive: RedriveId, shown: int) -> JobNotFoundError:
    if redrive.since is None:
        return JobNotFoundError(f"{redrive} has had no redrive that AWS shows.")
    return JobNotFoundError(
        f"{redrive} is not among the {shown} redrives of the queue that AWS shows, which are the newest "
        f"{SHOWN} at most. The time is wrong, or later redrives have displaced it."
    )


def _status(job_id: str, row: Mapping[str, Any]) -> JobStatus:
    moved, total = (
        row.get("ApproximateNumberOfMessagesMoved", 0),
        row.get("ApproximateNumberOfMessagesToMove"),
    )
    began = row.get("StartedTimestamp")
    redrive = RedriveId.parse(job_id)
    exact = redrive if began is None else replace(redrive, since=began)
    return JobStatus(
        job_id=job_id,
        state=_state(row),
        service_state=row["Status"],
        reason=row.get("FailureReason"),
        progress=min(moved / total, 1.0) if total else None,
        note=f"{moved:,} of {total:,} messages moved" if total is not None else None,
        started_at=moment(began),
        details={
            **job_ids(str(exact)),
            "destination_arn": row.get("DestinationArn"),
            "state": row["Status"],
            "started_at": utc_text(moment(began)),
            "messages_moved": moved,
            "messages_to_move": total,
        },
    )
