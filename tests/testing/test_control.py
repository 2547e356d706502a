# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from airflow_provider_jobs.testing import Fault
from airflow_provider_jobs.testing.aws_jobs import AwsJobs
from airflow_provider_jobs.testing.control import JobControl

from .conftest import Cloud


@pytest.mark.parametrize(
    ("kind", "status", "code", "message"),
    [
        ("throttle", 400, "ThrottlingException", "Rate exceeded"),
        ("error", 500, "InternalException", "The request processing has failed because of an unknown error."),
        (
            "expired-token",
            400,
            "ExpiredTokenException",
            "The security token included in the request is expired",
        ),
        (
            "access-denied",
            400,
            "AccessDeniedException",
            "User: arn:aws:iam::123456789012:user/testing is not authorized to perform: events:StartReplay",
        ),
    ],
)
@pytest.mark.parametrize("when", ["before", "after"])
def test_error_faults(cloud: Cloud, kind: str, status: int, code: str, message: str, when: str) -> None:
    cloud.archive()
    cloud.aws.add_fault(Fault("StartReplay", kind, when=when))  # type: ignore[arg-type]
    with pytest.raises(ClientError) as caught:
        cloud.start()
    answer = caught.value.response
    assert (answer["Error"]["Code"], answer["Error"]["Message"]) == (code, message)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == status
    assert len(cloud.aws.jobs("events")) == (1 if when == "after" else 0)
    assert cloud.aws.calls("events")["StartReplay"] == 1


@pytest.mark.parametrize("when", ["before", "after"])
def test_drop(cloud: Cloud, when: str) -> None:
    cloud.archive()
    cloud.aws.add_fault(Fault("StartReplay", "drop", when=when))  # type: ignore[arg-type]
    with pytest.raises(ConnectionClosedError):
        cloud.start()
    assert len(cloud.aws.jobs("events")) == (1 if when == "after" else 0)
    assert cloud.events.list_rules()["Rules"], "the next call goes through"


def test_slow(cloud: Cloud) -> None:
    cloud.aws.add_fault(Fault("ListReplays", "slow", seconds=0.2))
    started = time.monotonic()
    assert cloud.events.list_replays()["Replays"] == []
    assert time.monotonic() - started >= 0.2


def test_a_lost_answer_is_retried_by_botocore(cloud: Cloud) -> None:
    cloud.archive()
    cloud.aws.add_fault(Fault("StartReplay", "error", when="after"))
    cloud.events = cloud.client("events", attempts=2)
    with pytest.raises(ClientError) as caught:
        cloud.start()
    assert caught.value.response["Error"]["Code"] == "ResourceAlreadyExistsException"
    assert cloud.aws.calls()["StartReplay"] == 2
    assert len(cloud.aws.jobs("events")) == 1


@pytest.mark.parametrize("kind", ["throttle", "error", "drop"])
def test_botocore_gets_over_a_fault(cloud: Cloud, kind: str) -> None:
    cloud.aws.add_fault(Fault("*", kind))  # type: ignore[arg-type]
    assert cloud.client("events", attempts=2).list_replays()["Replays"] == []
    assert cloud.aws.calls() == {"ListReplays": 2}


def outcomes(cloud: Cloud, calls: int) -> str:
    """A letter per call: "." if it went through, "x" if not."""
    letters = ""
    for _ in range(calls):
        try:
            cloud.events.list_replays()
            letters += "."
        except ClientError:
            letters += "x"
    return letters


def test_count_and_skip(cloud: Cloud) -> None:
    cloud.aws.add_fault(Fault("ListReplays", "throttle", count=2, skip=1))
    assert outcomes(cloud, 5) == ".xx.."


def test_probability_can_be_repeated(cloud: Cloud) -> None:
    runs = []
    for _ in range(2):
        cloud.aws.clear_faults()
        cloud.aws.add_fault(Fault("*", "throttle", probability=0.5, seed=7))
        runs.append(outcomes(cloud, 20))
    assert runs[0] == runs[1]
    assert 3 < runs[0].count("x") < 17


def test_faults_of_others(cloud: Cloud) -> None:
    cloud.aws.add_fault(Fault("*", "throttle", service="datapipeline", count=9, optional=True))
    cloud.aws.add_fault(Fault("DescribeReplay", "throttle", count=9, optional=True))
    assert outcomes(cloud, 2) == ".."
    cloud.aws.add_fault(Fault("*", "throttle", service="events", count=9))
    assert outcomes(cloud, 2) == "xx"
    cloud.aws.clear_faults()
    assert outcomes(cloud, 2) == ".."


def test_calls(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start()
    cloud.state()
    cloud.state()
    cloud.aws.add_fault(Fault("DescribeReplay", "throttle"))
    with pytest.raises(ClientError):
        cloud.state()
    counted = {"DescribeEventBus": 1, "CreateArchive": 1, "StartReplay": 1, "DescribeReplay": 3}
    assert cloud.aws.calls() == cloud.aws.calls("events") == counted
    assert cloud.aws.calls("datapipeline") == {}


def test_jobs_are_not_reads(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start("a")
    cloud.start("b")
    for _ in range(3):
        jobs = cloud.aws.jobs("events")
    assert [(job["id"], job["state"], job["fraction"]) for job in jobs] == [
        ("a", "STARTING", 0.0),
        ("b", "STARTING", 0.0),
    ]
    assert cloud.aws.jobs("datapipeline") == []


def test_max_active(cloud: Cloud) -> None:
    cloud.archive()
    for name in ("a", "b", "c"):
        cloud.start(name)
    for name in ("a", "b"):
        cloud.aws.advance(name)
    cloud.start("d")
    assert cloud.aws.max_active("events") == 3
    assert cloud.aws.max_active("datapipeline") == 0


def test_max_active_of_jobs_that_nobody_reads(cloud: Cloud) -> None:
    cloud.aws.set_pace(seconds=0)
    cloud.archive()
    for name in ("a", "b", "c"):
        cloud.start(name)
    assert cloud.aws.max_active("events") == 1
    assert {job["state"] for job in cloud.aws.jobs("events")} == {"COMPLETED"}


def test_pace_of_one_service(cloud: Cloud) -> None:
    cloud.archive()
    cloud.aws.set_pace("events", reads=1)
    cloud.start("a")
    assert cloud.state("a") == "COMPLETED"
    cloud.aws.set_pace(reads=3)
    cloud.start("b")
    assert [cloud.state("b") for _ in range(3)] == ["RUNNING", "RUNNING", "COMPLETED"]


def test_pace_is_fixed_at_the_start(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start()
    cloud.aws.set_pace()
    assert [cloud.state(), cloud.state()] == ["RUNNING", "COMPLETED"]


def test_fail_a_running_job(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start()
    cloud.aws.fail("replay", "Broken.", at=0.75)
    assert cloud.state() == "RUNNING"
    failed = cloud.describe()
    assert (failed["State"], failed["StateReason"]) == ("FAILED", "Broken.")


def test_fail_the_next_ones(cloud: Cloud) -> None:
    cloud.archive()
    cloud.aws.fail_next("events", "Broken.", count=2)
    for name in ("a", "b", "c"):
        cloud.start(name)
        cloud.aws.advance(name)
    assert [job["state"] for job in cloud.aws.jobs("events")] == ["FAILED", "FAILED", "COMPLETED"]


@pytest.mark.parametrize("method", ["advance", "fail"])
def test_unknown_job(cloud: Cloud, method: str) -> None:
    arguments = {"reason": "Broken."} if method == "fail" else {}
    with pytest.raises(ValueError, match="No job 'nope' was started since the last reset"):
        getattr(cloud.aws, method)("nope", **arguments)


def test_misuse(cloud: Cloud) -> None:
    with pytest.raises(ValueError, match=r"A job's way goes from 0\.0 to 1\.0, got 2"):
        cloud.aws.fail_next("events", "Broken.", at=2)
    with pytest.raises(ValueError, match="A pace goes by seconds or by reads, not by both"):
        cloud.aws.set_pace(seconds=1, reads=1)
    with pytest.raises(ValueError, match=r"kind is one of access-denied, .*, throttle, got 'x'"):
        Fault("*", "x")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="when is before or after, got 'now'"):
        Fault("*", "slow", when="now")  # type: ignore[arg-type]


def test_now(cloud: Cloud) -> None:
    assert abs(cloud.aws.now() - datetime.now(UTC)) < timedelta(seconds=5)


def test_reset(cloud: Cloud) -> None:
    cloud.archive()
    cloud.rule("all")
    cloud.aws.set_pace()
    cloud.aws.set_quota("events", 1)
    cloud.aws.fail_next("events", "Broken.", count=5)
    cloud.start()
    cloud.aws.add_fault(Fault("*", "throttle", count=100))
    cloud.aws.reset()
    assert cloud.aws.calls() == {}
    assert cloud.aws.jobs("events") == []
    assert cloud.aws.max_active("events") == 0
    assert cloud.sqs.list_queues().get("QueueUrls", []) == []
    assert cloud.events.list_replays()["Replays"] == []
    cloud.archive()
    cloud.aws.set_pace(reads=1)
    cloud.start("a")
    cloud.start("b")
    assert cloud.state("a") == "COMPLETED"


def test_handle_takes_only_public_methods() -> None:
    control = JobControl()
    for method in ("_do", "clear", "__init__", "nope"):
        with pytest.raises(ValueError, match="AwsJobs has no method"):
            control.handle(method, {})
    with pytest.raises(ValueError, match=r"AwsJobs\.advance: .* unexpected keyword argument"):
        control.handle("advance", {"job": "a"})


def test_every_public_method_is_handled() -> None:
    handled = {name.removeprefix("_on_") for name in vars(JobControl) if name.startswith("_on_")}
    assert handled == {name for name in vars(AwsJobs) if not name.startswith("_")}
