# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import asyncio
import inspect
import os
import subprocess
import sys
from typing import Any

import boto3
import moto.backend_index
import pytest
from botocore.exceptions import ClientError
from logs_insights.mocked import BACKEND
from moto import mock_aws
from testing.conftest import T0, Cloud

import airflow_provider_jobs.testing as testing
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs


def replay_in_moto() -> dict[str, Any]:
    """What the first look at a replay shows."""
    cloud = Cloud(testing.control.CONTROL, None)
    with cloud.closing:
        cloud.archive()
        cloud.start()
        return cloud.describe()


def test_plain_moto_before_and_after() -> None:
    index = list(moto.backend_index.backend_url_patterns)
    with mock_aws():
        before = replay_in_moto()
    with mock_aws_jobs():
        assert replay_in_moto()["State"] == "RUNNING"
        assert moto.backend_index.backend_url_patterns != index
    assert moto.backend_index.backend_url_patterns == index
    assert not {name for name in sys.modules if name.startswith("moto.jobs_")}
    with mock_aws():
        after = replay_in_moto()
    assert before["State"] == after["State"] == "COMPLETED"


def test_a_backend_of_ones_own_is_there_as_long_as_the_mock() -> None:
    index = list(moto.backend_index.backend_url_patterns)
    with mock_aws_jobs(), mock_aws_jobs(backends=[BACKEND]) as aws:
        with pytest.raises(ClientError, match="ResourceNotFoundException"):
            boto3.client("logs", "us-east-1").stop_query(queryId="none")
        assert aws.calls("logs") == {"StopQuery": 1}
    assert moto.backend_index.backend_url_patterns == index
    assert not {name for name in sys.modules if name.startswith("moto.jobs_")}


def test_context_manager() -> None:
    before = dict(os.environ)
    with mock_aws_jobs() as aws:
        assert os.environ["AWS_ACCESS_KEY_ID"] == "FOOBARKEY"
        assert isinstance(aws, AwsJobs)
        aws.add_fault(Fault("*", "throttle", count=9, optional=True))
    assert dict(os.environ) == before
    with mock_aws_jobs() as aws:
        assert aws.calls() == {}
        assert boto3.client("events", "us-east-1").list_replays()["Replays"] == []


def states(aws: AwsJobs) -> list[str]:
    cloud = Cloud(aws, None)
    with cloud.closing:
        cloud.archive()
        cloud.start()
        return [cloud.state() for _ in range(2)]


def test_paces() -> None:
    with mock_aws_jobs() as aws:
        assert states(aws) == ["RUNNING", "COMPLETED"]
    with mock_aws_jobs(reads=1) as aws:
        assert states(aws) == ["COMPLETED", "COMPLETED"]
    with mock_aws_jobs(reads=None) as aws:
        assert states(aws) == ["STARTING", "STARTING"]
    with mock_aws_jobs(seconds=3600) as aws:
        assert states(aws) == ["RUNNING", "RUNNING"]
        aws.reset()
        assert states(aws) == ["RUNNING", "RUNNING"], "reset goes back to the first pace"


def test_nested_shares_all() -> None:
    with mock_aws_jobs(reads=1) as outer:
        cloud = Cloud(outer, None)
        with cloud.closing:
            cloud.archive()
            with mock_aws_jobs() as inner, mock_aws():
                assert inner is outer
                cloud.start()
            assert cloud.state() == "COMPLETED"


def test_decorator() -> None:
    @mock_aws_jobs(reads=1)
    def decorated(word: str, aws: AwsJobs) -> tuple[str, list[str]]:
        return word, states(aws)

    @mock_aws_jobs()
    def without(word: str) -> str:
        replays = boto3.client("events", "us-east-1").list_replays()["Replays"]
        return f"{word}: {len(replays)}"

    assert list(inspect.signature(decorated).parameters) == ["word"]
    call: Any = decorated
    for _ in range(2):
        assert call("a") == ("a", ["COMPLETED", "COMPLETED"])
    assert without("b") == "b: 0"
    assert decorated.__name__ == "decorated"


def test_decorated_coroutine() -> None:
    @mock_aws_jobs()
    async def decorated(aws: AwsJobs) -> list[str]:
        return await asyncio.to_thread(states, aws)

    call: Any = decorated
    assert asyncio.run(call()) == ["RUNNING", "COMPLETED"]


@mock_aws_jobs(reads=1)
def test_decorated_test(aws: AwsJobs) -> None:
    assert states(aws) == ["COMPLETED", "COMPLETED"]


def test_fixture(aws_jobs: AwsJobs) -> None:
    assert states(aws_jobs) == ["RUNNING", "COMPLETED"]


def test_undone_after_an_exception() -> None:
    index = list(moto.backend_index.backend_url_patterns)
    with pytest.raises(RuntimeError, match="oh"), mock_aws_jobs():
        raise RuntimeError("oh")
    assert moto.backend_index.backend_url_patterns == index


def test_other_partition() -> None:
    with mock_aws_jobs():
        client = boto3.client("events", "cn-north-1")
        bus = client.describe_event_bus(Name="default")["Arn"]
        archive = client.create_archive(ArchiveName="orders", EventSourceArn=bus)["ArchiveArn"]
        replay = client.start_replay(
            ReplayName="replay",
            EventSourceArn=archive,
            EventStartTime=T0,
            EventEndTime=T0.replace(hour=1),
            Destination={"Arn": bus},
        )
        assert replay["ReplayArn"] == "arn:aws-cn:events:cn-north-1:123456789012:replay/replay"
        assert client.describe_replay(ReplayName="replay")["State"] == "RUNNING"


def test_public_surface() -> None:
    names = ["AwsJobs", "AwsJobsServer", "Fault", "Pace", "UnmetFaultError", "mock_aws_jobs"]
    assert sorted(testing.__all__) == names
    for name in testing.__all__:
        assert getattr(testing, name).__name__ == name
    with pytest.raises(AttributeError, match="has no attribute 'nope'"):
        testing.nope  # noqa: B018


@pytest.mark.parametrize("name", ["AwsJobs", "AwsJobsServer", "Fault", "Pace", "UnmetFaultError"])
def test_moto_is_imported_only_when_used(name: str) -> None:
    code = f"import sys; from airflow_provider_jobs.testing import {name}; sys.exit('moto' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
