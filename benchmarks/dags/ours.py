# SPDX-License-Identifier: Apache-2.0

"""Replays, by this package."""

from __future__ import annotations

import os

from airflow.sdk import DAG
from task_cpu import note

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

for dag_id, count in (("ours_first", 1), ("ours", int(os.environ["BENCHMARK_JOBS"]))):
    with DAG(dag_id, schedule=None, default_args={"on_execute_callback": note}):
        EventBridgeStartReplayOperator.partial(
            task_id="job",
            archive="orders",
            event_end_time="2026-01-02T00:00:00+00:00",
            deferrable=True,
            poll_interval=float(os.environ["BENCHMARK_INTERVAL"]),
        ).expand(event_start_time=[f"2026-01-01T{n // 60:02}:{n % 60:02}:00+00:00" for n in range(count)])
