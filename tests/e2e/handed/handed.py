# SPDX-License-Identifier: Apache-2.0

"""DAGs as a new user writes them: a job goes on to the next task by the start's output."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG

from airflow_provider_jobs.operators.eventbridge import (
    EventBridgeCancelReplayOperator,
    EventBridgeStartReplayOperator,
)
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor
from airflow_provider_jobs.windows import split_window

with DAG("mapped", schedule=None, start_date=datetime(2026, 1, 1)):
    windows = split_window("2026-01-01T00:00:00+00:00", "2026-01-03T00:00:00+00:00", timedelta(days=1))
    starts = EventBridgeStartReplayOperator.partial(
        task_id="start", archive="orders", wait_for_completion=False
    ).expand_kwargs(windows)
    EventBridgeReplaySensor.partial(task_id="wait", deferrable=True).expand(replay_name=starts.output)

with DAG("native", schedule=None, start_date=datetime(2026, 1, 1), render_template_as_native_obj=True):
    EventBridgeStartReplayOperator(
        task_id="start",
        archive="{{ dag_run.conf['archive'] }}",
        replay_name="{{ dag_run.conf['name'] }}",
        rule_arns="{{ dag_run.conf['rules'] }}",
        event_start_time="{{ dag_run.conf['since'] }}",
        event_end_time="2026-01-02T00:00:00Z",
        wait_for_completion=False,
    )

with DAG("nothing_to_cancel", schedule=None, start_date=datetime(2026, 1, 1)):
    start = EventBridgeStartReplayOperator(
        task_id="start",
        archive="{{ 'no archive' }}",
        event_start_time="2026-01-01T00:00:00Z",
        event_end_time="2026-01-02T00:00:00Z",
    )
    by_id = EventBridgeCancelReplayOperator(
        task_id="by_id", replay_name=start.output["replay_name"], trigger_rule="all_done"
    )
    by_result = EventBridgeCancelReplayOperator(
        task_id="by_result", replay_name=start.output, trigger_rule="all_done"
    )
