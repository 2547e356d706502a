# SPDX-License-Identifier: Apache-2.0

"""DAGs without AWS, for the tests of the local Airflow itself."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from time import sleep
from typing import Any

from airflow.providers.standard.triggers.temporal import TimeDeltaTrigger
from airflow.sdk import DAG, BaseOperator, Context, CronDataIntervalTimetable, task


class Wait(BaseOperator):
    """Waits in the triggerer for some seconds."""

    template_fields = ("seconds",)

    def __init__(self, seconds: str, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seconds = seconds

    def execute(self, context: Context) -> None:
        """Defer."""
        self.defer(trigger=TimeDeltaTrigger(timedelta(seconds=float(self.seconds))), method_name="resume")

    def resume(self, context: Context, event: Any = None) -> str:
        """Say that it is over."""
        self.log.info("The wait is over")
        return "waited"


with DAG("daily", schedule="@daily", start_date=datetime(2024, 1, 1, tzinfo=UTC), catchup=True):

    @task
    def greet(who: str, dag_run: Any = None) -> dict[str, Any]:
        """Print a greeting, and return what the run was given."""
        print(f"Hello {who}, 100%")
        return {"conf": dag_run.conf}

    greet.override(task_id="one")("world")
    greet.override(task_id="many").expand(who=["a", "b"])

with DAG(
    "spans", schedule=CronDataIntervalTimetable("@daily", timezone="UTC"), start_date=datetime(2024, 1, 1)
):

    @task
    def span(data_interval_start: Any = None, data_interval_end: Any = None) -> list[str]:
        """Return the run's data interval."""
        return [str(each and each.isoformat()) for each in (data_interval_start, data_interval_end)]

    span()

with DAG("waits", schedule=None):
    Wait(task_id="wait", seconds="{{ dag_run.conf['seconds'] }}")

with DAG("fails", schedule=None):

    @task
    def fail() -> None:
        """Fail."""
        raise ValueError("no good")

    fail()

with DAG("sleeps", schedule=None):

    @task(retries=1, retry_delay=timedelta(seconds=1))
    def nap() -> None:
        """Take a worker for longer than any test lasts."""
        sleep(600)

    nap()
