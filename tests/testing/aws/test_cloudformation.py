# SPDX-License-Identifier: Apache-2.0

"""What CloudFormation makes is there for the services: moto's CloudFormation beside the mocked services."""

from __future__ import annotations

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError
from testing.conftest import Cloud

BUS = "arn:aws:events:us-east-1:123456789012:event-bus/default"


def make(cloud: Cloud, kind: str, update: bool = False, **properties: Any) -> None:
    resources = {"Made": {"Type": kind, "Properties": properties}}
    cloudformation = cloud.client("cloudformation")
    operation = cloudformation.update_stack if update else cloudformation.create_stack
    operation(StackName="stack", TemplateBody=json.dumps({"Resources": resources}))


def field(key: str, value: str) -> dict[str, str]:
    return {"Key": key, "StringValue": value}


DEFAULT = {
    "Id": "Default",
    "Name": "Default",
    "Fields": [
        field("scheduleType", "ondemand"),
        field("workerGroup", "group"),
        field("pipelineLogUri", "s3://logs/"),
    ],
}
WORK = {
    "Id": "Work",
    "Name": "Work",
    "Fields": [field("type", "ShellCommandActivity"), field("command", "true")],
}


def make_pipeline(cloud: Cloud, *objects: dict[str, Any], name: str = "load") -> None:
    make(cloud, "AWS::DataPipeline::Pipeline", Name=name, Activate="true", PipelineObjects=list(objects))


def state(cloud: Cloud, pipeline_id: str) -> str:
    described = cloud.client("datapipeline").describe_pipelines(pipelineIds=[pipeline_id])
    [pipeline] = described["pipelineDescriptionList"]
    assert pipeline["name"] == "load"
    return str({each["key"]: each["stringValue"] for each in pipeline["fields"]}["@pipelineState"])


def test_a_pipeline_is_listed_and_runs(cloud: Cloud) -> None:
    make_pipeline(cloud, DEFAULT, WORK)
    client = cloud.client("datapipeline")
    [row] = client.list_pipelines()["pipelineIdList"]
    assert row["name"] == "load"
    assert [state(cloud, row["id"]) for _ in range(2)] == ["SCHEDULED", "FINISHED"]
    definition = client.get_pipeline_definition(pipelineId=row["id"])["pipelineObjects"]
    assert {each["id"] for each in definition} == {"Default", "Work"}
    assert [job["state"] for job in cloud.aws.jobs("datapipeline")] == ["FINISHED"]
    cloud.client("cloudformation").delete_stack(StackName="stack")
    assert client.list_pipelines()["pipelineIdList"] == [row], "moto deletes no pipeline"


def test_a_pipeline_that_is_deleted_stays_away(cloud: Cloud) -> None:
    make_pipeline(cloud, DEFAULT, WORK)
    client = cloud.client("datapipeline")
    [row] = client.list_pipelines()["pipelineIdList"]
    client.delete_pipeline(pipelineId=row["id"])
    assert client.list_pipelines()["pipelineIdList"] == []
    with pytest.raises(ClientError, match="PipelineDeletedException"):
        state(cloud, row["id"])


def test_a_pipeline_that_cannot_be_activated_is_there(cloud: Cloud) -> None:
    make_pipeline(cloud, DEFAULT)
    [row] = cloud.client("datapipeline").list_pipelines()["pipelineIdList"]
    assert state(cloud, row["id"]) == "PENDING"


def test_an_archive_takes_events_and_is_replayed(cloud: Cloud) -> None:
    make(cloud, "AWS::Events::Archive", ArchiveName="orders", SourceArn=BUS, RetentionDays=9999)
    cloud.put(1, 2)
    assert cloud.events.describe_archive(ArchiveName="orders")["EventCount"] == 2
    [row] = cloud.events.list_archives()["Archives"]
    assert (row["ArchiveName"], row["RetentionDays"]) == ("orders", 9999)
    cloud.rule("all", pattern='{"replay-name": [{"exists": true}]}')
    cloud.aws.set_pace("events", seconds=0)
    cloud.start()
    assert sorted(cloud.minutes("all")) == [1, 2]


def test_a_changed_archive_is_changed(cloud: Cloud) -> None:
    archive: dict[str, Any] = {"ArchiveName": "orders", "SourceArn": BUS}
    make(cloud, "AWS::Events::Archive", **archive)
    cloud.put(1)
    make(cloud, "AWS::Events::Archive", update=True, Description="of the shop", **archive)
    assert cloud.events.describe_archive(ArchiveName="orders")["Description"] == "of the shop"
    cloud.events.update_archive(ArchiveName="orders", EventPattern='{"source": ["another"]}')
    cloud.put(2)
    assert cloud.events.describe_archive(ArchiveName="orders")["EventCount"] == 1
