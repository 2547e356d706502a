# SPDX-License-Identifier: Apache-2.0

"""Operators whose templates are rendered as Airflow renders them."""

from __future__ import annotations

from typing import Any

from airflow.providers.common.compat.sdk import DAG
from job_cases import AWS

from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator

#: What a start of Lookout for Equipment has to be given.
INGEST = {"dataset_name": "pumps", "bucket": "plant", "role_arn": "arn:aws:iam::123456789012:role/reader"}


def rendered(operator: type[Any], native: bool, given: dict[str, Any]) -> Any:
    """An operator of a DAG with native rendering, rendered."""
    with DAG("orders", schedule=None, render_template_as_native_obj=native):
        made = operator(task_id="it", **given, **AWS)
    made.render_template_fields(
        {"x": "20260131", "y": "2026_01", "f": "1.10", "yes": True, "list": ["a", "b"]}
    )
    return made


def mapped(native: bool, given: dict[str, Any], **each: list[Any]) -> Any:
    """The first of mapped starts, rendered as Airflow renders it."""
    with DAG("orders", schedule=None, render_template_as_native_obj=native) as dag:
        task = EventBridgeStartReplayOperator.partial(task_id="it", **given, **AWS).expand(**each)
    one = task.unmap({name: values[0] for name, values in each.items()})
    names: Any = {"y": "2026_01", "f": "1.10"}
    one._do_render_template_fields(one, one.template_fields, names, dag.get_template_env(), set())
    return one
