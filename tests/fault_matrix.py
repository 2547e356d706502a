# SPDX-License-Identifier: Apache-2.0

"""Runs tests under a kind of fault that they know nothing of, and tells in a table what failed.

    pytest --with-fault reads-throttle tests/jobs/test_waiting.py
    pytest --with-fault all tests/jobs/test_fault_matrix.py

A test with a fixture that yields an ``AwsJobs`` is run once under each kind. Its own faults come first, and
a call that never reaches AWS is not counted, so that most tests need not know. A try that was struck before
its job was started is followed by the next, as in Airflow.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

_STRIKES = pytest.StashKey[Any]()
_PARAMETER = "fault_kind"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--with-fault",
        action="append",
        default=[],
        metavar="KIND",
        help="run the tests under this kind of fault (tests/fault_kinds.py; all is every kind)",
    )


def asked_for(config: pytest.Config) -> list[str]:
    """Return the names of the kinds that the command line asks for.

    :raises pytest.UsageError: for one that there is not.
    """
    from fault_kinds import KINDS

    names: list[str] = config.getoption("--with-fault")
    if unknown := {*names} - {*KINDS, "all"}:
        raise pytest.UsageError(f"--with-fault {unknown.pop()}: the kinds are all, {', '.join(KINDS)}.")
    return [*KINDS] if "all" in names else names


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give each test its kinds, unless its module does so."""
    if (names := asked_for(metafunc.config)) and "aws" in metafunc.fixturenames:
        if _PARAMETER not in metafunc.fixturenames:
            metafunc.fixturenames.append(_PARAMETER)
        metafunc.parametrize(_PARAMETER, names, indirect=True)


@pytest.fixture
def fault_kind(request: pytest.FixtureRequest) -> str:
    """The name of the kind that the test runs under."""
    name: str = request.param
    return name


def _kind_of(item: Any) -> str | None:
    return item.callspec.params.get(_PARAMETER) if hasattr(item, "callspec") else None


def pytest_itemcollected(item: pytest.Item) -> None:
    """Let the table know the test's kind, and the test what is known to fail."""
    from known_faults import ENDLESS, known

    if (kind := _kind_of(item)) is None:
        return
    item.user_properties.append((_PARAMETER, kind))
    # What holds under a fault too is no promise of the reliability page.
    item.own_markers[:] = [marker for marker in item.own_markers if marker.name != "promise"]
    if why := known(kind, item.name):
        # How late AWS is decides some of them: only what runs every day must fail each time.
        strict = not item.config.getoption("--with-fault")
        item.add_marker(pytest.mark.xfail(reason=why, strict=strict, run=why not in ENDLESS))


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(request: pytest.FixtureRequest) -> Generator[None, Any, Any]:
    """Let an AWS that a test begins be as its kind says."""
    result = yield
    kind = _kind_of(request.node)
    if kind is not None and request.scope == "function":
        from fault_kinds import KINDS, Strikes

        from airflow_provider_jobs.testing import AwsJobs

        if isinstance(result, AwsJobs) and _STRIKES not in request.node.stash:
            KINDS[kind].prepare(result)
            strikes = request.node.stash[_STRIKES] = Strikes(KINDS[kind], request.node.name)
            stack = ExitStack()
            stack.enter_context(struck(strikes))
            request.addfinalizer(stack.close)
    return result


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Strike calls of the test itself only, not those that set it up."""
    strikes = item.stash.get(_STRIKES, None)
    if strikes is not None:
        strikes.on = True
    try:
        return (yield)
    finally:
        if strikes is not None:
            strikes.on = False


@contextmanager
def struck(strikes: Any) -> Iterator[None]:
    """Let calls meet the faults, and tries that were struck be followed by the next."""
    from fault_kinds import takes_effect
    from one_task import OneTask

    from airflow_provider_jobs.testing.control import JobControl

    plain = JobControl.count_call

    def count_call(control: JobControl, service: str, operation: str) -> Any:
        with control.lock:
            strikes.began(operation)
            fault = strikes.fault(service, operation)
            if fault is None:
                return plain(control, service, operation)
            if not takes_effect(fault.fault):
                return fault
            met = plain(control, service, operation)
            if met is not None:
                fault.missed()
            return met or fault

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(JobControl, "count_call", count_call)
        patch.setattr(OneTask, "struck", lambda self: strikes.count)
        yield


class _Table:
    def __init__(self) -> None:
        self.came: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        kind = dict(report.user_properties).get(_PARAMETER)
        if kind is None or (report.when != "call" and not report.failed):
            return
        name = report.nodeid.rpartition("::")[2].replace(f"{kind}-", "").replace(f"[{kind}]", "")
        outcome = "known" if hasattr(report, "wasxfail") and report.skipped else report.outcome
        self.came[str(kind)][outcome].append(name)

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        if not self.came:
            return
        from fault_kinds import KINDS

        say: Callable[[str], None] = terminalreporter.write_line
        terminalreporter.section("under each kind of fault")
        say(f"{'kind':24} {'passed':>6} {'known':>6} {'failed':>6}")
        for kind in (kind for kind in KINDS if kind in self.came):
            came = self.came[kind]
            counts = " ".join(f"{len(came[outcome]):6}" for outcome in ("passed", "known", "failed"))
            say(f"{kind:24} {counts}  {KINDS[kind].summary}")
            for outcome in ("known", "failed"):
                for name in sorted(came[outcome]):
                    say(f"{'':24} {outcome}: {name}")


def pytest_configure(config: pytest.Config) -> None:
    """Keep the table where the reports of all processes come together."""
    if config.getoption("--with-fault") and not hasattr(config, "workerinput"):
        config.pluginmanager.register(_Table())
