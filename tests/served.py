# SPDX-License-Identifier: Apache-2.0

"""A mocked AWS that is a server, for tests of the job types."""

from __future__ import annotations

from typing import Any

import job_cases
import pytest
from job_cases import REGION

from airflow_provider_jobs.testing.server import AwsJobsServer


def use_server(server: AwsJobsServer, monkeypatch: pytest.MonkeyPatch, region: str = REGION) -> AwsJobsServer:
    """Empty a server, and let the job types set up there what they need; jobs end at their second look."""
    server.reset()
    server.set_pace(reads=2)
    for name in ("ACCESS_KEY_ID", "SECRET_ACCESS_KEY"):
        monkeypatch.setenv(f"AWS_{name}", "testing")

    def client(service: str) -> Any:
        session: Any = job_cases.session()
        return session.client(service, region, endpoint_url=server.url)

    monkeypatch.setattr(job_cases, "client", client)
    return server
