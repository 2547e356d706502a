# SPDX-License-Identifier: Apache-2.0

"""Lazy imports of the services' hooks, for operators and sensors."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow_provider_jobs.aws import HookClass

if TYPE_CHECKING:
    from airflow_provider_jobs.hooks._delivery import ReplayDeliveryHook
    from airflow_provider_jobs.hooks.data_pipeline import DataPipelineHook
    from airflow_provider_jobs.hooks.dynamodb import DynamoDBExportHook
    from airflow_provider_jobs.hooks.event_bus import EventBusReplayHook
    from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
    from airflow_provider_jobs.hooks.iot_analytics import IotAnalyticsHook
    from airflow_provider_jobs.hooks.logs import CloudWatchLogsExportHook
    from airflow_provider_jobs.hooks.lookout_equipment import LookoutEquipmentHook
    from airflow_provider_jobs.hooks.sqs import SqsRedriveHook
else:
    _HOOKS = "airflow_provider_jobs.hooks"
    CloudWatchLogsExportHook = HookClass(f"{_HOOKS}.logs.CloudWatchLogsExportHook", noun="export")
    DataPipelineHook = HookClass(f"{_HOOKS}.data_pipeline.DataPipelineHook", noun="activation")
    EventBusReplayHook = HookClass(f"{_HOOKS}.event_bus.EventBusReplayHook", noun="replay")
    DynamoDBExportHook = HookClass(f"{_HOOKS}.dynamodb.DynamoDBExportHook", noun="export")
    EventBridgeReplayHook = HookClass(f"{_HOOKS}.eventbridge.EventBridgeReplayHook", noun="replay")
    IotAnalyticsHook = HookClass(
        f"{_HOOKS}.iot_analytics.IotAnalyticsHook",
        noun="reprocessing",
        no_reason=(
            "AWS IoT Analytics does not say why; the log group of its logging options in CloudWatch may"
        ),
    )
    LookoutEquipmentHook = HookClass(f"{_HOOKS}.lookout_equipment.LookoutEquipmentHook", noun="ingestion job")
    ReplayDeliveryHook = HookClass(f"{_HOOKS}._delivery.ReplayDeliveryHook", noun="replay")
    SqsRedriveHook = HookClass(f"{_HOOKS}.sqs.SqsRedriveHook", noun="redrive")

__all__ = [
    "CloudWatchLogsExportHook",
    "DataPipelineHook",
    "DynamoDBExportHook",
    "EventBridgeReplayHook",
    "EventBusReplayHook",
    "IotAnalyticsHook",
    "LookoutEquipmentHook",
    "ReplayDeliveryHook",
    "SqsRedriveHook",
]
