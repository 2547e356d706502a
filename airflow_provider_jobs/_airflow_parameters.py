# SPDX-License-Identifier: Apache-2.0

"""The parameters of Airflow's base classes, for type checkers and editors.

Airflow's operators pass them on as ``**kwargs``, which a type checker cannot check. Operators and sensors
name them as ``**kwargs: Unpack[...]``, so a type checker finds a misspelt name or a wrong type before
Airflow parses the DAG file. Nothing depends on these classes at run time: the installed Airflow decides
which parameters it accepts, and rejects those of a later Airflow.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, MutableMapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, Required, TypeAlias, TypedDict

if TYPE_CHECKING:
    from datetime import datetime, timedelta

    from airflow.providers.common.compat.sdk import DAG, TaskGroup
    from airflow.sdk import RetryPolicy
    from airflow.sdk.types import WeightRuleParam

__all__ = ["Callback", "SensorParameters", "TaskParameters"]

#: A function that is called with the task's context.
Callback: TypeAlias = Callable[[Any], Any]


class TaskParameters(TypedDict, total=False):
    """The parameters of Airflow's ``BaseOperator``, from 2.11 to 3.3."""

    task_id: Required[str]
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: timedelta | float
    retry_exponential_backoff: float
    max_retry_delay: timedelta | float | None
    #: From Airflow 3.3.
    retry_policy: RetryPolicy | None
    start_date: datetime | None
    end_date: datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    dag: DAG | None
    params: MutableMapping[str, Any] | None
    default_args: dict[str, Any] | None
    priority_weight: int
    weight_rule: WeightRuleParam
    queue: str
    pool: str | None
    pool_slots: int
    sla: timedelta | None
    execution_timeout: timedelta | None
    on_execute_callback: Callback | Collection[Callback] | None
    on_failure_callback: Callback | list[Callback] | None
    on_success_callback: Callback | Collection[Callback] | None
    on_retry_callback: Callback | list[Callback] | None
    on_skipped_callback: Callback | Collection[Callback] | None
    pre_execute: Callback | None
    post_execute: Callable[[Any, Any], Any] | None
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    multiple_outputs: bool
    inlets: Any
    outlets: Any
    task_group: TaskGroup | None
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    #: From Airflow 3.3.
    render_template_as_native_obj: bool | None


class SensorParameters(TaskParameters, total=False):
    """The parameters of Airflow's ``BaseSensorOperator``, from 2.11 to 3.3."""

    poke_interval: timedelta | float
    timeout: timedelta | float | None
    soft_fail: bool
    mode: Literal["poke", "reschedule"]
    exponential_backoff: bool
    max_wait: timedelta | float | None
    silent_fail: bool
    never_fail: bool
