# SPDX-License-Identifier: Apache-2.0

"""What jobs are started on in AWS: archives, datasets, queues and so on. Made through any clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.testing.aws.iotanalytics.storage import channel_object

#: Gives a service's boto3 client.
Clients = Callable[[str], Any]

ROLE = "arn:aws:iam::123456789012:role/reader"


def archive(clients: Clients, name: str) -> None:
    """Make an archive of the default bus."""
    events = clients("events")
    events.create_archive(ArchiveName=name, EventSourceArn=events.describe_event_bus()["Arn"])


def replays(clients: Clients, names: Iterable[str]) -> None:
    """Start a replay of a day from the archive ``orders`` under each name."""
    events = clients("events")
    bus = events.describe_event_bus()["Arn"]
    source = events.describe_archive(ArchiveName="orders")["ArchiveArn"]
    for name in names:
        events.start_replay(
            ReplayName=name,
            EventSourceArn=source,
            EventStartTime=datetime(2026, 1, 1, tzinfo=UTC),
            EventEndTime=datetime(2026, 1, 2, tzinfo=UTC),
            Destination={"Arn": bus},
        )


def sensor_data(clients: Clients) -> None:
    """Put an hour of a pump's data into the bucket ``plant``, below ``2026/``."""
    s3 = clients("s3")
    s3.create_bucket(Bucket="plant")
    rows = "\n".join(f"2026-01-01T00:{minute:02}:00,1.5,20" for minute in range(60))
    s3.put_object(Bucket="plant", Key="2026/pump/0.csv", Body=f"Timestamp,speed,heat\n{rows}\n".encode())


def dataset(clients: Clients, name: str) -> None:
    """Make a dataset that takes its schema from the data."""
    clients("lookoutequipment").create_dataset(DatasetName=name, ClientToken=name)


def channel(clients: Clients) -> None:
    """Make the channel ``raw`` with three hours of messages, and the data store ``clean``."""
    s3, api = clients("s3"), clients("iotanalytics")
    for bucket in ("raw-messages", "clean-messages"):
        s3.create_bucket(Bucket=bucket)
    for hour in range(3):
        arrived = datetime(2026, 1, 1, hour, tzinfo=UTC)
        s3.put_object(Bucket="raw-messages", **channel_object("raw", arrived, [{"hour": hour}]))
    for create, kind, name in (
        (api.create_channel, "channel", "raw"),
        (api.create_datastore, "datastore", "clean"),
    ):
        storage = {"customerManagedS3": {"bucket": f"{name}-messages", "roleArn": ROLE}}
        create(**{f"{kind}Name": name, f"{kind}Storage": storage})


def cleaning(clients: Clients, name: str) -> None:
    """Make a pipeline from the channel ``raw`` to the data store ``clean``."""
    activities = [
        {"channel": {"name": "from", "channelName": "raw", "next": "to"}},
        {"datastore": {"name": "to", "datastoreName": "clean"}},
    ]
    clients("iotanalytics").create_pipeline(pipelineName=name, pipelineActivities=activities)


def load(clients: Clients, name: str, *parameters: str) -> str:
    """Make and define a pipeline that runs one activity on demand, and return its id.

    :param parameters: what an activation gives values of
    """
    api = clients("datapipeline")
    pipeline_id: str = api.create_pipeline(name=name, uniqueId=name)["pipelineId"]
    default = {"scheduleType": "ondemand", "workerGroup": "wg", "pipelineLogUri": "s3://logs/"}
    objects = {"Default": default, "Load": {"type": "ShellCommandActivity"}}
    api.put_pipeline_definition(
        pipelineId=pipeline_id,
        pipelineObjects=[
            {"id": each, "name": each, "fields": [{"key": k, "stringValue": v} for k, v in fields.items()]}
            for each, fields in objects.items()
        ],
        parameterObjects=[
            {"id": each, "attributes": [{"key": "type", "stringValue": "String"}]} for each in parameters
        ],
    )
    return pipeline_id


#: The dead-letter queue that a name makes.
DEAD_ARN = "arn:aws:sqs:us-east-1:123456789012:{}-dead"


def dead_letters(clients: Clients, name: str, count: int = 4) -> str:
    """Make a queue and its dead-letter queue, let messages end up in that, and return its ARN.

    :param count: how many, 10 at most.
    """
    sqs = clients("sqs")
    dead = sqs.create_queue(QueueName=f"{name}-dead")["QueueUrl"]
    arn: str = sqs.get_queue_attributes(QueueUrl=dead, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    policy = json.dumps({"deadLetterTargetArn": arn, "maxReceiveCount": 1})
    url = sqs.create_queue(QueueName=name, Attributes={"RedrivePolicy": policy})["QueueUrl"]
    messages = [{"Id": str(number), "MessageBody": f"order {number}"} for number in range(count)]
    sqs.send_message_batch(QueueUrl=url, Entries=messages)
    for _ in range(2):
        sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, VisibilityTimeout=0)
    return arn


#: The table that a name makes.
TABLE_ARN = "arn:aws:dynamodb:us-east-1:123456789012:table/{}"


def table(clients: Clients, name: str, bucket: str = "exports") -> str:
    """Make a table with point-in-time recovery, and a bucket that it can be exported to; return its ARN."""
    api, s3 = clients("dynamodb"), clients("s3")
    made = api.create_table(
        TableName=name,
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    recovery = {"PointInTimeRecoveryEnabled": True}
    api.update_continuous_backups(TableName=name, PointInTimeRecoverySpecification=recovery)
    s3.create_bucket(Bucket=bucket, **_place(api.meta.region_name))
    arn: str = made["TableDescription"]["TableArn"]
    return arn


def _place(region: str) -> dict[str, Any]:
    """Where a bucket is made."""
    return {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}


def bucket_policy(bucket: str, region: str = "us-east-1") -> str:
    """The policy of a bucket that exports of log groups may be written to."""
    allowed = (("s3:GetBucketAcl", bucket), ("s3:PutObject", f"{bucket}/*"))
    statements = [
        {
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{region}.amazonaws.com"},
            "Action": action,
            "Resource": f"arn:aws:s3:::{resource}",
        }
        for action, resource in allowed
    ]
    return json.dumps({"Version": "2012-10-17", "Statement": statements})


def log_group(clients: Clients, name: str, bucket: str = "exports") -> None:
    """Make a log group, and a bucket that it can be exported to."""
    clients("logs").create_log_group(logGroupName=name)
    s3 = clients("s3")
    region = clients("logs").meta.region_name
    s3.create_bucket(Bucket=bucket, **_place(region))
    s3.put_bucket_policy(Bucket=bucket, Policy=bucket_policy(bucket, region))


def event_bus(clients: Clients, aws: AwsJobs, name: str = "orders", count: int = 3) -> tuple[str, datetime]:
    """Make a Custom Event Bus with events of the hour that began two hours ago, and queues for them.

    :param aws: its clock is set back while the events come
    :param count: how many events, two at least
    :return: the bus's ARN, and the hour's beginning
    """
    api, now = clients("eventbridgev2"), aws.now()
    skew = (now - datetime.now(UTC)).total_seconds()
    start = now.replace(second=0, microsecond=0) - timedelta(hours=2)
    ago = skew + (start - now).total_seconds()
    aws.set_clock_skew(ago - 60)
    arn: str = api.create_event_bus(Name=name)["EventBusArn"]
    for number in range(count):
        # The last one comes at the hour's end.
        aws.set_clock_skew(ago + 3599 * number / (count - 1))
        event = {"Source": "shop", "DetailType": "order", "Detail": json.dumps({"number": number})}
        api.put_events(EventBusArn=arn, Entries=[event])
    aws.set_clock_skew(skew)
    for queue in (name, f"{name}-dead"):
        clients("sqs").create_queue(QueueName=queue)
    return arn, start
