# SPDX-License-Identifier: Apache-2.0

"""Where a job works and where its data goes is seen in the rendered templates, and is this account."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from airflow.providers.common.compat.sdk import DAG
from api_calls import recorded
from job_cases import AWS, REGION, EventBridge
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.get_provider_info import get_provider_info
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

OTHER = "999999999999"
#: Parameters that decide how a task waits and what it accepts, and nothing about where.
NOT_WHERE = {
    "partition_window",
    "archive_delay",
    "export_delay",
    "export_format",
    "export_type",
    "export_view_type",
    "s3_sse_algorithm",
    "cancel_active",
    "allow_drops",
    "check_delivery",
    "delete_subscriber",
    "delivery_delay",
    "delivery_retries",
    "expected_events",
    "max_failed",
    "max_queue_depth",
    "ordering",
    "quiet_period",
    "resume",
    "startup_time",
    "tags",
    "target_parameters",
    "transformer",
    "wait_for_window",
    "cancel_on_kill",
    "data_quality",
    "deferrable",
    "if_empty",
    "job_timeout",
    "keep_for",
    "max_discarded_files",
    "poll_interval",
    "render_definition",
    "start_timeout",
    "wait_for_completion",
}
CLASSES = [
    getattr(importlib.import_module(path), name)
    for layer in ("operators", "sensors")
    for entry in get_provider_info()[layer]
    for path in entry["python-modules"]
    for name in importlib.import_module(path).__all__
]


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        EventBridge().prepare()
        yield control


def rendered(context: dict[str, Any], **given: Any) -> tuple[OneTask, EventBridgeStartReplayOperator]:
    """Return a task whose templates Airflow has rendered, and its operator."""
    window = {"event_start_time": "2026-01-01T00:00:00+00:00", "event_end_time": "2026-01-02T00:00:00+00:00"}
    dag = DAG("orders", schedule=None)
    operator = EventBridgeStartReplayOperator(
        task_id="replay", dag=dag, poll_interval=0.02, **{**AWS, **window, **given}
    )
    operator.render_template_fields(context)  # type: ignore[arg-type]
    return OneTask(lambda: operator), operator


@pytest.mark.promise("other-account")
@pytest.mark.parametrize("operator", CLASSES, ids=lambda each: each.__name__)
def test_all_that_decides_where_is_a_template(operator: Any) -> None:
    own = {
        name
        for each in operator.__mro__
        if each.__module__.startswith("airflow_provider_jobs") and "__init__" in vars(each)
        for name, parameter in inspect.signature(each.__init__).parameters.items()
        if parameter.kind is parameter.KEYWORD_ONLY
    }
    where = {"aws_conn_id", "region_name", "botocore_config"} | own - NOT_WHERE
    assert where <= {*operator.template_fields}


@pytest.mark.promise("other-account")
def test_what_is_sent_is_what_was_rendered(aws: AwsJobs) -> None:
    events = boto3.client("events", region_name=REGION)
    rule = events.put_rule(Name="to-queue", EventPattern="{}")["RuleArn"]
    archive = events.describe_archive(ArchiveName="orders")
    context = {"archive": archive["ArchiveArn"], "rule": rule, "name": "again"}
    task, operator = rendered(
        context, archive="{{ archive }}", rule_arns=["{{ rule }}"], replay_name="{{ name }}"
    )
    seen = {field: getattr(operator, field) for field in operator.template_fields}
    with recorded() as calls:
        task.run()
    (sent,) = (call.parameters for call in calls if call.action == "events:StartReplay")
    assert (sent["EventSourceArn"], sent["ReplayName"]) == (seen["archive"], seen["replay_name"])
    # The bus is none of the user's choosing: it is the one that the archive was made from.
    assert sent["Destination"] == {"Arn": archive["EventSourceArn"], "FilterArns": seen["rule_arns"]}


@pytest.mark.promise("other-account")
@pytest.mark.parametrize("region", [REGION, "eu-west-1"])
@pytest.mark.parametrize("account", ["123456789012", OTHER])
@pytest.mark.parametrize("name", ["archive", "rule_arns"])
def test_another_account_or_region_is_refused(aws: AwsJobs, name: str, account: str, region: str) -> None:
    here = f"arn:aws:events:{region}:{account}"
    value: Any = f"{here}:archive/orders" if name == "archive" else [f"{here}:rule/to-queue"]
    task, operator = rendered({"value": value}, **{"archive": "orders", name: value})
    assert getattr(operator, name) == value
    if (account, region) == ("123456789012", REGION):
        boto3.client("events", region_name=REGION).put_rule(Name="to-queue", EventPattern="{}")
        assert task.run()["state"] == "COMPLETED"
        return
    with pytest.raises(JobInputError, match=r"account and Region|not on the archive's event bus"):
        task.run()
    assert aws.jobs("events") == []
