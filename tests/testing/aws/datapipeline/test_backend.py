# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: pipelines, queries, rates."""

from __future__ import annotations

import time
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from airflow_provider_jobs.testing import Fault

from .pipelines import Pipelines, activity, at, error, every


def selectors(kind: str, count: int = 1) -> dict[str, Any]:
    return {"selectors": [{"fieldName": "x", "operator": {"type": kind, "values": ["y"]}}] * count}


def test_create_is_idempotent_by_name_and_unique_id(pipelines: Pipelines) -> None:
    first = pipelines.create()
    assert first.startswith("df-")
    assert pipelines.create() == first
    others = {pipelines.create(name="other"), pipelines.create(unique_id="two")}
    assert len({first, *others}) == 3
    pipelines.api.delete_pipeline(pipelineId=first)
    assert pipelines.create() not in {first, *others}


def test_number_of_pipelines(pipelines: Pipelines) -> None:
    pipelines.aws.set_quota("datapipeline", 1)
    pipelines.create()
    pipelines.create()
    message = "Web service limit exceeded: Exceeded maximum number of pipelines, 1"
    refused = error(pipelines.api.create_pipeline, name="load", uniqueId="two")
    assert refused == ("InvalidRequestException", message)


def test_describe(pipelines: Pipelines) -> None:
    tags = [{"key": "team", "value": "data"}]
    pipeline_id = pipelines.create(description="nightly", tags=tags)
    answer = pipelines.api.describe_pipelines(pipelineIds=[pipeline_id])
    (described,) = answer["pipelineDescriptionList"]
    assert (described["name"], described["description"], described["tags"]) == ("load", "nightly", tags)
    fields = pipelines.fields(pipeline_id)
    assert fields.pop("@creationTime") >= at(timedelta())
    assert fields == {
        "@id": pipeline_id,
        "@sphere": "PIPELINE",
        "@pipelineState": "PENDING",
        "@version": "0",
        "@userId": "123456789012",
        "@accountId": "123456789012",
        "pipelineCreator": "123456789012",
        "name": "load",
        "description": "nightly",
        "uniqueId": "one",
    }


def test_unknown_and_deleted_pipelines(pipelines: Pipelines) -> None:
    api, kept, gone = pipelines.api, pipelines.create(), pipelines.create(unique_id="two")
    api.delete_pipeline(pipelineId=gone)
    unknown = ("PipelineNotFoundException", "Pipeline with id: df-0 does not exist")
    deleted = ("PipelineDeletedException", f"Pipeline with id: {gone} has been deleted")
    assert error(api.describe_pipelines, pipelineIds=[kept, "df-0"]) == unknown
    assert error(api.describe_pipelines, pipelineIds=[kept, gone]) == deleted
    assert error(api.activate_pipeline, pipelineId=gone) == deleted
    assert error(api.query_objects, pipelineId="df-0", sphere="INSTANCE") == unknown
    assert error(api.delete_pipeline, pipelineId="df-0") == unknown
    assert error(api.delete_pipeline, pipelineId=gone)[0] == "PipelineNotFoundException"
    assert [row["id"] for row in api.list_pipelines()["pipelineIdList"]] == [kept]


def test_at_most_25_ids(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create()
    message = "At most 25 identifiers are allowed in a single call, got 26"
    refused = ("InvalidRequestException", message)
    assert error(pipelines.api.describe_pipelines, pipelineIds=[pipeline_id] * 26) == refused
    describe_objects = pipelines.api.describe_objects
    assert error(describe_objects, pipelineId=pipeline_id, objectIds=["x"] * 26) == refused


def test_list_in_pages(pipelines: Pipelines) -> None:
    ids = [pipelines.create(unique_id=str(number)) for number in range(51)]
    first = pipelines.api.list_pipelines()
    assert first["hasMoreResults"]
    assert len(first["pipelineIdList"]) == 50
    second = pipelines.api.list_pipelines(marker=first["marker"])
    assert not second["hasMoreResults"]
    assert "marker" not in second
    assert [row["id"] for row in first["pipelineIdList"] + second["pipelineIdList"]] == ids
    refused = error(pipelines.api.list_pipelines, marker="not base64")
    assert refused == ("InvalidRequestException", "Marker is not valid")


def test_query_objects(pipelines: Pipelines) -> None:
    pipelines.aws.set_pace()
    begun, second = at(timedelta()), at(timedelta(days=1))
    pipeline_id = pipelines.run(
        **every(startDateTime=begun, occurrences="3"), A=activity(), B=activity(dependsOn="ref:A")
    )
    pipelines.aws.advance(pipeline_id, to=0.9)
    ids = pipelines.ids

    assert ids(pipeline_id, "COMPONENT") == ["Default", "Schedule", "A", "B"]
    assert ids(pipeline_id, "COMPONENT", ("type", "EQ", "Schedule")) == ["Schedule"]
    instances = ids(pipeline_id, "INSTANCE")
    assert len(instances) == 6
    assert instances[0] == f"@A_{begun}"
    assert ids(pipeline_id, "INSTANCE", ("@status", "EQ", "RUNNING")) == [instances[-1]]
    assert len(ids(pipeline_id, "INSTANCE", ("@status", "EQ", "RUNNING,FINISHED"))) == 6
    assert ids(pipeline_id, "INSTANCE", ("@componentParent", "REF_EQ", "A"))[0] == instances[0]
    assert ids(pipeline_id, "INSTANCE", ("@componentParent", "EQ", "A")) == []
    assert len(ids(pipeline_id, "INSTANCE", ("@scheduledStartTime", "LE", second))) == 4
    assert len(ids(pipeline_id, "INSTANCE", ("@scheduledStartTime", "GE", second))) == 4
    between = ("@scheduledStartTime", "BETWEEN", f"{second},{second}")
    assert len(ids(pipeline_id, "INSTANCE", between)) == 2
    assert len(ids(pipeline_id, "INSTANCE", between, ("command", "EQ", "true"))) == 2
    assert ids(pipeline_id, "INSTANCE", between, ("noSuchField", "EQ", "true")) == []
    assert len(ids(pipeline_id, "ATTEMPT")) == 6

    pages = pipelines.api.get_paginator("query_objects").paginate(
        pipelineId=pipeline_id, sphere="INSTANCE", limit=4
    )
    assert [page["ids"] for page in pages] == [instances[:4], instances[4:]]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"sphere": "OTHER"}, "Sphere must be COMPONENT, INSTANCE or ATTEMPT, not OTHER"),
        ({"limit": 0}, "Limit must be positive, not 0"),
        ({"query": selectors("EQ", count=11)}, "A query has at most 10 selectors, not 11"),
        ({"query": selectors("BETWEEN")}, "Operator BETWEEN is not valid, or it lacks a value"),
    ],
)
def test_bad_queries(pipelines: Pipelines, arguments: dict[str, Any], message: str) -> None:
    call = {"sphere": "INSTANCE", **arguments}
    refused = error(pipelines.api.query_objects, pipelineId=pipelines.create(), **call)
    assert refused == ("InvalidRequestException", message)


def test_rate_limits_when_asked_for(pipelines: Pipelines) -> None:
    pipeline_id = pipelines.create()
    for _ in range(10):
        pipelines.state(pipeline_id)
    pipelines.aws.set_quota("datapipeline-rate", 3)
    for _ in range(3):
        pipelines.state(pipeline_id)
    refused = error(pipelines.api.describe_pipelines, pipelineIds=[pipeline_id])
    assert refused == ("ThrottlingException", "Rate exceeded")
    # Each operation has its own burst.
    assert pipelines.ids(pipeline_id, "COMPONENT") == []
    assert pipelines.aws.calls("datapipeline")["DescribePipelines"] == 14
    began = time.monotonic()
    while True:
        try:
            pipelines.state(pipeline_id)
            break
        except ClientError:
            assert time.monotonic() < began + 20
            time.sleep(0.02)
    assert time.monotonic() - began < 5


def test_faults(pipelines: Pipelines) -> None:
    pipelines.aws.add_fault(Fault("CreatePipeline", "error", when="after"))
    assert error(pipelines.api.create_pipeline, name="load", uniqueId="one")[0] == "InternalServiceError"
    (kept,) = pipelines.api.list_pipelines()["pipelineIdList"]
    assert pipelines.create() == kept["id"]


def test_all_are_deleted_page_by_page(pipelines: Pipelines) -> None:
    pipelines.aws.set_quota("datapipeline", 120)
    for number in range(120):
        pipelines.create(name=f"load-{number}")
    marker: dict[str, str] = {}
    deleted = []
    while True:
        page = pipelines.api.list_pipelines(**marker)
        for row in page["pipelineIdList"]:
            pipelines.api.delete_pipeline(pipelineId=row["id"])
            deleted.append(row["name"])
        if not page["hasMoreResults"]:
            break
        marker = {"marker": page["marker"]}
    assert deleted == [f"load-{number}" for number in range(120)]
    assert pipelines.api.list_pipelines()["pipelineIdList"] == []
