# SPDX-License-Identifier: Apache-2.0

"""Retry a replay for some errors and not for others."""

from __future__ import annotations

from datetime import datetime, timedelta

from airflow.sdk import DAG, CronDataIntervalTimetable, ExceptionRetryPolicy, RetryAction, RetryRule

from airflow_provider_jobs.exceptions import JobApiError, JobFailedError, JobNotFoundError
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

by_error = ExceptionRetryPolicy(
    rules=[
        # A retry would start another replay of the whole window.
        RetryRule(JobFailedError, RetryAction.FAIL, reason="The replay failed."),
        # The archive does not exist, or AWS does not show the replay any more.
        RetryRule(JobNotFoundError, RetryAction.FAIL, reason="AWS does not know it."),
        # AWS refused a call or did not answer. The retry finds the replay, if one was started.
        RetryRule(
            JobApiError,
            RetryAction.RETRY,
            retry_delay=timedelta(minutes=10),
            reason="The call to AWS failed.",
        ),
    ]
)

with DAG(
    "retries_by_error",
    start_date=datetime(2026, 1, 1),
    schedule=CronDataIntervalTimetable("@daily", timezone="UTC"),
    catchup=False,
):
    EventBridgeStartReplayOperator(
        task_id="replay",
        archive="orders",
        deferrable=True,
        retries=3,
        retry_delay=timedelta(seconds=10),
        retry_policy=by_error,
    )
