# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: the calls that its rows of the table are made of, and where the facts are from."""

from __future__ import annotations

from datetime import date
from typing import Any

from .table import Ref, Source, call

READ = date(2026, 11, 26)
MODEL = Source("botocore 1.44.5, service model datapipeline 2012-10-29", READ)


SAMPLE = Source("AWS CLI awscli/examples/datapipeline/describe-pipelines.rst", READ)


def described(operation: str) -> Source:
    """The model's documentation of an operation and of its members."""
    return Source(f"{MODEL.where}, {operation}", READ)


def page(operation: str) -> Source:
    """AWS's reference of an operation, with its sample."""
    where = f"https://docs.aws.amazon.com/datapipeline/latest/APIReference/API_{operation}.html"
    return Source(where, READ)


def text(key: str, value: Any) -> dict[str, Any]:
    """A field."""
    return {"key": key, "stringValue": value}


CREATE = call("datapipeline.create_pipeline", name="load", uniqueId="one")
ID = Ref("pipelineId")
DEFAULT = {
    "id": "Default",
    "name": "Default",
    "fields": [
        text("scheduleType", "ondemand"),
        text("workerGroup", "wg"),
        text("pipelineLogUri", "s3://logs/"),
    ],
}
WORK = {
    "id": "Work",
    "name": "Work",
    "fields": [text("type", "ShellCommandActivity"), text("command", "true")],
}
DANGLING = {**WORK, "fields": [*WORK["fields"], {"key": "runsOn", "refValue": "Gone"}]}
PUT = call("datapipeline.put_pipeline_definition", pipelineId=ID, pipelineObjects=[DEFAULT, WORK])
PUT_DANGLING = call(
    "datapipeline.put_pipeline_definition", pipelineId=ID, pipelineObjects=[DEFAULT, DANGLING]
)
SCHEDULE = {
    "id": "Schedule",
    "name": "Schedule",
    "fields": [
        text("type", "Schedule"),
        text("period", "1 hour"),
        text("startDateTime", "2012-12-12T00:00:00"),
    ],
}
BAD_TIME = {
    "pipelineObjects": [
        DEFAULT,
        WORK,
        {**SCHEDULE, "fields": [*SCHEDULE["fields"][:2], text("startDateTime", "bad-time")]},
    ]
}
PUT_SCHEDULED = call(
    "datapipeline.put_pipeline_definition", pipelineId=ID, pipelineObjects=[DEFAULT, WORK, SCHEDULE]
)
EVALUATE = call(
    "datapipeline.evaluate_expression",
    pipelineId=ID,
    objectId="Schedule",
    expression="Transform started at #{startDateTime}",
)
VALUES = {
    "parameterValues": [{"id": "mySubnetId", "stringValue": "subnet-1"}, {"id": "myFlags", "stringValue": ""}]
}
ACTIVATE = call("datapipeline.activate_pipeline", pipelineId=ID)

#: Operations on a pipeline, with what else they need.
ON_PIPELINE: dict[str, dict[str, Any]] = {
    "activate_pipeline": {},
    "deactivate_pipeline": {},
    "get_pipeline_definition": {},
    "put_pipeline_definition": {"pipelineObjects": [DEFAULT, WORK]},
    "validate_pipeline_definition": {"pipelineObjects": [DEFAULT, WORK]},
    "query_objects": {"sphere": "INSTANCE"},
    "describe_objects": {"objectIds": ["Default"]},
    "set_status": {"objectIds": ["Default"], "status": "PAUSE"},
    "add_tags": {"tags": []},
    "remove_tags": {"tagKeys": []},
    "evaluate_expression": {"objectId": "Default", "expression": "x"},
}
UNKNOWN = "df-0000000UNKNOWN"
DELETE = call("datapipeline.delete_pipeline", pipelineId=ID)
NO_ID = "KeyError: the mock reads the argument unchecked"


def query(**more: Any) -> Any:
    """QueryObjects of instances."""
    return call("datapipeline.query_objects", **{"pipelineId": ID, "sphere": "INSTANCE", **more})


def selector(kind: str) -> dict[str, Any]:
    """A selector of a query."""
    return {"fieldName": "@status", "operator": {"type": kind, "values": ["FINISHED"]}}
