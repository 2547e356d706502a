# SPDX-License-Identifier: Apache-2.0

"""Runs of DAGs that use every operator and sensor of the package, on the worker and deferred."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from airflow.sdk import DAG

from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook
from airflow_provider_jobs.testing import AwsJobs

REGION = "us-east-1"
ROLE = "arn:aws:iam::123456789012:role/sensor-reader"


def archive() -> None:
    events = boto3.client("events", REGION)
    events.create_archive(ArchiveName="orders", EventSourceArn=events.describe_event_bus()["Arn"])


def dataset() -> None:
    s3 = boto3.client("s3", REGION)
    s3.create_bucket(Bucket="plant-sensors")
    s3.put_object(
        Bucket="plant-sensors", Key="pumps/pump-1/0.csv", Body="Timestamp,heat\n2026-01-09T06:00:00,20"
    )
    boto3.client("lookoutequipment", REGION).create_dataset(DatasetName="pumps", ClientToken="pumps")


def channel_and_store() -> None:
    # botocore has dropped the service's model, which the hook brings.
    iot: Any = IotAnalyticsHook().conn
    iot.create_channel(channelName="raw")
    iot.create_datastore(datastoreName="clean")
    iot.create_pipeline(
        pipelineName="cleaning",
        pipelineActivities=[
            {"channel": {"name": "from", "channelName": "raw", "next": "to"}},
            {"datastore": {"name": "to", "datastoreName": "clean"}},
        ],
    )


def dead_letters() -> None:
    sqs = boto3.client("sqs", REGION)
    dead = sqs.create_queue(QueueName="orders-dead")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    orders = sqs.create_queue(QueueName="orders", Attributes={"RedrivePolicy": policy})["QueueUrl"]
    sqs.send_message(QueueUrl=orders, MessageBody="order 1")
    for _ in range(2):
        sqs.receive_message(QueueUrl=orders, VisibilityTimeout=0)


def log_group() -> None:
    boto3.client("logs", REGION).create_log_group(logGroupName="/shop/web")
    s3 = boto3.client("s3", REGION)
    s3.create_bucket(Bucket="exports")
    allowed = [("s3:GetBucketAcl", "exports"), ("s3:PutObject", "exports/*")]
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{REGION}.amazonaws.com"},
            "Action": action,
            "Resource": f"arn:aws:s3:::{resource}",
        }
        for action, resource in allowed
    ]
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    s3.put_bucket_policy(Bucket="exports", Policy=policy)


def table() -> None:
    dynamodb = boto3.client("dynamodb", REGION)
    dynamodb.create_table(
        TableName="orders",
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    recovery = {"PointInTimeRecoveryEnabled": True}
    dynamodb.update_continuous_backups(TableName="orders", PointInTimeRecoverySpecification=recovery)
    boto3.client("s3", REGION).create_bucket(Bucket="exports")


def nothing() -> None:
    """The DAG makes its archive or its pipeline itself."""


@pytest.mark.parametrize("how", ["on_the_worker", "deferred"])
@pytest.mark.parametrize(
    ("dag_id", "prepare", "service", "reads", "state"),
    [
        ("replay", archive, "events", 1, "COMPLETED"),
        ("replay_cancelled", archive, "events", 9, "CANCELLED"),
        ("trial", nothing, "events", 1, "COMPLETED"),
        ("ingestion", dataset, "lookoutequipment", 1, "SUCCESS"),
        ("reprocessing", channel_and_store, "iotanalytics", 1, "SUCCEEDED"),
        ("reprocessing_cancelled", channel_and_store, "iotanalytics", 9, "CANCELLED"),
        ("redrive", dead_letters, "sqs", 1, "COMPLETED"),
        ("redrive_cancelled", dead_letters, "sqs", 9, "CANCELLED"),
        ("export", log_group, "logs", 1, "COMPLETED"),
        ("export_cancelled", log_group, "logs", 9, "CANCELLED"),
        ("table", table, "dynamodb", 1, "COMPLETED"),
        ("pipeline", nothing, "datapipeline", 1, "FINISHED"),
    ],
)
def test_a_run(
    dags: dict[str, DAG],
    aws_jobs: AwsJobs,
    dag_id: str,
    how: str,
    prepare: Callable[[], None],
    service: str,
    reads: int,
    state: str,
) -> None:
    aws_jobs.set_pace(reads=reads)
    prepare()
    run = dags[f"{dag_id}_{how}"].test(logical_date=datetime(2026, 1, 10, tzinfo=UTC))
    assert run.state == "success"
    assert [job["state"] for job in aws_jobs.jobs(service)] == [state]


@pytest.mark.parametrize("how", ["on_the_worker", "deferred"])
@pytest.mark.parametrize(
    ("dag_id", "state"), [("replay_bus", "DELIVERED"), ("replay_bus_in_steps", "DELETED")]
)
def test_a_replay_on_a_custom_event_bus(
    dags: dict[str, DAG],
    aws_jobs: AwsJobs,
    monkeypatch: pytest.MonkeyPatch,
    dag_id: str,
    state: str,
    how: str,
) -> None:
    if "eventbridgev2" not in boto3.Session().get_available_services():
        pytest.skip("This boto3 does not know the Custom Event Bus.")
    aws_jobs.set_pace(reads=1)
    # The bus was made more than an hour ago, and its event came an hour ago.
    aws_jobs.set_clock_skew(-3900)
    api = boto3.client("eventbridgev2", REGION)
    bus = api.create_event_bus(Name="orders")["EventBusArn"]
    aws_jobs.set_clock_skew(-3600)
    start = aws_jobs.now()
    api.put_events(EventBusArn=bus, Entries=[{"Source": "shop", "DetailType": "order", "Detail": "{}"}])
    aws_jobs.set_clock_skew(0)
    boto3.client("sqs", REGION).create_queue(QueueName="orders")
    monkeypatch.setenv("AIRFLOW_VAR_ORDERS_BUS", bus)
    monkeypatch.setenv("AIRFLOW_VAR_ORDERS_FROM", start.isoformat())
    monkeypatch.setenv("AIRFLOW_VAR_ORDERS_TO", (start + timedelta(minutes=5)).isoformat())
    run = dags[f"{dag_id}_{how}"].test(logical_date=datetime(2026, 1, 10, tzinfo=UTC))
    assert run.state == "success"
    assert [job["state"] for job in aws_jobs.jobs("eventbridgev2")] == [state]
