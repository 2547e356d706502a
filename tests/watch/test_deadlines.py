# SPDX-License-Identifier: Apache-2.0

"""What comes of a job whose time is up, whatever AWS answers about that time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, ClassVar

import pytest
from watch.waits import OwnHook, Wait, own_jobs, run, spec_of, until

from airflow_provider_jobs._watch import stopping
from airflow_provider_jobs.exceptions import JobNotFoundError, JobOutcomeUnknownError, JobUnavailableError
from airflow_provider_jobs.job import JobState, JobStatus

RUNNING, STOPPING, CANCELLED = JobState.RUNNING, JobState.STOPPING, JobState.CANCELLED
SUCCEEDED = JobState.SUCCEEDED
BUSY = JobUnavailableError("busy", "ThrottlingException")
LOST = JobOutcomeUnknownError("no answer", "ConnectionClosedError")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses worth speaking of."""
    monkeypatch.setattr(stopping, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(stopping, "_LONGEST_PAUSE", 0.02)


@dataclass
class Aws:
    """A service with one job.

    :ivar state: of the job.
    :ivar looks: what descriptions raise once the time is up, one after the other; None describes.
    :ivar stops: what stops answer, one after the other; the last one stays.
    :ivar after: the job's state after so many stops.
    """

    state: JobState = RUNNING
    looks: list[Exception | None] = field(default_factory=list)
    stops: list[bool | Exception] = field(default_factory=lambda: [True])
    after: dict[int, JobState] = field(default_factory=dict)
    stopped: int = 0
    now: Callable[[], datetime] = lambda: datetime.now(UTC)


class Timed(OwnHook):
    """A job type whose AWS tells its time and can stop jobs."""

    aws: ClassVar[Aws] = Aws()

    def describe_jobs(self, job_ids: Any) -> Any:
        self.clock.hear(
            {"ResponseMetadata": {"HTTPHeaders": {"date": f"{Timed.aws.now():%a, %d %b %Y %T GMT}"}}}
        )
        return super().describe_jobs(job_ids)

    @staticmethod
    def describe_one(job_id: str) -> JobStatus:
        """Describe the job, or fail as planned."""
        planned = Timed.aws.looks.pop(0) if Timed.aws.looks else None
        if planned is not None:
            raise planned
        return JobStatus(job_id, Timed.aws.state, Timed.aws.state.name)

    def stop_job(self, job_id: str) -> bool:
        aws = Timed.aws
        aws.stopped += 1
        answer = aws.stops.pop(0) if len(aws.stops) > 1 else aws.stops[0]
        aws.state = aws.after.get(aws.stopped, aws.state)
        if isinstance(answer, Exception):
            raise answer
        return answer


def outcome(aws: Aws, seconds: float = -5.0, **arguments: Any) -> dict[str, Any]:
    """The event of a wait whose deadline is so many seconds from now."""
    Timed.aws = aws
    (job,) = own_jobs(1)
    deadline = datetime.now(UTC) + timedelta(seconds=seconds)
    events: list[dict[str, Any]] = []

    async def test() -> None:
        given = {"seen": True, "stop_at_deadline": True, "poll_interval": 30.0, **arguments}
        wait = Wait(job, spec_of(Timed), deadline=deadline.isoformat(), **given)
        await until(lambda: wait.over)
        events.append(wait.event)

    run(test)
    return events[0]


@pytest.mark.promise("job-timeout")
@pytest.mark.parametrize("failures", [1, 2, 5])
def test_a_job_that_had_ended_is_no_timeout_however_late_that_is_seen(failures: int) -> None:
    """AWS says that there is nothing to stop while descriptions fail."""
    looks: list[Exception | None] = [BUSY for _ in range(2 * failures)]
    aws = Aws(state=SUCCEEDED, looks=looks, stops=[False])
    event = outcome(aws)
    assert "timeout" not in event
    assert event["job"]["state"] == "succeeded"


@pytest.mark.promise("job-timeout")
def test_nothing_to_stop_is_not_believed_of_a_job_that_runs() -> None:
    aws = Aws(stops=[False, False, True], after={3: STOPPING})
    event = outcome(aws)
    assert event["stopped"] == "it is being stopped"
    assert aws.stopped == 3


@pytest.mark.promise("job-timeout")
def test_nor_told_as_an_end_where_it_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_GIVE_UP", 0.2)
    event = outcome(Aws(stops=[False]))
    assert "could NOT be stopped" in event["stopped"]
    assert "nothing to stop, and shows it RUNNING" in event["stopped"]


@pytest.mark.promise("job-timeout")
@pytest.mark.parametrize("state", [STOPPING, CANCELLED])
def test_a_stop_whose_answer_was_lost_is_ours(state: JobState) -> None:
    event = outcome(Aws(stops=[LOST], after={1: state}))
    assert event["stopped"] == ("it is being stopped" if state is STOPPING else "it was stopped")
    assert "timeout" in event


def test_a_job_that_is_being_stopped_already_gets_no_second_stop() -> None:
    aws = Aws(state=STOPPING)
    assert outcome(aws)["stopped"] == "it is being stopped"
    assert aws.stopped == 0


@pytest.mark.promise("job-timeout")
@pytest.mark.promise("triggerer-restart")
def test_a_triggerer_that_was_restarted_after_the_stop_tells_it() -> None:
    """The trigger begins again, and its first poll shows the job cancelled, after its time."""
    event = outcome(Aws(state=CANCELLED))
    assert event["stopped"] == "it was stopped"
    assert "timeout" in outcome(Aws(state=CANCELLED))
    assert "timeout" not in outcome(Aws(state=CANCELLED), seconds=3600)


def test_a_job_that_is_gone_is_told_as_such() -> None:
    gone = JobNotFoundError("no such job")
    event = outcome(Aws(looks=[None, BUSY, gone], stops=[False]), settling_time=1e6)
    assert event["stopped"] == "AWS does not know it any longer"


@pytest.mark.parametrize("arguments", [{"shared": True}, {"cancel_on_kill": False}])
def test_a_last_look_where_nothing_is_stopped(arguments: dict[str, Any]) -> None:
    """As for a sensor, and a job that was there before: its end lies between two polls."""
    aws = Aws()
    Timed.aws = aws

    async def end() -> None:
        await until(lambda: OwnHook.polls > 0)
        aws.state = SUCCEEDED

    events: list[dict[str, Any]] = []

    async def test() -> None:
        (job,) = own_jobs(1)
        deadline = datetime.now(UTC) + timedelta(seconds=3)
        given = {"seen": True, "poll_interval": 30.0, **arguments}
        wait = Wait(job, spec_of(Timed), deadline=deadline.isoformat(), **given)
        await end()
        await until(lambda: wait.over)
        events.append(wait.event)

    run(test)
    assert "timeout" not in events[0]
    assert events[0]["job"]["state"] == "succeeded"
    assert aws.stopped == 0


def test_a_clock_that_was_wrong_once_makes_no_loop_of_looks() -> None:
    """The first poll's answer is an hour ahead; the deadline is two seconds from now."""
    answers = iter([timedelta(hours=1)])
    aws = Aws(now=lambda: datetime.now(UTC) + next(answers, timedelta(0)))
    event = outcome(aws, seconds=2, poll_interval=0.5)
    assert event["stopped"] == "it is being stopped"
    assert aws.stopped == 1
    assert OwnHook.polls < 20


class Hanging(Timed):
    """The same; the stop of its first job is not answered before somebody lets it."""

    release: ClassVar[threading.Event] = threading.Event()
    told: ClassVar[set[str]] = set()

    def stop_job(self, job_id: str) -> bool:
        if job_id == "job-000":
            Hanging.release.wait(20)
        Hanging.told.add(job_id)
        return True


@pytest.mark.promise("job-timeout")
def test_a_stop_that_is_never_answered_holds_up_no_other() -> None:
    Timed.aws = Aws()
    jobs = own_jobs(3)
    deadline = (datetime.now(UTC) - timedelta(seconds=5)).isoformat()
    given: dict[str, Any] = {"deadline": deadline, "seen": True, "stop_at_deadline": True}

    async def test() -> None:
        waits = [Wait(job, spec_of(Hanging), poll_interval=30.0, **given) for job in jobs]
        await until(lambda: all(wait.over for wait in waits[1:]))
        assert {*jobs[1:]} == Hanging.told
        assert not waits[0].over
        Hanging.release.set()
        await until(lambda: waits[0].over)

    run(test)
