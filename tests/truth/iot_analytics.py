# SPDX-License-Identifier: Apache-2.0

"""IoT Analytics: what AWS's reference and botocore's last model say; no recordings are public."""

from __future__ import annotations

import re
from datetime import date, datetime
from typing import Any

from .table import Call, Has, Ref, Refused, Row, Source, call

READ = date(2026, 11, 26)
MODEL = Source("botocore 1.42.50, service model iotanalytics 2017-11-27", READ)


def described(operation: str) -> Source:
    """The model's documentation of an operation, its members and its errors."""
    return Source(f"{MODEL.where}, {operation}", READ)


GUIDE = Source(
    "https://docs.aws.amazon.com/iotanalytics/latest/userguide/reprocessing.html", date(2026, 11, 21)
)
ARN = "arn:aws:iotanalytics:us-east-1:123456789012:{}"
BOTH = (
    call("iotanalytics.create_channel", channelName="raw"),
    call("iotanalytics.create_datastore", datastoreName="clean"),
)


def create(name: str = "cleaning", activities: list[dict[str, Any]] | None = None) -> Call:
    """Create a pipeline."""
    straight = [
        {"channel": {"name": "from", "channelName": "raw", "next": "to"}},
        {"datastore": {"name": "to", "datastoreName": "clean"}},
    ]
    given = straight if activities is None else activities
    return call("iotanalytics.create_pipeline", pipelineName=name, pipelineActivities=given)


def start(name: str = "cleaning", **more: Any) -> Call:
    """Start a reprocessing."""
    return call("iotanalytics.start_pipeline_reprocessing", pipelineName=name, **more)


def cancel(job_id: Any, name: str = "cleaning") -> Call:
    """Cancel a reprocessing."""
    return call("iotanalytics.cancel_pipeline_reprocessing", pipelineName=name, reprocessingId=job_id)


NOT_FOUND = Refused("ResourceNotFoundException", status=404)
EXISTS = Refused("ResourceAlreadyExistsException", status=409)
INVALID = Refused("InvalidRequestException")
DESCRIBE = call("iotanalytics.describe_pipeline", pipelineName="cleaning")
JOB = Ref("reprocessingId")
PIPELINE = (*BOTH, create())


def summary(status: str) -> dict[str, Any]:
    """A reprocessing in a description."""
    return {"id": JOB, "status": status, "creationTime": datetime}


def showing(status: str) -> Has:
    """A description with one reprocessing."""
    return Has({"pipeline": Has({"reprocessingSummaries": [summary(status)]})})


#: The codes that StartPipelineReprocessing's reference lists.
LISTED = re.compile(
    "ResourceNotFoundException|ResourceAlreadyExistsException|InvalidRequestException"
    "|InternalFailureException|ServiceUnavailableException|ThrottlingException"
)

ROWS = [
    Row(
        "create a pipeline",
        PIPELINE,
        {"pipelineName": "cleaning", "pipelineArn": ARN.format("pipeline/cleaning")},
        described("CreatePipeline"),
    ),
    Row("create a second pipeline of a name", (*PIPELINE, create()), EXISTS, MODEL),
    Row("create a second channel of a name", (*BOTH, BOTH[0]), EXISTS, MODEL),
    Row("create a second data store of a name", (*BOTH, BOTH[1]), EXISTS, MODEL),
    Row("start", (*PIPELINE, start()), {"reprocessingId": str}, described("StartPipelineReprocessing")),
    Row("start on an unknown pipeline", (start("gone"),), NOT_FOUND, MODEL),
    Row("cancel on an unknown pipeline", (cancel("one", "gone"),), NOT_FOUND, MODEL),
    Row("cancel an unknown reprocessing", (*PIPELINE, cancel("one")), NOT_FOUND, MODEL),
    Row("cancel", (*PIPELINE, start(), cancel(JOB)), {}, described("CancelPipelineReprocessing")),
    *(
        Row(
            f"{name} of an unknown {kind}",
            (call(f"iotanalytics.{name}", **{f"{kind}Name": "gone"}),),
            NOT_FOUND,
            MODEL,
        )
        for name, kind in (
            ("describe_pipeline", "pipeline"),
            ("delete_pipeline", "pipeline"),
            ("describe_channel", "channel"),
            ("delete_channel", "channel"),
            ("describe_datastore", "datastore"),
            ("delete_datastore", "datastore"),
        )
    ),
    Row(
        "describe",
        (*PIPELINE, start(), DESCRIBE),
        {
            "pipeline": {
                "name": "cleaning",
                "arn": ARN.format("pipeline/cleaning"),
                "activities": list,
                "reprocessingSummaries": [summary("RUNNING")],
                "creationTime": datetime,
                "lastUpdateTime": datetime,
            }
        },
        described("DescribePipeline"),
    ),
    Row(
        "list",
        (*PIPELINE, start(), call("iotanalytics.list_pipelines")),
        {
            "pipelineSummaries": [
                {
                    "pipelineName": "cleaning",
                    "reprocessingSummaries": [summary("RUNNING")],
                    "creationTime": datetime,
                    "lastUpdateTime": datetime,
                }
            ]
        },
        described("ListPipelines"),
    ),
    Row(
        "one that has succeeded",
        (*PIPELINE, start(), call("aws.advance", job_id=JOB), DESCRIBE),
        showing("SUCCEEDED"),
        MODEL,
    ),
    Row(
        "one that has failed",
        (
            *PIPELINE,
            start(),
            call("aws.fail", job_id=JOB, reason="x"),
            call("aws.advance", job_id=JOB),
            DESCRIBE,
        ),
        showing("FAILED"),
        MODEL,
    ),
    Row(
        "one that is cancelled",
        (*PIPELINE, start(), cancel(JOB), call("aws.advance", job_id=JOB), DESCRIBE),
        showing("CANCELLED"),
        MODEL,
    ),
    Row("a name with a hyphen", (*BOTH, create("a-b")), INVALID, MODEL),
    Row("a name that begins with two underscores", (*BOTH, create("__a")), INVALID, MODEL),
    Row("a name of 129 characters", (*BOTH, create("a" * 129)), INVALID, MODEL),
    Row("a pipeline without activities", (*BOTH, create(activities=[])), INVALID, MODEL),
    Row("a page of 0", (call("iotanalytics.list_pipelines", maxResults=0),), INVALID, MODEL),
    Row("a page of 251", (call("iotanalytics.list_pipelines", maxResults=251),), INVALID, MODEL),
    Row(
        "a page of 250",
        (call("iotanalytics.list_pipelines", maxResults=250),),
        {"pipelineSummaries": []},
        MODEL,
    ),
    Row("start with no paths", (*PIPELINE, start(channelMessages={"s3Paths": []})), INVALID, MODEL),
    Row("start with 101 paths", (*PIPELINE, start(channelMessages={"s3Paths": ["a"] * 101})), INVALID, MODEL),
    Row(
        "start with a path of 1025 characters",
        (*PIPELINE, start(channelMessages={"s3Paths": ["a" * 1025]})),
        INVALID,
        MODEL,
    ),
    Row(
        "start with paths of a channel that AWS stores",
        (*PIPELINE, start(channelMessages={"s3Paths": ["a"]})),
        INVALID,
        GUIDE,
    ),
    Row(
        "run an activity",
        (
            call(
                "iotanalytics.run_pipeline_activity",
                pipelineActivity={
                    "math": {"name": "celsius", "math": "((temp - 32) * 5.0) / 9.0", "attribute": "tempC"}
                },
                payloads=[b'{"humidity": 52, "temp": 68 }', b'{"humidity": 52, "temp": 32 }'],
            ),
        ),
        {
            "payloads": [b'{"humidity":52,"temp":68,"tempC":20}', b'{"humidity":52,"temp":32,"tempC":0}'],
            "logResult": "",
        },
        Source("https://docs.aws.amazon.com/iotanalytics/latest/userguide/run-pipeline-activity.html", READ),
    ),
    Row(
        "run no activity",
        (call("iotanalytics.run_pipeline_activity", pipelineActivity={}, payloads=[b"{}"]),),
        INVALID,
        MODEL,
    ),
    Row(
        "start more often than a day allows",
        (*PIPELINE, call("aws.set_quota", service="iotanalytics", limit=1), start(), start()),
        # Which of them AWS answers is not documented; the status goes with the code.
        Refused(LISTED, status=409),
        described("StartPipelineReprocessing"),
    ),
]
