# SPDX-License-Identifier: Apache-2.0

"""What a trigger carries, and what it says while it hears nothing; connections that go away."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from job_cases import CASES, REGION, JobCase
from one_task import OneTask
from watch.waits import (
    OwnHook,
    Wait,
    end_jobs,
    end_own_jobs,
    ended,
    own_jobs,
    restored,
    run,
    spec_of,
    start_jobs,
    until,
)

from airflow_provider_jobs._watch.threads import LOG_THREAD
from airflow_provider_jobs.exceptions import JobInputError, JobNotFoundError
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.testing import AwsJobs, Fault
from airflow_provider_jobs.triggers import job as job_module
from airflow_provider_jobs.triggers.job import JobTrigger


class TestRestart:
    """A trigger is rebuilt from its arguments in another triggerer, which knows nothing else."""

    def test_every_argument_travels(self) -> None:
        given: dict[str, Any] = {
            "hook_class": "a.B",
            "hook_parameters": {},
            "job_id": "job",
            "poll_interval": 7.0,
            "deadline": "2026-01-01T00:00:00+00:00",
            "stop_at_deadline": True,
            "cancel_on_kill": False,
            "shared": True,
            "settling_time": 60.0,
            "seen": True,
            "started_at": "2026-01-01T00:00:00+00:00",
            "goes_on": "",
            "version": 1,
        }
        path, arguments = restored(JobTrigger(**given)).serialize()
        assert path == "airflow_provider_jobs.triggers.job.JobTrigger"
        assert arguments == given

    @pytest.mark.promise("triggerer-restart")
    @pytest.mark.parametrize("case", CASES)
    def test_an_operators_trigger_knows_that_its_job_was_seen_and_when_it_started(
        self, aws: AwsJobs, case: JobCase
    ) -> None:
        case.prepare()
        task = OneTask(lambda: case.operator(deferrable=True))
        task.begin()
        _, arguments = task.trigger().serialize()
        assert arguments["seen"] is True
        assert arguments["settling_time"] == 1.5
        if arguments["started_at"] is not None:
            # To a second, as AWS tells it.
            started = datetime.fromisoformat(arguments["started_at"])
            assert abs(started - aws.now()) < timedelta(minutes=5)
        else:
            assert case.service in ("iotanalytics", "logs"), "AWS's answer to the start tells no time"

    def test_a_restart_does_not_make_an_id_invalid_that_was_seen(self) -> None:
        (name,) = own_jobs(1)
        OwnHook.instead = lambda job_ids: dict.fromkeys(job_ids, JobInputError("no such id"))

        async def test() -> None:
            before = Wait(name, spec_of(OwnHook), seen=True)
            await until(lambda: OwnHook.polls >= 2)
            await before.leave()
            polls = OwnHook.polls
            after = Wait(name, spec_of(OwnHook), seen=restored(before.trigger).seen)
            await until(lambda: OwnHook.polls >= polls + 3)
            assert not after.over
            OwnHook.instead = None
            end_own_jobs()
            assert await ended(after) == ["succeeded"]

        run(test)

    @pytest.mark.parametrize(("age", "over"), [(0, False), (7200, True)])
    def test_the_settling_time_counts_from_the_jobs_start_and_not_from_the_restart(
        self, age: int, over: bool
    ) -> None:
        (name,) = own_jobs(1)
        started = datetime.now(UTC) - timedelta(seconds=age)

        def gone(job_ids: Any) -> Any:
            return dict.fromkeys(job_ids, JobNotFoundError("no such job"))

        OwnHook.instead = gone
        arguments = {"seen": True, "settling_time": 3600.0, "started_at": started.isoformat()}

        async def test() -> None:
            wait = Wait(name, spec_of(DatedHook), **arguments)
            await until(lambda: wait.over or OwnHook.polls >= 4)
            assert wait.over is over
            assert not over or "no such job" in wait.event["error"]
            await wait.leave()

        run(test)


class DatedHook(OwnHook):
    """One that hears AWS's time."""

    def describe_jobs(self, job_ids: Any) -> Any:
        date = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S} GMT"
        self.clock.hear({"ResponseMetadata": {"HTTPHeaders": {"date": date}}})
        return super().describe_jobs(job_ids)


class TestHeartbeat:
    """A line comes also when nothing does."""

    def test_a_wait_without_any_update_says_since_when(
        self, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        (name,) = own_jobs(1)
        monkeypatch.setattr(job_module, "_HEARTBEAT", 0.05)
        said: list[str] = []

        async def test() -> None:
            wait = Wait(name, spec_of(DatedHook))
            await until(lambda: OwnHook.polls >= 2)
            # From here on no poll answers, until it is let go.
            go = asyncio.Event()
            loop = asyncio.get_running_loop()
            OwnHook.instead = lambda _: asyncio.run_coroutine_threadsafe(go.wait(), loop).result()

            def silent() -> bool:
                LOG_THREAD.flush()
                said.append(logged())
                return "no answer from AWS since 20" in said[-1]

            await until(silent)
            assert not wait.over
            OwnHook.instead = None
            go.set()
            end_own_jobs()
            assert await ended(wait) == ["succeeded"]

        run(test)
        assert "UTC" in said[-1]

    def test_a_wait_that_never_heard_of_its_job_says_so(
        self, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        (name,) = own_jobs(1)
        monkeypatch.setattr(job_module, "_HEARTBEAT", 0.05)

        async def test() -> None:
            # Its first poll is far away.
            wait = Wait(name, spec_of(DatedHook))
            go = asyncio.Event()
            loop = asyncio.get_running_loop()
            OwnHook.instead = lambda _: asyncio.run_coroutine_threadsafe(go.wait(), loop).result()
            await until(lambda: "no answer from AWS since the beginning" in logged())
            OwnHook.instead = None
            go.set()
            end_own_jobs()
            assert await ended(wait) == ["succeeded"]

        run(test)

    def test_the_line_is_repeated_while_nothing_changes(
        self, monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str]
    ) -> None:
        (name,) = own_jobs(1)
        monkeypatch.setattr(job_module, "_HEARTBEAT", 0.05)
        lines: list[str] = []

        async def test() -> None:
            wait = Wait(name, spec_of(OwnHook))

            def repeated() -> bool:
                lines.append(logged())
                return "".join(lines).count(f"{name}: RUNNING") >= 3

            await until(repeated)
            end_own_jobs()
            assert await ended(wait) == ["succeeded"]

        run(test)
        said = "".join([*lines, logged()])
        assert f"{name}: SUCCEEDED" in said
        assert "no answer" not in said


class TestConnections:
    """What a poll needs before it can make a call."""

    def test_a_named_connection_that_is_not_found_passes(
        self, aws: AwsJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        (name,) = start_jobs("events", 1)
        spec = spec_of(EventBridgeReplayHook, aws_conn_id="orders", region_name=None)

        async def test() -> None:
            wait = Wait(name, spec)
            await asyncio.wait({wait.task}, timeout=0.3)
            assert not wait.over
            assert "DescribeReplay" not in aws.calls("events")
            connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": {"region_name": REGION}}
            monkeypatch.setenv("AIRFLOW_CONN_ORDERS", json.dumps(connection))
            end_jobs(aws, "events")
            assert await ended(wait) == ["succeeded"]

        run(test)

    def test_the_default_connection_that_is_not_found_once_is_read_again(
        self, aws: AwsJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """It has the Region: without it boto3 has none."""
        (name,) = start_jobs("events", 1)
        monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
        monkeypatch.delenv("AIRFLOW_CONN_AWS_DEFAULT", raising=False)
        spec = spec_of(EventBridgeReplayHook, aws_conn_id="aws_default", region_name=None)

        async def test() -> None:
            wait = Wait(name, spec)
            await asyncio.wait({wait.task}, timeout=0.3)
            assert not wait.over
            connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": {"region_name": REGION}}
            monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
            end_jobs(aws, "events")
            assert await ended(wait) == ["succeeded"]

        run(test)

    def test_the_default_connection_that_goes_away_is_not_replaced_by_the_machines_own_region(
        self, aws: AwsJobs, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """There AWS knows no such replay. A connection that was found before has to be found again."""
        (name,) = start_jobs("events", 1)
        connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": {"region_name": REGION}}
        monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
        monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", json.dumps(connection))
        spec = spec_of(EventBridgeReplayHook, aws_conn_id="aws_default", region_name=None)

        async def test() -> None:
            wait = Wait(name, spec, seen=True)
            await until(lambda: aws.calls("events").get("DescribeReplay", 0) >= 2)
            with monkeypatch.context() as gone:
                gone.delenv("AIRFLOW_CONN_AWS_DEFAULT")
                # Another hook is built.
                aws.add_fault(Fault("DescribeReplay", "expired-token"))
                calls = aws.calls("events")["DescribeReplay"]
                await until(lambda: aws.calls("events")["DescribeReplay"] > calls)
                await asyncio.wait({wait.task}, timeout=0.3)
                assert not wait.over
            end_jobs(aws, "events")
            assert await ended(wait) == ["succeeded"]

        run(test)

    def test_credentials_that_are_not_there_pass(self, aws: AwsJobs, monkeypatch: pytest.MonkeyPatch) -> None:
        (name,) = start_jobs("events", 1)

        async def test() -> None:
            with monkeypatch.context() as without:
                without.setenv("AWS_EC2_METADATA_DISABLED", "true")
                for variable in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"):
                    without.delenv(variable, raising=False)
                wait = Wait(name, spec_of(EventBridgeReplayHook))
                await asyncio.wait({wait.task}, timeout=0.3)
                assert not wait.over
                assert "DescribeReplay" not in aws.calls("events")
            end_jobs(aws, "events")
            assert await ended(wait) == ["succeeded"]

        run(test)
