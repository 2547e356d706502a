# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import os
import signal
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from airflow_provider_jobs.testing.local_airflow import ApiError, LocalAirflow, LocalAirflowError

pytestmark = [pytest.mark.e2e, pytest.mark.postgres, pytest.mark.extended]

DAGS = Path(__file__).parent / "dags"


@pytest.fixture
def af(airflow: LocalAirflow) -> LocalAirflow:
    """The shared Airflow."""
    return airflow


def defer(af: LocalAirflow, seconds: int) -> str:
    run = af.trigger("waits", {"seconds": seconds})
    af.wait_for(lambda: af.task("waits", run, "wait")["state"] == "deferred", what="a deferred task")
    return run


def live(pids: set[int]) -> set[int]:
    """Those that run; the dead whose parent has not asked for their exit code do not."""
    found = set()
    for pid in pids:
        with suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                found.add(pid)
    return found


def test_run_xcom_and_log(af: LocalAirflow) -> None:
    assert set(af.components()) == {"api-server", "scheduler", "triggerer", "dag-processor"}
    run = af.trigger("daily", {"a": 1}, logical_date=datetime(2024, 5, 1, tzinfo=UTC))

    row = af.wait_run("daily", run)

    assert row["logical_date"] == "2024-05-01T00:00:00Z"
    assert af.xcom("daily", run, "one") == {"conf": {"a": 1}}
    assert "INFO Hello world, 100%" in af.log("daily", run, "one")
    assert "INFO Hello b, 100%" in af.log("daily", run, "many", map_index=1)
    assert af.task("daily", run, "many", map_index=1)["state"] == "success"
    assert len(af.task_instances("daily", run)) == 3
    with pytest.raises(ApiError, match="404") as caught:
        af.xcom("daily", run, "one", key="absent")
    assert caught.value.status == 404


def test_a_run_as_the_ui_triggers_it_has_the_last_periods_interval(af: LocalAirflow) -> None:
    day = timedelta(days=1)
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    run = af.trigger("spans", logical_date="now")
    row = af.wait_run("spans", run)
    # It may have become the next day since.
    periods = [[(end - day).isoformat(), end.isoformat()] for end in (midnight, midnight + day)]
    assert row["run_type"] == "manual"
    assert af.xcom("spans", run, "span") in periods

    run = af.trigger("spans")
    assert af.wait_run("spans", run)["logical_date"] is None
    assert af.xcom("spans", run, "span") == ["None", "None"]


CHAIN = """
from airflow.sdk import DAG, Asset, task

with DAG("first", schedule=None):

    @task(outlets=[Asset("first_done")])
    def one():
        pass

    one()

with DAG("second", schedule=Asset("first_done")):

    @task
    def two(triggering_asset_events=None):
        return [event.source_run_id for event in triggering_asset_events[Asset("first_done")]]

    two()
"""


def test_with_schedules_an_asset_starts_the_next_dag(tmp_path: Path) -> None:
    (tmp_path / "chain.py").write_text(CHAIN)
    with LocalAirflow(tmp_path, schedules=True) as airflow:
        airflow.wait_dag("second")
        run = airflow.trigger("first")
        (followed,) = airflow.wait_for(lambda: airflow.runs("second"), what="a run that the asset starts")
        airflow.wait_run("second", followed["dag_run_id"])
        assert followed["run_type"] == "asset_triggered"
        assert airflow.xcom("second", followed["dag_run_id"], "two") == [run]


def test_schedule_starts_nothing_and_backfill_its_days(af: LocalAirflow) -> None:
    backfill = af.backfill("daily", datetime(2024, 3, 1, tzinfo=UTC), datetime(2024, 3, 3, tzinfo=UTC))

    def runs() -> list[str]:
        return [row["dag_run_id"] for row in af.runs("daily") if row["run_type"] == "backfill"]

    af.wait_for(lambda: len(runs()) == 3, what="three runs")
    for run in runs():
        af.wait_run("daily", run)
    assert backfill > 0
    assert {row["run_type"] for row in af.runs("daily")} <= {"backfill", "manual"}
    assert [row["logical_date"][:10] for row in af.runs("daily") if row["run_type"] == "backfill"] == [
        "2024-03-01",
        "2024-03-02",
        "2024-03-03",
    ]


def test_failure_tells_why_at_once(af: LocalAirflow) -> None:
    run = af.trigger("fails")

    with pytest.raises(LocalAirflowError, match=r"ended: failed[\s\S]*ValueError: no good[\s\S]*in fail"):
        af.wait_run("fails", run)


def test_wait_in_vain_shows_the_components_logs(af: LocalAirflow) -> None:
    with pytest.raises(
        LocalAirflowError,
        match=r"Waited 0\.3 s in vain for rain\.[\s\S]*schedules=False[\s\S]*scheduler\.log",
    ):
        af.wait_for(lambda: False, timeout=0.3, what="rain")


def test_deferred_task_is_marked_cleared_and_resumed(af: LocalAirflow) -> None:
    run = defer(af, 4)

    af.set_task_state("waits", run, "wait", "failed")
    af.wait_run("waits", run, {"failed"})
    cleared = af.clear("waits", run, ["wait"])

    assert [row["task_id"] for row in cleared] == ["wait"]
    af.wait_run("waits", run)
    assert af.task("waits", run, "wait")["try_number"] == 2
    assert af.xcom("waits", run, "wait") == "waited"
    assert "The wait is over" in af.log("waits", run, "wait")
    assert "The wait is over" not in af.log("waits", run, "wait", try_number=1)


def test_wait_survives_its_triggerer(af: LocalAirflow) -> None:
    run = defer(af, 20)

    with pytest.raises(LocalAirflowError, match="triggerer is running"):
        af.start_component("triggerer")
    before = af.components()["triggerer"]
    af.kill("triggerer", signal.SIGKILL)
    assert "triggerer" not in af.components()
    assert live({before}) == set()
    assert af.task("waits", run, "wait")["state"] == "deferred"
    assert af.start_component("triggerer") == af.components()["triggerer"] != before

    af.wait_run("waits", run)
    assert af.task("waits", run, "wait")["try_number"] == 1


def test_lost_worker_is_noticed(af: LocalAirflow) -> None:
    run = af.trigger("sleeps")
    (worker,) = af.wait_for(lambda: af.workers("sleeps"), what="a worker")
    assert af.worker_pids("sleeps") == [worker.supervisor, worker.pid]
    assert worker.task["dag_run_id"] == run

    for pid in af.worker_pids("sleeps"):
        os.kill(pid, signal.SIGKILL)

    def second_try() -> bool:
        row = af.task("sleeps", run, "nap")
        return bool(row["try_number"] == 2 and row["state"] == "running")

    af.wait_for(second_try, what="a second try")
    af.set_task_state("sleeps", run, "nap", "success")
    af.wait_for(lambda: not af.worker_pids("sleeps"), what="the end of the second try")


def test_api_server_restarts(af: LocalAirflow) -> None:
    af.kill("api-server")

    af.start_component("api-server")

    assert isinstance(af.runs("daily"), list)


def test_nothing_is_left_after_a_crash() -> None:
    seen: set[int] = set()

    def crash(af: LocalAirflow) -> None:
        af.trigger("sleeps")
        (worker,) = af.wait_for(af.workers, what="a worker")
        for component in af.components().values():
            seen.add(component)
            seen.update(process.pid for process in psutil.Process(component).children(recursive=True))
        assert worker.pid in seen
        assert (af.home / "airflow.cfg").stat().st_mode & 0o077 == 0
        # An orphan in a process group of its own, and a component that nobody asked to end.
        assert worker.supervisor
        os.kill(worker.supervisor, signal.SIGKILL)
        os.kill(af.components()["triggerer"], signal.SIGKILL)
        af.wait_for(lambda: False, what="rain")

    with LocalAirflow(DAGS) as airflow:
        with pytest.raises(LocalAirflowError, match="triggerer ended while waiting for rain"):
            crash(airflow)
        assert live(seen)

    assert live(seen) == set()
    assert not airflow.home.exists()
    assert airflow.components() == {}


def test_failed_start_leaves_the_callers_home(tmp_path: Path) -> None:
    airflow = LocalAirflow(DAGS, home=tmp_path, database="sqlite:///relative.db")

    with pytest.raises(LocalAirflowError, match=r"could not be set up[\s\S]*relative path"):
        airflow.__enter__()

    assert airflow.components() == {}
    assert (tmp_path / "airflow.cfg").exists()


def test_dag_folder_must_exist(tmp_path: Path) -> None:
    with pytest.raises(LocalAirflowError, match="no DAG folder"), LocalAirflow(tmp_path / "absent"):
        pass
