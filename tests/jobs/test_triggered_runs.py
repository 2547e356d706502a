# SPDX-License-Identifier: Apache-2.0

"""Runs that somebody has triggered: Airflow gives them the interval of the schedule's last period."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
from job_cases import CASES, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.windows import INTERVAL_END, INTERVAL_START

#: Those whose job has a window, which is the run's interval by default.
WINDOWED = [case for case in CASES if case.service in ("events", "iotanalytics")]
NAMES = {"events": ("event_start_time", "event_end_time"), "iotanalytics": ("start_time", "end_time")}
WARNING = (
    "This run was triggered, not scheduled. "
    "Its window, 2026-01-01T00:00:00+00:00 to 2026-01-02T00:00:00+00:00"
)


class OfType(OneTask):
    """A task of a run of a type, whose templated fields Airflow has rendered."""

    run_type = "manual"

    def context(self, operator: Any) -> Any:
        """Return its context."""
        context = super().context(operator)
        context["dag_run"] = SimpleNamespace(**vars(context["dag_run"]), run_type=self.run_type)
        for name in operator.template_fields:
            bounds = {INTERVAL_START: "data_interval_start", INTERVAL_END: "data_interval_end"}
            value = getattr(operator, name)
            if isinstance(value, str) and value in bounds:
                setattr(operator, name, context.get(bounds[value], ""))
        return context


def task(case: JobCase, run_type: str, **window: Any) -> OfType:
    start, end = NAMES[case.service]
    given = {start: INTERVAL_START, end: INTERVAL_END, **window}
    made = OfType(lambda: case.operator(**given))
    made.run_type = run_type
    return made


@pytest.mark.parametrize("case", WINDOWED, indirect=True)
@pytest.mark.parametrize(
    ("run_type", "warned"),
    [("manual", True), ("operator_triggered", True), ("scheduled", False), ("backfill", False)],
)
def test_the_default_window_of_a_triggered_run_is_warned_of(
    aws: AwsJobs, case: JobCase, run_type: str, warned: bool, logged: Callable[[], str]
) -> None:
    task(case, run_type).run()
    said = logged()
    assert (WARNING in said) is warned
    assert ("This run was triggered" in said) is warned


@pytest.mark.parametrize("case", WINDOWED, indirect=True)
def test_nor_where_a_window_is_given(aws: AwsJobs, case: JobCase, logged: Callable[[], str]) -> None:
    start, _ = NAMES[case.service]
    task(case, "manual", **{start: "2026-01-01T06:00:00+00:00"}).run()
    assert "This run was triggered" not in logged()


@pytest.mark.parametrize("case", WINDOWED, indirect=True)
def test_a_run_without_an_interval_is_an_error_that_says_why(aws: AwsJobs, case: JobCase) -> None:
    asked = task(case, "asset_triggered")
    asked.interval = None
    with pytest.raises(JobInputError, match="triggered by an asset or without a logical date"):
        asked.run()
    assert case.start_operation not in aws.calls(case.service)
