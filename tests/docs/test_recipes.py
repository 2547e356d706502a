# SPDX-License-Identifier: Apache-2.0

"""What docs/recipes.md says of its recipes; tests/e2e/test_recipes.py runs them in a real Airflow."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from airflow_features import FEATURES, needs, require
from dag_files import load, make_archive, replay_of_orders

from airflow_provider_jobs import exceptions
from airflow_provider_jobs.exceptions import JobApiError, JobError
from airflow_provider_jobs.testing import AwsJobs, Fault

from .pages import REPOSITORY, table

PAGE = REPOSITORY / "docs" / "recipes.md"
FOLDER = REPOSITORY / "docs" / "recipes"
#: What each file takes of Airflow; where it takes several, the one that came last.
TAKES = {
    "approval.py": "sdk_timetables",
    "late_replay.py": "sync_callback",
    "retries_by_error.py": "retry_policy",
    "side_by_side.py": "deferred_tis_counted",
}
ERRORS = {row[0].strip("`"): row[2:] for row in table(PAGE, "errors")}


def test_the_page_has_every_recipe_and_the_version_that_it_needs() -> None:
    files = {file.name for file in FOLDER.glob("*.py")}
    assert {row[1].strip("`"): row[2] for row in table(PAGE, "recipes")} == {
        name: FEATURES[feature].since for name, feature in TAKES.items()
    }
    assert set(re.findall(r"\{literalinclude\} recipes/(\S+)", PAGE.read_text())) == files == set(TAKES)


@pytest.mark.parametrize("name", TAKES)
def test_a_recipe_can_be_read(name: str) -> None:
    require("sdk_timetables")
    require(TAKES[name])
    load(FOLDER / name)


def test_every_recipe_is_run_in_a_real_airflow() -> None:
    dags = {dag for file in FOLDER.glob("*.py") for dag in re.findall(r'DAG\(\s*"(\w+)"', file.read_text())}
    tests = (REPOSITORY / "tests" / "e2e" / "test_recipes.py").read_text()
    assert len(dags) > len(TAKES)
    assert not [dag for dag in dags if f'"{dag}"' not in tests]


def test_the_table_has_every_error() -> None:
    assert set(ERRORS) == {name for name in exceptions.__all__ if name.endswith("Error")}


@pytest.mark.parametrize("name", ERRORS)
def test_what_fails_at_once_without_a_policy(name: str) -> None:
    error = getattr(exceptions, name)
    assert issubclass(error, AirflowFailException) is (ERRORS[name][0] == "fail")


@needs("retry_policy")
@pytest.mark.parametrize("name", [name for name, (without, _) in ERRORS.items() if without != "fail"])
def test_what_the_policy_decides(name: str) -> None:
    decision = load(FOLDER / "retries_by_error.py").by_error.evaluate(getattr(exceptions, name)("why"), 1, 3)
    delay = " after ten minutes" if decision.retry_delay == timedelta(minutes=10) else ""
    # Without a rule Airflow retries as if there were no policy.
    action = {"default": "retry"}.get(decision.action.value, decision.action.value)
    assert action + delay == ERRORS[name][1]


def test_all_but_one_are_job_errors() -> None:
    others = [name for name in ERRORS if not issubclass(getattr(exceptions, name), JobError)]
    assert others == ["JobInputError"]


@needs("retry_policy")
def test_the_first_rule_that_matches_counts_for_subclasses_too() -> None:
    from airflow.sdk import ExceptionRetryPolicy, RetryAction, RetryRule

    rules = [RetryRule(JobError, reason="any"), RetryRule(JobApiError, RetryAction.FAIL, reason="a call")]
    decide: Any = ExceptionRetryPolicy(rules=rules).evaluate
    assert decide(JobApiError("why"), 1, 3).reason == "any"


def test_a_job_runs_on_after_an_error_of_a_call_and_a_retry_finds_it(
    aws_jobs: AwsJobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW_CONN_AWS_DEFAULT", "aws://?region_name=us-east-1")
    make_archive()
    task = replay_of_orders()
    aws_jobs.set_pace("events")
    aws_jobs.add_fault(Fault("DescribeReplay", "access-denied", service="events", count=100))
    with pytest.raises(JobError, match="DescribeReplay"):
        task.run()
    (replay,) = aws_jobs.jobs("events")
    assert replay["state"] in ("STARTING", "RUNNING")

    aws_jobs.clear_faults()
    aws_jobs.advance(replay["id"])
    assert task.run()["replay_name"] == replay["id"]
    assert aws_jobs.calls("events")["StartReplay"] == 1
