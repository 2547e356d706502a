# SPDX-License-Identifier: Apache-2.0

"""Provider metadata, read by Airflow in every component at start-up."""

from __future__ import annotations

from typing import Any

_PACKAGE = "airflow_provider_jobs"
#: Each integration with the module that it has in every layer, and its documentation.
_INTEGRATIONS = {
    "Amazon EventBridge": (
        "eventbridge",
        "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-replay-archived-event.html",
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
            "Lookout for Equipment ingestion, IoT Analytics reprocessing.\n"
        ),
        "integrations": [
            {"integration-name": name, "external-doc-url": url, "tags": ["aws"]}
            for name, (_, url) in _INTEGRATIONS.items()
        ],
        **layers,
        "triggers": [
            {
                "integration-name": "AWS Jobs",
                "python-modules": [f"{_PACKAGE}.triggers.job", f"{_PACKAGE}.triggers.slot"],
            }
        ],
        "extra-links": [f"{_PACKAGE}.links.eventbridge.EventBridgeReplayLink"],
    }
