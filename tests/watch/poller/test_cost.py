# SPDX-License-Identifier: Apache-2.0

"""The shared poller: what a group of waits costs."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from job_cases import REGION

from airflow_provider_jobs._eventbridge.replay import replay_status
from airflow_provider_jobs.exceptions import is_transient
from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.testing import AwsJobs, Fault

from .watchers import ELSEWHERE, Poll, Watch, leave, pollers, replays, run, spec, until

#: What the project promises: calls in one poll for a thousand waits, besides one for each job that ended.
MOST_LIST_CALLS = 4


class OneByOne(EventBridgeReplayHook):
    """The service, if it had no listing: a call for each job."""

    def describe_jobs(self, job_ids: Collection[str]) -> dict[str, JobStatus | Exception]:
        return self.describe_each(job_ids, {}, lambda name: replay_status(self.describe_replay(name)))


class TestCost:
    """How many calls a group makes."""

    @pytest.mark.promise("many-waits")
    def test_a_thousand_watchers_share_the_calls(
        self, aws: AwsJobs, polls: list[Poll], hooks: list[JobHook]
    ) -> None:
        names = replays(100)
        ending = names[:7]

        async def test() -> None:
            watches = [Watch(names[number % len(names)]) for number in range(1000)]
            await until(lambda: all(watch.seen for watch in watches))
            assert len(pollers()) == 1
            assert all(set(poll.calls) == {"ListReplays"} for poll in polls)
            for name in ending:
                aws.advance(name)
            gone = [watch for number, watch in enumerate(watches) if number % len(names) < len(ending)]
            await until(lambda: all(watch.ended for watch in gone))
            after = len(polls)
            await until(lambda: len(polls) > after)
            await leave(*(watch for watch in watches if watch not in gone))
            assert sum(watch.ended for watch in watches) == len(gone) == 70

        run(test)
        assert len(hooks) == 1
        assert max(poll.calls["ListReplays"] for poll in polls) <= MOST_LIST_CALLS
        assert sum(poll.calls["DescribeReplay"] for poll in polls) == len(ending)
        assert not polls[-1].calls["DescribeReplay"]

    @pytest.mark.parametrize(("count", "calls"), [(100, 1), (101, 2)])
    def test_a_further_hundred_in_flight_is_one_call_more(
        self, aws: AwsJobs, polls: list[Poll], count: int, calls: int
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
        assert polls[0].calls == {"ListReplays": calls}

    @pytest.mark.parametrize(("calls", "seconds"), [(1, 30), (7, 30), (10, 300 / 7), (11, 45)])
    def test_a_poll_that_makes_many_calls_comes_later(self, aws: AwsJobs, calls: int, seconds: float) -> None:
        """Ten calls are a thousand replays; at the operators' own interval that is 14 calls a minute.

        However many calls a poll makes, an end is reported within two intervals.
        """
        names = replays(calls)
        where = HookSpec.of(OneByOne, {"aws_conn_id": None, "region_name": REGION})

        async def test() -> None:
            watches = [Watch(name, where) for name in names]
            await until(lambda: all(watch.seen for watch in watches))
            (poller,) = pollers()
            assert poller.pause(30) == pytest.approx(seconds)
            await leave(*watches)

        run(test)
        assert aws.calls("events")["DescribeReplay"] % calls == 0

    @pytest.mark.parametrize("count", [1, 2, 3])
    def test_a_few_jobs_are_described_once_each(self, aws: AwsJobs, polls: list[Poll], count: int) -> None:
        names = replays(count)

        async def test() -> None:
            watches = [Watch(name) for name in names * 5]
            await until(lambda: all(watch.seen for watch in watches))
            await leave(*watches)

        run(test)
        assert {frozenset(poll.calls.items()) for poll in polls} == {frozenset({("DescribeReplay", count)})}

    @pytest.mark.promise("throttled")
    @pytest.mark.promise("many-waits")
    def test_a_throttled_group_slows_down_and_nobody_fails(self, aws: AwsJobs, polls: list[Poll]) -> None:
        """Beside it, a group in another Region keeps its pace: it serves as the clock."""
        throttled_names, healthy_names = replays(2), replays(4, ELSEWHERE)
        # Two are described, four are listed.
        aws.add_fault(Fault("DescribeReplay", "throttle", count=1_000_000))

        def polled(region: str) -> int:
            return sum(poll.region == region for poll in [*polls])

        async def test() -> None:
            throttled = [Watch(name) for name in throttled_names]
            healthy = [Watch(name, spec(ELSEWHERE)) for name in healthy_names]
            await until(lambda: polled(ELSEWHERE) >= 40)
            # With every pause twice as long as the last, the time of 40 polls is enough for 5.
            assert 2 <= polled(REGION) <= 10
            assert all(is_transient(update) for watch in throttled for update in watch.seen)
            assert all(isinstance(update, JobStatus) for watch in healthy for update in watch.seen)
            assert not any(watch.task.done() for watch in throttled)
            await leave(*healthy)
            aws.clear_faults()
            for name in throttled_names:
                aws.advance(name)
            await until(lambda: all(watch.ended for watch in throttled))

        run(test)

    def test_a_group_that_recovered_is_as_quick_as_before(self, aws: AwsJobs, polls: list[Poll]) -> None:
        ill, healthy = replays(1), replays(4, ELSEWHERE)
        aws.add_fault(Fault("DescribeReplay", "throttle", count=3))

        def polled(region: str) -> int:
            return sum(poll.region == region for poll in [*polls])

        async def test() -> None:
            recovered = Watch(ill[0])
            clock = [Watch(name, spec(ELSEWHERE)) for name in healthy]
            await until(lambda: any(isinstance(update, JobStatus) for update in recovered.seen))
            before, at = polled(REGION), polled(ELSEWHERE)
            await until(lambda: polled(REGION) >= before + 20)
            assert polled(ELSEWHERE) - at <= 60
            await leave(recovered, *clock)

        run(test)
