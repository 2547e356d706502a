# SPDX-License-Identifier: Apache-2.0

"""Proxies: a job is started and watched by way of the one that is configured."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from job_cases import REGION, JobCase
from one_task import OneTask
from served import use_server

from airflow_provider_jobs.testing.server import AwsJobsServer

MakeTask = Callable[..., OneTask]


class Proxy(ThreadingHTTPServer):
    """A forward proxy.

    :param behind: the only server that it asks
    :ivar hosts: of the addresses that it was given, one for each call
    """

    def __init__(self, behind: str) -> None:
        super().__init__(("127.0.0.1", 0), _Forward)
        self.behind, self.hosts = behind, list[str]()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Forward(BaseHTTPRequestHandler):
    server: Proxy

    def do_POST(self) -> None:
        url = urlsplit(self.path)
        self.server.hosts.append(url.netloc)
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


@pytest.fixture
def aws(server: AwsJobsServer, monkeypatch: pytest.MonkeyPatch) -> AwsJobsServer:
    """An AWS that only a proxy reaches."""
    return use_server(server, monkeypatch)


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
    aws: AwsJobsServer,
    case: JobCase,
    make_task: MakeTask,
    proxy: Proxy,
    monkeypatch: pytest.MonkeyPatch,
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
    result = make_task(**given).run()
    assert [job["id"] for job in aws.jobs(case.service)] == [case.job_id(result)]
    assert set(proxy.hosts) == {"aws.invalid"}
    assert len(proxy.hosts) > 2
