# SPDX-License-Identifier: Apache-2.0

"""``make moto`` fails if a test differs that is not listed, and if one is listed that does not differ."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

OWN = Path(__file__).parents[1] / "moto_own"


@pytest.fixture
def moto_s(pytester: pytest.Pytester) -> pytest.Pytester:
    """Two tests, of which one fails, and the plugin beside its list."""
    pytester.makepyfile(
        test_it="""
        import boto3

        def test_passes():
            assert boto3.client("events", "us-east-1").list_replays()["Replays"] == []

        def test_fails():
            assert False
        """,
        plugin=(OWN / "plugin.py").read_text(),
    )
    pytester.makeini((OWN / "pytest.ini").read_text())
    return pytester


@pytest.mark.parametrize(
    ("listed", "outcomes"),
    [
        (["test_fails"], {"passed": 1, "xfailed": 1}),
        ([], {"passed": 1, "failed": 1}),
        (["test_fails", "test_passes"], {"failed": 1, "xfailed": 1}),
    ],
)
def test_differences(moto_s: pytest.Pytester, listed: list[str], outcomes: dict[str, int]) -> None:
    lines = "".join(f'{name} = "why"\n' for name in listed)
    moto_s.path.joinpath("differences.toml").write_text(f'["test_it.py"]\n{lines}')
    moto_s.runpytest_subprocess("-p", "plugin").assert_outcomes(**outcomes)


def test_a_difference_of_no_test(moto_s: pytest.Pytester) -> None:
    moto_s.path.joinpath("differences.toml").write_text('["test_it.py"]\ntest_gone = "why"\n')
    result = moto_s.runpytest_subprocess("-p", "plugin")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*are no tests: *test_it.py::test_gone*"])


def test_each_difference_has_its_reason() -> None:
    listed = tomllib.loads((OWN / "differences.toml").read_text())
    reasons = [reason for tests in listed.values() for reason in tests.values()]
    assert len(reasons) > 0
    assert all(reason.endswith(".") for reason in reasons)
