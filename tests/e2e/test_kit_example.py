# SPDX-License-Identifier: Apache-2.0

"""The example of the docs that takes a real Airflow, as a project that installed this package runs it."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "example_tests"


@pytest.mark.extended
@pytest.mark.e2e
def test_the_example_of_the_docs(pytester: pytest.Pytester) -> None:
    shutil.copytree(EXAMPLE, pytester.path, dirs_exist_ok=True)
    pytester.runpytest_subprocess("-m", "e2e").assert_outcomes(passed=1)
