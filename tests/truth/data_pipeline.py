# SPDX-License-Identifier: Apache-2.0

"""Data Pipeline: what AWS's reference and botocore's model say; no recordings are public."""

from __future__ import annotations

import re

from .data_pipeline_calls import (
    ACTIVATE,
    BAD_TIME,
    CREATE,
    DELETE,
    EVALUATE,
    ID,
    MODEL,
    ON_PIPELINE,
    PUT,
    PUT_DANGLING,
    PUT_SCHEDULED,
    READ,
    SAMPLE,
    UNKNOWN,
    VALUES,
    described,
    page,
    query,
    selector,
    text,
)
from .table import Has, Holding, Refused, Row, Source, call

NOT_FOUND = Refused("PipelineNotFoundException")
DELETED = Refused("PipelineDeletedException")
INVALID = Refused("InvalidRequestException")
#: What breaks the model's constraints. It does not say by which code it is refused.
NOT_VALID = Refused(re.compile("InvalidRequestException|ValidationException"))
ANY_ID = re.compile(r"df-\w+")

ROWS = [
    Row("create", (CREATE,), {"pipelineId": ANY_ID}, described("CreatePipeline")),
    Row(
        "an id is of digits and capitals",
        (CREATE,),
        {"pipelineId": re.compile(r"df-[0-9A-Z]+")},
        SAMPLE,
    ),
    Row(
        "create again with the same name and uniqueId",
        (CREATE, CREATE),
        {"pipelineId": ID},
        described("CreatePipeline"),
    ),
    *(
        Row(
            f"{name} of an unknown pipeline",
            (call(f"datapipeline.{name}", pipelineId=UNKNOWN, **more),),
            NOT_FOUND,
            MODEL,
        )
        for name, more in ON_PIPELINE.items()
    ),
    *(
        Row(
            f"{name} of a deleted pipeline",
            (CREATE, DELETE, call(f"datapipeline.{name}", pipelineId=ID, **more)),
            DELETED,
            MODEL,
        )
        for name, more in ON_PIPELINE.items()
    ),
    Row(
        "describe an unknown pipeline beside a known one",
        (CREATE, call("datapipeline.describe_pipelines", pipelineIds=[ID, UNKNOWN])),
        NOT_FOUND,
        MODEL,
    ),
    Row(
        "describe a deleted pipeline",
        (CREATE, DELETE, call("datapipeline.describe_pipelines", pipelineIds=[ID])),
        DELETED,
        MODEL,
    ),
    Row(
        "delete an unknown pipeline",
        (call("datapipeline.delete_pipeline", pipelineId=UNKNOWN),),
        NOT_FOUND,
        MODEL,
    ),
    Row("delete", (CREATE, DELETE), {}, MODEL),
    Row(
        "describe",
        (CREATE, call("datapipeline.describe_pipelines", pipelineIds=[ID])),
        {
            "pipelineDescriptionList": [
                Has(
                    {
                        "pipelineId": ID,
                        "name": "load",
                        "fields": Holding(
                            (
                                text("@pipelineState", "PENDING"),
                                text("@sphere", "PIPELINE"),
                                text("@creationTime", re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d")),
                                text("name", "load"),
                                text("pipelineCreator", "123456789012"),
                                text("@userId", "123456789012"),
                                text("@accountId", "123456789012"),
                                text("@id", ANY_ID),
                            )
                        ),
                    }
                )
            ]
        },
        SAMPLE,
    ),
    Row(
        "describe 26 pipelines",
        (CREATE, call("datapipeline.describe_pipelines", pipelineIds=[ID] * 26)),
        INVALID,
        described("DescribePipelines"),
    ),
    Row(
        "describe 26 objects",
        (CREATE, call("datapipeline.describe_objects", pipelineId=ID, objectIds=["Default"] * 26)),
        INVALID,
        described("DescribeObjects"),
    ),
    Row(
        "describe an object",
        (CREATE, PUT, call("datapipeline.describe_objects", pipelineId=ID, objectIds=["Work"])),
        {
            "hasMoreResults": False,
            "pipelineObjects": [
                {
                    "id": "Work",
                    "name": "Work",
                    "fields": Holding(
                        (
                            text("type", "ShellCommandActivity"),
                            text("@sphere", "COMPONENT"),
                            text("@version", "1"),
                            text("@status", "PENDING"),
                            text("@pipelineId", ANY_ID),
                        )
                    ),
                }
            ],
        },
        page("DescribeObjects"),
    ),
    Row(
        "list",
        (CREATE, call("datapipeline.list_pipelines")),
        Has({"pipelineIdList": [{"id": ID, "name": "load"}], "hasMoreResults": False}),
        described("ListPipelines"),
    ),
    Row("put a definition", (CREATE, PUT), Has({"errored": False}), described("PutPipelineDefinition")),
    Row(
        "put a definition with an error",
        (CREATE, PUT_DANGLING),
        Has({"errored": True, "validationErrors": Holding((Has({"id": "Work", "errors": list}),))}),
        described("PutPipelineDefinition"),
    ),
    Row(
        "validate a definition with an error",
        (CREATE, call("datapipeline.validate_pipeline_definition", **PUT_DANGLING.arguments)),
        Has({"errored": True, "validationErrors": Holding((Has({"id": "Work", "errors": list}),))}),
        described("ValidatePipelineDefinition"),
    ),
    Row(
        "activate a definition with an error",
        (CREATE, PUT_DANGLING, ACTIVATE),
        INVALID,
        described("ActivatePipeline"),
    ),
    Row("activate without a definition", (CREATE, ACTIVATE), INVALID, described("ActivatePipeline")),
    Row("activate", (CREATE, PUT, ACTIVATE), {}, described("ActivatePipeline")),
    Row(
        "deactivate",
        (CREATE, PUT, ACTIVATE, call("datapipeline.deactivate_pipeline", pipelineId=ID)),
        {},
        described("DeactivatePipeline"),
    ),
    Row("query another sphere", (CREATE, query(sphere="PIPELINE")), INVALID, described("QueryObjects")),
    *(
        Row(
            f"{sphere} is a sphere",
            (CREATE, query(sphere=sphere)),
            Has({"ids": [], "hasMoreResults": False}),
            described("QueryObjects"),
        )
        for sphere in ("INSTANCE", "ATTEMPT")
    ),
    Row(
        "query by another operator", (CREATE, query(query={"selectors": [selector("LIKE")]})), INVALID, MODEL
    ),
    *(
        Row(
            f"{kind} is an operator",
            (CREATE, query(query={"selectors": [selector(kind)]})),
            Has({"ids": []}),
            MODEL,
        )
        for kind in ("EQ", "REF_EQ", "LE", "GE")
    ),
    *(
        Row(
            f"{name} without a pipelineId",
            (call(f"datapipeline.{name}", **more),),
            NOT_VALID,
            MODEL,
        )
        for name, more in ON_PIPELINE.items()
    ),
    Row(
        "create without a uniqueId",
        (call("datapipeline.create_pipeline", name="a"),),
        NOT_VALID,
        MODEL,
    ),
    Row(
        "create with a name of 1025 characters",
        (call("datapipeline.create_pipeline", name="a" * 1025, uniqueId="one"),),
        NOT_VALID,
        MODEL,
    ),
    Row(
        "create with 11 tags",
        (
            call(
                "datapipeline.create_pipeline",
                name="load",
                uniqueId="one",
                tags=[{"key": f"k{n}", "value": "v"} for n in range(11)],
            ),
        ),
        NOT_VALID,
        MODEL,
    ),
    Row(
        "add a tag, and describe",
        (
            CREATE,
            call("datapipeline.add_tags", pipelineId=ID, tags=[{"key": "owner", "value": "sales"}]),
            call("datapipeline.describe_pipelines", pipelineIds=[ID]),
        ),
        {"pipelineDescriptionList": [Has({"tags": [{"key": "owner", "value": "sales"}]})]},
        Source("AWS CLI awscli/examples/datapipeline/add-tags.rst", READ),
    ),
    Row(
        "remove a tag",
        (CREATE, call("datapipeline.remove_tags", pipelineId=ID, tagKeys=["owner"])),
        {},
        MODEL,
    ),
    Row(
        "evaluate an expression",
        (CREATE, PUT_SCHEDULED, EVALUATE),
        {"evaluatedExpression": "Transform started at 2012-12-12T00:00:00"},
        page("EvaluateExpression"),
    ),
    Row(
        "validate a start that is no time",
        (
            CREATE,
            call("datapipeline.validate_pipeline_definition", **{**PUT_SCHEDULED.arguments, **BAD_TIME}),
        ),
        Has(
            {
                "errored": True,
                "validationErrors": [
                    {
                        "id": "Schedule",
                        "errors": [
                            "INVALID_FIELD_VALUE: 'startDateTime' value must be a literal datetime value."
                        ],
                    }
                ],
            }
        ),
        page("ValidatePipelineDefinition"),
    ),
    Row(
        "put a value of a parameter that is not declared, and an empty one",
        (CREATE, call("datapipeline.put_pipeline_definition", **{**PUT.arguments, **VALUES})),
        Has({"errored": False}),
        Source("AWS Data Pipeline Developer Guide, emrcluster-example-private-subnet; model", READ),
    ),
]
