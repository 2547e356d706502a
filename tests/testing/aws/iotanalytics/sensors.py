# SPDX-License-Identifier: Apache-2.0

"""What the tests of IoT Analytics share."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from testing.conftest import T0, Cloud

from airflow_provider_jobs.service_models import use_service_models
from airflow_provider_jobs.testing.aws.iotanalytics.storage import channel_object

RAW, CLEAN = "raw-messages", "clean-messages"
ROLE = "arn:aws:iam::123456789012:role/iot-analytics"

#: From the channel ``raw`` straight to the data store ``clean``.
STRAIGHT: list[dict[str, Any]] = [
    {"channel": {"name": "from", "channelName": "raw", "next": "to"}},
    {"datastore": {"name": "to", "datastoreName": "clean"}},
]


def through(kind: str, **settings: Any) -> list[dict[str, Any]]:
    """A pipeline's activities with one between channel and data store."""
    return [
        {"channel": {"name": "from", "channelName": "raw", "next": "step"}},
        {kind: {"name": "step", "next": "to", **settings}},
        {"datastore": {"name": "to", "datastoreName": "clean"}},
    ]


def hour(number: float) -> datetime:
    return T0 + timedelta(hours=number)


class Sensors:
    """A channel and a data store in buckets of the user's, and the pipeline ``cleaning`` between them."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.aws, self.s3 = cloud, cloud.aws, cloud.client("s3")
        self.api = self.client()
        for bucket in (RAW, CLEAN):
            self.s3.create_bucket(Bucket=bucket)
        raw = {"bucket": RAW, "keyPrefix": "iot/", "roleArn": ROLE}
        clean = {"bucket": CLEAN, "roleArn": ROLE}
        self.api.create_channel(channelName="raw", channelStorage={"customerManagedS3": raw})
        self.api.create_datastore(datastoreName="clean", datastoreStorage={"customerManagedS3": clean})
        self.api.create_pipeline(pipelineName="cleaning", pipelineActivities=STRAIGHT)

    def client(self, attempts: int = 1, region: str = "us-east-1") -> Any:
        session = boto3.session.Session(aws_access_key_id="testing", aws_secret_access_key="testing")
        use_service_models(session)
        client: Any = session.client(
            "iotanalytics",  # type: ignore[call-overload] # not among the services of boto3-stubs
            region_name=region,
            endpoint_url=self.cloud.endpoint_url,
            config=Config(retries={"mode": "standard", "total_max_attempts": attempts}),
        )
        self.cloud.closing.callback(client.close)
        return client

    def seed(self, *hours: float) -> list[str]:
        """Messages that arrived at so many hours after T0, each in an object of its own; their keys."""
        keys = []
        for number in hours:
            made = channel_object("raw", hour(number), [{"hour": number}], key_prefix="iot/")
            self.s3.put_object(Bucket=RAW, **made)
            keys.append(made["Key"])
        return keys

    def put(self, *messages: Any) -> list[dict[str, str]]:
        """Put messages that arrive now; the errors."""
        batch = [
            {"messageId": str(number), "payload": json.dumps(message).encode()}
            for number, message in enumerate(messages)
        ]
        answer = self.api.batch_put_message(channelName="raw", messages=batch)
        return list(answer["batchPutMessageErrorEntries"])

    def start(self, pipeline: str = "cleaning", **request: Any) -> str:
        answer = self.api.start_pipeline_reprocessing(pipelineName=pipeline, **request)
        return str(answer["reprocessingId"])

    def summaries(self, pipeline: str = "cleaning") -> list[dict[str, Any]]:
        described = self.api.describe_pipeline(pipelineName=pipeline)["pipeline"]
        return list(described["reprocessingSummaries"])

    def states(self, pipeline: str = "cleaning") -> list[str]:
        return [str(summary["status"]) for summary in self.summaries(pipeline)]

    def landed(self, part_of_key: str = "") -> list[dict[str, Any]]:
        """The messages in the data store, of the objects with this in their key."""
        rows: list[dict[str, Any]] = []
        for item in self.s3.list_objects_v2(Bucket=CLEAN, Prefix="datastore/clean/").get("Contents", []):
            if part_of_key in item["Key"]:
                body = self.s3.get_object(Bucket=CLEAN, Key=item["Key"])["Body"].read()
                rows += map(json.loads, gzip.decompress(body).splitlines())
        return rows

    def hours(self, part_of_key: str = "") -> list[float]:
        return [row["hour"] for row in self.landed(part_of_key)]


def error(call: Callable[..., Any], **arguments: Any) -> tuple[int, str, str]:
    """HTTP status, code and message of the error that a call gets."""
    with pytest.raises(ClientError) as caught:
        call(**arguments)
    answer: Any = caught.value.response
    return (
        answer["ResponseMetadata"]["HTTPStatusCode"],
        answer["Error"]["Code"],
        answer["Error"]["Message"],
    )
