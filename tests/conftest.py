# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import gc
import os
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any

import botocore.hooks
import botocore.session
import moto.core.models
import pytest
from botocore.hooks import EventAliaser
from promises import promised

# Before anything imports Airflow: a home of our own, with nothing of the developer's in it.
_HOME = tempfile.TemporaryDirectory(prefix="airflow-home-")
os.environ["AIRFLOW_HOME"] = _HOME.name
for name in [name for name in os.environ if name.startswith(("AIRFLOW__", "AIRFLOW_CONN_", "AWS_"))]:
    del os.environ[name]
os.environ["AIRFLOW__CORE__LOAD_EXAMPLES"] = "False"
os.environ["AIRFLOW__CORE__UNIT_TEST_MODE"] = "False"
# What AWS may take to show a start, and a call may take: a wait for what is in doubt lasts a second or two.
os.environ["AIRFLOW__AIRFLOW_PROVIDER_JOBS__SETTLING_TIME"] = "1.5"
os.environ["AIRFLOW__AIRFLOW_PROVIDER_JOBS__METRICS_INTERVAL"] = "0.001"
os.environ["AIRFLOW__AIRFLOW_PROVIDER_JOBS__CONNECT_TIMEOUT"] = "0.3"
os.environ["AIRFLOW__AIRFLOW_PROVIDER_JOBS__READ_TIMEOUT"] = "0.7"
# As Airflow 3 has it; Airflow 2 warns of the other.
os.environ["AIRFLOW__METRICS__TIMER_UNIT_CONSISTENCY"] = "True"

# botocore reads its service models and works out its events' names anew for every session, which is most of
# what a client costs; the tests make thousands of clients. Loaders that a test looks at or replaces are made
# by other means.
botocore.session.create_loader = cache(botocore.session.create_loader)
_emitter: Any = EventAliaser
_name = cache(partial(_emitter._alias_event_name, _emitter(None)))
_emitter._alias_event_name = lambda _, name: _name(name)


def _once_a_function(accepts_kwargs: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Look at the signature of a handler's function once; one that a client makes for itself is not kept."""
    known = cache(accepts_kwargs)

    def accepts(handler: Any) -> Any:
        function = getattr(handler, "__func__", handler)
        lasts = "<locals>" not in getattr(function, "__qualname__", "<locals>")
        return known(function) if lasts else accepts_kwargs(handler)

    return accepts


# For the same reason: a session registers 130 handlers, and moto an answer for each of 1,300 addresses.
_hooks: Any = botocore.hooks
_hooks.accepts_kwargs = _once_a_function(_hooks.accepts_kwargs)
_models: Any = moto.core.models
_models.CallbackResponse = cache(_models.CallbackResponse)

pytest_plugins = ["airflow_provider_jobs.testing.pytest_plugin", "fault_matrix", "pytester"]


def pytest_configure(config: pytest.Config) -> None:
    """Let the older Airflow have its own warnings; all others are errors."""
    from airflow_features import own_warnings

    for line in own_warnings():
        config.addinivalue_line("filterwarnings", line)


def pytest_make_parametrize_id(val: object) -> str | None:
    """Name a job type in a test's id by its service, which docs/reliability.md reads there."""
    from job_cases import JobCase

    return val.service if isinstance(val, JobCase) else None


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put what each test shows into the report that docs/reliability.md is written from."""
    _skip_what_boto3_does_not_know(items)
    for item in items:
        item.user_properties += promised(item)


def pytest_collection_finish() -> None:
    """Spare the collector what is there for good, Airflow's modules above all: a fifth of the tests' time."""
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def unpaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """No calls that wait for their turn, and short pauses: the mocked AWS has no rate limits unless asked."""
    from airflow_provider_jobs._data_pipeline import starter, stopper
    from airflow_provider_jobs._data_pipeline.rate_limiter import RATE_LIMITER

    monkeypatch.setattr(RATE_LIMITER, "wait", lambda *_: None)
    monkeypatch.setattr(starter, "_PAUSE", 0.1)
    monkeypatch.setattr(starter, "_OTHER_PAUSE", 0.1)
    monkeypatch.setattr(stopper, "_PAUSE", 0.1)


@pytest.fixture
def logged(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Callable[[], str]:
    """What was logged since it was asked last: Airflow 3 prints it, Airflow 2 has Python's logging."""
    from airflow_features import AIRFLOW

    caplog.set_level("INFO")
    told = 0

    def news() -> str:
        nonlocal told
        text = caplog.text[told:]
        told += len(text)
        # Airflow 2 prints what it logs: the same lines again.
        return text if AIRFLOW.major < 3 else text + capsys.readouterr().out

    return news


@pytest.fixture(autouse=True)
def _forget_the_quota() -> Iterator[None]:
    """What a queue has learnt, and its reservations, outlive its waiters; no test is another's."""
    yield
    from airflow_provider_jobs._watch.queue import QuotaQueue

    QuotaQueue._kept.clear()


def _skip_what_boto3_does_not_know(items: list[pytest.Item]) -> None:
    """Skip the tests of a job type whose service is newer than this boto3."""
    from job_cases import JobCase, session

    services = session().get_available_services()
    for item in items:
        given = getattr(getattr(item, "callspec", None), "params", {}).values()
        if any(isinstance(each, JobCase) and each.service not in services for each in given):
            item.add_marker(pytest.mark.skip(reason="This boto3 does not know the job type's service."))
