# SPDX-License-Identifier: Apache-2.0

"""What boto3 sees of each kind of fault, in process and over HTTP."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from testing.conftest import Cloud

from airflow_provider_jobs.testing import AwsJobs, AwsJobsServer, Fault, UnmetFaultError, mock_aws_jobs
from airflow_provider_jobs.testing.aws.faults import ActiveFault

PAGE = Path(__file__).parents[3] / "docs" / "testing.md"
HTML = "<html>Blocked</html>"
START = "StartReplay"


def garbage(body: str, status: int | None = None) -> Fault:
    return Fault(START, "garbage", status=status, body=body)


def of_sts(operation: str, kind: Any, **more: Any) -> Fault:
    return Fault(operation, kind, "sts", **more)


#: A fault, what boto3 sees of it, and whether the call took effect.
SEEN: list[tuple[Fault, str, str]] = [
    (Fault(START, "throttle"), "ClientError ThrottlingException, 400", "no"),
    (Fault(START, "error"), "ClientError InternalException, 500", "no"),
    (Fault(START, "error", when="after"), "ClientError InternalException, 500", "yes"),
    (Fault(START, "error", code="LimitExceededException"), "ClientError LimitExceededException, 400", "no"),
    (Fault(START, "error", code="Unheard", status=418), "ClientError Unheard, 418", "no"),
    (Fault(START, "expired-token"), "ClientError ExpiredTokenException, 400", "no"),
    (Fault(START, "access-denied"), "ClientError AccessDeniedException, 400", "no"),
    (Fault(START, "drop"), "ConnectionClosedError", "no"),
    (Fault(START, "drop", when="after"), "ConnectionClosedError", "yes"),
    (Fault(START, "hang", seconds=9), "ReadTimeoutError", "no"),
    (Fault(START, "hang", when="after", seconds=9), "ReadTimeoutError", "yes"),
    (Fault(START, "slow", seconds=0.1), "the answer", "yes"),
    (garbage('{"State"'), "an answer without ReplayArn, ReplayStartTime, State", "no"),
    (garbage(""), "an answer without ReplayArn, ReplayStartTime, State", "no"),
    (garbage("{}"), "an answer without ReplayArn, ReplayStartTime, State", "no"),
    (garbage("null"), "AttributeError", "no"),
    (garbage("[]"), "AttributeError", "no"),
    (garbage(HTML), "an answer without ReplayArn, ReplayStartTime, State", "no"),
    (garbage(HTML, 403), "ClientError 403, 403", "no"),
    (garbage(HTML, 404), "ClientError 404, 404", "no"),
    (garbage("null", 400), "AttributeError", "no"),
    (garbage('{"__type": "Unheard"}', 400), "ClientError Unheard, 400", "no"),
    (garbage('{"__type": "Unheard"}'), "an answer without ReplayArn, ReplayStartTime, State", "no"),
    (Fault(START, "garbage", when="after", body=""),
     "an answer without ReplayArn, ReplayStartTime, State", "yes"),
    (Fault(START, "omit", member="State"), "an answer without State", "yes"),
    (Fault(START, "alter", member="State", value=7), "an answer with State 7", "yes"),
    (Fault(START, "alter", member="ReplayStartTime", value="soon"), "ValueError", "yes"),
    (of_sts("AssumeRole", "access-denied"), "ClientError AccessDenied, 403", ""),
    (of_sts("AssumeRole", "expired-token"), "ClientError ExpiredToken, 403", ""),
    (of_sts("GetCallerIdentity", "access-denied"), "ClientError AccessDenied, 403", ""),
    (of_sts("GetCallerIdentity", "error", code="InvalidClientTokenId", status=403),
     "ClientError InvalidClientTokenId, 403", ""),
    (of_sts("GetCallerIdentity", "throttle"), "ClientError Throttling, 400", ""),
    (Fault("ListBuckets", "throttle", "s3"), "ClientError SlowDown, 503", ""),
    (Fault("ListObjectsV2", "access-denied", "s3"), "ClientError AccessDenied, 403", ""),
    (Fault("ListQueues", "error", "sqs"), "ClientError InternalFailure, 500", ""),
    (Fault("ListQueues", "drop", "sqs"), "ConnectionClosedError", ""),
]  # fmt: skip


def calls(cloud: Cloud, fault: Fault) -> dict[str, Callable[[], Any]]:
    timeout = 0.5 if fault.kind == "hang" else 60
    cloud.events = cloud.client("events", read_timeout=timeout)
    sts, s3 = cloud.client("sts"), cloud.client("s3")
    role = "arn:aws:iam::123456789012:role/reader"
    return {
        START: cloud.start,
        "AssumeRole": lambda: sts.assume_role(RoleArn=role, RoleSessionName="renewal"),
        "GetCallerIdentity": sts.get_caller_identity,
        "ListBuckets": s3.list_buckets,
        "ListObjectsV2": lambda: s3.list_objects_v2(Bucket="orders"),
        "ListQueues": cloud.sqs.list_queues,
    }


def seen(call: Callable[[], Any]) -> str:
    try:
        answer = call()
    except ClientError as error:
        status = error.response["ResponseMetadata"]["HTTPStatusCode"]
        return f"ClientError {error.response['Error']['Code']}, {status}"
    except (BotoCoreError, AttributeError, ValueError) as error:
        return type(error).__name__
    missing = sorted({"ReplayArn", "ReplayStartTime", "State"} - set(answer))
    if missing:
        return f"an answer without {', '.join(missing)}"
    state = answer["State"]
    return "the answer" if state == "STARTING" else f"an answer with State {state}"


@pytest.mark.parametrize(("fault", "expected", "effect"), SEEN, ids=[str(row[0]) for row in SEEN])
def test_what_boto3_sees(cloud: Cloud, fault: Fault, expected: str, effect: str) -> None:
    cloud.archive()
    call = calls(cloud, fault)[fault.operation]
    cloud.aws.add_fault(fault)
    assert seen(call) == expected
    assert cloud.aws.calls(fault.service or "events")[fault.operation] == 1
    if effect:
        assert len(cloud.aws.jobs("events")) == (1 if effect == "yes" else 0)


def test_a_hang_outlasts_a_body_that_comes_late(server: AwsJobsServer) -> None:
    server.reset()
    server.add_fault(Fault(START, "hang", seconds=9))
    host, port = urlsplit(server.url).hostname, urlsplit(server.url).port
    body = b"{}"
    head = (
        f"POST / HTTP/1.1\r\nHost: {host}:{port}\r\nX-Amz-Target: AWSEvents.{START}\r\n"
        "Content-Type: application/x-amz-json-1.1\r\n"
        "Authorization: AWS4-HMAC-SHA256 Credential=testing/20260101/us-east-1/events/aws4_request\r\n"
    )
    with socket.create_connection((host, port), timeout=0.3) as sender:
        for part in (f"{head}Content-Length: {len(body)}\r\n\r\n".encode(), body):
            sender.sendall(part)
            with pytest.raises(TimeoutError):
                sender.recv(1)
    assert server.unmet_faults() == []


def test_the_page_lists_what_boto3_sees() -> None:
    rows = [f"| `{fault}` | {expected} | {effect} |" for fault, expected, effect in SEEN]
    header = ["| fault | what boto3 sees | took effect |", "|---|---|---|"]
    assert "\n" + "\n".join([*header, *rows]) + "\n\n" in PAGE.read_text()


def test_a_message_of_ones_own(cloud: Cloud) -> None:
    cloud.aws.add_fault(Fault("ListReplays", "throttle", message="Slow & <steady>"))
    cloud.aws.add_fault(Fault("GetCallerIdentity", "error", "sts", message="Slow & <steady>"))
    for call in (cloud.events.list_replays, cloud.client("sts").get_caller_identity):
        with pytest.raises(ClientError) as caught:
            call()
        assert caught.value.response["Error"]["Message"] == "Slow & <steady>"


def test_a_member_of_each_row(cloud: Cloud) -> None:
    cloud.archive()
    cloud.start("a")
    cloud.start("b")
    cloud.aws.add_fault(Fault("ListReplays", "omit", member="Replays.State"))
    rows = cloud.events.list_replays()["Replays"]
    assert [row["ReplayName"] for row in rows] == ["a", "b"]
    assert not any("State" in row for row in rows)
    assert all("State" in row for row in cloud.events.list_replays()["Replays"])


def test_a_member_that_the_answer_does_not_have_does_not_meet_the_fault(cloud: Cloud) -> None:
    cloud.aws.add_fault(Fault("ListReplays", "alter", member="Replay.State", value=7))
    cloud.aws.add_fault(Fault("GetCallerIdentity", "omit", "sts", member="Account"))  # answers XML
    assert cloud.events.list_replays()["Replays"] == []
    assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"
    assert cloud.aws.unmet_faults() == [
        "Fault('ListReplays', 'alter', member='Replay.State', value=7)",
        "Fault('GetCallerIdentity', 'omit', service='sts', member='Account')",
    ]
    cloud.aws.reset()


def test_without_a_service_it_is_about_the_job_services(cloud: Cloud) -> None:
    cloud.aws.add_fault(Fault("*", "throttle", count=9))
    assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"
    with pytest.raises(ClientError, match="Rate exceeded"):
        cloud.events.list_replays()
    assert cloud.aws.calls() == {"ListReplays": 1}
    assert cloud.aws.calls("sts") == {"GetCallerIdentity": 1}


def test_an_upload_from_a_stream_is_read_once(cloud: Cloud) -> None:
    s3 = cloud.client("s3")
    s3.create_bucket(Bucket="orders")
    with Path(__file__).open("rb") as stream:
        s3.put_object(Bucket="orders", Key="stream", Body=stream)
    assert s3.get_object(Bucket="orders", Key="stream")["Body"].read() == Path(__file__).read_bytes()


def hit(fault: Fault, *times: float) -> str:
    active = ActiveFault(fault, added=100.0)
    return "".join(".x"[active.hits("events", "A", ["events"], 100.0 + time)] for time in times)


def test_times() -> None:
    assert hit(Fault("A", "drop", since=10), 0, 9.9, 10, 11) == "..x."
    assert hit(Fault("A", "drop", since=10, count=2), 0, 10, 11, 12) == ".xx."
    assert hit(Fault("A", "drop", until=10), 0, 5, 9.9, 10) == "xxx."
    assert hit(Fault("A", "drop", since=2, until=10, skip=1), 0, 5, 9.9, 10) == "..x."
    assert hit(Fault("A", "drop", until=10, probability=0.0), 0, 5) == ".."


def test_for_the_next_seconds(cloud: Cloud) -> None:
    cloud.aws.add_fault(Fault("ListReplays", "throttle", until=0.5))
    assert seen(cloud.events.list_replays) == "ClientError ThrottlingException, 400"
    deadline = time.monotonic() + 20
    while "ClientError" in seen(cloud.events.list_replays):
        assert time.monotonic() < deadline


@pytest.mark.parametrize(
    ("arguments", "problem"),
    [
        ({"kind": "hang"}, "A hang needs seconds"),
        ({"kind": "omit"}, "member is for the kinds alter and omit, and they need it"),
        ({"kind": "drop", "member": "State"}, "member is for the kinds alter and omit"),
        (
            {"kind": "drop", "code": "Broken"},
            "code is for the kinds access-denied, error, expired-token, thr",
        ),
        ({"kind": "slow", "message": "Broken"}, "message is for the kinds access-denied"),
        ({"kind": "drop", "status": 500}, "status is for errors and garbage, not for drop"),
        ({"kind": "drop", "since": 2, "until": 2}, "until must be after since, got 2 and 2"),
    ],
)
def test_faults_that_mean_nothing(arguments: Any, problem: str) -> None:
    with pytest.raises(ValueError, match=problem):
        Fault("*", **arguments)


def ask_in_vain(aws: AwsJobs) -> None:
    aws.add_fault(Fault("Nope", "drop"))
    aws.add_fault(Fault("Nope", "slow", optional=True))


def ask_and_break(aws: AwsJobs) -> None:
    ask_in_vain(aws)
    raise RuntimeError("oh")


UNMET = r"No call met these faults:\n  Fault\('Nope', 'drop'\)\nCheck"


def test_an_unmet_fault_fails_the_mock() -> None:
    with pytest.raises(UnmetFaultError, match=UNMET), mock_aws_jobs() as aws:
        ask_in_vain(aws)
    with mock_aws_jobs() as aws:
        assert aws.unmet_faults() == [], "nothing is left of it"


def test_an_unmet_fault_hides_no_error() -> None:
    with pytest.raises(RuntimeError, match="oh"), mock_aws_jobs() as aws:
        ask_and_break(aws)


def test_an_unmet_fault_fails_the_outermost_mock_only() -> None:
    outer = mock_aws_jobs()
    outer.__enter__()
    with mock_aws_jobs() as aws:
        ask_in_vain(aws)
    with pytest.raises(UnmetFaultError, match=UNMET):
        outer.__exit__(None, None, None)


def test_an_unmet_fault_fails_a_decorated_test() -> None:
    with pytest.raises(UnmetFaultError, match=UNMET):
        mock_aws_jobs()(ask_in_vain)()  # type: ignore[call-arg] # it is given the argument


def test_what_counts_as_unmet(cloud: Cloud) -> None:
    cloud.aws.add_fault(Fault("ListReplays", "slow", count=5))
    cloud.aws.add_fault(Fault("Never", "slow", probability=1.0))
    cloud.aws.add_fault(Fault("ListReplays", "slow", skip=9))
    cloud.events.list_replays()
    unmet = [
        "Fault('Never', 'slow', probability=1.0)",
        "Fault('ListReplays', 'slow', skip=9)",
    ]
    assert cloud.aws.unmet_faults() == unmet
    cloud.aws.clear_faults()
    assert cloud.aws.unmet_faults() == unmet, "to remove a fault is not to have met it"
    cloud.aws.reset()
    assert cloud.aws.unmet_faults() == []


def test_an_unmet_fault_fails_the_fixture(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        """
        from airflow_provider_jobs.testing import Fault

        def test_it(aws_jobs):
            aws_jobs.add_fault(Fault("Nope", "drop"))
        """
    )
    result = pytester.runpytest_subprocess("-p", "airflow_provider_jobs.testing.pytest_plugin")
    result.assert_outcomes(passed=1, errors=1)
    result.stdout.fnmatch_lines(["*UnmetFaultError: No call met these faults:", "*Fault('Nope', 'drop')"])


def test_an_unmet_fault_fails_the_server_when_it_stops() -> None:
    with pytest.raises(UnmetFaultError, match=UNMET), AwsJobsServer() as server:
        ask_in_vain(server)
    with pytest.raises(OSError, match="refused"):
        server.now()
    with pytest.raises(RuntimeError, match="oh"), server:
        ask_and_break(server)
    with server:
        assert server.unmet_faults() == []
