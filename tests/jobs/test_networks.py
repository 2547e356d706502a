# SPDX-License-Identifier: Apache-2.0

"""FIPS and dual-stack endpoints: a job is started and watched over what is configured."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest
from botocore import handlers
from job_cases import REGION, JobCase
from one_task import OneTask

from airflow_provider_jobs.testing import AwsJobs

MakeTask = Callable[..., OneTask]
#: What is configured, and what the service's host names are then.
ENDPOINTS = {
    "fips": ({"use_fips_endpoint": True}, "{service}-fips.us-east-1.amazonaws.com"),
    "dual-stack": ({"use_dualstack_endpoint": True}, "{service}.us-east-1.api.aws"),
    "both": (
        {"use_fips_endpoint": True, "use_dualstack_endpoint": True},
        "{service}-fips.us-east-1.api.aws",
    ),
}


@pytest.fixture
def hosts(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The host names that calls go to."""
    called: set[str] = set()

    def note(request: Any, **_: Any) -> None:
        called.add(urlsplit(request.url).hostname or "")

    monkeypatch.setattr(handlers, "BUILTIN_HANDLERS", [("before-send", note), *handlers.BUILTIN_HANDLERS])
    return called


@pytest.mark.parametrize("kind", ENDPOINTS)
@pytest.mark.parametrize("where", ["the task", "the connection"])
def test_endpoints_of_a_kind(
    aws: AwsJobs,
    case: JobCase,
    make_task: MakeTask,
    hosts: set[str],
    monkeypatch: pytest.MonkeyPatch,
    kind: str,
    where: str,
) -> None:
    config, host = ENDPOINTS[kind]
    # moto's CloudWatch has no such hosts, so that nobody could wait.
    given: dict[str, Any] = {"wait_for_completion": False} if case.besides else {}
    if where == "the task":
        task = make_task(botocore_config=config, **given)
    else:
        extra = {"region_name": REGION, "config_kwargs": config}
        connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_OWN", json.dumps(connection))
        task = make_task(aws_conn_id="own", region_name=None, botocore_config=None, **given)
    # What the test itself has called to set things up.
    hosts.clear()
    result = task.run()
    assert [job["id"] for job in aws.jobs(case.service)] == [case.job_id(result)]
    expected = {host.format(service=each) for each in case.hosts or (case.service,)}
    # DynamoDB has an endpoint for each account, which a newer botocore takes.
    own = {host.format(service="123456789012.ddb")} if case.service == "dynamodb" else expected
    assert hosts in (expected, own)
