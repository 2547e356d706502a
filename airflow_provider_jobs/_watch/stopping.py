# SPDX-License-Identifier: Apache-2.0

"""Repeats a stop until the job is stopped, when its task was ended or its time is up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from airflow_provider_jobs._watch.threads import in_thread
from airflow_provider_jobs.error_codes import ACCESS_CODES
from airflow_provider_jobs.exceptions import (
    JobApiError,
    JobError,
    JobInputError,
    JobNotFoundError,
    JobQuotaError,
    JobUnavailableError,
)
from airflow_provider_jobs.hooks._clock import AwsClock
from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.job import JobState, JobStatus

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks.base import JobHook

__all__ = [
    "STOPPED",
    "STOPPING",
    "TimeIsUp",
    "keep_stopping",
    "poll_when_time_is_up",
    "stop_when_time_is_up",
]

T = TypeVar("T")

#: Seconds before the first repetition, and the longest pause between later ones; each pause doubles.
_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 60.0
#: Seconds after which a stop is abandoned.
_GIVE_UP = 3600.0
#: Number of denied stops in a row, over a minute, after which access counts as revoked.
_DENIED = 6
#: Outcomes of a stop, for messages.
STOPPING, STOPPED = "it is being stopped", "it was stopped"
#: AWS reports its time in whole seconds.
_CUT = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class TimeIsUp:
    """A job's status when its time was up, and the outcome.

    :param job: its status; None if it could not be read.
    :param clock: AWS's time, as far as known.
    :param early: whether the time is not up yet by AWS's clock; then nothing was stopped.
    :param outcome: the outcome of the stop, for a message; empty if the job had ended.
    """

    job: JobStatus | None
    clock: AwsClock
    early: bool = False
    outcome: str = ""


async def keep_stopping(
    spec: HookSpec,
    job_id: str,
    say: Callable[..., None],
    wanted: Callable[[], Awaitable[bool]],
) -> bool:
    """Ask AWS to stop a job, and repeat that until AWS accepts it.

    :param spec: the hook; each attempt builds a new one, which uses credentials rotated in the meantime.
    :param job_id: the job.
    :param say: writes a line to the task's log.
    :param wanted: whether the job should still be stopped; called before each repetition.
    :return: whether there was something to stop; also False if the stop is no longer wanted.
    :raises JobError: if the job cannot be stopped: the service has no call for it, access is denied, or an
        hour is over.
    """
    return bool(await _keep_at(spec, job_id, lambda hook: hook.stop_job(job_id), say, wanted))


async def poll_when_time_is_up(
    spec: HookSpec, job_id: str, until: datetime, aws_time: datetime | None
) -> TimeIsUp:
    """Poll a job once more that should not be stopped; the outcome is empty if it has ended.

    :param spec: the hook.
    :param job_id: the job.
    :param until: when its time is up, by AWS's clock, aware.
    :param aws_time: AWS's time as the caller has heard it, aware; None if it has not.
    """

    def poll() -> TimeIsUp:
        hook = _polling(spec)
        try:
            job = hook.describe_job(job_id)
        except (JobError, JobInputError) as error:
            return TimeIsUp(None, hook.clock, outcome=f"the last poll failed: {error}")
        now = hook.clock.now() or aws_time
        if job.state.ended:
            return TimeIsUp(job, hook.clock)
        early = now is not None and now + _CUT < until
        return TimeIsUp(job, hook.clock, early=early, outcome="it goes on")

    try:
        return await in_thread((spec, "last poll", job_id), poll)
    except Exception as error:
        return TimeIsUp(None, AwsClock(), outcome=f"the last poll failed: {error}")


async def stop_when_time_is_up(
    spec: HookSpec, job_id: str, until: datetime, say: Callable[..., None], aws_time: datetime | None
) -> TimeIsUp:
    """Poll once more, and stop the job if it has not ended; repeated until it is known to be stopped.

    :param spec: the hook; each attempt builds a new one.
    :param job_id: the job.
    :param until: when its time is up, by AWS's clock, aware.
    :param say: writes a line to the task's log.
    :param aws_time: AWS's time as the caller has heard it, aware; None if it has not.
    """
    try:
        found = await _keep_at(spec, job_id, _StopInTime(job_id, until, aws_time).attempt, say)
    except JobError as error:
        found = TimeIsUp(None, AwsClock(), outcome=f"it could NOT be stopped and may go on: {error}")
    assert found is not None  # it is always wanted
    return found


class _StopInTime:
    """Stops a job whose time is up; remembers over all attempts whether a stop was sent.

    :param job_id: the job.
    :param until: when its time is up, by AWS's clock, aware.
    :param aws_time: AWS's time as the caller has heard it, aware; None if it has not.
    """

    def __init__(self, job_id: str, until: datetime, aws_time: datetime | None) -> None:
        self._job_id = job_id
        self._until = until
        self._aws_time = aws_time
        #: Whether a call may have stopped it.
        self._asked = False

    def attempt(self, hook: JobHook) -> TimeIsUp:
        """Poll, and stop the job if it should be stopped.

        :raises JobError: if it is unknown what happened to the job.
        """
        job = None
        try:
            job = hook.describe_job(self._job_id)
        except (JobError, JobInputError) as error:
            if not hook.stoppable:
                return TimeIsUp(None, hook.clock, outcome=f"it cannot be stopped and may go on: {error}")
            # A job that cannot be read can still be stopped.
        if job is not None and job.state.ended:
            return self._ended(job, hook)
        now = hook.clock.now() or self._aws_time
        if now is None:
            raise JobUnavailableError("AWS's answers have no time, so it is unknown whether the time is up.")
        if now + _CUT < self._until:
            return TimeIsUp(job, hook.clock, early=True)
        if job is not None and job.state is JobState.STOPPING:
            return TimeIsUp(job, hook.clock, outcome=STOPPING)
        return self._stop(job, hook)

    def _stop(self, job: JobStatus | None, hook: JobHook) -> TimeIsUp:
        before, self._asked = self._asked, True
        if hook.stop_job(self._job_id):
            return TimeIsUp(job, hook.clock, outcome=STOPPING)
        # This call stopped nothing. Read what happened to the job instead of guessing.
        self._asked = before
        try:
            job = hook.describe_job(self._job_id)
        except JobNotFoundError:
            return TimeIsUp(job, hook.clock, outcome="AWS does not know it any longer")
        if job.state.ended:
            return self._ended(job, hook)
        if job.state is JobState.STOPPING:
            return TimeIsUp(job, hook.clock, outcome=STOPPING)
        raise JobUnavailableError(
            f"AWS says that there is nothing to stop, and shows it {job.service_state}."
        )

    def _ended(self, job: JobStatus, hook: JobHook) -> TimeIsUp:
        """Return the outcome; after a stop was sent, a cancelled job counts as stopped by us."""
        ours = self._asked and job.state is JobState.CANCELLED
        return TimeIsUp(job, hook.clock, outcome=STOPPED if ours else "")


def _polling(spec: HookSpec) -> JobHook:
    """Return a new hook, whose calls have the short time limits of a poll."""
    hook = spec.build()
    hook.polling = True
    return hook


async def _keep_at(
    spec: HookSpec,
    job_id: str,
    call: Callable[[JobHook], T],
    say: Callable[..., None],
    wanted: Callable[[], Awaitable[bool]] | None = None,
) -> T | None:
    """Repeat a call that stops a job until AWS answers; None if the stop is no longer wanted."""
    loop = asyncio.get_running_loop()
    give_up = loop.time() + _GIVE_UP
    pause, denied = _FIRST_PAUSE, 0

    def attempt() -> T:
        return call(_polling(spec))

    while True:
        try:
            # One thread per job: a call that hangs does not delay the stop of another job.
            return await in_thread((spec, "stop", job_id), attempt)
        except Exception as error:
            transient = not isinstance(error, (JobError, JobInputError)) or isinstance(
                error, (JobApiError, JobQuotaError)
            )
            denied = denied + 1 if getattr(error, "code", "") in ACCESS_CODES else 0
            if not transient or denied >= _DENIED or loop.time() + pause > give_up:
                raise error if isinstance(error, JobError) else JobError(str(error)) from error
            say("%s could not be stopped; trying again in %.0f s: %s", job_id, pause, error, warning=True)
        await asyncio.sleep(pause)
        pause = min(2 * pause, _LONGEST_PAUSE)
        if wanted is not None and not await wanted():
            say("%s is not stopped: the task goes on, and its new try decides.", job_id)
            return None
