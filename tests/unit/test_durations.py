# SPDX-License-Identifier: Apache-2.0

"""Parameters as DAG authors write them when a DAG is read: lengths of time, paths, other packages' names."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.operators.eventbridge import EventBridgeStartReplayOperator
from airflow_provider_jobs.sensors.eventbridge import EventBridgeReplaySensor

NAMES = ("poll_interval", "job_timeout", "start_timeout", "archive_delay")


def start(**kwargs: Any) -> Any:
    return EventBridgeStartReplayOperator(task_id="replay", archive="orders", **kwargs)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [90, 90.0, timedelta(seconds=90)])
def test_seconds_and_timedeltas_mean_the_same(name: str, value: Any) -> None:
    found = getattr(start(**{name: value}), name)
    assert found == (90.0 if name == "poll_interval" else timedelta(seconds=90))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", ["90", True, -1, -0.5, timedelta(-1), float("nan"), float("inf"), [90], {}])
def test_anything_else_is_an_error_that_names_the_parameter(name: str, value: Any) -> None:
    with pytest.raises(JobInputError, match=rf"^{name}=.* number of seconds, or a timedelta"):
        start(**{name: value})


def test_zero_and_none() -> None:
    assert start(archive_delay=0).archive_delay == timedelta(0)
    assert start(job_timeout=None, start_timeout=None).job_timeout is None
    for name, value in (("poll_interval", 0), ("job_timeout", 0), ("poll_interval", None)):
        with pytest.raises(JobInputError, match=name):
            start(**{name: value})


def test_a_path_of_a_ca_bundle() -> None:
    assert start(verify=Path("/etc/ca.pem")).verify == "/etc/ca.pem"
    assert start(verify=False).verify is False
    sensor = EventBridgeReplaySensor(task_id="wait", replay_name="r", verify=Path("/etc/ca.pem"))
    assert sensor.verify == "/etc/ca.pem"


@pytest.mark.parametrize(
    ("other", "ours"),
    [
        ("region", "region_name"),
        ("waiter_delay", "poll_interval"),
        ("waiter_max_attempts", "job_timeout"),
        ("poke_interval", "poll_interval"),
    ],
)
def test_other_packages_names_lead_to_ours(other: str, ours: str) -> None:
    with pytest.raises(JobInputError, match=rf"no parameter '{other}'; it is '{ours}' here"):
        start(**{other: 1})


def test_a_sensor_has_airflow_s_own_names() -> None:
    sensor = EventBridgeReplaySensor(task_id="wait", replay_name="r", poke_interval=5)
    assert sensor.poke_interval == 5
    for other, ours in {"region": "region_name", "job_timeout": "timeout"}.items():
        given: dict[str, Any] = {other: 1}
        with pytest.raises(JobInputError, match=rf"no parameter '{other}'; it is '{ours}' here"):
            EventBridgeReplaySensor(task_id="wait", replay_name="r", **given)
