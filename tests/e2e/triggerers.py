# SPDX-License-Identifier: Apache-2.0

"""The two triggerers of an Airflow: of them a test lets one work, or both."""

from __future__ import annotations

import signal
from collections.abc import Iterable
from datetime import UTC, datetime

from airflow_provider_jobs.testing.airflow.api import Row
from airflow_provider_jobs.testing.local_airflow import LocalAirflow

FIRST, SECOND = "triggerer", "triggerer.2"


class Triggerers:
    """Those of an Airflow.

    :param airflow: runs, with one triggerer
    """

    def __init__(self, airflow: LocalAirflow) -> None:
        self._airflow = airflow
        self._held: set[str] = set()
        now = datetime.now(UTC)
        (first,) = airflow.wait_for(lambda: self._alive(now), what=f"a heartbeat of {FIRST}")
        #: What the database calls them, by name.
        self.ids = {FIRST: first}

    def only(self, name: str) -> None:
        """Let this one work and hold the other still, which takes nothing up then."""
        for other in {FIRST, SECOND} - {name}:
            if other in self._airflow.components():
                self.hold(other)
        self.work(name)

    def hold(self, name: str) -> None:
        """Let a triggerer do nothing, not even send heartbeats."""
        self._airflow.kill(name, signal.SIGSTOP, children=True)
        self._held.add(name)

    def work(self, *names: str) -> None:
        """Start those that do not run, let go on those that are held, and wait for their heartbeats."""
        for name in names:
            self._work(name, datetime.now(UTC))

    def _work(self, name: str, now: datetime) -> None:
        if name not in self._airflow.components():
            known = self._alive()
            self._airflow.start_component(name)
            (self.ids[name],) = self._airflow.wait_for(lambda: self._alive() - known, what=f"{name} to start")
        elif name in self._held:
            self._airflow.kill(name, signal.SIGCONT, children=True)
        self._held.discard(name)
        self._airflow.wait_for(lambda: self.ids[name] in self._alive(now), what=f"a heartbeat of {name}")

    def holders(self, rows: Iterable[Row]) -> set[int | None]:
        """Which triggerers have the waits of these task instances."""
        return {row["triggerer_job"] and row["triggerer_job"]["id"] for row in rows}

    def log(self, name: str) -> str:
        """What it has printed."""
        return self._airflow.component_log(name)

    def _alive(self, since: datetime | None = None) -> set[int]:
        """Those that have sent a heartbeat, since then if that is given."""
        jobs = self._airflow.call("GET", "jobs", params={"job_type": "TriggererJob", "limit": 100})["jobs"]
        return {
            job["id"]
            for job in jobs
            if since is None or datetime.fromisoformat(job["latest_heartbeat"]) > since
        }
