# SPDX-License-Identifier: Apache-2.0

"""The shared poller: what befalls one wait or all of them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Collection
from typing import Any

import pytest

from airflow_provider_jobs.exceptions import JobApiError, JobNotFoundError, is_transient
from airflow_provider_jobs.hooks.base import JobHook
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers.job import JobTrigger

from .watchers import INTERVAL, Watch, leave, replays, run, spec, until


class TestErrors:
    """Who hears of what goes wrong."""

    def test_an_unknown_job_is_one_watchers_trouble(self, aws: AwsJobs) -> None:
        names = replays(5)

        async def test() -> None:
            known, unknown = [Watch(name) for name in names], Watch("unknown")
            await until(lambda: unknown.seen and all(watch.seen for watch in known))
            assert all(isinstance(update, JobNotFoundError) for update in unknown.seen)
            assert not is_transient(unknown.seen[0])
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
            assert "Replay unknown does not exist (ResourceNotFoundException)" in payload["error"]
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
                assert not is_transient(error)
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
                assert is_transient(watch.seen[0])
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
            assert is_transient(error)
            assert "ExpiredTokenException" in str(error)
            told = len(watch.seen)
            await until(lambda: len(watch.seen) > told)
            await watch.leave()

        rotate("old-key")
        run(test)
        assert [hook.get_credentials().access_key for hook in hooks] == ["old-key", "new-key"]
