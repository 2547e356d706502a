# SPDX-License-Identifier: Apache-2.0

"""The hook: what a redrive is, and the three calls that there are for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from airflow_provider_jobs.exceptions import (
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
)
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobState, JobStatus, utc_text
from airflow_provider_jobs.once.attempt_log import Attempt, AttemptLog
from airflow_provider_jobs.once.evidence import Marking, SeenJob
from airflow_provider_jobs.once.identity import Identity

__all__ = ["RedriveRequest", "SqsRedriveHook"]

# [start: states]
_STATES = {
    "RUNNING": JobState.RUNNING,
    "CANCELLING": JobState.STOPPING,
    "COMPLETED": JobState.SUCCEEDED,
    "CANCELLED": JobState.CANCELLED,
    "FAILED": JobState.FAILED,
}
# [end: states]
#: AWS shows a queue's newest redrives only.
_SHOWN = 10


# [start: request]
@dataclass(frozen=True, slots=True)
class RedriveRequest:
    """A redrive that is asked for, checked.

    :param source_arn: the dead-letter queue.
    :param destination_arn: where the messages go; by default where they came from.
    :param max_per_second: how many messages a second.
    """

    source_arn: str
    destination_arn: str | None = None
    max_per_second: int | None = None

    def facts(self) -> dict[str, Any]:
        """Return what AWS acts on."""
        return asdict(self)


# [end: request]


# [start: class]
class SqsRedriveHook(JobHook):
    """Starts, watches and cancels the redrive of a dead-letter queue.

    https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-configure-dead-letter-queue-redrive.html

    A redrive has no name, and its handle is shown only while it runs. What tells it from others is its
    queue, and which redrive of the queue came before it. So a job's id here is ``QUEUE-ARN@TIME``: the
    first redrive that began after that time, in milliseconds since the epoch. The queue's ARN alone means
    its newest redrive.
    """

    service = "sqs"
    label = "Amazon SQS"
    noun = "redrive"
    marking = Marking.NONE
    quota = None
    scope_quota = 1  # a queue has one at a time
    input_codes = frozenset({"InvalidParameterValue", "AWS.SimpleQueueService.UnsupportedOperation"})
    # Repeated after a lost answer, it would be refused for the redrive that it has started itself.
    unrepeatable = frozenset({"start_message_move_task"})
    advice: ClassVar[Mapping[str, str]] = {
        "Dead Letter Queue": "source_arn must be the dead-letter queue, not the queue that it belongs to.",
        "ResourceNotFound": "Check the queues' ARNs, the Region and the account of the connection.",
    }
    # [end: class]

    #: When the newest redrive began that was there before the start, in milliseconds since the epoch.
    _newest = 0

    # [start: calls]
    def start_redrive(
        self, source_arn: str, destination_arn: str | None = None, max_per_second: int | None = None
    ) -> str:
        """Begin to move a dead-letter queue's messages; only one redrive of a queue runs at a time.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_StartMessageMoveTask.html

        :param source_arn: the dead-letter queue.
        :param destination_arn: where the messages go; by default the queues that they came from.
        :param max_per_second: how many messages a second, 1 to 500; by default AWS decides.
        :return: the redrive's handle.
        :raises JobQuotaError: if a redrive of the queue runs already.
        :raises JobNotFoundError: if there is no such queue.
        :raises JobInputError: if AWS finds the parameters invalid.
        """
        try:
            answer = self.call(
                "start_message_move_task",
                SourceArn=source_arn,
                DestinationArn=destination_arn,
                MaxNumberOfMessagesPerSecond=max_per_second,
            )
        except JobInputError as error:
            # AWS has no code of its own for this.
            if "already a task running" in str(error):
                raise JobQuotaError(str(error)) from error
            raise
        return str(answer["TaskHandle"])

    def list_redrives(self, source_arn: str) -> list[dict[str, Any]]:
        """List a dead-letter queue's newest redrives, up to ten, the newest first.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_ListMessageMoveTasks.html

        :raises JobNotFoundError: if there is no such queue.
        """
        answer = self.call("list_message_move_tasks", SourceArn=source_arn, MaxResults=_SHOWN)
        return sorted(answer.get("Results", ()), key=lambda row: -row["StartedTimestamp"])

    def cancel_redrive(self, handle: str) -> None:
        """Cancel a redrive that runs; messages that were moved stay where they are.

        https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/API_CancelMessageMoveTask.html
        """
        self.call("cancel_message_move_task", TaskHandle=handle)

    # [end: calls]

    # [start: start]
    def scope(self, request: RedriveRequest) -> str:
        """Return the queue, of which one redrive may run."""
        return request.source_arn

    def prepare_start(self, request: RedriveRequest) -> None:
        """Find the redrive that ran on the queue before; if it is still running, the task queues."""
        newest = next(iter(self.list_redrives(request.source_arn)), None)
        if newest and not _state(newest).ended:
            raise JobQuotaError(f"A redrive of {request.source_arn} is {newest['Status']}.")
        self._newest = newest["StartedTimestamp"] if newest else 0

    def start_job(self, identity: Identity, attempt: Attempt, request: RedriveRequest) -> JobStatus:
        """Start the redrive: the first one after that which came before."""
        self.start_redrive(request.source_arn, request.destination_arn, request.max_per_second)
        return _status(f"{request.source_arn}@{self._newest}", {"Status": "RUNNING"})

    # [end: start]

    # [start: see]
    def see_jobs(self, identity: Identity, log: AttemptLog, request: RedriveRequest) -> list[SeenJob]:
        """Return the redrives of the request's queue, and of those in the log."""
        seen = []
        for queue in sorted({request.source_arn, *(attempt.scope for attempt in log.attempts)}):
            rows = self.list_redrives(queue)
            before = [*(row["StartedTimestamp"] for row in rows[1:]), *([0] if len(rows) < _SHOWN else [])]
            for row, earlier in zip(rows, before, strict=False):
                status = _status(f"{queue}@{earlier}", row)
                seen.append(SeenJob(status.job_id, status.state, status.started_at))
        return seen

    # [end: see]

    # [start: watch]
    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        """Return the status of the redrives, with one call per queue."""
        found: dict[str, JobStatus | Exception] = {}
        for queue in dict.fromkeys(job_id.partition("@")[0] for job_id in job_ids):
            mine = [job_id for job_id in job_ids if job_id.partition("@")[0] == queue]
            try:
                rows = self.list_redrives(queue)
            except (JobError, JobInputError) as error:
                found |= dict.fromkeys(mine, error)
            else:
                found |= {job_id: _read(job_id, rows) for job_id in mine}
        return found

    def stop_job(self, job_id: str) -> bool:
        """Cancel the redrive if it runs: only then does AWS show the handle that this needs."""
        row = _pick(job_id, self.list_redrives(job_id.partition("@")[0]))
        if row is None or "TaskHandle" not in row:
            return False
        try:
            self.cancel_redrive(row["TaskHandle"])
        except (JobNotFoundError, JobInputError):
            return False  # it ended between the two calls
        return True

    def active_jobs(self, scopes: Collection[str]) -> dict[str, str]:
        """Return the redrives in flight of the queues that somebody waits for; AWS lists by queue."""
        rows = [row for queue in scopes for row in self.list_redrives(queue)]
        return {
            f"{row['SourceArn']}/{row['StartedTimestamp']}": row["SourceArn"]
            for row in rows
            if not _state(row).ended
        }

    # [end: watch]


# [start: read]
def _state(row: Mapping[str, Any]) -> JobState:
    # A state that AWS adds one day is one in which the job has not ended.
    return _STATES.get(row["Status"], JobState.RUNNING)


def _pick(job_id: str, rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Return the job's row, of rows from the newest to the oldest."""
    _, _, before = job_id.partition("@")
    since = [row for row in rows if row["StartedTimestamp"] > int(before or 0)]
    if not since or not before:
        return since[0] if since else None
    # Where all that AWS shows are newer, the first of them need not be the first there was.
    return since[-1] if len(since) < _SHOWN else None


def _read(job_id: str, rows: Sequence[Mapping[str, Any]]) -> JobStatus | Exception:
    row = _pick(job_id, rows)
    if row is None:
        return JobNotFoundError(f"{job_id} is not among the queue's {len(rows)} newest redrives.")
    return _status(job_id, row)


def _status(job_id: str, row: Mapping[str, Any]) -> JobStatus:
    service_state = row["Status"]
    moved, total = (
        row.get("ApproximateNumberOfMessagesMoved", 0),
        row.get("ApproximateNumberOfMessagesToMove"),
    )
    started = row.get("StartedTimestamp")
    started_at = datetime.fromtimestamp(started / 1000, UTC) if started else None
    queue, _, before = job_id.partition("@")
    return JobStatus(
        job_id=job_id,
        state=_state(row),
        service_state=service_state,
        reason=row.get("FailureReason"),
        progress=min(moved / total, 1.0) if total else None,
        note=f"{moved:,} of {total:,} messages moved" if total else None,
        started_at=started_at,
        details={
            "source_arn": queue,
            "after": int(before) if before else None,
            "state": service_state,
            "started_at": utc_text(started_at),
            "messages_moved": moved,
        },
    )


# [end: read]
