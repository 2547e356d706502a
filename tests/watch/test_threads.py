# SPDX-License-Identifier: Apache-2.0

"""The threads that polls run in: what hangs holds up nobody else, there are few, and nothing stays behind."""

from __future__ import annotations

import asyncio
import gc
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any

import pytest
from watch.waits import INTERVAL, PATIENCE, OwnHook, Wait, end_own_jobs, ended, own_jobs, run, spec_of, until

from airflow_provider_jobs._watch import shared, threads
from airflow_provider_jobs._watch.poller import JobPoller, Waiter
from airflow_provider_jobs._watch.threads import METRICS_THREAD, MOST_THREADS, CallThread, SideThread, call_in
from airflow_provider_jobs.exceptions import JobApiError
from airflow_provider_jobs.hooks._spec import HookSpec

NAME = "airflow-provider-jobs"
#: Lets calls go on that hang.
released = threading.Event()
#: The connections whose calls hang.
hanging: set[str] = set()


class Hook(OwnHook):
    """A hook of one of many connections."""

    def describe_jobs(self, job_ids: Any) -> Any:
        if self.aws_conn_id in hanging:
            released.wait(PATIENCE)
        return super().describe_jobs(job_ids)


def spec(number: int | str) -> HookSpec:
    """The hook of a connection."""
    return spec_of(Hook, aws_conn_id=f"c{number}")


def call_threads() -> list[threading.Thread]:
    """Those that make calls now."""
    return [each for each in threading.enumerate() if each.name == NAME]


def _running(count: int) -> bool:
    return len(call_threads()) == count


async def no_threads() -> None:
    """See that all call threads end."""
    await until(lambda: not call_threads() and not CallThread._all)


@pytest.fixture(autouse=True)
def hang() -> Iterator[None]:
    released.clear()
    hanging.clear()
    yield
    released.set()


def test_six_connections_that_hang_freeze_nothing() -> None:
    """Neither another connection's wait nor the event loop's own threads, of which there are few."""
    names = own_jobs(7)
    hanging.update(f"c{number}" for number in range(6))

    async def test() -> None:
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
        stuck = [Wait(name, spec(number)) for number, name in enumerate(names[:6])]
        await until(lambda: len(call_threads()) == 6)
        free = Wait(names[6], spec("free"))
        end_own_jobs()
        assert await ended(free) == ["succeeded"]
        assert await asyncio.to_thread(lambda: "free") == "free"
        assert not any(wait.over for wait in stuck)
        released.set()
        assert await ended(*stuck) == ["succeeded"] * 6
        await no_threads()

    run(test)


def test_a_wait_in_a_connection_that_hangs_can_be_left() -> None:
    (name,) = own_jobs(1)
    hanging.add("c0")

    async def test() -> None:
        wait = Wait(name, spec(0))
        await until(call_threads)
        await wait.leave()
        assert wait.task.cancelled()
        # What hangs is left to itself, and the next wait does not stand behind it.
        hanging.clear()
        end_own_jobs()
        assert await ended(Wait(name, spec(0))) == ["succeeded"]
        released.set()
        await no_threads()

    run(test)


def test_a_poll_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    (name,) = own_jobs(1)
    hanging.add("c0")
    monkeypatch.setattr(shared, "_POLL_LIMIT", 0.05)

    async def test() -> None:
        wait = Wait(name, spec(0))
        await until(lambda: len(call_threads()) >= 2)
        assert not wait.over
        hanging.clear()
        end_own_jobs()
        assert await ended(wait) == ["succeeded"]
        released.set()
        await no_threads()

    run(test)


def test_there_are_at_most_so_many_threads_however_many_connections() -> None:
    count = MOST_THREADS + 20
    names = own_jobs(count)

    async def test() -> None:
        waits = [Wait(name, spec(number)) for number, name in enumerate(names)]
        await until(lambda: OwnHook.polls > 3 * count)
        assert len(call_threads()) <= MOST_THREADS
        end_own_jobs()
        assert await ended(*waits) == ["succeeded"] * count
        await no_threads()

    run(test)


def test_threads_that_hang_for_nobody_leave_one_for_the_others(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "MOST_THREADS", 3)
    names = own_jobs(5)
    hanging.update(f"c{number}" for number in range(3))

    async def test() -> None:
        for number, name in enumerate(names[:3]):
            wait = Wait(name, spec(number))
            await until(partial(_running, number + 1))
            await wait.leave()
        end_own_jobs()
        assert await ended(*(Wait(name, spec("free")) for name in names)) == ["succeeded"] * 5
        assert len(call_threads()) <= 4
        released.set()
        await no_threads()

    run(test)


@pytest.mark.parametrize(
    "error", [StopIteration("odd"), asyncio.CancelledError("odd"), SystemExit(3), KeyError("odd")]
)
def test_what_a_call_raises_reaches_its_caller(error: BaseException) -> None:
    """As itself, or, where no event loop could pass it on, as a RuntimeError that names it."""

    def question() -> None:
        raise error

    async def test() -> None:
        thread = CallThread.take("here")
        with pytest.raises((KeyError, RuntimeError), match=r"odd|SystemExit: 3"):
            await call_in(thread, question)
        # The thread serves on.
        assert await call_in(thread, lambda: 7) == 7
        thread.give_back()
        await no_threads()

    run(test)


def test_an_answer_that_does_not_come_is_no_longer_waited_for() -> None:
    async def test() -> None:
        thread = CallThread.take("here")
        with pytest.raises(TimeoutError, match="no answer within"):
            await call_in(thread, lambda: released.wait(PATIENCE), 0.01)
        thread.give_back()
        released.set()
        await no_threads()

    run(test)


def test_a_call_that_is_left_before_its_thread_has_it_is_not_made() -> None:
    """Its thread ends meanwhile: nobody uses it any more."""
    made: list[int] = []

    async def test() -> None:
        thread = CallThread.take("left")
        asking = asyncio.create_task(call_in(thread, lambda: made.append(1)))
        # Its first step; the thread gets the call in a step of the call's own.
        await asyncio.sleep(0)
        asking.cancel()
        thread.give_back()
        await asyncio.wait({asking})
        assert asking.cancelled()
        await until(lambda: asyncio.all_tasks() == {asyncio.current_task()})
        await no_threads()

    asyncio.run(test())
    assert made == []


def test_coming_and_going_leaves_nothing_behind() -> None:
    """Twenty thousand waits in all: no waiter, task, thread or memory is left."""
    names = own_jobs(10)
    # The process takes or gives back about 5,000 blocks now and then, however many cycles there are.
    cycles, at_once = 20, 1000

    async def come_and_go() -> None:
        async def one(number: int) -> None:
            # All of a group share a connection; a few connections at a time.
            waiter = Waiter(names[number % 10], INTERVAL)
            async with JobPoller.waiting(spec(number % 5), waiter) as updates:
                if number % 3 == 0:
                    await updates.get()

        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*(one(number) for number in range(at_once)))

    async def nobody() -> None:
        await no_threads()
        await until(lambda: len(asyncio.all_tasks()) == 1)
        METRICS_THREAD.flush(PATIENCE)
        gc.collect()

    def left() -> int:
        return sum(type(each) in (Waiter, JobPoller) for each in gc.get_objects())

    async def test() -> None:
        await come_and_go()  # what is made once
        await nobody()
        before, objects = sys.getallocatedblocks(), left()
        for _ in range(cycles):
            await come_and_go()
        await nobody()
        assert left() == objects
        assert sys.getallocatedblocks() - before < cycles * at_once / 2

    run(test)


def polls_of(spec: HookSpec) -> list[JobPoller]:
    """The polls of the running event loop that serve this hook."""
    polls = JobPoller._of_loop.get(asyncio.get_running_loop(), {})
    return [poll for (_, served), poll in polls.items() if served == spec and isinstance(poll, JobPoller)]


def test_a_wait_that_is_cancelled_as_its_news_comes_ends() -> None:
    (name,) = own_jobs(1)

    async def test() -> None:
        wait = Wait(name, spec(0))
        await until(lambda: OwnHook.polls >= 1)
        (poll,) = polls_of(spec(0))
        poll.waiters[0].updates.put_nowait(OwnHook.describe_one(name))
        wait.task.cancel()
        await until(wait.task.done)
        assert wait.task.cancelled()
        await no_threads()

    run(test)


def test_a_poll_whose_waiters_leave_as_it_is_woken_ends() -> None:
    """One that is in a hurry comes and goes with all others, before the poll's task has its turn."""
    (name,) = own_jobs(1)

    async def test() -> None:
        async with JobPoller.waiting(spec(0), Waiter(name, 0.01)) as updates:
            await updates.get()
            (poll,) = polls_of(spec(0))
            task = poll._task
            assert task is not None
            poll._due += 1000
            async with JobPoller.waiting(spec(0), Waiter(name, INTERVAL)):
                pass
        await until(task.done)
        assert task.cancelled()
        await no_threads()

    run(test)


def test_a_side_thread_drops_what_comes_on_top_and_keeps_the_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threads, "_MOST_WAITING", 10)
    side = SideThread("test")
    monkeypatch.setattr(side, "_work", type(side._work)(10))
    begun = threading.Event()
    done: list[int] = []

    def hold() -> None:
        begun.set()
        released.wait(PATIENCE)

    side.put(hold)
    assert begun.wait(PATIENCE)
    for number in range(20):
        side.put(partial(done.append, number))
    released.set()
    side.flush(PATIENCE)
    assert done == [*range(10)]


def test_a_side_thread_survives_what_it_is_given() -> None:
    side = SideThread("test")
    done: list[int] = []
    side.put(lambda: 1 / 0)
    side.put(lambda: done.append(1))
    side.flush(PATIENCE)
    assert done == [1]


def test_the_clock_is_kept_where_a_poll_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """A deadline is AWS's time; an endpoint that hangs later does not make it this machine's."""
    (name,) = own_jobs(1)
    monkeypatch.setattr(shared, "_POLL_LIMIT", 0.05)
    skewed = {"ResponseMetadata": {"HTTPHeaders": {"date": "Thu, 01 Jan 2037 00:00:00 GMT"}}}

    class Telling(Hook):
        def describe_jobs(self, job_ids: Any) -> Any:
            if OwnHook.polls < 2:
                self.clock.hear(skewed)
            else:
                hanging.add("c0")
            return super().describe_jobs(job_ids)

    monkeypatch.setattr(HookSpec, "build", lambda self: Telling(aws_conn_id="c0"))

    async def test() -> None:
        waiter = Waiter(name, INTERVAL)
        async with JobPoller.waiting(spec(0), waiter) as updates:
            while not isinstance(await updates.get(), JobApiError | TimeoutError):
                assert waiter.aws_time() is not None
            now = waiter.aws_time()
            assert now is not None
            assert now.year == 2037
        released.set()
        await no_threads()

    run(test)
