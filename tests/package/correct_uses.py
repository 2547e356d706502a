# SPDX-License-Identifier: Apache-2.0

"""Operators, sensors and triggers as a DAG file rightly uses them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from airflow.providers.common.compat.sdk import DAG, Context, TaskGroup, chain, task

from airflow_provider_jobs.operators.data_pipeline import (
    DataPipelineActivatePipelineOperator,
    DataPipelineCreatePipelineOperator,
    DataPipelineDeactivatePipelineOperator,
    DataPipelineDeletePipelineOperator,
    DataPipelinePutPipelineDefinitionOperator,
)
from airflow_provider_jobs.operators.dynamodb import DynamoDBExportTableToPointInTimeOperator
from airflow_provider_jobs.operators.event_bus import (
    EventBridgeCancelReplaySubscriberOperator,
    EventBridgeCreateReplaySubscriberOperator,
    EventBridgePauseReplaySubscriberOperator,
    EventBridgeResumeReplaySubscriberOperator,
)
from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeCreateArchiveOperator,
    EventBridgeCreateTemporaryRuleOperator,
    EventBridgeDeleteArchiveOperator,
    EventBridgeDeleteTemporaryRuleOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.operators.iot_analytics import (
    IotAnalyticsCancelPipelineReprocessingOperator,
    IotAnalyticsStartPipelineReprocessingOperator,
)
from airflow_provider_jobs.operators.logs import (
    CloudWatchLogsCancelExportTaskOperator,
    CloudWatchLogsCreateExportTaskOperator,
)
from airflow_provider_jobs.operators.lookout_equipment import LookoutEquipmentStartDataIngestionJobOperator
from airflow_provider_jobs.operators.sqs import (
    SqsCancelMessageMoveTaskOperator,
    SqsStartMessageMoveTaskOperator,
)
from airflow_provider_jobs.operators.temporary_rule import EventBridgeTemporaryRule
from airflow_provider_jobs.sensors.data_pipeline import DataPipelineSensor
from airflow_provider_jobs.sensors.dynamodb import DynamoDBExportSensor
from airflow_provider_jobs.sensors.event_bus import EventBridgeReplaySubscriberSensor
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplayDeliverySensor, EventBridgeReplaySensor
from airflow_provider_jobs.sensors.iot_analytics import IotAnalyticsPipelineReprocessingSensor
from airflow_provider_jobs.sensors.logs import CloudWatchLogsExportTaskSensor
from airflow_provider_jobs.sensors.lookout_equipment import LookoutEquipmentDataIngestionJobSensor
from airflow_provider_jobs.sensors.sqs import SqsMessageMoveTaskSensor
from airflow_provider_jobs.triggers.delay import DelayTrigger
from airflow_provider_jobs.triggers.job import JobTrigger
from airflow_provider_jobs.triggers.queue import QueueTrigger
from airflow_provider_jobs.windows import split_window

HOOK = "airflow_provider_jobs.hooks.eventbridge.EventBridgeReplayHook"
ROLE = "arn:aws:iam::123456789012:role/ingest"
QUEUE = "arn:aws:sqs:us-east-1:123456789012:trial"
TABLE = "arn:aws:dynamodb:us-east-1:123456789012:table/orders"
DAY = datetime(2026, 1, 1, tzinfo=UTC)
ARGUMENTS: dict[str, Any] = {"aws_conn_id": "aws_jobs", "deferrable": True, "archive_delay": 60, "retries": 2}
DEFINITION = {"objects": [{"id": "Default", "scheduleType": "ondemand"}]}


class OrdersReplayOperator(EventBridgeStartReplayOperator):
    """An operator of a user's own, whose parameters are typed the usual way."""

    def __init__(self, *, stage: str, archive: str = "orders", **kwargs: Any) -> None:
        super().__init__(archive=f"{archive}-{stage}", **kwargs)
        self.stage = stage


def tell(context: Context) -> None:
    """A callback."""


@task
def found(name: str) -> Any:
    """A value that a later task is given."""
    return name


@task
def days() -> list[Mapping[str, Any]]:
    """Windows for mapped tasks."""
    return [{"event_start_time": DAY.isoformat(), "event_end_time": (DAY + timedelta(1)).isoformat()}]


def replays() -> None:
    """EventBridge."""
    replay = EventBridgeStartReplayOperator(
        task_id="replay",
        archive=found("archive"),
        event_start_time=found("start"),
        event_end_time=DAY + timedelta(1),
        rule_arns=found("rules"),
        replay_name=found("name"),
        description=found("description"),
        region_name=found("region"),
        archive_delay=timedelta(minutes=5),
        poll_interval=timedelta(seconds=5),
        job_timeout=3600,
        start_timeout=None,
        retries=3,
        retry_delay=timedelta(minutes=5),
        execution_timeout=timedelta(hours=1),
        trigger_rule="all_done",
        on_failure_callback=tell,
        on_success_callback=[tell],
        botocore_config={"retries": {"max_attempts": 3}},
        params={"stage": "test"},
        pool="replays",
        doc_md="Again.",
        outlets=[],
    )
    with TaskGroup("after"):
        wait = EventBridgeReplaySensor(
            task_id="wait",
            replay_name=replay.output,
            mode="reschedule",
            timeout=timedelta(hours=1),
            poke_interval=60,
            soft_fail=True,
        )
        cancel = EventBridgeCancelReplayOperator(
            task_id="cancel", replay_name=replay.output["replay_name"], trigger_rule="one_failed"
        )
        delivery = EventBridgeReplayDeliverySensor(
            task_id="delivery", replay_name=replay.output, max_failed=0, delivery_delay=timedelta(minutes=20)
        )
    chain(replay, [wait, cancel, delivery])
    own = OrdersReplayOperator(task_id="own", stage="test", rule_arns=[found("rule")], poll_interval=5)
    EventBridgeReplaySensor(task_id="wait_for_own", replay_name=own.output, aws_conn_id=None, verify=False)
    EventBridgeCancelReplayOperator(task_id="cancel_by_name", replay_name="orders-1", do_xcom_push=False)


def trials() -> None:
    """Archives and temporary rules of EventBridge."""
    archive = EventBridgeCreateArchiveOperator(
        task_id="create_archive",
        archive_name=found("name"),
        event_bus_name=found("bus"),
        event_pattern={"source": ["shop"]},
        retention_days=found("days"),
        description="Orders",
        kms_key=found("key"),
        retries=3,
    )
    with EventBridgeTemporaryRule(
        "trial",
        target_arn=found("queue"),
        event_pattern='{"source": ["shop"]}',
        dead_letter_arn=QUEUE,
        keep_for=timedelta(hours=1),
        region_name="us-east-1",
    ) as trial:
        EventBridgeStartReplayOperator(
            task_id="tried",
            archive=archive.output["archive_name"],
            rule_arns=[trial.rule_arn],
            if_empty="fail",
        )
    rule = EventBridgeCreateTemporaryRuleOperator(
        task_id="create_rule",
        target_arn=QUEUE,
        event_pattern=found("pattern"),
        event_bus_name=found("bus"),
        role_arn=found("role"),
        keep_for=3600,
        trigger_rule="all_done",
    )
    EventBridgeDeleteTemporaryRuleOperator(
        task_id="delete_rule", rule_name=rule.output, event_bus_name=found("bus"), retries=3
    ).as_teardown(setups=rule)
    EventBridgeDeleteArchiveOperator(task_id="delete_archive", archive_name=archive.output).as_teardown(
        setups=archive
    )
    EventBridgeDeleteArchiveOperator(task_id="delete_this", archive_name="orders", aws_conn_id=None)


def mapped() -> None:
    """Mapped tasks."""
    parts = split_window(DAY, DAY + timedelta(2), timedelta(1))
    literal = EventBridgeStartReplayOperator.partial(
        task_id="mapped", archive="orders", deferrable=True, retries=2, poll_interval=5, verify=False
    ).expand_kwargs(parts)
    EventBridgeReplaySensor.partial(task_id="wait_for_each", poke_interval=5, timeout=60).expand(
        replay_name=literal.output
    )
    OrdersReplayOperator.partial(task_id="of_days", stage="test", job_timeout=60).expand_kwargs(days())
    DataPipelineActivatePipelineOperator.partial(task_id="activate_each", cancel_on_kill=False).expand(
        pipeline_id=["df-A", "df-B"]
    )


def pipelines() -> None:
    """Data Pipeline."""
    create = DataPipelineCreatePipelineOperator(
        task_id="create", pipeline_name=found("name"), tags={"stage": found("stage")}, owner="data"
    )
    DataPipelineCreatePipelineOperator(
        task_id="create_own", pipeline_name="orders", unique_id="orders-1", tags=[{"key": "a", "value": "b"}]
    )
    put = DataPipelinePutPipelineDefinitionOperator(
        task_id="put", pipeline_id=create.output, definition=DEFINITION, parameter_values=found("values")
    )
    DataPipelinePutPipelineDefinitionOperator(
        task_id="put_objects", pipeline_id=put.output["pipeline_id"], pipeline_objects=found("objects")
    )
    activate = DataPipelineActivatePipelineOperator(
        task_id="activate",
        pipeline_id=put.output,
        parameter_values={"myDay": "{{ ds }}", "myName": found("name")},
        start_timestamp=found("start"),
        wait_until="2026-01-02T00:00:00+00:00",
        job_timeout=timedelta(hours=1),
    )
    DataPipelineSensor(task_id="wait_for_it", pipeline_id=activate.output, wait_until=found("until"))
    DataPipelineSensor(
        task_id="wait_for_this", pipeline_id="df-A", activation_time=activate.output["activation_time"]
    )
    DataPipelineDeactivatePipelineOperator(
        task_id="deactivate", pipeline_id=create.output, cancel_active=False, wait_for_completion=False
    )
    DataPipelineDeletePipelineOperator(task_id="delete", pipeline_id=create.output, trigger_rule="all_done")


def ingestions() -> None:
    """Lookout for Equipment."""
    ingest = LookoutEquipmentStartDataIngestionJobOperator(
        task_id="ingest",
        dataset_name=found("dataset"),
        bucket=found("bucket"),
        role_arn=ROLE,
        prefix="{{ ds }}/",
        key_pattern=found("pattern"),
        client_token=found("token"),
        max_discarded_files=0,
        data_quality={"missing_values": 10},
        depends_on_past=True,
        max_active_tis_per_dag=1,
    )
    LookoutEquipmentDataIngestionJobSensor(task_id="wait_ingest", job_id=ingest.output, deferrable=True)


def reprocessings() -> None:
    """IoT Analytics."""
    reprocess = IotAnalyticsStartPipelineReprocessingOperator(
        task_id="reprocess",
        pipeline_name=found("pipeline"),
        start_time=None,
        end_time=DAY,
        aws_conn_id=found("connection"),
        cancel_on_kill=False,
    )
    IotAnalyticsStartPipelineReprocessingOperator(
        task_id="reprocess_keys", pipeline_name="pumps", s3_paths=found("keys")
    )
    IotAnalyticsPipelineReprocessingSensor(
        task_id="wait_reprocess", reprocessing_id=reprocess.output, exponential_backoff=True, max_wait=600
    )
    IotAnalyticsCancelPipelineReprocessingOperator(
        task_id="cancel_reprocess",
        reprocessing_id=reprocess.output["reprocessing_id"],
        pipeline_name=reprocess.output["pipeline_name"],
    )


def redrives() -> None:
    """SQS."""
    redrive = SqsStartMessageMoveTaskOperator(
        task_id="redrive",
        source_arn=found("queue"),
        destination_arn="arn:aws:sqs:us-east-1:123456789012:orders",
        max_messages_per_second="{{ params.per_second }}",
        wait_for_completion=False,
    )
    SqsMessageMoveTaskSensor(task_id="wait_redrive", source_arn=redrive.output, deferrable=True)
    SqsCancelMessageMoveTaskOperator(
        task_id="cancel_redrive", source_arn=redrive.output["source_arn"], since=redrive.output["since"]
    )


def exports() -> None:
    """CloudWatch Logs."""
    export = CloudWatchLogsCreateExportTaskOperator(
        task_id="export",
        log_group_name=found("group"),
        destination="exports",
        start_time="{{ data_interval_start }}",
        end_time=datetime(2026, 1, 2, tzinfo=UTC),
        log_stream_name_prefix="web-",
        destination_prefix="logs/{{ ds }}",
        export_delay=timedelta(hours=1),
        wait_for_completion=False,
    )
    CloudWatchLogsExportTaskSensor(task_id="wait_export", export_task_id=export.output, deferrable=True)
    CloudWatchLogsCancelExportTaskOperator(
        task_id="cancel_export", export_task_id=export.output["export_task_id"]
    )


def subscribers() -> None:
    """EventBridge's Custom Event Bus."""
    replay = EventBridgeCreateReplaySubscriberOperator(
        task_id="replay_bus",
        event_bus_arn=found("bus"),
        target_arn=QUEUE,
        role_arn=ROLE,
        dead_letter_arn=None,
        allow_drops=True,
        event_start_time="{{ data_interval_start }}",
        event_end_time=DAY,
        wait_for_window=False,
        filters={"DATA": {"detail-type": ["OrderPlaced"]}, "METADATA": '{"tenant": ["a"]}'},
        transformer="{% $events %}",
        target_parameters={"SqsParameters": {"MessageGroupId": "orders"}},
        delivery_retries={"MaxRetryAttempts": 9},
        ordering="FIFO",
        tags={"team": "a"},
        description="{{ ds }}",
        quiet_period=timedelta(minutes=10),
        startup_time=600,
        expected_events=7,
        max_failed=None,
        if_empty="skip",
        delete_subscriber=False,
        wait_for_completion=False,
    )
    EventBridgePauseReplaySubscriberOperator(task_id="pause", subscriber_name=replay.output)
    EventBridgeResumeReplaySubscriberOperator(task_id="resume", subscriber_name="orders-1")
    EventBridgeReplaySubscriberSensor(task_id="wait_bus", subscriber_name=replay.output, deferrable=True)
    EventBridgeCancelReplaySubscriberOperator(
        task_id="cancel_bus", subscriber_name=replay.output["subscriber_name"], delete_subscriber=False
    )


def table_exports() -> None:
    """DynamoDB."""
    DynamoDBExportTableToPointInTimeOperator(
        task_id="export_table",
        table_arn=TABLE,
        s3_bucket=found("bucket"),
        export_time=datetime(2026, 1, 2, tzinfo=UTC),
    )
    changes = DynamoDBExportTableToPointInTimeOperator(
        task_id="export_changes",
        table_arn=TABLE,
        s3_bucket="exports",
        s3_prefix="orders/{{ ds }}",
        export_type="INCREMENTAL_EXPORT",
        export_from_time="{{ data_interval_start }}",
        export_view_type="NEW_IMAGE",
        s3_sse_algorithm="KMS",
        s3_sse_kms_key_id="alias/exports",
        export_delay=timedelta(minutes=10),
        wait_for_completion=False,
    )
    DynamoDBExportSensor(task_id="wait_changes", export_arn=changes.output, deferrable=True)


def triggers() -> list[Any]:
    """Triggers, as an operator of a user's own may make them."""
    return [
        JobTrigger(
            hook_class=HOOK,
            hook_parameters={},
            job_id="orders-1",
            deadline=DAY.isoformat(),
            cancel_on_kill=False,
        ),
        QueueTrigger(hook_class=HOOK, hook_parameters={}, job_id="orders-1", poll_interval=5, again=True),
        DelayTrigger(seconds=5),
    ]


def make_dag() -> DAG:
    """Return a DAG of all these tasks."""
    with DAG("correct_uses", start_date=DAY, schedule=None, default_args=ARGUMENTS) as dag:
        replays()
        trials()
        mapped()
        pipelines()
        ingestions()
        reprocessings()
        redrives()
        exports()
        subscribers()
        table_exports()
    return dag
