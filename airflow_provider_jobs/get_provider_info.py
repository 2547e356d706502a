# SPDX-License-Identifier: Apache-2.0

"""Provider metadata, read by Airflow in every component at start-up."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_jobs"
#: Each integration with the name of its module in every layer, and its documentation.
_INTEGRATIONS = {
    "Amazon EventBridge": (
        "eventbridge",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html",
    ),
    "Amazon EventBridge Custom Event Bus": (
        "event_bus",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-custom-bus-replay.html",
    ),
    "AWS Data Pipeline": (
        "data_pipeline",
        "https://docs.aws.amazon.com/datapipeline/latest/DeveloperGuide/what-is-datapipeline.html",
    ),
    "Amazon Lookout for Equipment": (
        "lookout_equipment",
        "https://docs.aws.amazon.com/lookout-for-equipment/latest/ug/ingesting-data.html",
    ),
    "AWS IoT Analytics": (
        "iot_analytics",
        "https://docs.aws.amazon.com/iotanalytics/latest/userguide/reprocessing.html",
    ),
    "Amazon CloudWatch Logs": (
        "logs",
        "https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/S3Export.html",
    ),
    "Amazon DynamoDB": (
        "dynamodb",
        "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/S3DataExport.HowItWorks.html",
    ),
    "Amazon SQS": (
        "sqs",
        "https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/"
        "sqs-configure-dead-letter-queue-redrive.html",
    ),
}
#: Site-wide options: type, default, description.
_OPTIONS = {
    "site": (
        "string",
        "",
        "Name of this Airflow, if its database was copied from another one (staging, blue/green), to tell "
        "their jobs apart. Change it only while no task runs: jobs from before the change are not found.",
    ),
    "settling_time": (
        "float",
        "60.0",
        "Seconds that AWS may take to show a job that was started. During this time, a job that AWS does not "
        "show counts as not shown yet, not as lost.",
    ),
    "poll_interval": (
        "float",
        "30.0",
        "Seconds between polls of a job, unless an operator sets poll_interval.",
    ),
    "metrics_interval": (
        "float",
        "60.0",
        "Seconds between reads of CloudWatch's metrics, by which the end of a replay on a Custom Event Bus "
        "is judged. AWS charges for each metric that is read.",
    ),
    "connect_timeout": (
        "float",
        "10.0",
        "Seconds to wait for a connection to AWS; an operator's botocore_config overrides it.",
    ),
    "read_timeout": (
        "float",
        "30.0",
        "Seconds to wait for AWS's answer to a call; an operator's botocore_config overrides it.",
    ),
}


def get_provider_info() -> dict[str, Any]:
    """Return the provider's metadata in the form of Airflow's ``provider_info.schema.json``."""
    layers = {
        layer: [
            {"integration-name": name, "python-modules": [f"{_PACKAGE}.{layer}.{module}"]}
            for name, (module, _) in _INTEGRATIONS.items()
        ]
        for layer in ("hooks", "operators", "sensors")
    }
    return {
        "package-name": "airflow-provider-jobs",
        "name": "AWS Jobs",
        "description": (
            "Start, watch and stop AWS jobs exactly once: EventBridge replays, Data Pipeline activations, "
            "Lookout for Equipment ingestion, IoT Analytics reprocessing, SQS redrives, "
            "CloudWatch Logs exports, DynamoDB exports, replays on a Custom Event Bus.\n"
        ),
        "integrations": [
            {"integration-name": name, "external-doc-url": url, "tags": ["aws"]}
            for name, (_, url) in _INTEGRATIONS.items()
        ],
        **layers,
        "triggers": [
            {
                "integration-name": "AWS Jobs",
                "python-modules": [f"{_PACKAGE}.triggers.{each}" for each in ("delay", "job", "queue")],
            }
        ],
        "config": {
            _PACKAGE: {
                "description": "Options of airflow-provider-jobs.",
                "options": {
                    name: {
                        "description": text,
                        "version_added": None,
                        "type": kind,
                        "example": None,
                        "default": default,
                    }
                    for name, (kind, default, text) in _OPTIONS.items()
                },
            }
        },
        "extra-links": [
            f"{_PACKAGE}.links.event_bus.EventBusLink",
            f"{_PACKAGE}.links.dynamodb.DynamoDBExportLink",
            f"{_PACKAGE}.links.eventbridge.EventBridgeReplayLink",
            f"{_PACKAGE}.links.logs.CloudWatchLogsExportLink",
            f"{_PACKAGE}.links.sqs.SqsQueueLink",
        ],
    }
