# SPDX-License-Identifier: Apache-2.0

"""The mocked AWS beside the model's: its time, its jobs' ends, what arrives late, and what shows late."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import partial
from math import inf
from typing import Any

from once.replay_histories import History, event_of
from once.replay_services import Counterpart, NoCounterpart
from once.world.airflow import World, advance
from once.world.aws import LAG, Job

from airflow_provider_jobs._once.evidence import Sight
from airflow_provider_jobs.job import JobState
from airflow_provider_jobs.testing import AwsJobs

#: When a history begins, by AWS's clock, in seconds since the epoch: a little after a full second, since AWS
#: cuts some of its times to that.
_BEGIN = datetime(2026, 3, 1, tzinfo=UTC).timestamp() + 0.1
_STATES = {
    "starting": JobState.RUNNING,
    "running": JobState.RUNNING,
    "stopping": JobState.STOPPING,
    "succeeded": JobState.SUCCEEDED,
    "failed": JobState.FAILED,
    "stopped": JobState.CANCELLED,
}


class Difference(AssertionError):
    """The model and the real side have come apart."""


class Cloud:
    """The mocked AWS, kept at the model's time.

    :param aws: its control object.
    :param service: the service.
    :param history: what is replayed.
    """

    def __init__(self, aws: AwsJobs, service: Counterpart, history: History) -> None:
        self.aws, self.service = aws, service
        self.name = service.case.service
        self.now = 0.0
        #: By the model's ids, the mocked AWS's.
        self.ids: dict[str, str] = {}
        self._late: list[tuple[float, Callable[[], Any]]] = []
        self._lags = _lags(history)
        self._lagging = False
        self.set_clock(0)

    def set_clock(self, to: float) -> None:
        self.now = max(self.now, to)
        self.aws.set_clock_skew(_BEGIN + self.now - datetime.now(UTC).timestamp())

    def later(self, at: float, do: Callable[[], Any]) -> None:
        """Let something happen at AWS when its time has come."""
        self._late.append((at, do))

    def pass_time(self, world: World) -> None:
        """Let the time come to the model's; jobs end, late calls arrive and lags begin on the way."""
        due: list[tuple[float, int, Callable[[], Any]]] = []
        for job in world.jobs:
            if job.job_id in self.ids and job.ends <= world.now and self._live(job.job_id):
                due.append((job.ends, 0, partial(self._end, job)))
        due += [(at, 1, do) for at, do in self._late if at <= world.now]
        self._late = [(at, do) for at, do in self._late if at > world.now]
        if not self._lagging and any(begin <= world.now for begin, _ in self._lags):
            due.append((max(min(self._lags)[0], self.now), 2, self._begin_lag))
        for at, _, do in sorted(due, key=lambda each: each[:2]):
            self.set_clock(at)
            do()
        self.set_clock(world.now)

    def end_lag(self, world: World) -> None:
        """The reading that lagged is over."""
        self._lags = [(begin, end) for begin, end in self._lags if end > world.now]
        if self._lagging and not any(begin <= world.now for begin, _ in self._lags):
            self._lagging = False
            self.aws.set_lag(self.name)

    @property
    def lags(self) -> bool:
        """Whether changes show late now."""
        return self._lagging

    def lags_early(self, world: World) -> bool:
        """Whether readings lag that do not in the model."""
        return self._lagging and not world.lag

    def compare(self, world: World) -> None:
        """Compare the jobs: which there are, and in what state.

        :raises Difference: if they are not the same.
        """
        shown = self.aws.jobs(self.name)
        if len(shown) != world.made:
            raise Difference(f"at {world.now} s the model has started {world.made} jobs, not {len(shown)}")
        self.ids = {f"job-{number}": job["id"] for number, job in enumerate(shown, start=1)}
        states = {job["id"]: _STATES[job["phase"]] for job in shown}
        for job in world.jobs:
            state = states[self.ids[job.job_id]]
            if state is not job.state(world.now):
                raise Difference(
                    f"at {world.now} s {job.job_id} is {job.state(world.now)} in the model, not {state}"
                )

    def compare_sights(self, world: World, model: Sight, real: Sight) -> None:
        """Compare what a reading shows.

        :raises Difference: if it is not the same.
        :raises NoCounterpart: if that is since the mocked AWS's lag has to begin earlier.
        """
        names = {self.core_id(job_id): job_id for job_id in self.ids}
        seen = {names[job.job_id]: job.state for job in real.jobs}
        expected = {job.job_id: job.state for job in model.jobs}
        if not self.service.sees_all:
            expected = {job_id: state for job_id, state in expected.items() if job_id in seen}
        if seen == expected:
            return
        if self.lags_early(world):
            raise NoCounterpart("an earlier reading would lag as well")
        if self.lags and self.service.lags_in_parts:
            raise NoCounterpart("a part of a reading lags")
        raise Difference(f"at {world.now} s a reading shows {expected} in the model, not {seen}")

    def job(self, job_id: str) -> dict[str, Any]:
        """Return the mocked AWS's job by the model's id."""
        return next(job for job in self.aws.jobs(self.name) if job["id"] == self.ids[job_id])

    def core_id(self, job_id: str) -> str:
        """Return by what the package speaks of a job, by the model's id."""
        return self.service.core_id(self.job(job_id))

    def end(self, world: World, job: Job) -> None:
        """A job ends otherwise than it was going to."""
        if job.stopped is not None and job.result is not JobState.CANCELLED:
            raise NoCounterpart("a job that is being stopped ends otherwise")
        if job.stopped is None and job.result is JobState.CANCELLED:
            self.service.cancel(self.job(job.job_id))
        self._end(job)

    def calls(self, operation: str) -> int:
        """Return how many calls there were of an operation, or of all."""
        calls = self.aws.calls(self.name)
        return sum(calls.values()) if operation == "*" else calls.get(operation, 0)

    def _live(self, job_id: str) -> bool:
        return self.job(job_id)["ended_at"] is None

    def _end(self, job: Job) -> None:
        if job.result is JobState.FAILED:
            self.aws.fail(self.ids[job.job_id], "out of luck")
        self.aws.advance(self.ids[job.job_id])

    def _begin_lag(self) -> None:
        self._lagging = True
        self.aws.set_lag(self.name, seconds=LAG)


def _lags(history: History) -> list[tuple[float, float]]:
    """Return from when until when changes have to show late.

    The mocked AWS never takes back what it shows already. So a lag begins so much earlier that the first
    reading that lags in the model shows what it should.
    """
    world, lags = World(history.setting), []
    for point in history.points:
        for _ in range(point.advances):
            advance(world)
        if point.event == "lags":
            lags.append((world.now + 1.0 - LAG, world.now + 1.0))
        elif point.event == "lag begins":
            lags.append((float(world.now - LAG), inf))
        world.marks |= {"disturbed"}
        event_of(world, point.event).happen(world)
    return lags


def moved(before: Iterable[Job], after: Iterable[Job]) -> list[Job]:
    """Return the jobs that have changed."""
    known = {job.job_id: job for job in before}
    return [job for job in after if job.job_id in known and known[job.job_id] != job]
