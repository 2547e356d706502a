# SPDX-License-Identifier: Apache-2.0

"""The shared poller: who starts and ends it, and who does not share."""

from __future__ import annotations

import asyncio
import json
import threading
from typing import Any

import pytest
from job_cases import REGION

from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.testing import AwsJobs, Fault

from .watchers import ELSEWHERE, PATIENCE, Poll, Watch, leave, pollers, replays, run, spec, until


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
        self, aws: AwsJobs, polls: list[Poll]
    ) -> None:
        one, other = replays(2)
        aws.add_fault(Fault("DescribeReplay", "slow", seconds=1))

        async def test() -> None:
            leaving, staying = Watch(one), Watch(other)
            await until(lambda: aws.calls("events").get("DescribeReplay"))
            await leaving.leave()
            assert polls == [], "the call has returned: this shows nothing"
            await until(lambda: staying.seen)
            await staying.leave()

        run(test)

    def test_the_last_watcher_leaves_while_a_call_hangs(self, aws: AwsJobs, polls: list[Poll]) -> None:
        (name,) = replays(1)
        aws.add_fault(Fault("DescribeReplay", "slow", seconds=1))

        async def test() -> None:
            watch = Watch(name)
            await until(lambda: aws.calls("events").get("DescribeReplay"))
            await watch.leave()
            assert pollers() == []
            assert polls == [], "the call has returned: this shows nothing"
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
