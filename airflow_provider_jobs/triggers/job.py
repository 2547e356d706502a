# SPDX-License-Identifier: Apache-2.0

"""The trigger that waits for a job to end, for every service."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from airflow.providers.common.compat.sdk import TaskInstanceState
from asgiref.sync import sync_to_async

from airflow_provider_jobs import metrics
from airflow_provider_jobs.exceptions import JobError, JobNotFoundError, is_passing
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.triggers.base import WaitTrigger
from airflow_provider_jobs.triggers.poller import JobPoller, Waiter

__all__ = ["JobTrigger"]

#: Seconds after which a line is logged even if nothing changed.
_HEARTBEAT = 240.0


class JobTrigger(WaitTrigger):
    """Waits until a job has ended, or its deadline has passed; starts nothing.

    Its event is a dictionary with ``job_id``, ``job`` (the last status seen, see
    :meth:`JobStatus.to_json`, or None), ``shared`` and, where the wait did not reach the job's end,
    ``timeout`` or ``error`` with a message; where it did, ``ran``: the seconds that the job ran, if AWS's
    clock tells.

    Takes the parameters of :class:`~airflow_provider_jobs.triggers.base.WaitTrigger`, and:

    :param deadline: when to give up, by AWS's clock, as an ISO 8601 time with an offset; never when None.
    :param cancel_on_kill: stop the job when a person ends the waiting task (Airflow 3.3 or later).
    :param shared: whether the job was there before the task; passed on in the event.
    :param settling_time: seconds in which a job that AWS does not show yet is polled for again.
    """

    def __init__(
        self,
        *,
        deadline: str | None = None,
        cancel_on_kill: bool = True,
        shared: bool = False,
        settling_time: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.deadline = deadline
        self.cancel_on_kill = cancel_on_kill
        self.shared = shared
        self.settling_time = settling_time

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return the class's path and the constructor's arguments."""
        path, arguments = super().serialize()
        return path, {
            **arguments,
            "deadline": self.deadline,
            "cancel_on_kill": self.cancel_on_kill,
            "shared": self.shared,
            "settling_time": self.settling_time,
        }

    async def wait(self) -> dict[str, Any]:
        """Return the event's content when the job has ended, or cannot be watched any longer."""
        job: JobStatus | None = None
        trouble = ""
        told, told_at = "", 0.0
        loop = asyncio.get_running_loop()
        settled_at = loop.time() + self.settling_time
        waiter = Waiter(self.job_id, self.poll_interval)
        async with JobPoller.waiting(self.spec, waiter) as updates:
            while True:
                try:
                    update = await asyncio.wait_for(updates.get(), self._seconds_left(waiter))
                except TimeoutError:
                    return self._event(job, timeout=f"had not ended by {self.deadline}{trouble}")
                if isinstance(update, JobStatus):
                    job, trouble = update, ""
                    line, news = f"{self.job_id}: {job.describe(_now())}", job.describe()
                    if job.state.ended:
                        await self.say(line)
                        metrics.send_duration(self.spec.hook_class, job)
                        return self._event(job, **self._ran(job, waiter))
                elif isinstance(update, JobNotFoundError) and job is None and loop.time() < settled_at:
                    line = news = f"{self.job_id}: AWS does not show it yet"
                elif is_passing(update):
                    trouble = f"; the last look failed: {update}"
                    line = news = f"{self.job_id}: the look failed, looking again later: {update}"
                else:
                    return self._event(job, error=str(update))
                moment = loop.time()
                if news != told or moment - told_at >= _HEARTBEAT:
                    await self.say(line)
                    told, told_at = news, moment

    async def on_kill(self) -> None:
        """Stop the job when a person marked or cleared the task; Airflow 3.3 calls this.

        Airflow also calls it when it hands the trigger to another triggerer after missed heartbeats
        (apache/airflow#73454). The task is still deferred then, and its job is left alone.
        """
        # Airflow 3.3 cancels the trigger anew every second until this is over, which would break it off
        # wherever it waits: Airflow's answer or AWS's may take longer than that.
        stopping = asyncio.create_task(self._end_job())
        while not stopping.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait({stopping})
        if not stopping.cancelled():
            stopping.result()

    async def _end_job(self) -> None:
        """Stop the job, unless it is to go on."""
        if not self.cancel_on_kill:
            await self.say("cancel_on_kill is off: %s goes on.", self.job_id)
            return
        try:
            state = await sync_to_async(self._task_state, thread_sensitive=False)()
        except Exception as error:
            await self.say(
                "%s goes on: the task's state could not be read (%s).", self.job_id, error, warning=True
            )
            return
        if state == TaskInstanceState.DEFERRED:
            await self.say("%s goes on: the task is still deferred, its trigger was moved.", self.job_id)
            return

        def stop() -> bool:
            return self.spec.build().stop_job(self.job_id)

        try:
            stopped = await sync_to_async(stop, thread_sensitive=False)()
        except JobError as error:
            await self.say("%s could not be stopped and may go on: %s", self.job_id, error, warning=True)
            return
        await self.say("%s: %s", self.job_id, "stopped with its task" if stopped else "had ended already")

    def _event(self, job: JobStatus | None, **outcome: Any) -> dict[str, Any]:
        return {
            "job_id": self.job_id,
            "job": job.to_json() if job else None,
            "shared": self.shared,
            **outcome,
        }

    def _ran(self, job: JobStatus, waiter: Waiter) -> dict[str, float]:
        now = waiter.aws_time()
        if now is None or job.started_at is None:
            return {}
        return {"ran": max((now - job.started_at).total_seconds(), 0.0)}

    def _task_state(self) -> str | None:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance

        ti = self.task_instance
        if ti is None:
            raise LookupError("the trigger has no task instance")
        states = RuntimeTaskInstance.get_task_states(
            dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
        )
        mapped = ti.map_index is not None and ti.map_index >= 0
        state: str | None = states[ti.run_id][f"{ti.task_id}_{ti.map_index}" if mapped else ti.task_id]
        return state

    def _seconds_left(self, waiter: Waiter) -> float | None:
        """Return the seconds until the deadline; None if there is none, or AWS has not told its time yet."""
        if self.deadline is None:
            return None
        now = waiter.aws_time()
        if now is None:
            if not waiter.polled:
                return None
            # AWS cannot be reached at all: this machine's clock is what is left.
            now = _now()
        return max((datetime.fromisoformat(self.deadline) - now).total_seconds(), 0.0)


def _now() -> datetime:
    return datetime.now(UTC)
