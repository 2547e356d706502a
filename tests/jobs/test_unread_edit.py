# SPDX-License-Identifier: Apache-2.0

"""A DAG file that was edited, and read by a worker before Airflow knows a new version of the DAG by it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from job_cases import AWS

from airflow_provider_jobs.operators._context import dag_version, digest
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator


class Ti:
    dag_version_id = "one"


def written(**fields: Any) -> str:
    """The digest of an operator as Airflow prepares it, before its templates are rendered."""
    given = {"archive": "orders", "event_start_time": "{{ ds }}", "event_end_time": "{{ next_ds }}", **AWS}
    operator = EventBridgeStartReplayOperator(task_id="replay", **{**given, **fields})
    return operator.prepare_for_execution()._written


def test_a_task_that_stands_otherwise_in_its_file_is_another_version() -> None:
    context = {"ti": Ti()}
    old, new = written(), written(event_end_time="{{ ds }}")
    assert dag_version(context, old) == dag_version(context, written())
    assert dag_version(context, old) != dag_version(context, new)


def test_what_is_rendered_later_makes_no_difference() -> None:
    operator = EventBridgeStartReplayOperator(
        task_id="replay", archive="{{ try_number }}", event_start_time="{{ ds }}", **AWS
    ).prepare_for_execution()
    before = operator._written
    operator.archive = "2"
    assert operator._written == before != ""


@pytest.mark.parametrize("value", [object(), {"a": {1, 2}}, b"bytes"])
def test_a_value_that_is_not_plain_tells_no_version(value: object) -> None:
    assert digest({"archive": value}) == ""
    assert dag_version({"ti": Ti()}, digest({"archive": value})) == "one"


def test_dates_are_plain_values() -> None:
    assert digest({"at": date(2026, 1, 1), "for": timedelta(hours=1)}) != ""


def test_where_airflow_has_no_versions_the_task_s_own_tells() -> None:
    class Old:
        pass

    assert dag_version({"ti": Old()}) is None
    assert dag_version({"ti": Old()}, "abc") == "abc"
