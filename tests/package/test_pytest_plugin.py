# SPDX-License-Identifier: Apache-2.0

"""The pytest plugin as a project has it that installed this package: in a pytest of its own."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

pytestmark = pytest.mark.extended

EXAMPLE = Path(__file__).parents[2] / "example_tests"

WITHOUT_MOTO = """
import sys

sys.modules["moto"] = None  # an import of it raises ModuleNotFoundError
"""

USES_IT = """
import boto3

def test_it(aws_jobs):
    assert boto3.client("events", "us-east-1").list_replays()["Replays"] == []
    assert aws_jobs.calls("events") == {"ListReplays": 1}

def test_it_again(aws_jobs):
    assert aws_jobs.calls() == {}
"""


def test_the_fixture_is_there(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(USES_IT)
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_it_may_be_listed_too(pytester: pytest.Pytester, monkeypatch: pytest.MonkeyPatch) -> None:
    pytester.makepyfile(USES_IT)
    pytester.makeconftest('pytest_plugins = ["airflow_provider_jobs.testing.pytest_plugin"]')
    pytester.runpytest_subprocess().assert_outcomes(passed=2)
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.runpytest_subprocess().assert_outcomes(passed=2)


def test_a_project_that_does_not_use_it_notices_nothing(pytester: pytest.Pytester) -> None:
    pytester.makepyfile("""
        import sys

        def test_nothing_is_imported(pytestconfig):
            assert pytestconfig.pluginmanager.hasplugin("airflow_provider_jobs.testing.pytest_plugin")
            heavy = {"airflow", "boto3", "botocore", "moto"}
            assert not heavy & {name.partition(".")[0] for name in sys.modules}
    """)
    pytester.runpytest_subprocess().assert_outcomes(passed=1)


def test_without_moto_it_says_what_to_install(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(
        USES_IT,
        test_more="""
        import pytest

        def test_other_things_work():
            from airflow_provider_jobs.testing import Fault
            assert Fault("StartReplay", "drop").count == 1

        def test_the_context_manager_says_it_too():
            with pytest.raises(ModuleNotFoundError, match="airflow-provider-jobs\\\\[testing\\\\]"):
                from airflow_provider_jobs.testing import mock_aws_jobs
        """,
    )
    pytester.makeconftest(WITHOUT_MOTO)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(errors=2, passed=2)
    result.stdout.fnmatch_lines(
        [
            "airflow_provider_jobs.testing.mock_aws_jobs needs moto, which is not installed: "
            'pip install "airflow-provider-jobs[[]testing[]]"'
        ]
    )
    result.stdout.no_fnmatch_line("*import_module*")


def test_the_example_of_the_docs(pytester: pytest.Pytester) -> None:
    """DAGs that use every operator, run as a user's tests run them."""
    pytest.importorskip("airflow.sdk", reason="the examples are written for Airflow 3")
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    pytester.runpytest_subprocess("-m", "not e2e").assert_outcomes(passed=32, deselected=1)
