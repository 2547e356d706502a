# SPDX-License-Identifier: Apache-2.0

"""What a user does in the UI of an Airflow without login, through the REST API that the UI uses.

https://airflow.apache.org/docs/apache-airflow/stable/stable-rest-api-ref.html
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from typing import Any, Literal, TypeVar
from urllib.parse import quote

import httpx

from airflow_provider_jobs.testing.airflow.process import LocalAirflowError, poll

Row = dict[str, Any]
T = TypeVar("T")

_PAGE = 100
_SOURCE = {"logger", "chan", "filename", "lineno", "loc"}
_IDENTITY = {"dag_id", "run_id", "task_id", "map_index", "try_number", "ti_id"}
_NOT_IN_LINE = {"timestamp", "level", "event", "error_detail"} | _SOURCE | _IDENTITY


class ApiError(LocalAirflowError):
    """The REST API refused a call.

    :param status: the HTTP status
    :param message: method, path and what the API said
    """

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{message} (HTTP {status})")
        self.status = status


class AirflowApi:
    """The REST API v2 of one Airflow. Rows are the API's own; times are aware datetimes.

    :param url: address of the API server
    """

    def __init__(self, url: str) -> None:
        self.url = url
        # A proxy of the environment must not see calls that stay on this machine. A call may take longer than
        # Airflow waits for its database, so that it has time to say so.
        self._client = httpx.Client(base_url=url, timeout=60, trust_env=False)

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(self, method: str, *path: str, **request: Any) -> Any:
        """Call the REST API.

        :param path: the parts of the path below ``/api/v2``, unquoted
        :param request: arguments of ``httpx.Client.request``
        :returns: the decoded answer; None if it is empty
        :raises ApiError: for a status from 400 on
        """
        if "Authorization" not in self._client.headers:
            token = self._client.get("/auth/token").raise_for_status().json()["access_token"]
            self._client.headers["Authorization"] = f"Bearer {token}"
        target = "/api/v2/" + "/".join(quote(part, safe="~") for part in path)
        response = self._client.request(method, target, **request)
        if response.is_error:
            raise ApiError(response.status_code, f"{method} {target}: {response.text}")
        return response.json() if response.content else None

    def _pages(self, key: str, *path: str, **params: Any) -> Iterator[Row]:
        offset, total = 0, 1
        while offset < total:
            page = self.call("GET", *path, params={**params, "limit": _PAGE, "offset": offset})
            yield from page[key]
            offset, total = offset + _PAGE, page["total_entries"]

    # Runs

    def trigger(
        self,
        dag_id: str,
        conf: Row | None = None,
        logical_date: datetime | Literal["now"] | None = None,
        *,
        partition_key: str | None = None,
    ) -> str:
        """Start a run, as soon as the DAG is known.

        :param conf: the run's configuration
        :param logical_date: without one, the run has no data interval; ``"now"``, which the UI's form has in
            it for a DAG without partitions, gives it the interval of the schedule's last period
        :param partition_key: the key of the partition that the run is for, of a DAG that has partitions
        :returns: the run's id
        """
        self.wait_dag(dag_id)
        date = datetime.now(UTC) if logical_date == "now" else logical_date
        body = {"conf": conf or {}, "logical_date": date and date.isoformat()}
        if partition_key is not None:
            body["partition_key"] = partition_key
        return str(self.call("POST", "dags", dag_id, "dagRuns", json=body)["dag_run_id"])

    def backfill(
        self,
        dag_id: str,
        start: datetime,
        end: datetime,
        *,
        max_active_runs: int = 10,
        reprocess: Literal["none", "failed", "completed"] = "none",
    ) -> int:
        """Create a backfill, as soon as the DAG is known and no other backfill of it is active.

        :param start: the first logical date, or date of a partition, whose time of day Airflow reads in the
            timetable's time zone
        :param end: the last one, included
        :param max_active_runs: how many of its runs are active at once
        :param reprocess: which of the runs that exist already run again
        :returns: the backfill's id
        """
        self.wait_dag(dag_id)
        body = {
            "dag_id": dag_id,
            "from_date": start.isoformat(),
            "to_date": end.isoformat(),
            "max_active_runs": max_active_runs,
            "reprocess_behavior": reprocess,
        }

        def create() -> Row | None:
            earlier = self._pages("backfills", "backfills", dag_id=dag_id)
            if not all(backfill["completed_at"] for backfill in earlier):
                return None  # the scheduler looks every half minute whether one has ended
            # With SQLite, Airflow answers 503 while another component writes.
            with self._alone():
                row: Row = self.call("POST", "backfills", json=body)
            return row

        return int(self.wait_for(create, timeout=120, what=f"the backfill of {dag_id}")["id"])

    def _alone(self) -> AbstractContextManager[object]:
        """Keep whatever else writes to the database from doing so, where that is known."""
        return nullcontext()

    def runs(self, dag_id: str) -> list[Row]:
        """All runs of a DAG, oldest first."""
        return list(self._pages("dag_runs", "dags", dag_id, "dagRuns", order_by="id"))

    # Task instances

    def task_instances(self, dag_id: str, run_id: str = "~", **filters: Any) -> list[Row]:
        """The task instances of a run, or of all runs.

        :param filters: query parameters of the API, e.g. ``state="deferred"``
        """
        path = ("dags", dag_id, "dagRuns", run_id, "taskInstances")
        return list(self._pages("task_instances", *path, **filters))

    def task(self, dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> Row:
        """One task instance."""
        row: Row = self.call("GET", *_task_path(dag_id, run_id, task_id, map_index))
        return row

    def set_task_state(
        self, dag_id: str, run_id: str, task_id: str, state: Literal["failed", "success"], map_index: int = -1
    ) -> None:
        """Mark a task instance, whatever it is doing, as the UI's "Mark as …" does."""
        path = _task_path(dag_id, run_id, task_id, map_index)
        self.call("PATCH", *path, json={"new_state": state})

    def clear(
        self,
        dag_id: str,
        run_id: str,
        task_ids: Sequence[str | tuple[str, int]],
        *,
        include_downstream: bool = True,
        **options: bool,
    ) -> list[Row]:
        """Clear task instances, as the UI's "Clear" does, whatever they are doing.

        :param task_ids: task ids, or pairs of task id and map index
        :param include_downstream: their downstream tasks too, which the UI has ticked
        :param options: the API's further options, e.g. ``only_failed``
        :returns: the task instances cleared
        """
        body = {
            "dry_run": False,
            "only_failed": False,
            "reset_dag_runs": True,
            "dag_run_id": run_id,
            "task_ids": list(task_ids),
            "include_downstream": include_downstream,
            **options,
        }
        cleared = self.call("POST", "dags", dag_id, "clearTaskInstances", json=body)
        return list(cleared["task_instances"])

    def xcom(
        self, dag_id: str, run_id: str, task_id: str, key: str = "return_value", map_index: int = -1
    ) -> Any:
        """A task's XCom value, in its JSON form.

        :raises ApiError: with status 404 if there is none
        """
        path = (*_task_path(dag_id, run_id, task_id), "xcomEntries", key)
        return self.call("GET", *path, params={"map_index": map_index})["value"]

    def log(
        self, dag_id: str, run_id: str, task_id: str, try_number: int | None = None, map_index: int = -1
    ) -> str:
        """The text of the log view, a line per entry and per line of a traceback.

        :param try_number: from 1; the latest try if not given
        :returns: an empty text if the task has not started
        """
        if try_number is None:
            try_number = self.task(dag_id, run_id, task_id, map_index)["try_number"]
        if not try_number:
            return ""
        path = (*_task_path(dag_id, run_id, task_id), "logs", str(try_number))
        params = {"map_index": map_index, "full_content": True}
        page = self.call("GET", *path, params=params, headers={"Accept": "application/json"})
        return "\n".join(log_line(entry) for entry in page["content"])

    # Waiting

    def wait_for(self, predicate: Callable[[], T | None], *, timeout: float = 60, what: str) -> T:
        """Poll until the result is truthy, and return it. An API that does not answer counts as "not yet".

        :param predicate: called every quarter of a second, or less often if it takes longer itself
        :param timeout: seconds
        :param what: what is waited for, for the message
        :raises LocalAirflowError: at the deadline, with what is known of the cause
        """
        trouble: list[Exception] = []

        def attempt() -> T | None:
            self._check(what)
            try:
                return predicate()
            except httpx.HTTPError as error:
                trouble[:] = [error]
            except ApiError as error:
                if error.status < 500:
                    raise
                trouble[:] = [error]
            return None

        if result := poll(attempt, timeout):
            return result
        causes = [*map(repr, trouble), self._diagnosis()]
        raise LocalAirflowError("\n".join([f"Waited {timeout:g} s in vain for {what}.", *causes]))

    def wait_dag(self, dag_id: str, timeout: float = 60) -> Row:
        """Wait until the DAG processor has read a DAG, and return its row.

        :param timeout: seconds
        :raises LocalAirflowError: at the deadline, with all import errors
        """

        def known() -> Row | None:
            try:
                row: Row = self.call("GET", "dags", dag_id)
            except ApiError as error:
                if error.status != 404:
                    raise
                return None
            return row

        try:
            return self.wait_for(known, timeout=timeout, what=f"DAG {dag_id}")
        except LocalAirflowError as error:
            for row in self._pages("import_errors", "importErrors"):
                error.add_note(f"{row['filename']}: {row['stack_trace']}")
            raise

    def wait_run(
        self, dag_id: str, run_id: str, states: Collection[str] = ("success",), timeout: float = 120
    ) -> Row:
        """Wait until a run is in one of the states, and return its row.

        :param timeout: seconds
        :raises LocalAirflowError: at the deadline, or at once if the run ended in another state; with
            the last lines of its tasks' logs
        """

        def reached() -> Row | None:
            row: Row = self.call("GET", "dags", dag_id, "dagRuns", run_id)
            if row["state"] in states:
                return row
            if row["state"] in ("success", "failed"):
                ending = f"Run {run_id} of {dag_id} ended: {row['state']}."
                raise LocalAirflowError(f"{ending}\n{self._story(dag_id, run_id)}")
            return None

        return self.wait_for(reached, timeout=timeout, what=f"run {run_id} of {dag_id}: {', '.join(states)}")

    def _story(self, dag_id: str, run_id: str) -> str:
        lines = []
        for task in self.task_instances(dag_id, run_id):
            lines.append(f"--- {task['task_id']}[{task['map_index']}]: {task['state']}")
            log = self.log(dag_id, run_id, task["task_id"], task["try_number"], task["map_index"])
            lines += log.splitlines()[-25:]
        return "\n".join(lines)

    def _check(self, what: str) -> None:
        """Raise if waiting for ``what`` has become pointless."""

    def _diagnosis(self) -> str:
        """What may explain a wait in vain."""
        return ""


def _task_path(dag_id: str, run_id: str, task_id: str, map_index: int = -1) -> tuple[str, ...]:
    path = ("dags", dag_id, "dagRuns", run_id, "taskInstances", task_id)
    return path if map_index < 0 else (*path, str(map_index))


def log_line(entry: Row | str) -> str:
    """Time, level, event, what else it carries; then the exceptions, each with its frames.

    Left out is what the log view hides (the source) or shows once (the task's identity).
    """
    if isinstance(entry, str):
        return entry
    parts = [entry.get("timestamp"), str(entry.get("level") or "").upper(), entry["event"]]
    parts += [f"{key}={value}" for key, value in entry.items() if key not in _NOT_IN_LINE]
    lines = [" ".join(part for part in parts if part)]
    for error in entry.get("error_detail") or ():
        lines.append(f"{error['exc_type']}: {error['exc_value']}")
        lines += [f'  File "{f["filename"]}", line {f["lineno"]}, in {f["name"]}' for f in error["frames"]]
    return "\n".join(lines)
