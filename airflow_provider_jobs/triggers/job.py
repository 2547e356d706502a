# SPDX-License-Identifier: Apache-2.0

"""The trigger that waits for a job to end, for every service."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Unpack

from airflow.providers.common.compat.sdk import TaskInstanceState
from airflow.triggers.base import BaseTrigger

from airflow_provider_jobs import metrics
from airflow_provider_jobs._watch.patience import Heard, Outlook, Patience
from airflow_provider_jobs._watch.poller import JobPoller, Waiter
from airflow_provider_jobs._watch.stopping import (
    STOPPED,
    keep_stopping,
    poll_when_time_is_up,
    stop_when_time_is_up,
)
from airflow_provider_jobs._watch.threads import in_thread
from airflow_provider_jobs.exceptions import JobError
from airflow_provider_jobs.hooks._clock import AwsClock
from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.triggers._task_state import task_state
from airflow_provider_jobs.triggers.base import VERSION, LaterArguments, WaitTrigger

__all__ = ["JobTrigger"]

#: Seconds after which a line is logged even if nothing changed.
_HEARTBEAT = 240.0
#: States of a task in which one of its tries decides about the job.
_DECIDES = frozenset({TaskInstanceState.DEFERRED, TaskInstanceState.RUNNING})
#: Whether Airflow tells a trigger that its task was ended; it does from 3.3.
_TELLS = hasattr(BaseTrigger, "on_kill")
#: How many times Airflow is asked for the task's state, and the seconds in between.
_ASK, _ASK_AGAIN = 5, 2.0


class JobTrigger(WaitTrigger):
    """Waits until a job has ended or its deadline has passed; starts nothing.

    The wait also ends if the job can no longer be watched, for example because it is gone or access to it is
    denied; :class:`~airflow_provider_jobs._watch.patience.Patience` has all cases.

    Its event is a dictionary with ``version``, ``job_id``, ``job`` (the last status seen, see
    :meth:`JobStatus.to_json`, or None) and ``shared``. If the wait ended before the job, it also has
    ``timeout`` or ``error`` with a message. With ``timeout``, and if the trigger had to stop the job,
    ``stopped`` is the outcome of that, as text. ``ran`` is how many seconds the job ran, if known from AWS's
    clock.

    Takes the parameters of :class:`~airflow_provider_jobs.triggers.base.WaitTrigger`, and:

    :param deadline: when to give up, by AWS's clock, as an ISO 8601 time with an offset; None for never.
    :param stop_at_deadline: whether the trigger itself stops the job at the deadline, without waiting until
        the task gets a worker.
    :param cancel_on_kill: whether to stop the job when a person ends the waiting task.
    :param goes_on: why the job is not stopped, for a log line; empty if the reason is that the user has
        turned off ``cancel_on_kill``.
    :param shared: whether the job existed before the task; passed on in the event.
    :param settling_time: seconds after the job's start during which "not found" means "not yet".
    :param seen: whether AWS has shown the job before the wait.
    :param started_at: when the job started by AWS's clock, as an ISO 8601 time with an offset; None if
        unknown.
    """

    def __init__(
        self,
        *,
        hook_class: str,
        hook_parameters: Mapping[str, Any],
        job_id: str,
        poll_interval: float = 30,
        deadline: str | None = None,
        stop_at_deadline: bool = False,
        cancel_on_kill: bool = True,
        goes_on: str = "",
        shared: bool = False,
        settling_time: float = 0.0,
        seen: bool = False,
        started_at: str | None = None,
        version: int = VERSION,
        **later: Unpack[LaterArguments],
    ) -> None:
        super().__init__(
            hook_class=hook_class,
            hook_parameters=hook_parameters,
            job_id=job_id,
            poll_interval=poll_interval,
            version=version,
            **later,
        )
        self.deadline = deadline
        self.stop_at_deadline = stop_at_deadline
        self.cancel_on_kill = cancel_on_kill
        self.goes_on = goes_on
        self.shared = shared
        self.settling_time = settling_time
        self.seen = seen
        self.started_at = started_at

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the constructor's arguments."""
        path, arguments = super().serialize()
        return path, {
            **arguments,
            "deadline": self.deadline,
            "stop_at_deadline": self.stop_at_deadline,
            "cancel_on_kill": self.cancel_on_kill,
            "goes_on": self.goes_on,
            "shared": self.shared,
            "settling_time": self.settling_time,
            "seen": self.seen,
            "started_at": self.started_at,
        }

    async def wait(self) -> dict[str, Any]:
        """Return the event's content when the job has ended or can no longer be watched."""
        loop = asyncio.get_running_loop()
        patience = Patience(
            self.job_id,
            seen=self.seen,
            settling_time=self.settling_time,
            started_at=self._started_at(),
            began=loop.time(),
        )
        waiter = Waiter(self.job_id, self.poll_interval)
        told, told_at = "", loop.time()
        heard_at = told_at
        clock = AwsClock()
        async with JobPoller.waiting(self.spec, waiter) as updates:
            while True:
                left = self._seconds_left(waiter, clock)
                quiet = max(told_at, heard_at) + max(_HEARTBEAT, 2 * self.poll_interval) - loop.time()
                pause = max(quiet, 0.0)
                if left is not None:
                    pause = min(left, pause)
                try:
                    # Not wait_for: in Python 3.11 it swallows a cancellation that comes at the same time.
                    async with asyncio.timeout(pause):
                        update = await updates.get()
                except TimeoutError:
                    if (until := self._until()) and self._seconds_left(waiter, clock) == 0:
                        aws_time = waiter.aws_time() or clock.now()
                        event, clock = await self._time_is_up(until, patience, aws_time)
                        if event is not None:
                            return event
                        continue
                    if loop.time() - max(told_at, heard_at) >= _HEARTBEAT:
                        self.say(patience.silence())
                        told_at = loop.time()
                    continue
                heard: Heard = patience.hear(update, now=loop.time(), aws_now=waiter.aws_time())
                if heard.outlook is Outlook.HOPELESS:
                    return self._event(patience.job, error=heard.line)
                moment = heard_at = loop.time()
                if heard.news != told or moment - told_at >= _HEARTBEAT:
                    self.say(heard.line)
                    told, told_at = heard.news, moment
                if heard.outlook is Outlook.ENDED and patience.job is not None:
                    return self._ended(patience.job, waiter.aws_time())

    async def cancelled(self) -> None:
        """Call :meth:`on_kill` below Airflow 3.3, which does not call it itself."""
        if not _TELLS:
            await self.on_kill()

    async def on_kill(self) -> None:
        """Stop the job if a person marked or cleared the task; Airflow 3.3 calls this.

        Below 3.3 Airflow only cancels the trigger. All versions also cancel it or call this when another
        triggerer takes it over after missed heartbeats (apache/airflow#73454), and 2.11 when the triggerer
        ends. In these cases the task is still deferred, and its job is left alone.
        """
        # Airflow may cancel the trigger again every second until this is done. That would interrupt it while
        # it waits for an answer from Airflow or AWS, which may take longer.
        stopping = asyncio.create_task(self._end_job())
        while not stopping.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({stopping})
        if not stopping.cancelled():
            stopping.result()

    async def _end_job(self) -> None:
        """Stop the job, unless it should go on."""
        if not self.cancel_on_kill:
            self.say("%s: %s goes on.", self.goes_on or "cancel_on_kill is off", self.job_id)
            return
        for left in reversed(range(_ASK)):
            try:
                state = await in_thread((self.spec, "stop"), self._task_state)
                break
            except Exception as error:
                if not left:
                    self.say(
                        "%s goes on: the task's state could not be read (%s).",
                        self.job_id,
                        error,
                        warning=True,
                    )
                    return
            await asyncio.sleep(_ASK_AGAIN)
        if state in _DECIDES:
            self.say("%s goes on: the task is %s, which decides about its job.", self.job_id, state)
            return
        try:
            stopped = await keep_stopping(self.spec, self.job_id, self.say, self._still_ended)
        except JobError as error:
            self.say("%s could not be stopped and may go on: %s", self.job_id, error, warning=True)
            return
        self.say("%s: %s", self.job_id, "stopped with its task" if stopped else "had ended already")

    async def _still_ended(self) -> bool:
        """Whether no try of the task has begun since it ended; a new try decides about the job itself."""
        try:
            return await in_thread((self.spec, "stop"), self._task_state) not in _DECIDES
        except Exception:
            # As far as is known, nothing has changed.
            return True

    async def _time_is_up(
        self, until: datetime, patience: Patience, aws_time: datetime | None
    ) -> tuple[dict[str, Any] | None, AwsClock]:
        """Poll once more, and stop the job if required; the event is None if it is too early."""
        if self.stop_at_deadline:
            found = await stop_when_time_is_up(self.spec, self.job_id, until, self.say, aws_time)
        else:
            found = await poll_when_time_is_up(self.spec, self.job_id, until, aws_time)
        now = found.clock.now() or aws_time
        if found.early:
            self.say("By AWS's clock it is %s; the wait goes on until %s.", now, self.deadline)
            # The clock of the polls may be wrong.
            left = (until - now).total_seconds() if now else 0.0
            await asyncio.sleep(max(min(left, self.poll_interval), 0.1))
            return None, found.clock
        job = found.job or patience.job
        if job is not None and not found.outcome:
            return self._ended(job, now), found.clock
        return self._timeout(until, job, now, patience.trouble, found.outcome), found.clock

    def _timeout(
        self, until: datetime, job: JobStatus | None, now: datetime | None, trouble: str, outcome: str
    ) -> dict[str, Any]:
        """Return the event for a job whose time is up.

        :param until: the deadline.
        :param now: AWS's time, aware; None if unknown.
        :param trouble: the error of the last poll, as text to append; empty if it succeeded.
        :param outcome: the outcome of the stop.
        """
        why = f"had not ended by {self.deadline}{trouble}"
        if not self.stop_at_deadline:
            return self._event(job, timeout=why)
        self.say("%s %s; %s.", self.job_id, why, outcome, warning=True)
        started_at = job.started_at if job else self._started_at()
        ran = self._ran(started_at, max(now, until) if now else until)
        return self._event(job, timeout=why, stopped=outcome, **ran)

    def _ended(self, job: JobStatus, now: datetime | None) -> dict[str, Any]:
        """Return the event for a job that has ended.

        If it was cancelled after its deadline, this wait stopped it before the triggerer was restarted.

        :param now: AWS's time, aware; None if unknown.
        """
        until = self._until() if self.stop_at_deadline else None
        if until and now and now >= until and job.state is JobState.CANCELLED:
            return self._timeout(until, job, now, "", STOPPED)
        metrics.send_duration(self.spec, job, now)
        return self._event(job, **self._ran(job.started_at, now))

    def _event(self, job: JobStatus | None, **outcome: Any) -> dict[str, Any]:
        return {
            "version": VERSION,
            "job_id": self.job_id,
            "job": job.to_json() if job else None,
            "shared": self.shared,
            **outcome,
        }

    @staticmethod
    def _ran(started_at: datetime | None, now: datetime | None) -> dict[str, float]:
        if now is None or started_at is None:
            return {}
        return {"ran": max((now - started_at).total_seconds(), 0.0)}

    def _started_at(self) -> datetime | None:
        return datetime.fromisoformat(self.started_at) if self.started_at else None

    def _until(self) -> datetime | None:
        return datetime.fromisoformat(self.deadline) if self.deadline else None

    def _task_state(self) -> str | None:
        """Return the task's state; None if it has none, or if its run or DAG was deleted."""
        ti = self.task_instance
        if ti is None:
            raise LookupError("the trigger has no task instance")
        return task_state(ti)

    def _seconds_left(self, waiter: Waiter, clock: AwsClock) -> float | None:
        """Return the seconds until the deadline; None if there is none, or AWS's time is not known yet.

        :param clock: AWS's time from calls other than the shared polls.
        """
        until = self._until()
        if until is None:
            return None
        now = waiter.aws_time() or clock.now()
        if now is None:
            if not waiter.polled:
                return None
            # AWS cannot be reached at all, so only this machine's clock is left.
            now = datetime.now(UTC)
        return max((until - now).total_seconds(), 0.0)
