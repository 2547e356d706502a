# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from airflow_provider_jobs.testing import AwsJobsServer, Fault

from .conftest import Cloud


def until(condition: Callable[[], object], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def queued(cloud: Cloud, queue: str) -> int:
    url = cloud.sqs.get_queue_url(QueueName=queue)["QueueUrl"]
    name = "ApproximateNumberOfMessages"
    return int(cloud.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])


def post(port: int, path: str, body: str, **headers: str) -> tuple[int, dict[str, Any]]:
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=10)) as connection:
        connection.request("POST", path, body, headers)
        response = connection.getresponse()
        return response.status, json.loads(response.read())


def test_concurrent_clients(server: AwsJobsServer) -> None:
    server.reset()
    server.set_pace(reads=1000)
    server.set_quota("events", 10)
    cloud = Cloud(server, server.url)

    def work(worker: int) -> int:
        mine = Cloud(server, server.url)
        started = 0
        with mine.closing:
            for number in range(5):
                try:
                    mine.start(f"replay-{worker}-{number}")
                    started += 1
                except mine.events.exceptions.LimitExceededException:
                    pass
                mine.events.list_replays()
        return started

    with cloud.closing, ThreadPoolExecutor(10) as pool:
        cloud.archive()
        began = time.monotonic()
        started = list(pool.map(work, range(10)))
        took = time.monotonic() - began
    assert sum(started) == 10, "the quota holds however many ask at once"
    assert server.max_active("events") == 10
    assert server.calls("events")["StartReplay"] == 50
    assert server.calls("events")["ListReplays"] == 50
    assert took < 10


def test_moves_by_the_clock_while_nobody_asks(server: AwsJobsServer) -> None:
    server.reset()
    server.set_pace(seconds=0.3)
    cloud = Cloud(server, server.url)
    with cloud.closing:
        cloud.archive()
        cloud.put(0, 30)
        cloud.rule("all")
        cloud.start()
        until(lambda: queued(cloud, "all") == 2)
        assert cloud.minutes("all") == [0, 30]
        assert server.calls().get("DescribeReplay") is None


def test_serves_the_rest_of_moto(server: AwsJobsServer) -> None:
    server.reset()
    cloud = Cloud(server, server.url)
    with cloud.closing:
        s3 = cloud.client("s3")
        s3.create_bucket(Bucket="a-bucket")
        assert [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]] == ["a-bucket"]
        assert cloud.client("sts").get_caller_identity()["Account"] == "123456789012"


def test_crash_and_new_start_on_the_same_port() -> None:
    server = AwsJobsServer(seconds=0)
    with server:
        url = server.url
        server.add_fault(Fault("*", "throttle", count=9))
        server.kill()
        with pytest.raises(OSError, match="refused"):
            server.now()
        server.start()
        assert server.url == url
        cloud = Cloud(server, url)
        with cloud.closing:
            cloud.archive()
            cloud.start()
            assert cloud.state() == "COMPLETED"
    server.stop()
    with pytest.raises(OSError, match="refused"):
        server.now()


def test_starting_twice(server: AwsJobsServer) -> None:
    with pytest.raises(RuntimeError, match="The server has been started already"):
        server.start()


def test_output_of_a_failed_start() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        server = AwsJobsServer(port=taken.getsockname()[1])
        with pytest.raises(RuntimeError, match=r"(?s)The server ended\. Its output:.*in use"):
            server.start()
    server.stop()


@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_stops_at_once_with_a_call_in_progress(signum: signal.Signals) -> None:
    command = [sys.executable, "-m", "airflow_provider_jobs.testing.server", "--seconds", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("Listening on http://127.0.0.1:")
        port = int(line.rpartition(":")[2])
        fault = {"operation": "*", "kind": "slow", "seconds": 60}
        assert post(port, "/aws-jobs/add_fault", json.dumps(fault)) == (200, {"result": None})
        with closing(http.client.HTTPConnection("127.0.0.1", port)) as connection:
            scope = "Credential=testing/20261101/us-east-1/events/aws4_request"
            headers = {"X-Amz-Target": "AWSEvents.ListReplays", "Authorization": f"AWS4-HMAC-SHA256 {scope}"}
            connection.request("POST", "/", "{}", headers)
            until(lambda: post(port, "/aws-jobs/calls", '{"service": null}')[1]["result"])
            process.send_signal(signum)
            assert process.wait(10) == 0


def test_slow_answer_outlives_the_client(server: AwsJobsServer) -> None:
    server.reset()
    cloud = Cloud(server, server.url)
    with cloud.closing:
        cloud.archive()
        server.add_fault(Fault("StartReplay", "slow", when="after", seconds=1))
        cloud.events = cloud.client("events", read_timeout=0.2)
        with pytest.raises(ReadTimeoutError):
            cloud.start()
    assert len(server.jobs("events")) == 1


def test_control_over_http(server: AwsJobsServer) -> None:
    server.reset()
    port = int(server.url.rpartition(":")[2])
    assert post(port, "/aws-jobs/calls", '{"service": "events"}') == (200, {"result": {}})
    for path, body, problem in [
        ("/aws-jobs/nope", "{}", "AwsJobs has no method 'nope'."),
        ("/aws-jobs/calls", "no json", "Expecting value: line 1 column 1 (char 0)"),
    ]:
        assert post(port, path, body) == (400, {"error": problem})
