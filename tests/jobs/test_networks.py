# SPDX-License-Identifier: Apache-2.0

"""FIPS and dual-stack endpoints, and proxies: a job is started and watched over what is configured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import job_cases
import pytest
import requests
from botocore import handlers
from job_cases import CASES, REGION, JobCase
from one_task import OneTask

from airflow_provider_jobs.testing import AwsJobs
from airflow_provider_jobs.testing.server import AwsJobsServer

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
    if where == "the task":
        task = make_task(botocore_config=config)
    else:
        extra = {"region_name": REGION, "config_kwargs": config}
        connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
        monkeypatch.setenv("AIRFLOW_CONN_OWN", json.dumps(connection))
        task = make_task(aws_conn_id="own", region_name=None, botocore_config=None)
    # What the test itself has called to set things up.
    hosts.clear()
    result = task.run()
    assert [job["id"] for job in aws.jobs(case.service)] == [case.job_id(result)]
    assert hosts == {host.format(service=case.service)}


class Proxy(ThreadingHTTPServer):
    """A forward proxy.

    :param behind: the only server that it asks
    """

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.behind, self.operations = behind, list[str]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Forward(BaseHTTPRequestHandler):
    server: Proxy

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        self.server.operations.append(url.netloc)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with requests.Session() as session:
            # Not by way of a proxy again.
            session.trust_env = False
            headers = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            answer = session.request(
                self.command, self.server.behind + url.path, params=url.query, data=body, headers=headers
            )
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name.lower() not in ("connection", "content-length", "transfer-encoding", "server", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    do_GET = do_PUT = do_DELETE = do_POST

    def log_message(self, *_: Any) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def server() -> Iterator[AwsJobsServer]:
    with AwsJobsServer() as server:
        yield server


@pytest.fixture
def proxy(server: AwsJobsServer) -> Iterator[Proxy]:
    with Proxy(server.url) as proxy:
        thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield proxy
        proxy.shutdown()
        thread.join()


@pytest.mark.parametrize("where", ["the task", "the connection", "the environment"])
def test_proxies(
    server: AwsJobsServer,
    deferrable: bool,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
    proxied_case: JobCase,
    where: str,
) -> None:
    """The endpoint's name leads nowhere: only the proxy reaches it."""
    config: dict[str, Any] = {"proxies": {"http": proxy.url}, "retries": {"total_max_attempts": 1}}
    if where == "the environment":
        config.pop("proxies")
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        monkeypatch.setenv("http_proxy", proxy.url)
    extra: dict[str, Any] = {"region_name": REGION, "endpoint_url": "http://aws.invalid"}
    if where == "the connection":
        extra["config_kwargs"] = config
        config = {}
    connection = {"conn_type": "aws", "login": "a", "password": "b", "extra": extra}
    monkeypatch.setenv("AIRFLOW_CONN_OWN", json.dumps(connection))
    given = {"aws_conn_id": "own", "region_name": None, "botocore_config": config or None}
    result = OneTask(lambda: proxied_case.operator(deferrable=deferrable, **given)).run()
    assert [job["id"] for job in server.jobs(proxied_case.service)] == [proxied_case.job_id(result)]
    assert set(proxy.operations) == {"aws.invalid"}
    assert len(proxy.operations) > 2


@pytest.fixture(params=CASES)
def proxied_case(
    request: pytest.FixtureRequest, server: AwsJobsServer, monkeypatch: pytest.MonkeyPatch
) -> JobCase:
    """Each job type in turn, on a server."""
    server.reset()
    server.set_pace(reads=2)

    def client(service: str) -> Any:
        return job_cases.session().client(service, endpoint_url=server.url)  # type: ignore[call-overload]

    monkeypatch.setattr(job_cases, "client", client)
    case: JobCase = request.param
    case.prepare()
    return case
