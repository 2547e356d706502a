# SPDX-License-Identifier: Apache-2.0

"""Jobs that cannot be read: their trouble is theirs alone, and hides no other job."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import pytest
from job_cases import CASES, JobCase
from watch.waits import (
    OwnHook,
    Wait,
    end_jobs,
    end_own_jobs,
    ended,
    own_jobs,
    run,
    spec_of,
    start_jobs,
    until,
)

from airflow_provider_jobs.exceptions import JobOutcomeUnknownError
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook
from airflow_provider_jobs.job import JobStatus
from airflow_provider_jobs.testing import AwsJobs, Fault

#: Calls in a row that may fail before a round gives up; see hooks.base.
MOST_FAILURES = 10


class Poisoned(EventBridgeReplayHook):
    """The service, where some replays' descriptions are asked for under a name that answers 500."""

    names: Collection[str] = ()

    def describe_replay(self, replay_name: str) -> dict[str, Any]:
        answer = super().describe_replay(replay_name)
        if replay_name in Poisoned.names:
            raise JobOutcomeUnknownError(
                "DescribeReplay was refused (InternalException)", "InternalException", concerns_all=False
            )
        return answer


class PoisonedPipelines(IotAnalyticsHook):
    """The same for pipelines of IoT Analytics."""

    names: Collection[str] = ()
    #: How often one of them was asked for.
    asked = 0

    def describe_pipeline(self, pipeline_name: str) -> dict[str, Any]:
        PoisonedPipelines.asked += pipeline_name in PoisonedPipelines.names
        if pipeline_name in PoisonedPipelines.names:
            raise JobOutcomeUnknownError(
                "DescribePipeline was refused (InternalException)", "InternalException", concerns_all=False
            )
        return super().describe_pipeline(pipeline_name)


@pytest.mark.parametrize("poisoned", [1, MOST_FAILURES, 3 * MOST_FAILURES])
def test_of_finished_replays_all_that_can_be_read_end(aws: AwsJobs, poisoned: int) -> None:
    """The first are those that answer 500 for ever; more of them than end a round hide nobody either."""
    names = start_jobs("events", poisoned + 19)
    Poisoned.names = names[:poisoned]
    end_jobs(aws, "events")

    async def test() -> None:
        waits = [Wait(name, spec_of(Poisoned)) for name in names]
        assert await ended(*waits[poisoned:]) == ["succeeded"] * 19
        assert not any(wait.over for wait in waits[:poisoned])
        Poisoned.names = ()
        assert await ended(*waits[:poisoned]) == ["succeeded"] * poisoned

    run(test)


def test_a_poisoned_pipeline_with_many_jobs_hides_no_other(aws: AwsJobs) -> None:
    """One call stands for all jobs of a pipeline, so it is one failure."""
    jobs = start_jobs("iotanalytics", 4)
    name = jobs[0].partition("/")[0]
    PoisonedPipelines.names, asked = [name], PoisonedPipelines.asked
    many = [f"{name}/unknown-{number}" for number in range(2 * MOST_FAILURES)]
    end_jobs(aws, "iotanalytics")

    async def test() -> None:
        hidden = [Wait(job, spec_of(PoisonedPipelines)) for job in (*many, jobs[0])]
        # Below the number at which pipelines are listed.
        healthy = [Wait(job, spec_of(PoisonedPipelines)) for job in jobs[1:3]]
        assert await ended(*healthy) == ["succeeded"] * 2
        assert not any(wait.over for wait in hidden)
        # The first round has reached them.
        assert PoisonedPipelines.asked - asked <= 2
        for wait in hidden:
            await wait.leave()

    run(test)


def test_a_job_that_ends_the_round_is_asked_for_last_the_next_time() -> None:
    """No answer for one job is an endpoint out of reach, and ends the round; the others get their turn."""
    names = own_jobs(20)
    end_own_jobs()

    def describe(job_id: str) -> JobStatus:
        if job_id == names[0]:
            raise JobOutcomeUnknownError("no answer", "ReadTimeoutError", concerns_all=True)
        return OwnHook.describe_one(job_id)

    hook = OwnHook(aws_conn_id=None)
    OwnHook.instead = lambda job_ids: hook.describe_each(job_ids, {}, describe)

    async def test() -> None:
        waits = [Wait(name, spec_of(OwnHook)) for name in names]
        assert await ended(*waits[1:]) == ["succeeded"] * 19
        assert OwnHook.polls == 2
        await waits[0].leave()

    run(test)


LISTS = {
    "events": ("ListReplays", ["Replays.ReplayName", "Replays.State", "Replays.EventSourceArn"]),
    "lookoutequipment": ("ListDataIngestionJobs", ["DataIngestionJobSummaries.JobId"]),
    "iotanalytics": ("ListPipelines", ["pipelineSummaries.reprocessingSummaries"]),
}


@pytest.mark.parametrize("case", [case for case in CASES if case.service in LISTS])
def test_rows_that_cannot_be_read_are_described(aws: AwsJobs, case: JobCase) -> None:
    """Forever: every wait ends while the list lacks what tells its jobs."""
    operation, members = LISTS[case.service]
    jobs = start_jobs(case.service, 5)
    for member in members:
        aws.add_fault(Fault(operation, "omit", member=member, count=1_000_000, optional=True))

    async def test() -> None:
        waits = [Wait(job, spec_of(case.hook_class)) for job in jobs]
        await until(lambda: aws.calls(case.service).get(case.describe_operation, 0) >= len(jobs))
        assert not any(wait.over for wait in waits)
        end_jobs(aws, case.service)
        assert await ended(*waits) == ["succeeded"] * len(jobs)

    run(test)
