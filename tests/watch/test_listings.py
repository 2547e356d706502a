# SPDX-License-Identifier: Apache-2.0

"""Listings whose pages go round in a circle: they are given up, and the waits go on."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, cycle, repeat
from typing import Any

import pytest
from job_cases import CASES, REGION, JobCase
from watch.waits import ONE_CALL, Wait, end_jobs, ended, run, spec_of, start_jobs, until

from airflow_provider_jobs.exceptions import JobApiError
from airflow_provider_jobs.testing import AwsJobs, Fault

CIRCLES = {"one": ["a"], "two": ["a", "b"], "three": ["a", "b", "c"]}


class Pages:
    """A service whose listing gives these tokens in turn; stands in for a client's answers.

    :param answer: what each page has besides its token.
    """

    def __init__(self, hook: Any, answer: dict[str, Any], token: str, tokens: Any) -> None:
        self.calls = 0
        self._answer, self._token, self._tokens = answer, token, tokens
        hook.conn.meta.events.register("before-call", self._answered)

    def _answered(self, **_: Any) -> Any:
        self.calls += 1
        assert self.calls < 50, "the listing is read for ever"
        parsed = {
            **self._answer,
            self._token: next(self._tokens),
            "ResponseMetadata": {"HTTPStatusCode": 200},
        }
        return type("Http", (), {"status_code": 200}), parsed


def listing(case: JobCase) -> tuple[Callable[[Any], Any], dict[str, Any], str]:
    """How a hook lists, what a page has, and the name of its token."""
    if case.service == "datapipeline":
        return lambda hook: hook.list_pipelines(), {"pipelineIdList": [], "hasMoreResults": True}, "marker"
    rows = {
        "events": "Replays",
        "lookoutequipment": "DataIngestionJobSummaries",
        "iotanalytics": "pipelineSummaries",
        "logs": "exportTasks",
        "eventbridgev2": "Subscribers",
        "dynamodb": "ExportSummaries",
    }
    return lambda hook: hook.active_jobs(["bus"]), {rows[case.service]: []}, case.hook_class.page_token


#: A list of redrives has no pages.
PAGED = [case for case in CASES if case.service != "sqs"]


@pytest.mark.parametrize("circle", CIRCLES)
@pytest.mark.parametrize("case", PAGED)
def test_tokens_that_repeat_end_the_listing_with_an_error(aws: AwsJobs, case: JobCase, circle: str) -> None:
    hook = case.hook_class(aws_conn_id=None, region_name=REGION, config=ONE_CALL)
    read, answer, token = listing(case)
    pages = Pages(hook, answer, token, cycle(CIRCLES[circle]))
    with pytest.raises(JobApiError, match=f"{token} repeats"):
        read(hook)
    assert pages.calls == len(CIRCLES[circle]) + 1


@pytest.mark.parametrize("case", [case for case in PAGED if case.service != "datapipeline"])
def test_a_long_listing_is_read_to_its_end(aws: AwsJobs, case: JobCase) -> None:
    hook = case.hook_class(aws_conn_id=None, region_name=REGION, config=ONE_CALL)
    read, answer, token = listing(case)
    pages = Pages(hook, answer, token, chain(map(str, range(30)), repeat(None)))
    assert not read(hook)
    # The listing's first state has all the pages, each further one has one.
    assert pages.calls in (31, 32, 33)


def test_waits_go_on_while_tokens_repeat(aws: AwsJobs) -> None:
    jobs = start_jobs("events", 4)
    aws.add_fault(
        Fault("ListReplays", "garbage", body='{"Replays": [], "NextToken": "again"}', count=1_000_000)
    )

    async def test() -> None:
        case = CASES[0]
        waits = [Wait(job, spec_of(case.hook_class)) for job in jobs]
        await until(lambda: aws.calls("events").get("ListReplays", 0) >= 6)
        assert not any(wait.over for wait in waits)
        polls = aws.calls("events")["ListReplays"]
        aws.clear_faults()
        end_jobs(aws, "events")
        assert await ended(*waits) == ["succeeded"] * 4
        assert polls < 1000

    run(test)
