# SPDX-License-Identifier: Apache-2.0

"""A task of a team, whose own connections the triggerer does not see; for every job type."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from job_cases import JobCase
from metrics_sent import metrics_sent
from one_task import OneTask

from airflow_provider_jobs.testing import AwsJobs

MakeTask = Callable[..., OneTask]


class OfTeam(OneTask):
    """A task whose Airflow tells its team."""

    team: str | None = "shop"

    def context(self, operator: Any) -> Any:
        """Return its context."""
        context = super().context(operator)
        context["ti"].stats_tags = {"dag_id": "orders", **({"team_name": self.team} if self.team else {})}
        return context


@pytest.fixture
def connection(monkeypatch: pytest.MonkeyPatch) -> str:
    """A connection, which the team may have to itself."""
    monkeypatch.setenv("AIRFLOW_CONN_SHOP", "aws://")
    return "shop"


def test_a_task_of_a_team_waits_on_its_worker(
    aws: AwsJobs, case: JobCase, connection: str, logged: Callable[[], str]
) -> None:
    task = OfTeam(lambda: case.operator(deferrable=True, aws_conn_id=connection))
    result = task.begin()
    assert task.deferred is None
    assert case.job_id(result) == aws.jobs(case.service)[0]["id"]
    assert "does not see connections that belong to a team" in logged()


@pytest.mark.parametrize("team", ["shop", None])
def test_its_counters_tell_the_team(case: JobCase, connection: str, team: str | None) -> None:
    """Those that a worker sends; a triggerer does not know it."""
    task = OfTeam(lambda: case.operator(aws_conn_id=connection))
    task.team = team
    with metrics_sent() as sent:
        task.begin()
    of_team = {"team_name": team} if team else {}
    assert sent.number("job_started", service=case.service, **of_team) == 1
    assert (sent.number("job_started", team_name="shop") == 1) == bool(team)


def test_so_does_a_sensor(aws: AwsJobs, case: JobCase, make_sync: MakeTask, connection: str) -> None:
    aws.set_pace(reads=4)
    make_sync(wait_for_completion=False).run()
    (job,) = aws.jobs(case.service)
    task = OfTeam(lambda: case.sensor(job["id"], deferrable=True, aws_conn_id=connection))
    assert task.begin()["state"] == case.succeeded
    assert task.deferred is None


@pytest.mark.parametrize(("team", "connection_id"), [("shop", None), (None, "shop")])
def test_without_a_team_or_a_connection_it_defers(
    aws: AwsJobs, case: JobCase, connection: str, team: str | None, connection_id: str | None
) -> None:
    task = OfTeam(lambda: case.operator(deferrable=True, aws_conn_id=connection_id))
    task.team = team
    task.begin()
    assert task.deferred is not None
    assert case.job_id(task.resume(task.fire())) == aws.jobs(case.service)[0]["id"]
