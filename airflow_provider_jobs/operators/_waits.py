# SPDX-License-Identifier: Apache-2.0

"""The triggers for what a task waits for before it can start its job."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger

from airflow_provider_jobs import metrics
from airflow_provider_jobs._once.decision import Evidence, KnownJob, Sighting
from airflow_provider_jobs.exceptions import JobInputError, JobStartTimeoutError
from airflow_provider_jobs.triggers.base import shortest_wait
from airflow_provider_jobs.triggers.delay import DelayTrigger
from airflow_provider_jobs.triggers.queue import QueueTrigger

if TYPE_CHECKING:
    from airflow_provider_jobs._once.attempt_log import Attempt
    from airflow_provider_jobs._once.identity import Identity
    from airflow_provider_jobs.hooks.base import JobHook
    from airflow_provider_jobs.operators._before import Before
    from airflow_provider_jobs.operators._places import Places
    from airflow_provider_jobs.operators.start import StartJobOperator

__all__ = ["StartWaits"]

#: Seconds between warnings that a task waits for a job that may be its own.
_WARN_AGAIN = 900.0


class StartWaits:
    """Returns the triggers of a task that cannot start its job yet, and logs what it waits for.

    :param operator: the task's operator.
    :param identity: the task instance.
    :param places: the Regions and connections of its attempts.
    :param settling: the settling time.
    :param team: the task's team, for metrics; None if Airflow knows none.
    """

    def __init__(
        self,
        operator: StartJobOperator[Any],
        identity: Identity,
        places: Places,
        settling: timedelta,
        team: str | None,
    ) -> None:
        self.operator = operator
        self.hook: JobHook = operator.hook
        self.identity = identity
        self.places = places
        self._settling = settling
        self._team = team

    def for_end(self, job: KnownJob, before: Before) -> BaseTrigger:
        """Wait for the end of a job that must not run beside the next one.

        :raises JobStartTimeoutError: if the start timeout is over.
        """
        left = self._time_left(before)
        job_id = job.job_id or ""
        if job.evidence is Evidence.COULD_BE:
            self._warn(job_id, before)
        else:
            name = f"{self.hook.noun} {job_id}{self.places.told(job.place)}"
            self.operator.log.info("Waiting for the end of %s: %s; %s.", name, job.evidence, job.likeness)
        if job_id in before.carried.stopped:
            # AWS has accepted the stop. If it takes no effect in this time, the job is stopped again.
            patience = max(self._settling.total_seconds(), self.operator.poll_interval)
            left = patience if left is None else min(left, patience)
        now = self.hook.clock.now_or_local()
        deadline = now + timedelta(seconds=left) if left is not None else None
        return self.operator._job_trigger(
            job_id,
            deadline=deadline.isoformat() if deadline else None,
            spec=self.places.spec(job.place),
            goes_on=self._why_it_goes_on(job, before),
        )

    def for_room(self, attempt: Attempt, before: Before, request: Any) -> BaseTrigger:
        """Wait in the queue while the account's quota is full.

        :raises JobStartTimeoutError: if the start timeout is over.
        """
        left = self._time_left(before)
        again = before.queued is not None
        before.queued = before.queued or time.time()
        spec = self.operator._encoded()
        return QueueTrigger(
            hook_class=spec.hook_class,
            hook_parameters=spec.parameters,
            job_id=self.hook.job_name(self.identity, attempt, request),
            scope=attempt.scope,
            poll_interval=self.operator.poll_interval,
            since=before.queued,
            again=again,
            until=None if left is None else time.time() + left,
        )

    def for_time(self, not_before: datetime, before: Before) -> BaseTrigger:
        """Wait until the job may start.

        :raises JobInputError: if that is later than the start timeout allows.
        :raises JobStartTimeoutError: if the start timeout is over.
        """
        left = self._time_left(before)
        now = self.hook.clock.now_or_local()
        seconds = max((not_before - now).total_seconds(), 0.0)
        if left is not None and seconds > left:
            raise JobInputError(
                f"The {self.hook.noun} must not start before {not_before.isoformat()}, which is later than "
                f"start_timeout={self.operator.start_timeout} allows. Give an earlier window, or a longer "
                "start_timeout."
            )
        self.operator.log.info("Waiting until %s to start the %s.", not_before.isoformat(), self.hook.noun)
        return self._delay(seconds)

    def to_settle(self, until: datetime | None, at: datetime | None, before: Before) -> BaseTrigger:
        """Wait until it is certain what earlier calls have started.

        :raises JobStartTimeoutError: if the start timeout is over.
        """
        self._time_left(before)
        interval = self.operator.poll_interval
        seconds = (until - at).total_seconds() + 1 if until and at else interval
        self.operator.log.info(
            "It is not certain yet what earlier calls have started; asking AWS again later%s.",
            f", until {until.isoformat()}" if until else "",
        )
        return self._delay(min(max(seconds, 0.0), interval))

    def _why_it_goes_on(self, job: KnownJob, before: Before) -> str:
        """Return why a job that the task waits for before its start is not stopped with the task."""
        if job.evidence is Evidence.COULD_BE:
            return "It may not be this task's"
        if job.sighting is Sighting.STOPPING or job.job_id in before.carried.stopped:
            return "It was told to stop before"
        if not self.hook.stoppable:
            return f"{self.hook.label} cannot stop it"
        return "It is an earlier one of this task" if self.operator.cancel_on_kill else ""

    def _delay(self, seconds: float) -> DelayTrigger:
        return DelayTrigger(seconds=max(seconds, shortest_wait(self.operator.poll_interval)))

    def _time_left(self, before: Before) -> float | None:
        limit = self.operator.start_timeout
        if limit is None:
            return None
        left = before.began + limit.total_seconds() - time.time()
        if left <= 0:
            raise JobStartTimeoutError(
                f"The {self.hook.noun} could not be started within start_timeout={limit}. The task's log "
                "says what it waited for; a retry waits again."
            )
        return left

    def _warn(self, job_id: str, before: Before) -> None:
        metrics.send("start_in_doubt", **metrics.tags_of(self.hook, self._team))
        if time.time() - before.warned >= _WARN_AGAIN:
            before.warned = time.time()
            self.operator.log.warning(
                "%s %s may have been started by an earlier call of this task; AWS does not say. The task "
                "waits for its end, at most until start_timeout. If you do not want it, cancel %s, and this "
                "task goes on.",
                self.operator._noun,
                job_id,
                job_id,
            )
