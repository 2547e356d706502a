# SPDX-License-Identifier: Apache-2.0

"""Hooks of a user's own that break: waits go on, and so do those that come later."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from watch.waits import OwnHook, Wait, end_own_jobs, ended, own_jobs, run, spec_of, until

from airflow_provider_jobs.job import JobState, JobStatus

SPEC = spec_of(OwnHook)


def raises(error: BaseException) -> Callable[[Any], Any]:
    """A describe_jobs that raises."""

    def describe(job_ids: Any) -> Any:
        raise error

    return describe


def good(job_ids: Any) -> dict[str, Any]:
    """What describe_jobs should return."""
    return {job_id: OwnHook.describe_one(job_id) for job_id in job_ids}


def empties(job_ids: Any) -> Any:
    """A describe_jobs that takes its argument for its own."""
    found = good(job_ids)
    job_ids.clear()
    return found


BROKEN: dict[str, Callable[[Any], Any]] = {
    "None": lambda job_ids: None,
    "a list": lambda job_ids: [*good(job_ids).values()],
    "a number": lambda job_ids: 7,
    "nothing": lambda job_ids: {},
    "statuses that are none": lambda job_ids: dict.fromkeys(job_ids, "SUCCEEDED"),
    "exception classes": lambda job_ids: dict.fromkeys(job_ids, KeyError),
    "KeyErrors": lambda job_ids: {job_id: KeyError(job_id) for job_id in job_ids},
    "SystemExits": lambda job_ids: {job_id: SystemExit(3) for job_id in job_ids},
    "KeyError": raises(KeyError("odd")),
    "StopIteration": raises(StopIteration("odd")),
    "StopAsyncIteration": raises(StopAsyncIteration("odd")),
    "CancelledError": raises(asyncio.CancelledError("odd")),
    "TimeoutError": raises(TimeoutError("odd")),
    "GeneratorExit": raises(GeneratorExit("odd")),
    "SystemExit": raises(SystemExit(3)),
    "KeyboardInterrupt": raises(KeyboardInterrupt()),
    "RecursionError": raises(RecursionError("odd")),
}


@pytest.mark.parametrize("broken", BROKEN)
def test_a_hook_that_breaks_ends_no_wait(broken: str) -> None:
    """Nor a wait that begins while it is broken, or later."""
    names = own_jobs(6)
    OwnHook.instead = BROKEN[broken]

    async def test() -> None:
        waits = [Wait(name, SPEC) for name in names[:2]]
        await until(lambda: OwnHook.polls >= 3)
        waits += [Wait(name, SPEC) for name in names[2:4]]
        polls = OwnHook.polls
        await until(lambda: OwnHook.polls >= polls + 3)
        assert not any(wait.over for wait in waits)
        OwnHook.instead = None
        end_own_jobs()
        waits += [Wait(name, SPEC) for name in names[4:]]
        assert await ended(*waits) == ["succeeded"] * 6

    run(test)


@pytest.mark.parametrize("error", [KeyError("odd"), StopIteration("odd"), asyncio.CancelledError("odd")])
def test_a_job_whose_description_breaks_is_one_waits_trouble(error: BaseException) -> None:
    names = own_jobs(4)
    end_own_jobs()
    hook = OwnHook(aws_conn_id=None)

    def describe(job_id: str) -> JobStatus:
        if job_id == names[0]:
            raise error
        return OwnHook.describe_one(job_id)

    OwnHook.instead = lambda job_ids: hook.describe_each(job_ids, {}, describe)

    async def test() -> None:
        waits = [Wait(name, SPEC) for name in names]
        assert await ended(*waits[1:]) == ["succeeded"] * 3
        assert not waits[0].over
        await waits[0].leave()

    run(test)


def test_an_id_that_is_left_out_is_one_waits_trouble() -> None:
    names = own_jobs(4)
    OwnHook.instead = lambda job_ids: good(each for each in job_ids if each != names[0])

    async def test() -> None:
        waits = [Wait(name, SPEC) for name in names]
        await until(lambda: OwnHook.polls >= 3)
        end_own_jobs()
        assert await ended(*waits[1:]) == ["succeeded"] * 3
        assert not waits[0].over
        OwnHook.instead = None
        assert await ended(waits[0]) == ["succeeded"]

    run(test)


def test_a_hook_may_do_with_the_ids_what_it_likes() -> None:
    names = own_jobs(4)
    OwnHook.instead = empties

    async def test() -> None:
        waits = [Wait(name, SPEC) for name in names]
        await until(lambda: OwnHook.polls >= 2)
        end_own_jobs()
        assert await ended(*waits) == ["succeeded"] * 4

    run(test)


def test_a_traceback_is_logged_once(logged: Callable[[], str]) -> None:
    names = own_jobs(2)
    OwnHook.instead = raises(ZeroDivisionError("so many jobs"))

    async def test() -> None:
        waits = [Wait(name, SPEC) for name in names]
        await until(lambda: OwnHook.polls >= 5)
        OwnHook.instead = None
        end_own_jobs()
        assert await ended(*waits) == ["succeeded"] * 2

    run(test)
    text = logged()
    assert "failed: ZeroDivisionError: so many jobs" in text
    assert text.count("Traceback (most recent call last)") <= 2  # structlog and Python's logging each show it
    assert text.count("in describe") >= 1


def test_what_changes_from_poll_to_poll_in_a_message_logs_no_new_traceback(
    logged: Callable[[], str],
) -> None:
    (name,) = own_jobs(1)

    def broken(job_ids: Any) -> Any:
        raise ValueError(f"request {OwnHook.polls}")

    OwnHook.instead = broken

    async def test() -> None:
        wait = Wait(name, SPEC)
        await until(lambda: OwnHook.polls >= 6)
        OwnHook.instead = None
        end_own_jobs()
        assert await ended(wait) == ["succeeded"]

    run(test)
    assert 1 <= logged().count("Traceback (most recent call last)") <= 2


@pytest.mark.parametrize("state", [state for state in JobState if state.ended])
def test_what_ends_a_wait_is_its_jobs_end(state: JobState) -> None:
    (name,) = own_jobs(1)

    async def test() -> None:
        wait = Wait(name, SPEC)
        await until(lambda: OwnHook.polls >= 3)
        assert not wait.over
        OwnHook.jobs = {name: state}
        assert await ended(wait) == [state.value]

    run(test)


def test_a_hook_that_cannot_be_imported_ends_no_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """As while a DAG bundle is being replaced."""
    (name,) = own_jobs(1)
    kept = OwnHook
    monkeypatch.delattr("watch.waits.OwnHook")

    async def test() -> None:
        wait = Wait(name, SPEC)
        others = [Wait(name, SPEC)]
        await asyncio.wait({wait.task}, timeout=0.2)
        assert not wait.over
        monkeypatch.setattr("watch.waits.OwnHook", kept, raising=False)
        end_own_jobs()
        assert await ended(wait, *others) == ["succeeded"] * 2

    run(test)
