# SPDX-License-Identifier: Apache-2.0

"""Nothing of a connection gets to where people who may not see it could read it; for every job type."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from airflow.providers.common.compat.sdk import Asset
from job_cases import CASES, JobCase
from one_task import OneTask

from airflow_provider_jobs.exceptions import JobError, JobInputError
from airflow_provider_jobs.testing import AwsJobs, Fault, mock_aws_jobs

#: No part of these is in anything that the provider, Airflow or AWS has reason to write.
KEY, SECRET, TOKEN, EXTERNAL = (
    "AKIAMARKEDKEY",
    "marked-secret-key",
    "marked-session-token",
    "marked-external-id",
)
MARKS = (KEY, SECRET, TOKEN, EXTERNAL)
ROLE = "arn:aws:iam::123456789012:role/starter"
KEYS = {"conn_type": "aws", "login": KEY, "password": SECRET}
CONNECTIONS: dict[str, dict[str, Any]] = {
    "keys": {**KEYS, "extra": {"aws_session_token": TOKEN, "region_name": "us-east-1"}},
    "extra": {
        "conn_type": "aws",
        "extra": {"aws_access_key_id": KEY, "aws_secret_access_key": SECRET, "aws_session_token": TOKEN},
    },
    "role": {**KEYS, "extra": {"role_arn": ROLE, "assume_role_kwargs": {"ExternalId": EXTERNAL}}},
}
ONCE: dict[str, Any] = {"retries": {"total_max_attempts": 1}}


@pytest.fixture(
    params=[("keys", False), ("extra", True), ("role", False), ("role", True)],
    ids=["keys-sync", "extra-deferrable", "role-sync", "role-deferrable"],
)
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> tuple[str, bool]:
    """A connection whose fields are marked, and whether to defer."""
    way: tuple[str, bool] = request.param
    monkeypatch.setenv(f"AIRFLOW_CONN_{way[0].upper()}", json.dumps(CONNECTIONS[way[0]]))
    return way


@pytest.fixture
def said(caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """All that was logged by then, at every level of ours and of Airflow's."""
    caplog.set_level(logging.DEBUG)
    # botocore's own DEBUG writes the requests that it signs; nobody but it can do anything about that.
    for name in ("botocore", "boto3", "urllib3", "moto"):
        caplog.set_level(logging.INFO, name)
    structlog = pytest.importorskip("structlog", reason="Airflow 2 logs without it")
    before = structlog.get_config()
    structlog.configure(**{**before, "wrapper_class": structlog.make_filtering_bound_logger(logging.DEBUG)})
    yield lambda: caplog.text + capsys.readouterr().out
    structlog.configure(**before)


@pytest.fixture(params=CASES)
def case(request: pytest.FixtureRequest, aws: AwsJobs) -> JobCase:
    case: JobCase = request.param
    case.prepare()
    return case


@pytest.fixture
def aws() -> Iterator[AwsJobs]:
    with mock_aws_jobs() as control:
        yield control


class Witness:
    """Runs tasks, and keeps all that they leave behind."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def run(self, task: OneTask) -> None:
        """Run a task to its end, good or bad."""
        try:
            result = task.begin()
            while task.deferred is not None:
                trigger = task.trigger()
                self.seen += [repr(trigger), str(trigger.serialize()), repr(task.deferred)]
                event = task.fire()
                self.seen.append(repr(event))
                result = task.resume(event)
            self.seen.append(repr(result))
        except (JobError, JobInputError) as error:
            self.seen += [repr(error), *traceback.format_exception(error)]
        self.keep(task)

    def keep(self, task: OneTask) -> None:
        operator: Any = task.operator
        self.seen += [
            repr(operator),
            repr(vars(operator)),
            repr(operator.hook),
            repr(operator.template_fields),
        ]
        self.seen += [json.dumps(task.xcoms), str(task.store), str(task.outlet_events)]


@pytest.mark.promise("secrets")
def test_no_way_of_a_task_tells_a_secret(
    aws: AwsJobs, case: JobCase, way: tuple[str, bool], said: Callable[[], str]
) -> None:
    connection, deferrable = way
    witness = Witness()
    runs = 0

    def task(**kwargs: Any) -> OneTask:
        nonlocal runs
        runs += 1
        # Some time passes at AWS between two runs: of what is activated in one second, neither is told apart.
        aws.set_clock_skew(5.0 * runs)
        given = {
            "aws_conn_id": connection,
            "deferrable": deferrable,
            "botocore_config": ONCE,
            "outlets": [Asset("done")],
            **kwargs,
        }
        return OneTask(lambda: case.operator(**given), run_id=f"run-{runs}")

    witness.run(task())
    aws.fail_next(case.service, "out of luck")
    witness.run(task())
    for kind, when in (("access-denied", "before"), ("expired-token", "before"), ("drop", "after")):
        aws.add_fault(Fault(case.start_operation, kind, when=when))  # type: ignore[arg-type]
        witness.run(task())
    aws.add_fault(Fault(case.describe_operation, "access-denied", skip=case.looks_to_start))
    witness.run(task())
    aws.clear_faults()
    job_id = case.job_id(task().run())
    witness.run(OneTask(lambda: case.sensor(job_id, aws_conn_id=connection, deferrable=deferrable)))
    aws.set_pace(reads=1_000_000)
    witness.run(task(job_timeout=timedelta(seconds=0.1), **case.apart(1)))
    killed = task(wait_for_completion=False, **case.apart(2))
    killed.begin()
    operator: Any = killed.operator
    operator.on_kill()
    witness.keep(killed)
    told = "\n".join([*witness.seen, said()])
    assert job_id in told
    assert "[debug" in told
    for mark in (*MARKS, "***"):
        assert mark not in told
    # The connection was used, and not only named.
    credentials = operator.hook.get_credentials()
    if connection == "role":
        assert credentials.secret_key not in told
        assert credentials.token not in told
    else:
        assert (credentials.access_key, credentials.secret_key, credentials.token) == (KEY, SECRET, TOKEN)
