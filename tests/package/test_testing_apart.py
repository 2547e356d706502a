# SPDX-License-Identifier: Apache-2.0

"""The test kit is for tests: nothing that runs in production imports it, or what only it needs."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import airflow_provider_jobs

from .imports import imports

PACKAGE = Path(airflow_provider_jobs.__path__[0])
KIT = PACKAGE / "testing"
FOR_TESTS = ("airflow_provider_jobs.testing", "moto", "pytest")
PRODUCTION = sorted(
    str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if not path.is_relative_to(KIT)
)


def named(source: str, package: str = "airflow_provider_jobs") -> Iterator[str]:
    """The modules that a file imports, anywhere in it, and its strings, which may be paths to import."""
    yield from imports(source, package)
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value


def of_tests(names: Iterator[str]) -> list[str]:
    return [name for name in names if f"{name}.".startswith(tuple(f"{module}." for module in FOR_TESTS))]


@pytest.mark.parametrize("path", PRODUCTION)
def test_production_code_does_not_import_it(path: str) -> None:
    package = ".".join(["airflow_provider_jobs", *Path(path).parent.parts])
    assert not of_tests(named((PACKAGE / path).read_text(), package))


@pytest.mark.parametrize(
    "line",
    [
        "import airflow_provider_jobs.testing.server",
        "from airflow_provider_jobs import testing",
        "from airflow_provider_jobs.testing import AwsJobs",
        "from airflow_provider_jobs.testing.aws.faults import Fault",
        "from . import testing",
        "from .testing.control import CONTROL",
        "def late():\n    from moto.core import responses",
        "if TYPE_CHECKING:\n    import pytest",
        "import_module('airflow_provider_jobs.testing.server')",
    ],
)
def test_each_way_to_import_it_would_be_seen(line: str) -> None:
    assert of_tests(named(line))


@pytest.mark.parametrize("line", ["from airflow_provider_jobs import job", "import motorway", "'testing'"])
def test_what_is_not_of_tests_is_not_taken_for_it(line: str) -> None:
    assert not of_tests(named(line))
