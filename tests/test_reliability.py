# SPDX-License-Identifier: Apache-2.0

"""How docs/reliability.md comes from the test reports, and what it takes to fail."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
import reliability
from promises import PROMISES

pytest_plugins = ["pytester"]

CONFTEST = """
from promises import promised

def pytest_configure(config):
    config.addinivalue_line("markers", "promise(key): as ours")

def pytest_collection_modifyitems(items):
    for item in items:
        item.user_properties += promised(item)
"""
TESTS = """
import pytest

@pytest.mark.promise("marked")
@pytest.mark.promise("cleared")
@pytest.mark.parametrize("wait", ["sync", "deferrable"])
@pytest.mark.parametrize("service", ["events", "datapipeline"])
def test_good(service, wait):
    assert True

class TestBad:
  @pytest.mark.promise("marked")
  @pytest.mark.parametrize("what", ["passes", "fails", "skips", "breaks", "leaves a mess"])
  def test_bad(self, what, request):
      assert what != "fails"
      if what == "skips":
          pytest.skip("no browser")
      if what == "breaks":
          request.getfixturevalue("nothing")
      if what == "leaves a mess":
          request.addfinalizer(lambda: 1 / 0)

def test_other():
    assert True
"""

Report = Callable[..., str]


@pytest.fixture
def report(tmp_path: Path) -> Report:
    """Write a report of a test that shows all promises but some; ``more`` is what came of it."""

    def write(*but: str, test: str = "test_all", more: str = "") -> str:
        said = [("test", f"tests/test_it.py::{test}"), ("parameters", "")]
        said += [("promise", key) for key in PROMISES if key not in but]
        rows = "".join(f'<property name="{name}" value="{value}"/>' for name, value in said)
        path = tmp_path / f"{test}.xml"
        path.write_text(
            f'<testsuite><testcase time="0.123"><properties>{rows}</properties>{more}</testcase></testsuite>'
        )
        return str(path)

    return write


@pytest.fixture
def page(tmp_path: Path) -> Path:
    return tmp_path / "page.md"


def test_a_report_of_pytest_is_understood(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile(test_it=TESTS)
    pytester.runpytest("--junit-xml", "build/reports/unit.xml")
    shown = reliability.read([pytester.path / "build" / "reports" / "unit.xml"])
    assert shown.keys() == {"marked", "cleared"}
    bad, good = shown["marked"]
    assert [good] == shown["cleared"]
    assert (good.name, good.results) == ("test_it.py::test_good", {"passed": 4})
    assert good.covers(reliability.SERVICES) == "EventBridge, Data Pipeline"
    assert good.covers(reliability.WAITS) == "on the worker, deferred"
    assert (bad.name, bad.results) == (
        "test_it.py::TestBad::test_bad",
        {"failed": 3, "passed": 1, "skipped": 1},
    )
    assert reliability.faults({"marked": [bad]})[-1] == (
        "test_it.py::TestBad::test_bad shows marked, but 3 failed, 1 passed, 1 skipped."
    )


def test_a_key_that_is_no_promise_fails_the_collection(pytester: pytest.Pytester) -> None:
    pytester.makeconftest(CONFTEST)
    pytester.makepyfile("import pytest\n@pytest.mark.promise('lunch')\ndef test_it(): assert True")
    result = pytester.runpytest()
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*test_it shows 'lunch', which is no promise of tests/promises.py."])


def test_the_page_of_a_run_is_confirmed_by_the_same_run(report: Report, page: Path) -> None:
    assert reliability.main("write", report(), at=page) == []
    assert reliability.main("check", report(), at=page) == []
    text = page.read_text()
    for key, promise in PROMISES.items():
        assert f"\n| {promise} | [1 test, 1 case](#{key}) | holds |\n" in text
        assert f"\n## {key}\n\n{promise}\n" in text
    assert text.count("| `tests/test_it.py::test_all` | 1 |  |  | passed |") == len(PROMISES)
    # Nothing that another run of the same tests would give another value.
    assert not re.search(r"\d{4}-\d\d-\d\d|0\.123", text)


def test_a_page_of_another_run_is_refused(report: Report, page: Path) -> None:
    stale = ["page.md is not what the tests give; make reliability writes it anew."]
    assert reliability.main("check", report(), at=page) == stale
    reliability.main("write", report(), at=page)
    assert reliability.main("check", report(), report(test="test_more"), at=page) == stale


@pytest.mark.parametrize(
    ("outcome", "told"), [("failure", "failed"), ("error", "failed"), ("skipped", "skipped")]
)
def test_a_test_that_did_not_pass_shows_nothing(report: Report, page: Path, outcome: str, told: str) -> None:
    bad = report(*(PROMISES.keys() - {"secrets"}), test="test_bad", more=f"<{outcome}/>")
    for task in ("write", "check"):
        wrong = reliability.main(task, report(), bad, at=page)
        assert wrong == [f"tests/test_it.py::test_bad shows secrets, but 1 {told}."]
    assert page.read_text().count("**does not hold**") == 1


def test_a_promise_without_a_test_is_named(report: Report, page: Path) -> None:
    for task in ("write", "check"):
        wrong = reliability.main(task, report("secrets"), at=page)
        assert wrong == [f"No test shows secrets: {PROMISES['secrets']}"]
    assert page.read_text().count("**not shown**") == 1


def test_a_missing_report_is_named(page: Path) -> None:
    assert reliability.main("check", "e2e.xml", at=page) == [
        "There is no report e2e.xml; make test and make extended write it."
    ]


@pytest.mark.parametrize("arguments", [["check"], ["look", "unit.xml"], [""]])
def test_misuse_is_told_how_to_do_it(arguments: list[str], page: Path) -> None:
    (told,) = reliability.main(*arguments, at=page)
    assert "python tests/reliability.py check REPORT" in told
