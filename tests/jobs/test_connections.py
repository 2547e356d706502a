# SPDX-License-Identifier: Apache-2.0

"""A connection that is named and not found: an error, and never other credentials; for every job type."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowException
from job_cases import JobCase
from one_task import OneTask, next_event

from airflow_provider_jobs.testing import AwsJobs

MakeTask = Callable[..., OneTask]


def test_no_call_is_made(aws: AwsJobs, case: JobCase, make_task: MakeTask) -> None:
    before = aws.calls()
    with pytest.raises(AirflowException, match=r"The conn_id `typo` isn't defined"):
        make_task(aws_conn_id="typo").run()
    assert aws.calls() == before
    assert aws.jobs(case.service) == []


def test_nor_by_a_sensor(aws: AwsJobs, case: JobCase, make_sync: MakeTask, deferrable: bool) -> None:
    make_sync(wait_for_completion=False).run()
    (job,) = aws.jobs(case.service)
    before = aws.calls()
    with pytest.raises(AirflowException, match=r"The conn_id `typo` isn't defined"):
        OneTask(lambda: case.sensor(job["id"], aws_conn_id="typo", deferrable=deferrable)).run()
    assert aws.calls() == before


def test_in_a_triggerer_the_wait_goes_on(
    aws: AwsJobs,
    case: JobCase,
    make_deferrable: MakeTask,
    monkeypatch: pytest.MonkeyPatch,
    logged: Callable[[], str],
) -> None:
    """A hiccup of the secrets backend: the connection is there when the job starts, then not, then again."""
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "aws://")
    task = make_deferrable(aws_conn_id="shop")
    task.begin()
    before = aws.calls()
    monkeypatch.delenv("AIRFLOW_CONN_SHOP")

    async def wait() -> Any:
        waiting = asyncio.ensure_future(next_event(task.trigger()))
        said, deadline = "", time.monotonic() + 20
        while "isn't defined" not in said and not waiting.done() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
            said += logged()
        assert aws.calls() == before
        monkeypatch.setenv("AIRFLOW_CONN_SHOP", "aws://")
        return await waiting

    result = task.resume(asyncio.run(wait()))
    assert case.job_id(result) == aws.jobs(case.service)[0]["id"]
