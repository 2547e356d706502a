# SPDX-License-Identifier: Apache-2.0

"""What a call works on, as IAM names it."""

from __future__ import annotations

import json
import re
from base64 import b64decode
from typing import Any

from api_calls import Call
from job_cases import REGION

ACCOUNT = "123456789012"
#: Actions that take no resource, by the service authorization reference; the last is asked of all datasets.
WITHOUT_RESOURCE = {
    "cloudwatch:GetMetricData",
    "datapipeline:AddTags",
    "datapipeline:CreatePipeline",
    "datapipeline:ListPipelines",
    "dynamodb:ListExports",
    "events:ListReplays",
    "events:ListSubscribers",
    "events:ListRules",
    "iotanalytics:ListPipelines",
    "lookoutequipment:DescribeDataIngestionJob",
    "lookoutequipment:ListDataIngestionJobs",
    "logs:CancelExportTask",
    "logs:DescribeExportTasks",
}


def queue(given: dict[str, Any]) -> str:
    """Return the queue of a call; that which a redrive moves messages from is named by its handle too."""
    if name := given.get("QueueName") or given.get("QueueUrl", "").rpartition("/")[2]:
        return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
    arn: str = given.get("SourceArn") or json.loads(b64decode(given["TaskHandle"]))["sourceArn"]
    return arn


def of_event_bus(call: Call, arn: str) -> list[str]:
    """Return which bus or subscriber a call works on; nothing if it is none.

    :param arn: what the ARN of a resource begins with.
    """
    given = call.parameters
    if call.action == "events:CreateSubscriber":
        return [given["EventBusArn"], f"{arn}:subscriber/{given['Name']}/{'0' * 25}"]
    if call.action == "events:DescribeEventBus" and "Name" in given:
        return [f"{arn}:event-bus/{given['Name']}"]
    return [given[name] for name in ("SubscriberArn", "EventBusArn") if name in given]


def resources(call: Call) -> list[str]:
    """Return what a call works on, as IAM names it; nothing where it takes no resource."""
    given = call.parameters
    arn = f"arn:aws:{call.action.partition(':')[0]}:{REGION}:{ACCOUNT}"
    if call.action in WITHOUT_RESOURCE:
        return []
    if found := of_event_bus(call, arn):
        return found
    if call.action.startswith(("sqs:", "dynamodb:")):
        return [given.get("ExportArn") or given.get("TableArn") or queue(given)]
    match call.action.partition(":")[2]:
        case "StartReplay":
            return [
                given["EventSourceArn"],
                given["Destination"]["Arn"],
                f"{arn}:replay/{given['ReplayName']}",
            ]
        case "DescribeReplay" | "CancelReplay":
            return [f"{arn}:replay/{given['ReplayName']}"]
        case "DescribeArchive" | "UpdateArchive" | "DeleteArchive" | "CreateArchive":
            bus = [given["EventSourceArn"]] if "EventSourceArn" in given else []
            return [f"{arn}:archive/{given['ArchiveName']}", *bus]
        case "DescribeRule" | "PutRule" | "DeleteRule" | "PutTargets" | "RemoveTargets" | "ListTargetsByRule":
            return [f"{arn}:rule/{given.get('Name') or given['Rule']}"]
        case "StartDataIngestionJob":
            return [f"{arn}:dataset/{given['DatasetName']}/0123456789abcdef"]
        case "CreateExportTask":
            return [f"{arn}:log-group:{given['logGroupName']}"]
    # Those that wait beside many have a pipeline each, which a policy of its own names.
    name = re.sub(r"^cleaning\d$", "cleaning", given.get("pipelineName", ""))
    return [f"{arn}:pipeline/{each}" for each in given.get("pipelineIds") or [name or given["pipelineId"]]]
