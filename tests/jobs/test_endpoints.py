# SPDX-License-Identifier: Apache-2.0

"""An endpoint of your own: one that only the worker's environment knows, and one that stands on AWS."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import job_cases
import pytest
from botocore.config import Config
from job_cases import CASES, FINDING, REGION, JobCase
from one_task import OneTask
from served import use_server

from airflow_provider_jobs.exceptions import JobApiError, JobUnavailableError
from airflow_provider_jobs.hooks._spec import HookSpec
from airflow_provider_jobs.testing.server import AwsJobsServer

MakeTask = Callable[..., OneTask]
HERE = {"aws_conn_id": None, "region_name": None}
ENDED = [case for case in CASES if case.hook_class.retired_on]


@pytest.fixture
def aws(server: AwsJobsServer, monkeypatch: pytest.MonkeyPatch) -> AwsJobsServer:
    """That AWS, empty; nothing in the environment leads to it."""
    monkeypatch.delenv("AWS_DEFAULT_REGION", raising=False)
    return use_server(server, monkeypatch)


@contextmanager
def machine(**variables: str) -> Iterator[None]:
    """Be on a machine with these variables in its environment."""
    with pytest.MonkeyPatch.context() as here:
        for name, value in variables.items():
            here.setenv(name, value)
        yield


@pytest.mark.parametrize("variable", ["AWS_ENDPOINT_URL", "of the service"])
def test_a_job_is_watched_and_stopped_where_it_was_started(
    aws: AwsJobsServer, case: JobCase, make_deferrable: MakeTask, variable: str
) -> None:
    """The triggerer's machine has neither the endpoint nor the Region."""
    if variable == "of the service":
        service_id = job_cases.session().client(case.service, REGION).meta.service_model.service_id  # type: ignore[call-overload]
        variable = f"AWS_ENDPOINT_URL_{service_id.upper().replace(' ', '_')}"
    task = make_deferrable(**HERE)
    worker = {variable: aws.url, "AWS_DEFAULT_REGION": REGION}
    with machine(**worker):
        task.begin()
    event = task.fire()
    with machine(**worker):
        job_id = case.job_id(task.resume(event))
    (job,) = aws.jobs(case.service)
    assert (job["id"], job["state"]) == (job_id, case.succeeded)


@pytest.mark.parametrize("case", FINDING, indirect=True)
def test_an_earlier_job_s_end_is_waited_for_there_too(
    aws: AwsJobsServer, case: JobCase, make_deferrable: MakeTask
) -> None:
    aws.set_pace(seconds=20)
    task = make_deferrable(**HERE)
    with machine(AWS_ENDPOINT_URL=aws.url, AWS_DEFAULT_REGION=REGION):
        task.begin()
        task.clear()
        task.begin()
    waits: Any = task.trigger()
    assert task.deferred is not None
    # A pipeline is inactive at once, a subscriber paused, and the next job is what is waited for.
    before = case.service not in ("datapipeline", "eventbridgev2")
    assert (task.deferred.method_name == "execute_after_wait") is before
    assert aws.url in waits.spec.parameters.values()
    assert REGION in waits.spec.parameters.values()


def test_a_connection_s_endpoint_does_not_travel(
    aws: AwsJobsServer, case: JobCase, make_deferrable: MakeTask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The triggerer reads the connection, which may have been changed meanwhile."""
    connection = {"conn_type": "aws", "extra": {"region_name": REGION, "endpoint_url": aws.url}}
    monkeypatch.setenv("AIRFLOW_CONN_OWN", json.dumps(connection))
    task = make_deferrable(aws_conn_id="own", region_name=None)
    task.begin()
    trigger: Any = task.trigger()
    assert aws.url not in str(trigger.serialize())
    assert case.job_id(task.resume(task.fire())) == aws.jobs(case.service)[0]["id"]


def hook(case: JobCase, monkeypatch: pytest.MonkeyPatch, endpoint: str | None, **config: Any) -> Any:
    extra = {"region_name": REGION, **({"endpoint_url": endpoint} if endpoint else {})}
    connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_OWN", json.dumps(connection))
    return case.hook_class(aws_conn_id="own", config=Config(**config))


OWN = [
    "http://gateway-1.us-east-1.elb.amazonaws.com",
    "https://abc123.execute-api.us-east-1.amazonaws.com/prod",
    "https://vpce-1-abc.events.us-east-1.vpce.amazonaws.com",
    "http://127.0.0.1:5000",
]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("endpoint", OWN)
def test_an_endpoint_that_was_configured_is_one_s_own(
    case: JobCase, monkeypatch: pytest.MonkeyPatch, endpoint: str
) -> None:
    assert hook(case, monkeypatch, endpoint).own_endpoint == endpoint


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("config", [{}, {"use_dualstack_endpoint": True}, {"use_fips_endpoint": True}])
def test_aws_s_own_endpoints_are_known(
    case: JobCase, monkeypatch: pytest.MonkeyPatch, config: dict[str, Any]
) -> None:
    assert hook(case, monkeypatch, None, **config).own_endpoint is None


@pytest.mark.parametrize("case", ENDED)
@pytest.mark.parametrize(("endpoint", "ended"), [("http://127.0.0.1:9", False), (None, True)])
def test_nobody_answers(
    case: JobCase, monkeypatch: pytest.MonkeyPatch, endpoint: str | None, ended: bool
) -> None:
    """Where AWS itself served a retired service it is over; a gateway may come back."""

    def refused(*_: Any, **__: Any) -> Any:
        raise ConnectionRefusedError

    monkeypatch.setattr("urllib3.util.connection.create_connection", refused)
    retries: dict[str, Any] = {"total_max_attempts": 1}
    asked = hook(case, monkeypatch, endpoint, retries=retries)
    with pytest.raises(JobApiError) as caught:
        asked.describe_job("a/b")
    assert isinstance(caught.value, JobUnavailableError) is not ended
    assert ("AWS retired" in str(caught.value)) is ended


@pytest.mark.parametrize(("seconds", "warned"), [(900, True), (3600, False), (None, False)])
def test_a_role_of_fifteen_minutes_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, logged: Callable[[], str], seconds: int | None, warned: bool
) -> None:
    extra: dict[str, Any] = {"role_arn": "arn:aws:iam::123456789012:role/r", "region_name": REGION}
    if seconds:
        extra["assume_role_kwargs"] = {"DurationSeconds": seconds}
    monkeypatch.setenv("AIRFLOW_CONN_OWN", json.dumps({"conn_type": "aws", "extra": extra}))
    asked = CASES[0].hook_class(aws_conn_id="own")
    assert asked.conn_config.role_arn
    assert ("again for each call" in logged()) is warned
    spec = HookSpec.of(CASES[0].hook_class, {"aws_conn_id": "own"})
    polling = spec.build()
    polling.polling = True
    assert polling.conn_config.role_arn
    assert "again for each call" not in logged()
