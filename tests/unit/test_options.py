# SPDX-License-Identifier: Apache-2.0

"""The options of the section ``[airflow_provider_jobs]``: shown by Airflow, in effect, and checked."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import AirflowFailException
from job_cases import EventBridge
from one_task import OneTask

from airflow_provider_jobs import _options as options
from airflow_provider_jobs.exceptions import JobInputError
from airflow_provider_jobs.get_provider_info import get_provider_info
from airflow_provider_jobs.hooks.eventbridge import EventBridgeReplayHook
from airflow_provider_jobs.testing import AwsJobs, mock_aws_jobs

OPTIONS = get_provider_info()["config"]["airflow_provider_jobs"]["options"]
SECONDS = ["connect_timeout", "metrics_interval", "poll_interval", "read_timeout", "settling_time"]
CASE = EventBridge()
SetOption = Callable[[str, str], None]


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs(reads=2) as control:
        CASE.prepare()
        yield control


@pytest.fixture
def option(monkeypatch: pytest.MonkeyPatch) -> SetOption:
    """Set an option."""

    def set_to(name: str, value: str) -> None:
        monkeypatch.setenv(f"AIRFLOW__AIRFLOW_PROVIDER_JOBS__{name.upper()}", value)

    return set_to


def hook() -> EventBridgeReplayHook:
    return EventBridgeReplayHook(aws_conn_id=None, region_name="us-east-1")


def run_python(code: str, **options: str) -> subprocess.CompletedProcess[str]:
    """Run code where options hold from the beginning: some are read as modules are imported."""
    names = {f"AIRFLOW__AIRFLOW_PROVIDER_JOBS__{name.upper()}": value for name, value in options.items()}
    return subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        env={**os.environ, **names},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_airflow_lists_them_with_what_they_mean() -> None:
    command = ["config", "list", "--section", "airflow_provider_jobs", "--include-descriptions"]
    listed = run_python(f"import sys; sys.argv[1:] = {command!r}; from airflow.__main__ import main; main()")
    assert sorted(OPTIONS) == sorted(["site", *SECONDS])
    for name, option in OPTIONS.items():
        assert f"{name} = " in listed.stdout, listed.stderr
        assert option["description"] in listed.stdout


def test_site_tells_the_jobs_of_two_airflows_apart(aws: AwsJobs, option: SetOption) -> None:
    OneTask(lambda: CASE.operator()).run()
    option("site", "staging")
    OneTask(lambda: CASE.operator()).run()
    first, second = (job["id"] for job in aws.jobs("events"))
    assert first.rpartition("-1")[0].split("-")[:2] != second.rpartition("-1")[0].split("-")[:2]


def test_settling_time_is_how_long_not_found_means_not_yet(aws: AwsJobs, option: SetOption) -> None:
    option("settling_time", "17")
    aws.set_pace()
    task = OneTask(lambda: CASE.operator(deferrable=True))
    task.begin()
    trigger: Any = task.trigger()
    assert trigger.settling_time == 17.0


def test_the_time_limits_of_a_call_are_the_client_s(aws: AwsJobs, option: SetOption) -> None:
    option("connect_timeout", "3")
    option("read_timeout", "4.5")
    config: Any = hook().conn_client_meta.config
    assert (config.connect_timeout, config.read_timeout) == (3.0, 4.5)
    assert hook().call_limit.total_seconds() == 7.5
    given = EventBridgeReplayHook(aws_conn_id=None, region_name="us-east-1", config={"read_timeout": 9})
    theirs: Any = given.conn_client_meta.config
    assert theirs.read_timeout == 9


def test_a_call_without_a_time_limit_is_taken_to_last_an_hour(aws: AwsJobs) -> None:
    given = EventBridgeReplayHook(aws_conn_id=None, region_name="us-east-1", config={"read_timeout": None})
    assert given.call_limit.total_seconds() > 3600


def test_poll_interval_is_that_of_operators_that_are_given_none() -> None:
    code = (
        "from airflow_provider_jobs.operators.eventbridge import *\n"
        "print('INTERVALS', EventBridgeCancelReplayOperator(task_id='a', replay_name='x').poll_interval,\n"
        "  EventBridgeCancelReplayOperator(task_id='b', replay_name='x', poll_interval=3).poll_interval)"
    )
    done = run_python(code, poll_interval="12.5")
    assert "INTERVALS 12.5 3" in done.stdout, done.stderr


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf"])
@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "settling_time"])
def test_a_number_that_cannot_be_is_an_error_before_any_call(
    aws: AwsJobs, option: SetOption, name: str, value: str
) -> None:
    before = aws.calls()
    option(name, value)
    with pytest.raises(JobInputError) as caught:
        OneTask(lambda: CASE.operator()).run()
    assert isinstance(caught.value, AirflowFailException)
    said = str(caught.value)
    assert f"[airflow_provider_jobs] {name} = {float(value)}" in said
    assert "must be a positive number of seconds" in said
    assert aws.calls() == before


@pytest.mark.parametrize("name", ["connect_timeout", "read_timeout", "settling_time"])
def test_what_is_no_number_is_an_error_that_names_it(aws: AwsJobs, option: SetOption, name: str) -> None:
    before = aws.calls()
    option(name, "soon")
    with pytest.raises(JobInputError, match=rf"\[airflow_provider_jobs\] {name} = soon must be a positive"):
        OneTask(lambda: CASE.operator()).run()
    assert aws.calls() == before


def test_a_wrong_poll_interval_shows_where_the_dag_is_read() -> None:
    done = run_python("import airflow_provider_jobs.operators.eventbridge", poll_interval="0")
    assert done.returncode != 0
    assert "[airflow_provider_jobs] poll_interval = " in done.stderr
    assert "must be a positive number of seconds" in done.stderr


def test_the_defaults_are_those_that_the_code_falls_back_to() -> None:
    """Where Airflow has not read the provider's metadata yet."""
    assert {name: float(OPTIONS[name]["default"]) for name in SECONDS} == options.SECONDS
    assert OPTIONS["site"]["default"] == ""
