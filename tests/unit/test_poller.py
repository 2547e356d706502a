# SPDX-License-Identifier: Apache-2.0

"""The shared poller: what a group of waits costs, and what befalls one wait or all of them."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from collections.abc import Callable, Collection, Coroutine, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

import boto3
import job_targets
import pytest
from job_cases import REGION

from airflow_provider_jobs.exceptions import JobApiError, JobNotFoundError, is_passing
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.hooks.spec import HookSpec
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs
from airflow_provider_jobs.triggers.job import JobTrigger
from airflow_provider_jobs.watch.poller import JobPoller, Waiter

ELSEWHERE = "eu-west-1"
#: Seconds; short, so that the tests take no time. None of them depends on it.
INTERVAL = 0.02
#: Seconds after which a test that waits for something gives up.
PATIENCE = 60.0
#: What the project promises: calls in one look at a thousand waits, besides one for each job that ended.
MOST_LIST_CALLS = 4


def spec(region: str = REGION, connection: str | None = None) -> HookSpec:
    """A hook without retries of botocore's own, so that every fault reaches the poller."""
    config = {"retries": {"total_max_attempts": 1}}
    return HookSpec.of(
        EventBridgeReplayHook, {"aws_conn_id": connection, "region_name": region, "config": config}
    )


def replays(count: int, region: str = REGION) -> list[str]:
    """Start so many replays, which end by hand only."""
    clients = partial(boto3.client, region_name=region)
    names = [f"{region}-{number}" for number in range(count)]
    job_targets.archive(clients, "orders")
    job_targets.replays(clients, names)
    return names


class Watch:
    """A watcher in a task of its own; it stays until its job has ended.

    :ivar seen: what it was told.
    """

    def __init__(self, job_id: str, where: HookSpec | None = None, interval: float = INTERVAL) -> None:
        self.seen: list[Any] = []
        self.task = asyncio.create_task(self._run(where or spec(), Waiter(job_id, interval)))

    async def _run(self, where: HookSpec, waiter: Waiter) -> None:
        async with JobPoller.waiting(where, waiter) as updates:
            while not self.ended:
                self.seen.append(await updates.get())

    @property
    def ended(self) -> bool:
        """Whether it saw its job's end."""
        return any(isinstance(update, JobStatus) and update.state.ended for update in self.seen)

    async def leave(self) -> None:
        """Be cancelled, and be gone."""
        self.task.cancel()
        await asyncio.wait({self.task})
        assert self.task.cancelled()


async def until(condition: Callable[[], Any]) -> None:
    """Wait for something that other tasks bring about."""
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await asyncio.sleep(0.002)


async def leave(*watches: Watch) -> None:
    for watch in watches:
        await watch.leave()


def pollers() -> list[Any]:
    """The pollers of the running event loop."""
    return [*JobPoller._of_loop.get(asyncio.get_running_loop(), {}).values()]


def run(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    """Run a test in an event loop, and see that no task is left when its watchers are gone."""

    async def watched() -> None:
        own = asyncio.all_tasks()
        await test()
        assert pollers() == []
        await until(lambda: asyncio.all_tasks() == own)

    asyncio.run(watched())


@dataclass(frozen=True)
class Look:
    """One look at AWS that has been finished, well or not."""

    region: str | None
    calls: Counter[str]


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs(reads=None) as control:
        control.set_quota("events", 1000)
        yield control


@pytest.fixture
def looks(aws: AwsJobs, monkeypatch: pytest.MonkeyPatch) -> list[Look]:
    """The looks so far, with the calls that each has made; true where only one looks at a time."""
    finished: list[Look] = []
    describe = EventBridgeReplayHook.describe_jobs

    def described(self: EventBridgeReplayHook, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        before = Counter(aws.calls("events"))
        try:
            return describe(self, job_ids)
        finally:
            finished.append(Look(self.region_name, Counter(aws.calls("events")) - before))

    monkeypatch.setattr(EventBridgeReplayHook, "describe_jobs", described)
    return finished


@pytest.fixture
def hooks(monkeypatch: pytest.MonkeyPatch) -> list[JobHook]:
    """The hooks that were built so far."""
    built: list[JobHook] = []
    build = HookSpec.build

    def recorded(self: HookSpec) -> JobHook:
        built.append(build(self))
        return built[-1]

    monkeypatch.setattr(HookSpec, "build", recorded)
    return built


class TestCost:
    """How many calls a group makes."""

    @pytest.mark.promise("many-waits")
    def test_a_thousand_watchers_share_the_calls(
        self, aws: AwsJobs, looks: list[Look], hooks: list[JobHook]
    ) -> None:
        names = replays(100)
        ending = names[:7]

        async def test() -> None:
            watches = [Watch(names[number % len(names)]) for number in range(1000)]
            await until(lambda: all(watch.seen for watch in watches))
            assert len(pollers()) == 1
            assert all(set(look.calls) == {"ListReplays"} for look in looks)
            for name in ending:
                aws.advance(name)
            gone = [watch for number, watch in enumerate(watches) if number % len(names) < len(ending)]
            await until(lambda: all(watch.ended for watch in gone))
            after = len(looks)
            await until(lambda: len(looks) > after)
            await leave(*(watch for watch in watches if watch not in gone))
            assert sum(watch.ended for watch in watches) == len(gone) == 70

        run(test)
        assert len(hooks) == 1
        assert max(look.calls["ListReplays"] for look in looks) <= MOST_LIST_CALLS
        assert sum(look.calls["DescribeReplay"] for look in looks) == len(ending)
        assert not looks[-1].calls["DescribeReplay"]

    @pytest.mark.parametrize(("count", "calls"), [(100, 1), (101, 2)])
    def test_a_further_hundred_in_flight_is_one_call_more(
        self, aws: AwsJobs, looks: list[Look], count: int, calls: int
    ) -> None:
        """AWS hands out a hundred rows at a time; its default quota allows ten in flight."""
        names = replays(count)
        for name in names:
            aws.advance(name, to=0.5)

        async def test() -> None:
            watches = [Watch(name) for name in names]
            await until(lambda: all(watch.seen for watch in watches))
            await leave(*watches)

        run(test)
        assert looks[0].calls == {"ListReplays": calls}

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_a_few_jobs_are_described_once_each(self, aws: AwsJobs, looks: list[Look], count: int) -> None:
        names = replays(count)

        async def test() -> None:
            watches = [Watch(name) for name in names * 5]
            await until(lambda: all(watch.seen for watch in watches))
            await leave(*watches)

        run(test)
        assert {frozenset(look.calls.items()) for look in looks} == {frozenset({("DescribeReplay", count)})}

    @pytest.mark.promise("throttled")
    @pytest.mark.promise("many-waits")
    def test_a_throttled_group_slows_down_and_nobody_fails(self, aws: AwsJobs, looks: list[Look]) -> None:
        """Beside it, a group in another Region keeps its pace: it serves as the clock."""
        throttled_names, healthy_names = replays(2), replays(4, ELSEWHERE)
        # Two are described, four are listed.
        aws.add_fault(Fault("DescribeReplay", "throttle", count=1_000_000))

        def looked(region: str) -> int:
            return sum(look.region == region for look in [*looks])

        async def test() -> None:
            throttled = [Watch(name) for name in throttled_names]
            healthy = [Watch(name, spec(ELSEWHERE)) for name in healthy_names]
            await until(lambda: looked(ELSEWHERE) >= 40)
            # With every pause twice as long as the last, the time of 40 looks is enough for 5.
            assert 2 <= looked(REGION) <= 10
            assert all(is_passing(update) for watch in throttled for update in watch.seen)
            assert all(isinstance(update, JobStatus) for watch in healthy for update in watch.seen)
            assert not any(watch.task.done() for watch in throttled)
            await leave(*healthy)
            aws.clear_faults()
            for name in throttled_names:
                aws.advance(name)
            await until(lambda: all(watch.ended for watch in throttled))

        run(test)

    def test_a_group_that_recovered_is_as_quick_as_before(self, aws: AwsJobs, looks: list[Look]) -> None:
        ill, healthy = replays(1), replays(4, ELSEWHERE)
        aws.add_fault(Fault("DescribeReplay", "throttle", count=3))

        def looked(region: str) -> int:
            return sum(look.region == region for look in [*looks])

        async def test() -> None:
            recovered = Watch(ill[0])
            clock = [Watch(name, spec(ELSEWHERE)) for name in healthy]
            await until(lambda: any(isinstance(update, JobStatus) for update in recovered.seen))
            before, at = looked(REGION), looked(ELSEWHERE)
            await until(lambda: looked(REGION) >= before + 20)
            assert looked(ELSEWHERE) - at <= 60
            await leave(recovered, *clock)

        run(test)


class TestComingAndGoing:
    """Who starts a poller, and who ends it."""

    def test_the_first_watcher_starts_it_and_the_last_ends_it(
        self, aws: AwsJobs, hooks: list[JobHook]
    ) -> None:
        one, other = replays(2)

        async def test() -> None:
            assert pollers() == []
            first = Watch(one)
            await until(lambda: first.seen)
            (poller,) = pollers()
            second = Watch(other)
            await until(lambda: second.seen)
            assert pollers() == [poller]
            await first.leave()
            told = len(second.seen)
            await until(lambda: len(second.seen) > told)
            assert pollers() == [poller]
            aws.advance(other)
            await until(second.task.done)
            assert pollers() == []
            third = Watch(one)
            await until(lambda: third.seen)
            assert poller not in pollers()
            await third.leave()

        run(test)
        assert len(hooks) == 2

    def test_a_watcher_that_is_cancelled_leaves_while_a_call_hangs(
        self, aws: AwsJobs, looks: list[Look]
    ) -> None:
        one, other = replays(2)
        aws.add_fault(Fault("DescribeReplay", "slow", seconds=1))

        async def test() -> None:
            leaving, staying = Watch(one), Watch(other)
            await until(lambda: aws.calls("events").get("DescribeReplay"))
            await leaving.leave()
            assert looks == [], "the call has returned: this shows nothing"
            await until(lambda: staying.seen)
            await staying.leave()

        run(test)

    def test_the_last_watcher_leaves_while_a_call_hangs(self, aws: AwsJobs, looks: list[Look]) -> None:
        (name,) = replays(1)
        aws.add_fault(Fault("DescribeReplay", "slow", seconds=1))

        async def test() -> None:
            watch = Watch(name)
            await until(lambda: aws.calls("events").get("DescribeReplay"))
            await watch.leave()
            assert pollers() == []
            assert looks == [], "the call has returned: this shows nothing"
            # The next one does not wait for the call that hangs.
            after = Watch(name)
            await until(lambda: after.seen)
            await after.leave()

        run(test)

    def test_a_watcher_in_a_hurry_does_not_wait_for_the_others(self, aws: AwsJobs) -> None:
        patient_name, hurried_name = replays(2)

        async def test() -> None:
            patient = Watch(patient_name, interval=10 * PATIENCE)
            await until(lambda: patient.seen)
            hurried = Watch(hurried_name)
            await until(lambda: len(hurried.seen) > 2)
            await leave(patient, hurried)

        run(test)


class TestApart:
    """Who does not share."""

    def test_regions_and_connections(
        self, aws: AwsJobs, hooks: list[JobHook], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        connection = {"conn_type": "aws", "login": "second", "password": "second"}
        monkeypatch.setenv("AIRFLOW_CONN_SECOND", json.dumps(connection))
        (here,), (there,) = replays(1), replays(1, ELSEWHERE)

        async def test() -> None:
            watches = [
                Watch(here),
                Watch(here),
                Watch(there, spec(ELSEWHERE)),
                Watch(here, spec(connection="second")),
            ]
            await until(lambda: all(watch.seen for watch in watches))
            assert len(pollers()) == 3
            for watch in watches:
                assert all(isinstance(update, JobStatus) for update in watch.seen)
            await leave(*watches)

        run(test)
        places = [(hook.aws_conn_id, hook.region_name) for hook in hooks]
        assert sorted(places, key=str) == sorted(
            [(None, REGION), (None, ELSEWHERE), ("second", REGION)], key=str
        )

    def test_event_loops(self, aws: AwsJobs, hooks: list[JobHook]) -> None:
        names = replays(2)
        both = threading.Barrier(2, timeout=PATIENCE)
        shared: list[Any] = []
        failures: list[BaseException] = []

        async def test(name: str) -> None:
            watch = Watch(name)
            await until(lambda: watch.seen)
            shared.extend(pollers())
            await asyncio.to_thread(both.wait)
            await watch.leave()

        def thread(name: str) -> None:
            try:
                run(lambda: test(name))
            except BaseException as failure:
                failures.append(failure)
                both.abort()

        threads = [threading.Thread(target=thread, args=[name]) for name in names]
        for started in threads:
            started.start()
        for started in threads:
            started.join()
        assert failures == []
        assert len(hooks) == len(shared) == 2
        assert shared[0] is not shared[1]


class TestErrors:
    """Who hears of what goes wrong."""

    def test_an_unknown_job_is_one_watchers_trouble(self, aws: AwsJobs) -> None:
        names = replays(5)

        async def test() -> None:
            known, unknown = [Watch(name) for name in names], Watch("unknown")
            await until(lambda: unknown.seen and all(watch.seen for watch in known))
            assert all(isinstance(update, JobNotFoundError) for update in unknown.seen)
            assert not is_passing(unknown.seen[0])
            for name in names:
                aws.advance(name)
            await until(lambda: all(watch.ended for watch in known))
            await unknown.leave()

        run(test)

    def test_an_unknown_job_ends_one_trigger_alone(self, aws: AwsJobs) -> None:
        names = replays(5)

        def event(name: str) -> asyncio.Task[Any]:
            where = spec()
            trigger = JobTrigger(
                hook_class=where.hook_class,
                hook_parameters=where.parameters,
                job_id=name,
                poll_interval=INTERVAL,
            )

            async def first() -> Any:
                stream = trigger.run()
                fired = await anext(stream)
                await stream.aclose()  # type: ignore[attr-defined] # it is an async generator
                return fired.payload

            return asyncio.create_task(first())

        async def test() -> None:
            known, unknown = [event(name) for name in names], event("unknown")
            payload = await unknown
            assert "ResourceNotFoundException: Replay unknown does not exist" in payload["error"]
            assert payload["job"] is None
            assert not any(task.done() for task in known)
            for name in names:
                aws.advance(name)
            for task in known:
                assert (await task)["job"]["service_state"] == "COMPLETED"

        run(test)

    def test_what_befalls_the_group_is_told_to_all(self, aws: AwsJobs) -> None:
        names = replays(5)
        aws.add_fault(Fault("ListReplays", "access-denied", count=1_000_000))

        async def test() -> None:
            watches = [Watch(name) for name in names]
            await until(lambda: all(watch.seen for watch in watches))
            for watch in watches:
                error = watch.seen[0]
                assert isinstance(error, JobApiError)
                assert error.code == "AccessDeniedException"
                assert not is_passing(error)
            await leave(*watches)

        run(test)

    def test_a_hook_that_breaks_is_told_to_all_and_ends_no_wait(
        self, aws: AwsJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        names = replays(2)

        def broken(self: EventBridgeReplayHook, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
            raise ZeroDivisionError("so many jobs")

        async def test() -> None:
            with monkeypatch.context() as patched:
                patched.setattr(EventBridgeReplayHook, "describe_jobs", broken)
                watches = [Watch(name) for name in names]
                await until(lambda: all(watch.seen for watch in watches))
            for watch in watches:
                assert str(watch.seen[0]) == "ZeroDivisionError: so many jobs"
                assert is_passing(watch.seen[0])
            await until(lambda: all(isinstance(watch.seen[-1], JobStatus) for watch in watches))
            await leave(*watches)

        run(test)

    @pytest.mark.promise("credentials-rotated")
    def test_after_expired_credentials_the_connection_is_read_again(
        self, aws: AwsJobs, hooks: list[JobHook], monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (name,) = replays(1)

        def rotate(key: str) -> None:
            connection = {"conn_type": "aws", "login": key, "password": "testing"}
            monkeypatch.setenv("AIRFLOW_CONN_ROTATED", json.dumps(connection))

        async def test() -> None:
            watch = Watch(name, spec(connection="rotated"))
            await until(lambda: watch.seen)
            assert isinstance(watch.seen[0], JobStatus)
            rotate("new-key")
            aws.add_fault(Fault("DescribeReplay", "expired-token"))
            await until(lambda: len(hooks) == 2 and isinstance(watch.seen[-1], JobStatus))
            (error,) = [update for update in watch.seen if not isinstance(update, JobStatus)]
            assert is_passing(error)
            assert "ExpiredTokenException" in str(error)
            told = len(watch.seen)
            await until(lambda: len(watch.seen) > told)
            await watch.leave()

        rotate("old-key")
        run(test)
        assert [hook.get_credentials().access_key for hook in hooks] == ["old-key", "new-key"]
