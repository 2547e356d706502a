# SPDX-License-Identifier: Apache-2.0

"""What tries to smuggle something in is refused before any call, or passes through as the text that it is."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import job_targets
import pytest
from api_calls import recorded
from job_cases import AWS, CASES, DataPipeline, EventBus, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobError, JobInputError
from airflow_provider_jobs.job import one_line
from airflow_provider_jobs.links.eventbridge import EventBridgeReplayLink
from airflow_provider_jobs.operators import data_pipeline as dp
from airflow_provider_jobs.operators import dynamodb, event_bus, logs, sqs
from airflow_provider_jobs.operators import eventbridge as eb
from airflow_provider_jobs.operators import iot_analytics as iot
from airflow_provider_jobs.operators import lookout_equipment as lookout
from airflow_provider_jobs.operators.start import StartJobOperator
from airflow_provider_jobs.sensors.data_pipeline import DataPipelineSensor
from airflow_provider_jobs.sensors.dynamodb import DynamoDBExportSensor
from airflow_provider_jobs.sensors.event_bus import EventBridgeReplaySubscriberSensor
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplayDeliverySensor, EventBridgeReplaySensor
from airflow_provider_jobs.sensors.iot_analytics import IotAnalyticsPipelineReprocessingSensor
from airflow_provider_jobs.sensors.logs import CloudWatchLogsExportTaskSensor
from airflow_provider_jobs.sensors.lookout_equipment import LookoutEquipmentDataIngestionJobSensor
from airflow_provider_jobs.sensors.sqs import SqsMessageMoveTaskSensor
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

FORGED = "FORGED line"
HOSTILE = [
    f"orders\n{FORGED}",
    f"orders\r\n{FORGED}",
    f"orders\u2028{FORGED}",
    f"orders\x0b{FORGED}",
    "orders\n",
    "orders\x00",
    "orders\x1b[2J",
    "..",
    "../../etc/passwd",
    "..%2f..%2fadmin",
    "%2e%2e/",
    "{{ var.value.password }}",
    "{% raw %}",
    "<script>alert(1)</script>",
    "'; DROP TABLE jobs; --",
    "оrders",  # noqa: RUF001 # a Cyrillic o
    "orders\u202egnp.exe",
    "arn:aws:events:us-east-1:١٢٣٤٥٦٧٨٩٠١٢:archive/orders",
    "arn:aws:events:us-east-1:123456789012:archive/orders/../../x",
    "arn:aws:iam::123456789012:role/x\nRoleArn: y",
    "x" * 100_000,
    "",
]
EVENTS, LOOKOUT, IOT, PIPELINE, SQS, LOGS, BUS, DYNAMODB = CASES
INGEST = {"dataset_name": "pumps-0", "bucket": "plant", "role_arn": "arn:aws:iam::123456789012:role/lookout"}
QUEUE = {"source_arn": job_targets.DEAD_ARN.format("orders")}
WINDOW = {"start_time": "2026-01-01T00:00:00+00:00", "end_time": "2026-01-01T02:00:00+00:00"}
REPLAY = {"archive": "orders", "event_start_time": WINDOW["start_time"], "event_end_time": WINDOW["end_time"]}
EXPORT = {"log_group_name": "/shop/web", "destination": "exports", **WINDOW}
TABLE = {"table_arn": job_targets.TABLE_ARN.format("orders"), "s3_bucket": "exports"}
CHANGES = {
    **TABLE,
    "export_type": "INCREMENTAL_EXPORT",
    "export_from_time": WINDOW["start_time"],
    "export_to_time": WINDOW["end_time"],
}
CREATE = {"pipeline_name": "load"}
TRIAL = "arn:aws:sqs:us-east-1:123456789012:trial"
RULE = "orders.create" + "-0123456789ab" * 2


def subscriber() -> dict[str, Any]:
    """Return what a replay on the bus that there is is given."""
    assert isinstance(BUS, EventBus)
    return {
        "event_bus_arn": BUS.bus_arn,
        "target_arn": TRIAL,
        "role_arn": job_targets.ROLE,
        "dead_letter_arn": TRIAL,
        "event_start_time": BUS.start,
        "event_end_time": BUS.start + timedelta(hours=1),
    }


#: Class, what it is given else, and the parameter; whether that takes any text.
PARAMETERS: list[tuple[JobCase, Any, dict[str, Any] | Callable[[], dict[str, Any]], str, bool]] = [
    (EVENTS, eb.EventBridgeStartReplayOperator, REPLAY, "archive", False),
    (EVENTS, eb.EventBridgeStartReplayOperator, REPLAY, "replay_name", False),
    (EVENTS, eb.EventBridgeStartReplayOperator, REPLAY, "rule_arns", False),
    (EVENTS, eb.EventBridgeStartReplayOperator, REPLAY, "event_start_time", False),
    (EVENTS, eb.EventBridgeStartReplayOperator, REPLAY, "event_end_time", False),
    (EVENTS, eb.EventBridgeStartReplayOperator, REPLAY, "description", True),
    (EVENTS, eb.EventBridgeCancelReplayOperator, {}, "replay_name", False),
    (EVENTS, eb.EventBridgeCreateArchiveOperator, {}, "archive_name", False),
    (EVENTS, eb.EventBridgeCreateArchiveOperator, {"archive_name": "paid"}, "event_bus_name", False),
    (EVENTS, eb.EventBridgeCreateArchiveOperator, {"archive_name": "paid"}, "event_pattern", False),
    (EVENTS, eb.EventBridgeCreateArchiveOperator, {"archive_name": "paid"}, "retention_days", False),
    (EVENTS, eb.EventBridgeCreateArchiveOperator, {"archive_name": "paid"}, "description", True),
    (EVENTS, eb.EventBridgeCreateArchiveOperator, {"archive_name": "paid"}, "kms_key", True),
    (EVENTS, eb.EventBridgeDeleteArchiveOperator, {}, "archive_name", False),
    (EVENTS, eb.EventBridgeCreateTemporaryRuleOperator, {}, "target_arn", True),
    (EVENTS, eb.EventBridgeCreateTemporaryRuleOperator, {"target_arn": TRIAL}, "event_pattern", False),
    (EVENTS, eb.EventBridgeCreateTemporaryRuleOperator, {"target_arn": TRIAL}, "event_bus_name", False),
    (EVENTS, eb.EventBridgeCreateTemporaryRuleOperator, {"target_arn": TRIAL}, "role_arn", False),
    (EVENTS, eb.EventBridgeCreateTemporaryRuleOperator, {"target_arn": TRIAL}, "dead_letter_arn", False),
    (EVENTS, eb.EventBridgeDeleteTemporaryRuleOperator, {}, "rule_name", False),
    (EVENTS, eb.EventBridgeDeleteTemporaryRuleOperator, {"rule_name": RULE}, "event_bus_name", False),
    (EVENTS, EventBridgeReplaySensor, {}, "replay_name", False),
    (EVENTS, EventBridgeReplayDeliverySensor, {}, "replay_name", False),
    (LOOKOUT, lookout.LookoutEquipmentStartDataIngestionJobOperator, INGEST, "dataset_name", False),
    (LOOKOUT, lookout.LookoutEquipmentStartDataIngestionJobOperator, INGEST, "bucket", False),
    (LOOKOUT, lookout.LookoutEquipmentStartDataIngestionJobOperator, INGEST, "role_arn", False),
    (LOOKOUT, lookout.LookoutEquipmentStartDataIngestionJobOperator, INGEST, "prefix", True),
    (LOOKOUT, lookout.LookoutEquipmentStartDataIngestionJobOperator, INGEST, "key_pattern", True),
    (LOOKOUT, lookout.LookoutEquipmentStartDataIngestionJobOperator, INGEST, "client_token", True),
    (LOOKOUT, LookoutEquipmentDataIngestionJobSensor, {}, "job_id", False),
    (IOT, iot.IotAnalyticsStartPipelineReprocessingOperator, WINDOW, "pipeline_name", False),
    (IOT, iot.IotAnalyticsStartPipelineReprocessingOperator, {"pipeline_name": "cleaning"}, "s3_paths", True),
    (
        IOT,
        iot.IotAnalyticsCancelPipelineReprocessingOperator,
        {"reprocessing_id": "1"},
        "pipeline_name",
        False,
    ),
    (
        IOT,
        iot.IotAnalyticsCancelPipelineReprocessingOperator,
        {"pipeline_name": "cleaning"},
        "reprocessing_id",
        False,
    ),
    (IOT, IotAnalyticsPipelineReprocessingSensor, {"pipeline_name": "cleaning"}, "reprocessing_id", False),
    (PIPELINE, dp.DataPipelineCreatePipelineOperator, CREATE, "pipeline_name", True),
    (PIPELINE, dp.DataPipelineCreatePipelineOperator, CREATE, "unique_id", True),
    (PIPELINE, dp.DataPipelineCreatePipelineOperator, CREATE, "description", True),
    (PIPELINE, dp.DataPipelineActivatePipelineOperator, {}, "pipeline_id", True),
    (PIPELINE, dp.DataPipelineDeactivatePipelineOperator, {}, "pipeline_id", True),
    (PIPELINE, dp.DataPipelineDeletePipelineOperator, {}, "pipeline_id", True),
    (PIPELINE, DataPipelineSensor, {}, "pipeline_id", True),
    (PIPELINE, DataPipelineSensor, {"pipeline_id": "df-1"}, "activation_time", False),
    (SQS, sqs.SqsStartMessageMoveTaskOperator, {}, "source_arn", False),
    (SQS, sqs.SqsStartMessageMoveTaskOperator, QUEUE, "destination_arn", False),
    (SQS, sqs.SqsStartMessageMoveTaskOperator, QUEUE, "max_messages_per_second", False),
    (SQS, sqs.SqsCancelMessageMoveTaskOperator, {}, "source_arn", False),
    (SQS, sqs.SqsCancelMessageMoveTaskOperator, QUEUE, "since", False),
    (SQS, SqsMessageMoveTaskSensor, {}, "source_arn", False),
    (SQS, SqsMessageMoveTaskSensor, QUEUE, "since", False),
    (LOGS, logs.CloudWatchLogsCreateExportTaskOperator, EXPORT, "log_group_name", True),
    (LOGS, logs.CloudWatchLogsCreateExportTaskOperator, EXPORT, "log_stream_name_prefix", True),
    (LOGS, logs.CloudWatchLogsCreateExportTaskOperator, EXPORT, "destination", False),
    (LOGS, logs.CloudWatchLogsCreateExportTaskOperator, EXPORT, "destination_prefix", True),
    (LOGS, logs.CloudWatchLogsCreateExportTaskOperator, EXPORT, "start_time", False),
    (LOGS, logs.CloudWatchLogsCreateExportTaskOperator, EXPORT, "end_time", False),
    (LOGS, logs.CloudWatchLogsCancelExportTaskOperator, {}, "export_task_id", False),
    (LOGS, CloudWatchLogsExportTaskSensor, {}, "export_task_id", False),
    *(
        (
            BUS,
            event_bus.EventBridgeCreateReplaySubscriberOperator,
            subscriber,
            name,
            name in ("target_arn", "description"),
        )
        for name in (
            "event_bus_arn",
            "target_arn",
            "role_arn",
            "dead_letter_arn",
            "event_start_time",
            "event_end_time",
            "description",
            "filters",
        )
    ),
    *(
        (BUS, kind, {}, "subscriber_name", False)
        for kind in (
            event_bus.EventBridgeCancelReplaySubscriberOperator,
            event_bus.EventBridgePauseReplaySubscriberOperator,
            event_bus.EventBridgeResumeReplaySubscriberOperator,
            EventBridgeReplaySubscriberSensor,
        )
    ),
    *(
        (DYNAMODB, dynamodb.DynamoDBExportTableToPointInTimeOperator, TABLE, name, name == "s3_prefix")
        for name in (
            "table_arn",
            "s3_bucket",
            "s3_prefix",
            "s3_bucket_owner",
            "s3_sse_kms_key_id",
            "export_time",
        )
    ),
    (DYNAMODB, dynamodb.DynamoDBExportTableToPointInTimeOperator, CHANGES, "export_from_time", False),
    (DYNAMODB, dynamodb.DynamoDBExportTableToPointInTimeOperator, CHANGES, "export_to_time", False),
    (DYNAMODB, DynamoDBExportSensor, {}, "export_arn", False),
]


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        yield control


def inert(value: str, parameters: Any) -> bool:
    """Whether the value is whole in what is sent; a text for people may have lost its line breaks."""
    if isinstance(parameters, dict):
        return any(inert(value, each) for each in parameters.values())
    if isinstance(parameters, (list, tuple)):
        return any(inert(value, each) for each in parameters)
    if not isinstance(parameters, str):
        return False
    return any(parameters[:400].startswith(each[:400]) for each in (value, one_line(value)))


@pytest.mark.promise("injection")
@pytest.mark.parametrize(
    ("case", "operator", "given", "name", "free"),
    PARAMETERS,
    ids=lambda value: value if isinstance(value, str) else getattr(value, "__name__", None),
)
def test_every_hostile_value_is_refused_or_inert(
    aws: AwsJobs,
    case: JobCase,
    operator: Any,
    given: dict[str, Any] | Callable[[], dict[str, Any]],
    name: str,
    free: bool,
    logged: Callable[[], str],
) -> None:
    case.prepare()
    told = logged()
    others = given() if callable(given) else given
    aws.set_quota(case.service, len(HOSTILE))
    start = {"wait_for_completion": False} if issubclass(operator, StartJobOperator) else {}
    for number, value in enumerate(HOSTILE):
        hostile = [value] if name in ("rule_arns", "s3_paths") else value
        values = {"task_id": "task", **AWS, **start, **others, name: hostile}
        task = OneTask(lambda values=values: operator(**values), run_id=f"run-{number}")  # type: ignore[misc]
        refused = False
        with recorded() as calls:
            try:
                task.begin()
            except (JobError, JobInputError) as error:
                refused = isinstance(error, JobInputError) and not calls
                told += f"{error}\n"
        # AWS allows two dots as a name. A start without a name makes one up, and a cancel without one has
        # nothing to stop.
        nothing = value == "" and (start or not calls)
        assert refused or free or value == ".." or nothing, (value, calls)
        if calls and value:
            assert any(inert(value, call.parameters) for call in calls), (value, calls)
    assert FORGED not in (told + logged()).splitlines()


@pytest.mark.promise("injection")
@pytest.mark.parametrize(
    "region", ["evil.example/#", "us-east-1\nx", "../..", "us-east-1.evil.example:443/x?"]
)
def test_a_region_leads_nowhere_else(aws: AwsJobs, region: str) -> None:
    task = OneTask(
        lambda: EventBridgeReplaySensor(task_id="wait", replay_name="x", aws_conn_id=None, region_name=region)
    )
    with pytest.raises(JobError):
        task.run()
    assert aws.calls() == {}


@pytest.mark.promise("injection")
@pytest.mark.parametrize("value", HOSTILE)
def test_a_link_holds_what_it_is_given_as_one_piece_of_its_path(value: str) -> None:
    link: Any = EventBridgeReplayLink()
    url = link.format_link(region_name="us-east-1", aws_domain="aws.amazon.com", job_id=value)
    parts = urlsplit(url)
    assert (parts.scheme, parts.netloc) == ("https", "us-east-1.console.aws.amazon.com")
    assert url.isascii()
    assert url.isprintable()
    before, _, job = parts.fragment.rpartition("/")
    assert before == "/replay"
    assert not set(job) & set("<>'\"{}?#&= ")


@pytest.mark.promise("injection")
@pytest.mark.parametrize("case", CASES)
def test_what_aws_says_begins_no_line_of_ours(aws: AwsJobs, case: JobCase, logged: Callable[[], str]) -> None:
    case.prepare()
    for separator in ("\n", "\r", "\u2028", "\x0b"):
        aws.fail_next(case.service, f"bad luck{separator}{FORGED}")
        with pytest.raises(JobError) as caught:
            OneTask(case.operator, run_id=f"run{separator!r}").run()
        assert FORGED not in str(caught.value).splitlines()
    assert FORGED not in logged().splitlines()


@pytest.mark.promise("injection")
def test_a_value_that_looks_like_a_template_is_not_rendered_again() -> None:
    from airflow.providers.common.compat.sdk import DAG

    dag = DAG("orders", schedule=None)
    operator = eb.EventBridgeStartReplayOperator(
        task_id="replay", archive="a", description="{{ x }}", dag=dag
    )
    context: Any = {"x": "{{ var.value.password }}"}
    operator.render_template_fields(context)
    assert operator.description == "{{ var.value.password }}"


@pytest.mark.promise("injection")
def test_text_of_a_definition_is_sent_as_it_is(aws: AwsJobs) -> None:
    assert isinstance(PIPELINE, DataPipeline)
    PIPELINE.prepare()
    for value in (value for value in HOSTILE if value.isprintable() and 0 < len(value) < 1000):
        definition = {
            "objects": [
                {"id": "Default", "scheduleType": "ondemand", "workerGroup": "wg"},
                {"id": "A", "type": "ShellCommandActivity", "command": value},
            ]
        }
        given: Any = {"task_id": "put", "pipeline_id": PIPELINE.pipeline_id, "definition": definition, **AWS}
        with recorded() as calls:
            OneTask(lambda given=given: dp.DataPipelinePutPipelineDefinitionOperator(**given)).run()  # type: ignore[misc]
        assert inert(value, calls[-1].parameters)
