# SPDX-License-Identifier: Apache-2.0

"""Reads a task's state in a triggerer, for each version of Airflow."""

from __future__ import annotations

from typing import Any

__all__ = ["task_state"]


def task_state(ti: Any) -> str | None:
    """Return a task's state; None if it has none, or if its run or DAG was deleted.

    This asks Airflow and waits for the answer, so do not call it in an event loop's own thread.

    :param ti: the trigger's ``task_instance``.
    """
    try:
        from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance
    except ImportError:
        return _in_database(ti)
    states = RuntimeTaskInstance.get_task_states(
        dag_id=ti.dag_id, task_ids=[ti.task_id], run_ids=[ti.run_id], map_index=ti.map_index
    )
    mapped = ti.map_index is not None and ti.map_index >= 0
    name = f"{ti.task_id}_{ti.map_index}" if mapped else ti.task_id
    state: str | None = states.get(ti.run_id, {}).get(name)
    return state


def _in_database(ti: Any) -> str | None:
    """Return the state from the database, the only source in the triggerer of Airflow 2."""
    from airflow.models.taskinstance import TaskInstance
    from airflow.utils.session import create_session

    with create_session() as session:
        query = session.query(TaskInstance.state).filter_by(
            dag_id=ti.dag_id, task_id=ti.task_id, run_id=ti.run_id, map_index=ti.map_index
        )
        state: str | None = query.scalar()
        return state
