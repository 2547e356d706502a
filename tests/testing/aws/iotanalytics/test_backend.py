# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import gzip
import json
from typing import Any

import pytest
from testing.conftest import Cloud

from airflow_provider_jobs.testing import Fault

from .sensors import CLEAN, RAW, ROLE, STRAIGHT, Sensors, error, hour, through


@pytest.fixture
def sensors(cloud: Cloud) -> Sensors:
    return Sensors(cloud)


def test_reprocesses_a_window(sensors: Sensors) -> None:
    sensors.seed(2, 0.999, 1, 1.5, 3)
    job_id = sensors.start(startTime=hour(1), endTime=hour(3))
    (job,) = sensors.aws.jobs("iotanalytics")
    assert 0 <= sensors.aws.now().timestamp() - job.pop("started_at") < 60
    assert [job] == [
        {
            "id": job_id,
            "fraction": 0.0,
            "phase": "starting",
            "stop_asked_at": None,
            "ended_at": None,
            "state": "RUNNING",
            "pipeline": "cleaning",
            "datastore": "clean",
            "start_time": hour(1).timestamp(),
            "end_time": hour(3).timestamp(),
            "messages": 3,
            "processed": 0,
            "stored": 0,
            "failures": [],
        }
    ]
    assert sensors.states() == ["RUNNING"]
    assert sensors.hours(job_id) == [1]
    [summary] = sensors.summaries()
    assert summary == {"id": job_id, "status": "SUCCEEDED", "creationTime": summary["creationTime"]}
    assert sensors.hours() == sensors.hours(job_id) == [1, 1.5, 2]


@pytest.mark.parametrize(
    ("window", "expected"),
    [
        ({}, [0, 1, 2]),
        ({"startTime": hour(1)}, [1, 2]),
        ({"endTime": hour(1)}, [0]),
        ({"startTime": hour(5), "endTime": hour(6)}, []),
    ],
)
def test_open_and_empty_windows(sensors: Sensors, window: dict[str, Any], expected: list[float]) -> None:
    sensors.aws.set_pace(seconds=0)
    sensors.seed(0, 1, 2)
    sensors.start(**window)
    assert sensors.states() == ["SUCCEEDED"]
    assert sensors.hours() == expected


def test_reprocesses_objects(sensors: Sensors) -> None:
    keys = sensors.seed(0, 1, 2)
    assert keys[1] == (
        "iot/channel/raw/__dt=2026-11-01 00:00:00/1793494800000_1793494800000_123456789012_raw_0_0.0.json.gz"
    )
    job_id = sensors.start(channelMessages={"s3Paths": [keys[2], keys[0]]})
    sensors.aws.advance(job_id)
    assert sensors.states() == ["SUCCEEDED"]
    assert sensors.hours(job_id) == [2, 0]


def test_each_reprocessing_has_an_object_of_its_own(sensors: Sensors) -> None:
    sensors.aws.set_pace(seconds=0)
    sensors.seed(0, 1)
    first, second = sensors.start(), sensors.start(startTime=hour(1))
    assert sensors.hours(first) == [0, 1]
    assert sensors.hours(second) == [1]
    assert [summary["id"] for summary in sensors.summaries()] == [first, second]


def test_fails_and_is_cancelled(sensors: Sensors) -> None:
    sensors.aws.set_pace()
    sensors.seed(0, 1, 2, 3)
    failing, cancelled = sensors.start(), sensors.start()
    sensors.aws.fail(failing, "out of order", at=0.75)
    sensors.aws.advance(failing)
    sensors.aws.advance(cancelled, to=0.5)
    for _ in range(2):  # asking again does no harm
        sensors.api.cancel_pipeline_reprocessing(pipelineName="cleaning", reprocessingId=cancelled)
    assert sensors.states() == ["FAILED", "RUNNING"]
    sensors.aws.advance(cancelled)
    assert sensors.states() == ["FAILED", "CANCELLED"]
    assert sensors.hours(failing) == [0, 1, 2]
    assert sensors.hours(cancelled) == [0, 1]
    answer = error(
        sensors.api.cancel_pipeline_reprocessing, pipelineName="cleaning", reprocessingId=cancelled
    )
    message = f"Reprocessing {cancelled} is not running: CANCELLED."
    assert answer == (400, "InvalidRequestException", message)


def test_messages_that_arrive_now(sensors: Sensors) -> None:
    activities = through("filter", filter="heat > 40")
    sensors.api.update_pipeline(pipelineName="cleaning", pipelineActivities=activities)
    assert sensors.put({"heat": 41}, ["no object"], {"heat": 40}) == [
        {
            "messageId": "1",
            "errorCode": "InvalidRequestException",
            "errorMessage": "A message must be a JSON object.",
        }
    ]
    assert sensors.landed() == [{"heat": 41}]
    sensors.aws.set_pace(seconds=0)
    job_id = sensors.start(startTime=sensors.aws.now().replace(minute=0, second=0, microsecond=0))
    assert sensors.landed(job_id) == [{"heat": 41}]
    [job] = sensors.aws.jobs("iotanalytics")
    assert (job["messages"], job["processed"], job["stored"]) == (2, 2, 1)

    payloads = sensors.api.sample_channel_data(channelName="raw", maxMessages=1)["payloads"]
    assert [json.loads(payload) for payload in payloads] == [{"heat": 41}]
    assert sensors.api.sample_channel_data(channelName="raw", endTime=hour(0))["payloads"] == []
    for kind, describe in (
        ("channel", sensors.api.describe_channel),
        ("datastore", sensors.api.describe_datastore),
    ):
        named = {f"{kind}Name": "raw" if kind == "channel" else "clean"}
        described = describe(**named, includeStatistics=True)
        assert described["statistics"]["size"]["estimatedSizeInBytes"] > 20
        assert described[kind]["lastMessageArrivalTime"] <= sensors.aws.now()


def test_channels_and_datastores(sensors: Sensors) -> None:
    made = sensors.api.create_channel(channelName="another", retentionPeriod={"numberOfDays": 7})
    assert made["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert made["channelArn"] == "arn:aws:iotanalytics:us-east-1:123456789012:channel/another"
    described = sensors.api.describe_channel(channelName="another")
    channel = described["channel"]
    created = channel["creationTime"]
    assert channel == {
        "name": "another",
        "arn": made["channelArn"],
        "storage": {"serviceManagedS3": {}},
        "status": "ACTIVE",
        "retentionPeriod": {"numberOfDays": 7},
        "creationTime": created,
        "lastUpdateTime": created,
    }
    assert "statistics" not in described
    summaries = sensors.api.list_channels()["channelSummaries"]
    assert [row["channelName"] for row in summaries] == ["another", "raw"]
    assert summaries[1]["channelStorage"]["customerManagedS3"]["keyPrefix"] == "iot/"
    [store] = sensors.api.list_datastores()["datastoreSummaries"]
    assert store["datastoreStorage"] == {"customerManagedS3": {"bucket": CLEAN, "roleArn": ROLE}}
    sensors.api.delete_channel(channelName="another")
    sensors.api.delete_datastore(datastoreName="clean")
    assert len(sensors.api.list_channels()["channelSummaries"]) == 1
    assert sensors.api.list_datastores()["datastoreSummaries"] == []
    assert error(sensors.start) == (404, "ResourceNotFoundException", "Datastore clean does not exist.")


def test_service_managed_storage(sensors: Sensors) -> None:
    sensors.api.create_channel(channelName="kept")
    sensors.api.create_datastore(datastoreName="kept")
    activities = [
        {"channel": {"name": "from", "channelName": "kept", "next": "to"}},
        {"datastore": {"name": "to", "datastoreName": "kept"}},
    ]
    sensors.api.create_pipeline(pipelineName="keeping", pipelineActivities=activities)
    message = {"messageId": "a", "payload": b'{"heat": 1}'}
    sensors.api.batch_put_message(channelName="kept", messages=[message])

    def size() -> float:
        described = sensors.api.describe_datastore(datastoreName="kept", includeStatistics=True)
        return float(described["statistics"]["size"]["estimatedSizeInBytes"])

    before = size()
    sensors.aws.set_pace(seconds=0)
    sensors.start("keeping")
    assert sensors.states("keeping") == ["SUCCEEDED"]
    assert size() == 2 * before > 0
    assert error(sensors.start, pipeline="keeping", channelMessages={"s3Paths": ["a"]}) == (
        400,
        "InvalidRequestException",
        "channelMessages needs a customer-managed channel; kept is not one.",
    )


def test_pages_of_pipelines_with_their_reprocessings(sensors: Sensors) -> None:
    for number in range(4):
        sensors.api.create_pipeline(pipelineName=f"more{number}", pipelineActivities=STRAIGHT)
    job_id = sensors.start("more1")
    pages = sensors.api.get_paginator("list_pipelines").paginate(PaginationConfig={"PageSize": 2})
    rows = [
        [(row["pipelineName"], row["reprocessingSummaries"]) for row in page["pipelineSummaries"]]
        for page in pages
    ]
    assert [[name for name, _ in page] for page in rows] == [
        ["cleaning", "more0"],
        ["more1", "more2"],
        ["more3"],
    ]
    [summary] = rows[1][0][1]
    assert (summary["id"], summary["status"]) == (job_id, "RUNNING")
    assert error(sensors.api.list_pipelines, nextToken="x") == (
        400,
        "InvalidRequestException",
        "nextToken is not valid.",
    )
    status, code, message = error(sensors.api.list_pipelines, maxResults=251)
    assert (status, code) == (400, "InvalidRequestException")
    assert message.endswith("Member must have value less than or equal to 250")


def test_describes_and_deletes_pipelines(sensors: Sensors) -> None:
    sensors.aws.set_pace(reads=3)
    sensors.start()
    pipeline = sensors.api.describe_pipeline(pipelineName="cleaning")["pipeline"]
    assert pipeline["arn"] == "arn:aws:iotanalytics:us-east-1:123456789012:pipeline/cleaning"
    assert pipeline["activities"] == STRAIGHT
    activities = through("removeAttributes", attributes=["hour"])
    sensors.api.update_pipeline(pipelineName="cleaning", pipelineActivities=activities)
    updated = sensors.api.describe_pipeline(pipelineName="cleaning")["pipeline"]
    assert updated["activities"] == activities
    assert updated["lastUpdateTime"] > updated["creationTime"] == pipeline["creationTime"]
    sensors.api.delete_pipeline(pipelineName="cleaning")
    assert sensors.api.list_pipelines()["pipelineSummaries"] == []
    gone = (404, "ResourceNotFoundException", "Pipeline cleaning does not exist.")
    assert error(sensors.api.describe_pipeline, pipelineName="cleaning") == gone
    assert error(sensors.start) == gone


@pytest.mark.parametrize(
    ("request_", "message"),
    [
        (
            {"startTime": hour(1), "channelMessages": {"s3Paths": ["a"]}},
            "channelMessages cannot be used together with startTime or endTime.",
        ),
        ({"startTime": hour(1), "endTime": hour(1)}, "endTime must be after startTime."),
        ({"channelMessages": {"s3Paths": ["a"]}}, "There is no object a."),
        (
            {"channelMessages": {"s3Paths": ["a?"]}},
            "1 validation error detected: Value 'a?' at 'channelMessages.s3Paths.1.member' failed to satisfy "
            r"constraint: Member must satisfy regular expression pattern: ^[a-zA-Z0-9/_!'(){}\*\s\.\-\=\:]+$",
        ),
    ],
)
def test_bad_reprocessings(sensors: Sensors, request_: dict[str, Any], message: str) -> None:
    assert error(sensors.start, **request_) == (400, "InvalidRequestException", message)
    assert sensors.states() == []


@pytest.mark.parametrize("body", [b"no gzip", gzip.compress(b"{}\n1\n", mtime=0)])
def test_unreadable_objects(sensors: Sensors, body: bytes) -> None:
    [key] = sensors.seed(1)
    sensors.s3.put_object(Bucket=RAW, Key=key, Body=body)
    _, code, message = error(sensors.start)
    assert code == "InvalidRequestException"
    assert message.startswith(f"Object {key} does not hold messages: ")


def test_errors_of_names(sensors: Sensors) -> None:
    api = sensors.api
    taken = (409, "ResourceAlreadyExistsException")
    assert error(api.create_channel, channelName="raw") == (*taken, "Channel raw already exists.")
    assert error(api.create_datastore, datastoreName="clean") == (*taken, "Datastore clean already exists.")
    assert error(api.create_pipeline, pipelineName="cleaning", pipelineActivities=STRAIGHT) == (
        *taken,
        "Pipeline cleaning already exists.",
    )
    missing = (404, "ResourceNotFoundException")
    message = {"messageId": "a", "payload": b"{}"}
    assert error(api.batch_put_message, channelName="x", messages=[message]) == (
        *missing,
        "Channel x does not exist.",
    )
    assert error(api.cancel_pipeline_reprocessing, pipelineName="cleaning", reprocessingId="x") == (
        *missing,
        "Reprocessing x does not exist.",
    )
    refused = (400, "InvalidRequestException")
    assert error(api.batch_put_message, channelName="raw", messages=[message, message]) == (
        *refused,
        "messageId must be unique within the batch.",
    )
    storage = {"customerManagedS3": {"bucket": "nowhere", "roleArn": ROLE}}
    assert error(api.create_channel, channelName="x", channelStorage=storage) == (
        *refused,
        "Bucket nowhere does not exist or cannot be accessed.",
    )
    assert error(api.create_channel, channelName="x", channelStorage={**storage, "serviceManagedS3": {}}) == (
        *refused,
        "channelStorage is one of serviceManagedS3 and customerManagedS3.",
    )
    status, code, text = error(api.create_pipeline, pipelineName="__x" * 50, pipelineActivities=STRAIGHT)
    assert (status, code) == refused
    assert text.startswith("2 validation errors detected: Value '__x")
    assert error(
        api.create_pipeline, pipelineName="x", pipelineActivities=through("math", attribute="a", math="1 +")
    ) == (
        *refused,
        "The mocked service does not understand the math '1 +' at 'the end'.",
    )
    elsewhere = [{"channel": {**STRAIGHT[0]["channel"], "channelName": "x"}}, STRAIGHT[1]]
    assert error(api.create_pipeline, pipelineName="x", pipelineActivities=elsewhere) == (
        *refused,
        "Channel x does not exist.",
    )


def test_quota_of_starts_is_each_pipelines_own(sensors: Sensors) -> None:
    sensors.api.create_pipeline(pipelineName="another", pipelineActivities=STRAIGHT)
    sensors.aws.set_quota("iotanalytics", 2)
    sensors.aws.set_pace(seconds=0)
    sensors.start()
    sensors.start()
    assert error(sensors.start) == (
        409,
        "ResourceAlreadyExistsException",
        "Pipeline cleaning has had 2 reprocessings in 24 hours.",
    )
    sensors.start("another")
    assert sensors.aws.calls("iotanalytics")["StartPipelineReprocessing"] == 4


def test_faults(sensors: Sensors) -> None:
    sensors.aws.add_fault(Fault("StartPipelineReprocessing", "error", when="after"))
    retrying = sensors.client(attempts=2)
    retrying.start_pipeline_reprocessing(pipelineName="cleaning")
    assert len(sensors.summaries()) == 2  # without name or token, a retried call starts another one
    sensors.aws.add_fault(Fault("ListPipelines", "throttle"))
    assert error(sensors.api.list_pipelines) == (429, "ThrottlingException", "Rate exceeded")
    assert retrying.meta.service_model.shape_for("ThrottlingException").metadata["exception"]
    sensors.aws.add_fault(Fault("ListPipelines", "drop"))
    assert retrying.list_pipelines()["pipelineSummaries"]


def test_regions_are_apart(sensors: Sensors) -> None:
    assert sensors.client(region="eu-west-1").list_pipelines()["pipelineSummaries"] == []
    sensors.aws.reset()
    assert sensors.api.list_pipelines()["pipelineSummaries"] == []
