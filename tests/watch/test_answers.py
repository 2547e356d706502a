# SPDX-License-Identifier: Apache-2.0

"""Strange answers to polls: a wait goes on after each, and ends with its job; for all four services."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from job_cases import CASES, JobCase
from watch.waits import Wait, end_jobs, ended, run, spec_of, start_jobs, until

from airflow_provider_jobs.testing import AwsJobs, Fault

HTML = "<html><body>Blocked by the proxy</body></html>"

#: What a call answers in place of AWS's answer, by what it is called here.
ANSWERS: Mapping[str, dict[str, Any]] = {
    "malformed": {"kind": "garbage", "body": '{"State"'},
    "empty": {"kind": "garbage", "body": ""},
    "braces": {"kind": "garbage", "body": "{}"},
    "null": {"kind": "garbage", "body": "null"},
    "list": {"kind": "garbage", "body": "[]"},
    "text": {"kind": "garbage", "body": '"text"'},
    "html": {"kind": "garbage", "body": HTML},
    "html-403": {"kind": "garbage", "body": HTML, "status": 403},
    "html-404": {"kind": "garbage", "body": HTML, "status": 404},
    "html-500": {"kind": "garbage", "body": HTML, "status": 500},
    "unknown-type": {"kind": "garbage", "body": '{"__type": "Unheard"}', "status": 400},
    "signature": {"kind": "error", "code": "InvalidSignatureException", "status": 403},
    "skewed": {"kind": "error", "code": "RequestTimeTooSkewed", "status": 403},
    "unknown-key": {"kind": "error", "code": "InvalidClientTokenId", "status": 403},
    "limit-exceeded": {"kind": "error", "code": "LimitExceededException"},
    "drop": {"kind": "drop"},
    "hang": {"kind": "hang", "seconds": 1},
    "expired-token": {"kind": "expired-token"},
    "throttle": {"kind": "throttle"},
    "error-500": {"kind": "error"},
}


@dataclass(frozen=True)
class Path:
    """One way in which a service's jobs are read.

    :param jobs: how many jobs are read so.
    :param operation: the call that answers strangely.
    :param left_out: members that its answer lacks in turn.
    :param time: a member of it that has a time.
    """

    jobs: int
    operation: str
    left_out: tuple[str, ...]
    time: str


PATHS: Mapping[str, tuple[Path, ...]] = {
    "events": (
        Path(1, "DescribeReplay", ("ReplayName", "State", "EventSourceArn"), "ReplayStartTime"),
        Path(4, "ListReplays", ("Replays", "Replays.ReplayName", "Replays.State"), "Replays.ReplayStartTime"),
    ),
    "lookoutequipment": (
        Path(1, "DescribeDataIngestionJob", ("JobId", "Status", "DatasetArn"), "CreatedAt"),
        Path(
            3,
            "ListDataIngestionJobs",
            ("DataIngestionJobSummaries", "DataIngestionJobSummaries.JobId"),
            "",
        ),
    ),
    "iotanalytics": (
        Path(
            1,
            "DescribePipeline",
            (
                "pipeline",
                "pipeline.reprocessingSummaries",
                "pipeline.reprocessingSummaries.id",
                "pipeline.reprocessingSummaries.status",
            ),
            "pipeline.reprocessingSummaries.creationTime",
        ),
        Path(
            4,
            "ListPipelines",
            (
                "pipelineSummaries",
                "pipelineSummaries.pipelineName",
                "pipelineSummaries.reprocessingSummaries",
            ),
            "pipelineSummaries.reprocessingSummaries.creationTime",
        ),
    ),
    "datapipeline": (
        Path(
            2,
            "DescribePipelines",
            (
                "pipelineDescriptionList",
                "pipelineDescriptionList.pipelineId",
                "pipelineDescriptionList.fields",
            ),
            "",
        ),
        Path(1, "QueryObjects", ("ids",), ""),
        Path(1, "DescribeObjects", ("pipelineObjects", "pipelineObjects.id", "pipelineObjects.fields"), ""),
    ),
    "logs": (
        Path(
            1,
            "DescribeExportTasks",
            ("exportTasks", "exportTasks.taskId", "exportTasks.status", "exportTasks.status.code"),
            "",
        ),
    ),
    "eventbridgev2": (
        Path(1, "ListSubscribers", ("Subscribers", "Subscribers.Name", "Subscribers.State"), ""),
        Path(4, "ListSubscribers", ("Subscribers", "Subscribers.Name", "Subscribers.SubscriberArn"), ""),
    ),
    "dynamodb": (
        Path(
            1,
            "DescribeExport",
            ("ExportDescription", "ExportDescription.ExportArn", "ExportDescription.ExportStatus"),
            "ExportDescription.StartTime",
        ),
    ),
    "sqs": (Path(1, "ListMessageMoveTasks", ("Results", "Results.Status", "Results.StartedTimestamp"), ""),),
}


def rows(path: Path) -> dict[str, dict[str, Any]]:
    """Every strange answer to a read, by its name."""
    given = dict(ANSWERS)
    given |= {f"without {name}": {"kind": "omit", "member": name} for name in path.left_out}
    if path.time:
        given["bad time"] = {"kind": "alter", "member": path.time, "value": "soon"}
    return given


def begin(aws: AwsJobs, case: JobCase, count: int) -> list[str]:
    """Start jobs, so long ago that AWS's times tell their end from their start."""
    jobs = start_jobs(case.service, count)
    began = aws.now()
    while aws.now() - began < timedelta(seconds=case.shortest):
        time.sleep(0.05)
    return jobs


def paths() -> list[Any]:
    """Every way in which each service's jobs are read."""
    return [
        pytest.param(case, path, id=f"{case.service}-{path.operation}")
        for case in CASES
        for path in PATHS[case.service]
    ]


@pytest.mark.promise("aws-gone")
@pytest.mark.parametrize(("case", "path"), paths())
def test_a_wait_goes_on_and_ends_with_its_job(aws: AwsJobs, case: JobCase, path: Path) -> None:
    """After each answer one job ends, and with it its wait; another takes its place."""
    jobs = begin(aws, case, len(rows(path)) + path.jobs)
    known = [job["id"] for job in aws.jobs(case.service)]

    def calls_over(count: int) -> bool:
        return aws.calls(case.service).get(path.operation, 0) > count

    async def test() -> None:
        waits = [Wait(job, spec_of(case.hook_class), seen=True) for job in jobs[: path.jobs]]
        for number, (name, fault) in enumerate(rows(path).items()):
            before = aws.calls(case.service).get(path.operation, 0)
            aws.add_fault(Fault(path.operation, **{"count": 1_000_000, **fault}))
            await until(partial(calls_over, before + 2))
            assert not any(wait.over for wait in waits), (name, [w.event for w in waits if w.over])
            aws.clear_faults()
            aws.advance(known[number])
            assert await ended(waits.pop(0)) == ["succeeded"], name
            waits.append(Wait(jobs[number + path.jobs], spec_of(case.hook_class), seen=True))
        end_jobs(aws, case.service)
        assert await ended(*waits) == ["succeeded"] * path.jobs

    run(test)


#: What AWS calls an id that it does not take, and one that it does not know, by service.
CODES: Mapping[str, tuple[str, str]] = {
    "events": ("ValidationException", "ResourceNotFoundException"),
    "lookoutequipment": ("ValidationException", "ResourceNotFoundException"),
    "iotanalytics": ("InvalidRequestException", "ResourceNotFoundException"),
    "datapipeline": ("InvalidRequestException", "PipelineNotFoundException"),
    "sqs": ("InvalidParameterValue", "ResourceNotFoundException"),
    "logs": ("InvalidParameterException", "ResourceNotFoundException"),
    "eventbridgev2": ("InvalidInputException", "ResourceNotFoundException"),
    "dynamodb": ("ValidationException", "ExportNotFoundException"),
}


def polled(aws: AwsJobs, case: JobCase, fault: dict[str, Any], polls: int, **arguments: Any) -> Any:
    """The event of a wait for a job that is there while its description fails; None if it goes on.

    The last item is how many of the service's calls it made.
    """
    (job,) = begin(aws, case, 1)
    operation = PATHS[case.service][0].operation
    aws.add_fault(Fault(operation, count=1_000_000, **fault))
    before = aws.calls(case.service).get(operation, 0)
    outcome: list[Any] = []

    async def test() -> None:
        wait = Wait(job, spec_of(case.hook_class), **arguments)
        await until(lambda: wait.over or aws.calls(case.service).get(operation, 0) > before + polls)
        outcome.append(wait.event if wait.over else None)
        await wait.leave()

    run(test)
    return outcome[0], aws.calls(case.service).get(operation, 0) - before


@pytest.mark.parametrize("case", CASES)
def test_three_polls_in_a_row_that_are_denied_end_a_wait(aws: AwsJobs, case: JobCase) -> None:
    event, calls = polled(aws, case, {"kind": "access-denied"}, 5, seen=True)
    assert "AccessDenied" in event["error"]
    assert calls == 3


@pytest.mark.parametrize("case", CASES)
def test_an_invalid_id_at_the_first_answer_ends_a_wait(aws: AwsJobs, case: JobCase) -> None:
    invalid, _ = CODES[case.service]
    event, calls = polled(aws, case, {"kind": "error", "code": invalid}, 3)
    assert invalid in event["error"]
    assert calls == 1


@pytest.mark.parametrize("case", CASES)
def test_an_id_that_was_seen_before_is_not_invalid(aws: AwsJobs, case: JobCase) -> None:
    invalid, _ = CODES[case.service]
    event, _ = polled(aws, case, {"kind": "error", "code": invalid}, 3, seen=True)
    assert event is None


@pytest.mark.parametrize(("settling_time", "over"), [(3600.0, False), (0.0, True)])
@pytest.mark.parametrize("case", CASES)
def test_a_job_is_gone_when_the_settling_time_is_over(
    aws: AwsJobs, case: JobCase, settling_time: float, over: bool
) -> None:
    _, unknown = CODES[case.service]
    event, _ = polled(aws, case, {"kind": "error", "code": unknown}, 3, settling_time=settling_time)
    assert (event is not None) is over
    assert event is None or unknown in event["error"]


@pytest.mark.parametrize("refusal", CODES["events"])
def test_a_listing_that_is_refused_is_nobodys_end(aws: AwsJobs, refusal: str) -> None:
    """What AWS says of the listing it says of no job, also where no job was seen before."""
    case = next(case for case in CASES if case.service == "events")
    jobs = begin(aws, case, 4)
    aws.add_fault(Fault("ListReplays", "error", code=refusal, count=1_000_000))

    async def test() -> None:
        waits = [Wait(job, spec_of(case.hook_class)) for job in jobs]
        await until(lambda: aws.calls("events").get("ListReplays", 0) > 3)
        assert not any(wait.over for wait in waits)
        aws.clear_faults()
        end_jobs(aws, "events")
        assert await ended(*waits) == ["succeeded"] * 4

    run(test)
