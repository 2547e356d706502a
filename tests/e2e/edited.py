# SPDX-License-Identifier: Apache-2.0

"""Runs of the DAGs of ``dags/edited.py``, side by side, and the edits of that file."""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import job_targets
from job_targets import Clients

from airflow_provider_jobs.testing.airflow.api import Row
from airflow_provider_jobs.testing.server import AwsJobsServer

from .job_types import TASKS, clients


def _year(seconds: float) -> int:
    return datetime.fromtimestamp(seconds, UTC).year


#: Reads off a job which year's data it was asked for.
YEAR: dict[str, Callable[[Row], int]] = {
    "events": lambda job: _year(job["event_start_time"]),
    "lookoutequipment": lambda job: int(job["prefix"][:4]),
    "iotanalytics": lambda job: _year(job["start_time"]),
    "datapipeline": lambda job: int(job["parameters"]["myYear"]),
}


class DagFile:
    """The file with the DAGs, in the folder that Airflow reads.

    :param folder: that folder
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "edited.py"

    @contextmanager
    def restored(self) -> Iterator[DagFile]:
        """Have the file as it was, at the end."""
        before = self._path.read_text()
        try:
            yield self
        finally:
            self._write(before)

    def edit(self, dag_id: str, **changes: int) -> None:
        """Write other values into a DAG's line."""
        found = re.search(rf'(?m)^    "{dag_id}": (\{{.*\}}),$', text := self._path.read_text())
        assert found is not None
        now = {**ast.literal_eval(found[1]), **changes}
        self._write(f"{text[: found.start(1)]}{now}{text[found.end(1) :]}")

    def _write(self, text: str) -> None:
        """Write it at once: a worker may read it meanwhile."""
        draft = self._path.with_suffix(".draft")
        draft.write_text(text)
        os.replace(draft, self._path)


def prepare_data(aws: AwsJobsServer) -> None:
    """Put into an empty AWS what there is to ingest and to reprocess, of both years."""
    of_service = clients(aws.url)
    job_targets.sensor_data(of_service)
    job_targets.channel(of_service)
    source = {"Bucket": "plant", "Key": "2026/pump/0.csv"}
    of_service("s3").copy_object(Bucket="plant", Key="2025/pump/0.csv", CopySource=source)


def prepare(aws: AwsJobsServer, dag_id: str, ways: tuple[str, ...]) -> dict[str, str]:
    """Make what a run's jobs are started on, of its own; returns it by task, for the run's conf."""
    of_service = clients(aws.url)

    def target(task: str) -> str:
        name = f"{dag_id}_{task}"
        if TASKS[task].name == "datapipeline":
            return _load(of_service, name)
        return TASKS[task].target(of_service, name)

    return {task: target(task) for task in TASKS if task.endswith(ways)}


def _load(of_service: Clients, name: str) -> str:
    return job_targets.load(of_service, name, "myYear")
