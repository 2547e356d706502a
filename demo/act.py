# SPDX-License-Identifier: Apache-2.0

"""What an act of the demo has to provide."""

from __future__ import annotations

import json
import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

import boto3
from botocore.config import Config

from airflow_provider_jobs.testing import AwsJobsServer
from airflow_provider_jobs.testing.airflow.api import AirflowApi, Row
from demo.tally import Window

REGION = "us-east-1"
ACCOUNT = "123456789012"  # moto's own
#: Lines of a task's log that are shown.
_SAMPLE = 6


class Aws:
    """The simulated AWS.

    :param server: the moto server, started
    """

    def __init__(self, server: AwsJobsServer) -> None:
        self.server = server
        self._clients: dict[str, Any] = {}

    def client(self, service: str) -> Any:
        """Return a client of the moto server, whatever AWS settings this machine has."""
        if service not in self._clients:
            self._clients[service] = self._new_client(service)
        return self._clients[service]

    def _new_client(self, service: str) -> Any:
        return boto3.client(
            service,  # type: ignore[call-overload] # any service
            region_name=REGION,
            endpoint_url=self.server.url,
            aws_access_key_id="simulated",
            aws_secret_access_key="simulated",
            config=Config(retries={"mode": "standard"}),
        )

    def connection(self) -> str:
        """Return the Airflow connection to the moto server, as JSON."""
        extra = {"region_name": REGION, "endpoint_url": self.server.url}
        return json.dumps({"conn_type": "aws", "login": "simulated", "password": "simulated", "extra": extra})


@dataclass(frozen=True)
class Backfill:
    """Runs to be made.

    :param dag_id: a DAG of ``example_dags``
    :param first: the first run's logical date, aware
    :param last: the last run's logical date, included
    :param max_active_runs: how many of them are active at once
    :param reprocess: which of the runs that exist already run again
    """

    dag_id: str
    first: datetime
    last: datetime
    max_active_runs: int = 10
    reprocess: Literal["none", "failed", "completed"] = "none"

    def __str__(self) -> str:
        """The DAG and its days, or the hours of a day."""
        day, hour = "%Y-%m-%d", "%H:%M"
        form = f"{day} {hour}" if self.last - self.first < timedelta(days=1) else day
        end = hour if form != day else day
        how = "" if self.reprocess == "none" else f", reprocess={self.reprocess}"
        return f"{self.dag_id}, {self.first:{form}} to {self.last:{end}}{how}"


@dataclass(frozen=True)
class Progress:
    """How far the AWS job of a run is.

    :param fraction: 0.0 to 1.0
    :param note: what has come of it so far, in a few words
    """

    fraction: float = 0.0
    note: str = ""


@dataclass(frozen=True)
class Outcome:
    """What an act's check has found.

    :param columns: headings of the table
    :param rows: of the table; the last one is the total
    :param totals: the result in one line
    :param problems: what is wrong, a sentence each; none if the act has succeeded
    :param counts: what matters most, by its name: how many were expected, and how many were counted
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[str | int]]
    totals: str
    problems: Sequence[str] = field(default=())
    counts: Mapping[str, tuple[int, int]] = field(kw_only=True)


class Act(ABC):
    """A part of the demo: resources in AWS, DAGs that run on them, and a check of what came of it."""

    #: What happens, in a line.
    title: str
    #: The same in a word or three.
    name: str
    #: The runs, all started at once. What these bring about by assets is the act's own to find, and so is
    #: what it starts later on.
    backfills: Sequence[Backfill]

    @abstractmethod
    def seed(self, aws: Aws) -> str:
        """Create what the DAGs need in AWS; return what that is, in a line."""

    def runs(self, airflow: AirflowApi) -> Sequence[Row]:
        """Return the act's runs so far, a DAG's oldest first; called several times a second."""
        return [run for each in self.backfills for run in airflow.runs(each.dag_id)]

    def go_on(self, aws: Aws, airflow: AirflowApi, runs: Sequence[Row]) -> None:  # noqa: B027 # few acts need it
        """Do what follows on what has happened so far; called several times a second."""

    def complete(self, runs: Sequence[Row]) -> bool:
        """Whether no run is still to come, once these have ended."""
        return True

    def expected(self, run: Row) -> str:
        """Return the state in which a run is to end."""
        return "success"

    def label(self, run: Row) -> str:
        """Name a run in a few words, unlike all others of the act."""
        # Airflow names a run after the end of its data interval; a reader thinks of its start.
        bounds = [run[f"data_interval_{bound}"] for bound in ("start", "end")]
        return str(Window(*map(datetime.fromisoformat, bounds)) if all(bounds) else run["dag_run_id"])

    def prepare(self, airflow: AirflowApi) -> None:  # noqa: B027 # few acts need it
        """Create what the DAGs need in Airflow besides themselves."""

    def log_lines(self, airflow: AirflowApi, run: Row, task_id: str, pattern: str) -> Sequence[str]:
        """Return the last lines of a task's log whose level and text match a regular expression."""
        log = airflow.log(run["dag_id"], run["dag_run_id"], task_id).splitlines()
        return [line for line in log if re.match(rf"\S+ ({pattern})", line)][-_SAMPLE:]

    @abstractmethod
    def progress(self, aws: Aws, runs: Sequence[Row]) -> Sequence[Progress]:
        """Return how far the jobs of these runs are, run by run; called several times a second."""

    @abstractmethod
    def check(self, aws: Aws) -> Outcome:
        """Compare what AWS did with what it should have done; called once all runs have ended."""

    @abstractmethod
    def sample(self, airflow: AirflowApi, runs: Sequence[Row]) -> Sequence[str]:
        """Return a heading and lines of one task's log, as an Airflow user sees them."""
