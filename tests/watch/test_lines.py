# SPDX-License-Identifier: Apache-2.0

"""How many lines a wait writes into its task's log."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest
from watch.waits import OwnHook, Wait, own_jobs, run, spec_of, until

from airflow_provider_jobs.job import JobState, JobStatus
from airflow_provider_jobs.triggers import job as job_module

POLLS = 400


class Moving(OwnHook):
    """Jobs that AWS tells something new of at every look."""

    @staticmethod
    def describe_one(job_id: str) -> JobStatus:
        """Describe a job, as far as it has come."""
        done = OwnHook.polls / POLLS
        status = JobStatus(job_id, JobState.RUNNING, "RUNNING", progress=done, note=f"up to {OwnHook.polls}")
        return status if done < 1 else replace(status, state=JobState.SUCCEEDED, service_state="COMPLETED")


def lines(logged: Callable[[], str]) -> list[str]:
    """What the log has of a wait of so many polls, each of which tells something new."""
    (job_id,) = own_jobs(1)

    async def test() -> None:
        wait = Wait(job_id, spec_of(Moving), seen=True, poll_interval=0.005)
        await until(lambda: wait.over)
        assert wait.state == "succeeded"

    run(test)
    return [line for line in logged().splitlines() if f"{job_id}: " in line]


def test_a_line_for_each_whole_percent(logged: Callable[[], str]) -> None:
    told = lines(logged)
    # A poll may come too soon after the one before to be seen alone.
    assert 50 < len(told) <= 102
    assert "COMPLETED, 100%" in told[-1]
    assert "up to" in told[0]


def test_a_line_for_each_heartbeat_besides(
    logged: Callable[[], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(job_module, "_HEARTBEAT", 0.0)
    assert len(lines(logged)) > 300
