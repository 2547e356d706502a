# SPDX-License-Identifier: Apache-2.0

"""Links to the console: of starts, cancels and sensors, in each partition, and none of an emulator's jobs."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import job_targets
import pytest
from job_cases import AWS, EventBridge
from one_task import OneTask

from airflow_provider_jobs.links.eventbridge import EventBridgeReplayLink
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs
from airflow_provider_jobs.testing.server import AwsJobsServer

LINK = EventBridgeReplayLink()
#: A Region of each partition, and the domain of its console, if it has a known one.
CONSOLES = [
    ("us-east-1", "aws.amazon.com"),
    ("us-gov-west-1", "amazonaws-us-gov.com"),
    ("cn-north-1", "amazonaws.cn"),
    ("us-iso-east-1", None),
]


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs(reads=2) as control:
        yield control


def clients(region: str, **kwargs: Any) -> Callable[[str], Any]:
    """Make clients of a Region."""
    session: Any = boto3.Session(region_name=region)
    return lambda service: session.client(service, **kwargs)


def start(**kwargs: Any) -> OneTask:
    day = {"event_start_time": "2026-01-01T00:00:00Z", "event_end_time": "2026-01-02T00:00:00Z"}
    given = {"archive": "orders", "poll_interval": 0.02, **day, **AWS, **kwargs}
    return OneTask(lambda: EventBridgeStartReplayOperator(task_id="replay", **given))


def link_of(task: OneTask) -> str | None:
    """What Airflow's UI shows; None if nothing was kept to make a link of."""
    kept = task.xcoms.get(LINK.key)
    return None if kept is None else LINK.format_link(**kept)


@pytest.mark.parametrize(("region", "domain"), CONSOLES)
def test_the_link_leads_to_the_partition_s_console(aws: AwsJobs, region: str, domain: str | None) -> None:
    job_targets.archive(clients(region), "orders")
    task = start(region_name=region)
    name = task.run()["replay_name"]
    if domain is None:
        assert link_of(task) == ""
    else:
        assert link_of(task) == (
            f"https://{region}.console.{domain}/events/home?region={region}#/replay/{name}"
        )


@pytest.mark.parametrize("deferrable", [False, True])
@pytest.mark.parametrize(
    "follow",
    [
        lambda **given: EventBridgeReplaySensor(task_id="it", poke_interval=0.02, **given),
        lambda **given: EventBridgeCancelReplayOperator(task_id="it", poll_interval=0.02, **given),
    ],
)
def test_sensors_and_cancels_have_it_too(aws: AwsJobs, follow: Callable[..., Any], deferrable: bool) -> None:
    EventBridge().prepare()
    started = start(wait_for_completion=False)
    name = started.run()["replay_name"]
    task = OneTask(lambda: follow(replay_name=name, deferrable=deferrable, **AWS))
    task.run()
    assert link_of(task) == link_of(started) != ""
    assert follow(replay_name=name).operator_extra_links[0].name == LINK.name


@pytest.mark.parametrize("by", ["the connection", "the environment"])
def test_a_job_of_an_endpoint_of_one_s_own_is_in_no_console(monkeypatch: pytest.MonkeyPatch, by: str) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    with AwsJobsServer() as server:
        server.set_pace(reads=2)
        job_targets.archive(clients("us-east-1", endpoint_url=server.url), "orders")
        own = {"endpoint_url": server.url} if by == "the connection" else {}
        if not own:
            monkeypatch.setenv("AWS_ENDPOINT_URL", server.url)
        extra = {"region_name": "us-east-1", **own}
        keys = {"conn_type": "aws", "login": "testing", "password": "testing"}
        monkeypatch.setenv("AIRFLOW_CONN_THERE", json.dumps({**keys, "extra": extra}))
        task = start(aws_conn_id="there", region_name=None)
        result = task.run()
        wait = OneTask(
            lambda: EventBridgeReplaySensor(
                task_id="wait", replay_name=result, aws_conn_id="there", poke_interval=0.02
            )
        )
        wait.run()
    assert (result["state"], link_of(task), link_of(wait)) == ("COMPLETED", None, None)
