# SPDX-License-Identifier: Apache-2.0

"""How long a stop is repeated, whatever a hook raises; for a job type of a user's own."""

from __future__ import annotations

import asyncio
import threading

import pytest
from watch.waits import PATIENCE, OwnHook, Wait, own_jobs, run, spec_of

from airflow_provider_jobs._watch import stopping, threads
from airflow_provider_jobs._watch.stopping import keep_stopping
from airflow_provider_jobs.exceptions import JobError, JobInputError, JobQuotaError, JobUnavailableError
from airflow_provider_jobs.hooks._spec import HookSpec


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses worth speaking of."""
    monkeypatch.setattr(stopping, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(stopping, "_LONGEST_PAUSE", 0.02)


class Stopping(OwnHook):
    """A job type of a user's own that can be stopped, after so many failures."""

    errors: list[BaseException] = []  # noqa: RUF012 # set by each test
    stops = 0

    def stop_job(self, job_id: str) -> bool:
        Stopping.stops += 1
        if Stopping.errors:
            raise Stopping.errors.pop(0)
        return True


def stop(*errors: BaseException) -> bool:
    """Keep stopping a job; the errors come first, each at one attempt."""
    Stopping.errors, Stopping.stops = [*errors], 0
    outcome: list[bool] = []

    async def wanted() -> bool:
        return True

    async def test() -> None:
        async with asyncio.timeout(PATIENCE):
            outcome.append(await keep_stopping(spec_of(Stopping), "job", lambda *_, **__: None, wanted))

    run(test)
    return outcome[0]


@pytest.mark.parametrize(
    "error",
    [
        KeyError("odd"),
        TimeoutError("no answer"),
        StopIteration("odd"),
        asyncio.CancelledError("odd"),
        SystemExit(3),
        JobQuotaError("no room"),
        JobUnavailableError("no JSON", "UnreadableAnswer"),
    ],
)
def test_whatever_passes_is_tried_again(error: BaseException) -> None:
    assert stop(error, error) is True
    assert Stopping.stops == 3


@pytest.mark.parametrize("error", [JobError("AWS has no call for it"), JobInputError("no such id")])
def test_what_no_repetition_helps_is_told_at_once(error: Exception) -> None:
    with pytest.raises(JobError, match=str(error)):
        stop(error)
    assert Stopping.stops == 1


def test_a_stop_is_given_up_after_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stopping, "_GIVE_UP", 0.0)
    with pytest.raises(JobError, match="dropped"):
        stop(JobUnavailableError("dropped", "ConnectionClosedError"))
    assert Stopping.stops == 1


def test_a_stop_that_hangs_holds_up_no_poll(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has a thread of its own, and is tried again after its time limit."""
    released = threading.Event()
    (name,) = own_jobs(1)
    monkeypatch.setattr(threads, "_LIMIT", 0.05)
    Stopping.errors, Stopping.stops = [], 0

    class Hanging(Stopping):
        def stop_job(self, job_id: str) -> bool:
            Stopping.stops += 1
            return Stopping.stops > 1 or released.wait(PATIENCE)

    monkeypatch.setattr(HookSpec, "build", lambda self: Hanging(aws_conn_id=None))

    async def wanted() -> bool:
        return True

    async def test() -> None:
        wait = Wait(name, spec_of(Stopping))
        stopped = asyncio.create_task(keep_stopping(spec_of(Stopping), name, lambda *_, **__: None, wanted))
        polls = OwnHook.polls
        while OwnHook.polls < polls + 3:
            await asyncio.sleep(0.002)
        async with asyncio.timeout(PATIENCE):
            assert await stopped is True
        released.set()
        await wait.leave()

    run(test)
