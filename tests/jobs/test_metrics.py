# SPDX-License-Identifier: Apache-2.0

"""The metrics of all job types, as Airflow's own client sends them."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.triggers.base import BaseTrigger
from job_cases import KNOWING, JobCase
from metrics_sent import Sent, client, metrics_sent
from one_task import OneTask, next_event

from airflow_provider_jobs._watch.threads import METRICS_THREAD
from airflow_provider_jobs.exceptions import JobFailedError
from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.metrics import METRICS, PREFIX, count_wait, send_waits
from airflow_provider_jobs.testing import AwsJobs, Fault

#: Seconds after which a test that waits for something gives up.
PATIENCE = 60.0


@pytest.fixture
def sent() -> Iterator[Sent]:
    with metrics_sent() as sent:
        yield sent


def wait_for(what: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not what():
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.01)


class Waits:
    """Triggers that wait side by side, as in a triggerer, until they are told to stop or all have fired."""

    def __init__(self, *triggers: BaseTrigger) -> None:
        self.ticks = 0
        self._stop = threading.Event()
        self._triggers = triggers
        self._thread = threading.Thread(target=lambda: asyncio.run(self._run()))

    def __enter__(self) -> Waits:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(PATIENCE)
        assert not self._thread.is_alive()

    async def _run(self) -> None:
        tasks = [asyncio.create_task(next_event(trigger)) for trigger in self._triggers]
        while not self._stop.is_set() and not all(task.done() for task in tasks):
            self.ticks += 1
            await asyncio.sleep(0.005)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def test_a_region_that_the_task_leaves_to_its_environment(
    case: JobCase, make_task: Callable[..., OneTask], sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    make_task(region_name=None).run()
    assert sent.number("job_started", region="us-east-1") == 1
    assert sent.number("job_duration", region="us-east-1") == 1
    assert sent.number("poll_calls", region="us-east-1")
    assert sent.number("poll_calls", region="connection") is None


def test_a_job_that_succeeds(case: JobCase, task: OneTask, sent: Sent, aws: AwsJobs) -> None:
    began = time.time()
    task.run()
    assert sent.number("job_started", service=case.service) == 1
    assert sent.number("job_duration", service=case.service, outcome="succeeded") == 1
    # AWS tells the start in whole seconds.
    assert 0 <= sent.milliseconds("job_duration") <= (time.time() - began + 1) * 1000
    assert sent.number("jobs_watched", service=case.service, hostname=socket.gethostname()) == 0
    assert sent.number("job_reattached") is None
    assert sent.number("poll_errors") is None
    assert sent.number("quota_waiting") is None


def test_a_job_that_fails(
    case: JobCase, make_deferrable: Callable[..., OneTask], sent: Sent, aws: AwsJobs
) -> None:
    aws.fail_next(case.service, "out of luck")
    task = make_deferrable()
    with pytest.raises(JobFailedError):
        task.run()
    assert sent.number("job_duration", service=case.service, outcome="failed") == 1


@pytest.mark.parametrize("case", KNOWING, indirect=True)
def test_a_retry_that_finds_its_job(
    case: JobCase, make_deferrable: Callable[..., OneTask], sent: Sent, aws: AwsJobs
) -> None:
    task = make_deferrable()
    task.begin()
    task.begin()
    assert sent.number("job_started", service=case.service) == 1
    assert sent.number("job_reattached", service=case.service) == 1


def test_calls_of_the_looks(
    case: JobCase, make_deferrable: Callable[..., OneTask], sent: Sent, aws: AwsJobs
) -> None:
    task = make_deferrable()
    task.begin()

    def calls() -> int:
        return sum(sum(aws.calls(each).values()) for each in (case.service, *case.besides))

    before = calls()
    task.fire()
    assert sent.number("poll_calls", service=case.service) == calls() - before


def test_tasks_that_wait_for_a_job(
    case: JobCase, make_deferrable: Callable[..., OneTask], sent: Sent, aws: AwsJobs
) -> None:
    aws.set_pace()
    task = make_deferrable()
    task.begin()
    with Waits(*[task.trigger() for _ in range(3)]):
        wait_for(lambda: sent.number("jobs_watched", service=case.service) == 3)
    assert sent.number("jobs_watched", service=case.service) == 0


def test_tasks_in_line(
    case: JobCase,
    make_deferrable: Callable[..., OneTask],
    sent: Sent,
    aws: AwsJobs,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    aws.set_pace()
    quota = case.small_quota(monkeypatch)
    case.limit(aws, quota)
    for number in range(quota + 1):
        task = make_deferrable({"run_id": str(number)}, **case.apart(number))
        task.begin()
    assert sent.number("job_started", service=case.service) == quota
    with Waits(*[task.trigger() for _ in range(2)]):
        wait_for(lambda: sent.number("quota_waiting", service=case.service) == 2)
    assert sent.number("quota_waiting", service=case.service) == 0


@pytest.mark.parametrize("case", KNOWING, indirect=True)
def test_what_is_sent_is_what_is_documented(
    case: JobCase, make_deferrable: Callable[..., OneTask], sent: Sent, aws: AwsJobs
) -> None:
    aws.set_pace(reads=8)
    task = make_deferrable()
    task.begin()
    task.begin()
    aws.add_fault(Fault(case.describe_operation, "throttle"))
    task.fire()
    assert sent.number("poll_errors", service=case.service) == 1
    ours = {key: value for key, value in sent.all().items() if key[0].startswith(f"airflow.{PREFIX}")}
    assert len(ours) == len(METRICS) - 3, "all but those of the queue, of a stop and of doubt"
    for (name, tags), (kind, _) in ours.items():
        metric = METRICS[name.removeprefix(f"airflow.{PREFIX}")]
        assert kind == metric.kind
        assert {tag for tag, _ in tags} == set(metric.tags)


class Broken:
    """A metrics client that cannot send."""

    def __getattr__(self, name: str) -> Any:
        raise OSError("no route to host")


def test_the_last_number_of_a_gauge_is_the_latest() -> None:
    """Two are sent by a thread: the first with what it was when it began, the other when nobody waits."""
    sent: list[float] = []
    first_sends, second_sent = threading.Event(), threading.Event()

    class Slow:
        incr = timing = None

        def gauge(self, _name: str, value: float, **_more: Any) -> None:
            if value:
                first_sends.set()
                second_sent.wait(0.3)
            sent.append(value)
            if not value:
                second_sent.set()

    async def wait() -> None:
        where = HookSpec("airflow_provider_jobs.hooks.eventbridge.EventBridgeReplayHook", "{}")
        with count_wait("jobs_watched", where):
            send_waits("jobs_watched", where)
            async with asyncio.timeout(PATIENCE):
                while not first_sends.is_set():
                    await asyncio.sleep(0.001)

    with client(Slow):
        asyncio.run(wait())
        METRICS_THREAD.flush(PATIENCE)
    assert sent == [1, 0]


@pytest.mark.parametrize("when", ["made", "used"])
def test_a_broken_client_is_no_trouble(
    case: JobCase, make_sync: Callable[..., OneTask], aws: AwsJobs, when: str
) -> None:
    def make() -> Any:
        if when == "made":
            raise ValueError("not configured")
        return Broken()

    with client(make):
        assert case.job_id(make_sync().run()) == aws.jobs(case.service)[0]["id"]


def test_a_client_that_hangs_does_not_block_the_event_loop(
    make_deferrable: Callable[..., OneTask], aws: AwsJobs
) -> None:
    """Told by the loop's own clock: it goes on ticking while the client hangs."""
    hangs, go_on = threading.Event(), threading.Event()

    class Hanging:
        def __getattr__(self, name: str) -> Any:
            def send(*_: Any, **__: Any) -> None:
                hangs.set()
                go_on.wait(PATIENCE)

            return send

    task = make_deferrable()
    task.begin()
    with client(Hanging), Waits(task.trigger()) as waits:
        assert hangs.wait(PATIENCE)
        ticks = waits.ticks
        wait_for(lambda: waits.ticks > ticks + 20)
        go_on.set()
