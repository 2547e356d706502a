# SPDX-License-Identifier: Apache-2.0

"""A pytest plugin for moto's own tests: each runs within the mocked job services, and those that are known to
differ are expected to fail. ``make moto`` runs them.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from airflow_provider_jobs.testing import mock_aws_jobs


def differences() -> dict[str, str]:
    """The reasons of the tests that differ, by the tests' ids."""
    listed = tomllib.loads((Path(__file__).parent / "differences.toml").read_text())
    return {f"{file}::{test}": reason for file, tests in listed.items() for test, reason in tests.items()}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that differ."""
    listed = differences()
    if gone := listed.keys() - {item.nodeid for item in items}:
        raise pytest.UsageError(f"These are listed in differences.toml and are no tests: {sorted(gone)}")
    for item in items:
        if item.nodeid in listed:
            item.add_marker(pytest.mark.xfail(reason=listed[item.nodeid], strict=True))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol() -> Iterator[None]:
    """Run a test within the mocked job services, whose jobs take no time, as moto's."""
    with mock_aws_jobs(seconds=0):
        return (yield)
