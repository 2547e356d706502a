# SPDX-License-Identifier: Apache-2.0

"""docs/upgrading.md: the versions that it names are those that are declared; its proof is there."""

from __future__ import annotations

from support import floors, pythons

from .pages import REPOSITORY

PAGE = (REPOSITORY / "docs" / "upgrading.md").read_text()


def test_the_policy_names_what_is_declared() -> None:
    airflow = floors()["apache-airflow"]
    assert f"| Airflow | {airflow.major}.{airflow.minor} and later;" in PAGE
    assert f"| Python | {pythons()[0]} and later;" in PAGE


def test_the_table_says_what_the_tests_of_upgrades_show() -> None:
    proof = (REPOSITORY / "tests" / "jobs" / "test_upgrades.py").read_text()
    assert "`tests/jobs/test_upgrades.py`" in PAGE
    for row, test in (
        ("a deferred task whose job runs", "test_a_wait_goes_on_and_its_task_ends_well"),
        ("an event that no worker has handled yet", "test_an_event_ends_its_task_well"),
        ("a retry of a task whose job runs", "test_a_retry_goes_on_with_what_the_try_before_has_noted"),
    ):
        assert f"| {row} |" in PAGE
        assert f"def {test}(" in proof
    assert 'ids=["upgrade", "downgrade"]' in proof
