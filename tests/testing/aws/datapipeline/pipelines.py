# SPDX-License-Identifier: Apache-2.0

"""What the tests of Data Pipeline share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError
from testing.conftest import Cloud

#: A reference to another object, in the objects that the tests write.
REF = "ref:"

DEFAULT = {"scheduleType": "ondemand", "workerGroup": "wg", "pipelineLogUri": "s3://logs/"}
CASCADE = {**DEFAULT, "failureAndRerunMode": "cascade"}


#: One moment for a whole test, whenever in it a second passes.
NOW = datetime.now(UTC).replace(microsecond=0)


def at(offset: timedelta) -> str:
    return (NOW + offset).strftime("%Y-%m-%dT%H:%M:%S")


def error(call: Callable[..., Any], **arguments: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**arguments)
    answer = raised.value.response["Error"]
    return answer["Code"], answer["Message"]


def objects(**given: dict[str, str]) -> list[dict[str, Any]]:
    """Pipeline objects by their id; the value ``ref:A`` is a reference to A."""
    return [
        {"id": name, "name": name, "fields": [_field(key, value) for key, value in fields.items()]}
        for name, fields in given.items()
    ]


def _field(key: str, value: str) -> dict[str, str]:
    if value.startswith(REF):
        return {"key": key, "refValue": value.removeprefix(REF)}
    return {"key": key, "stringValue": value}


def activity(**fields: str) -> dict[str, str]:
    return {"type": "ShellCommandActivity", "command": "true", **fields}


#: Two activities, one after the other.
CHAIN = {"A": activity(), "B": activity(dependsOn="ref:A")}


def every(period: str = "1 day", **fields: str) -> dict[str, dict[str, str]]:
    """Default and Schedule of a pipeline on a schedule."""
    default = {"schedule": "ref:Schedule", "workerGroup": "wg", "pipelineLogUri": "s3://logs/"}
    return {"Default": default, "Schedule": {"type": "Schedule", "period": period, **fields}}


class Pipelines:
    """Data Pipeline and its control."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.aws = cloud, cloud.aws
        self.api = cloud.client("datapipeline")

    def create(self, name: str = "load", unique_id: str = "one", **more: Any) -> str:
        return str(self.api.create_pipeline(name=name, uniqueId=unique_id, **more)["pipelineId"])

    def put(self, pipeline_id: str, **given: dict[str, str]) -> dict[str, Any]:
        return dict(
            self.api.put_pipeline_definition(pipelineId=pipeline_id, pipelineObjects=objects(**given))
        )

    def activate(self, pipeline_id: str, **arguments: Any) -> None:
        self.api.activate_pipeline(pipelineId=pipeline_id, **arguments)

    def run(self, **given: dict[str, str]) -> str:
        """Create and activate a pipeline, on demand unless there is a Default."""
        pipeline_id = self.create(unique_id=f"{len(self.api.list_pipelines()['pipelineIdList'])}")
        assert not self.put(pipeline_id, **{"Default": DEFAULT, **given})["errored"]
        self.activate(pipeline_id)
        return pipeline_id

    def fields(self, pipeline_id: str) -> dict[str, str]:
        """Describe a pipeline; this is a read."""
        answer = self.api.describe_pipelines(pipelineIds=[pipeline_id])
        return {f["key"]: f["stringValue"] for f in answer["pipelineDescriptionList"][0]["fields"]}

    def state(self, pipeline_id: str) -> str:
        return self.fields(pipeline_id)["@pipelineState"]

    def ids(self, pipeline_id: str, sphere: str, *selectors: tuple[str, str, str]) -> list[str]:
        """Query objects; this is a read. A selector is a field, an operator and its values by comma."""
        query = [
            {"fieldName": field, "operator": {"type": operator, "values": values.split(",")}}
            for field, operator, values in selectors
        ]
        answer = self.api.query_objects(pipelineId=pipeline_id, sphere=sphere, query={"selectors": query})
        return list(answer["ids"])

    def object(self, pipeline_id: str, object_id: str, **arguments: Any) -> dict[str, str]:
        """Describe an object; the last of a field's values."""
        answer = self.api.describe_objects(pipelineId=pipeline_id, objectIds=[object_id], **arguments)
        (found,) = answer["pipelineObjects"]
        return {f["key"]: f.get("stringValue") or f["refValue"] for f in found["fields"]}

    def statuses(self, pipeline_id: str) -> dict[str, str]:
        """The statuses of the instances of the latest run by activity; not a read."""
        job = next(job for job in reversed(self.aws.jobs("datapipeline")) if job["pipeline"] == pipeline_id)
        return {name[1:].rsplit("_", 1)[0]: status for name, status in job["instances"].items()}

    def instance(self, pipeline_id: str, name: str) -> str:
        """The id of the latest instance of an activity; not a read."""
        jobs = [job for job in self.aws.jobs("datapipeline") if job["pipeline"] == pipeline_id]
        return str([i for job in jobs for i in job["instances"] if i.startswith(f"@{name}_")][-1])

    def attempts(self, pipeline_id: str, name: str) -> list[str]:
        """The statuses of the attempts of an activity's latest instance."""
        instance = self.instance(pipeline_id, name)
        ids = self.ids(pipeline_id, "ATTEMPT", ("@instanceParent", "REF_EQ", instance))
        return [self.object(pipeline_id, attempt)["@status"] for attempt in ids]

    def set_status(self, pipeline_id: str, status: str, *object_ids: str) -> None:
        self.api.set_status(pipelineId=pipeline_id, objectIds=list(object_ids), status=status)


def by_id(answer: dict[str, Any]) -> dict[str, list[str]]:
    """The errors of an answer to a definition."""
    return {found.get("id", ""): found["errors"] for found in answer["validationErrors"]}
